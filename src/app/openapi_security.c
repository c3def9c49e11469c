// openapi_security.c — who may call what, as the document has it.
//
// A provider that names a scheme is what a client has to satisfy. leat's own bearer_token is FastAPI's OAuth2PasswordBearer; of any other
// the parameters say what it is: one that reads a header, a cookie or the query is a key there, one that reads none a bearer token.
#include "openapi_security.h"

#include <string.h>

#include "base/str.h"
#include "schema/model.h"

static const char password_bearer[] = "OAuth2PasswordBearer";
static const char *const places[] = {[STEP_QUERY] = "query", [STEP_HEADER] = "header", [STEP_COOKIE] = "cookie"};

static const char *scheme_of(const struct step *step) {
    return step->kind == STEP_CALL ? step->provider->security : NULL;
}

static bool is_named_before(const struct endpoint *endpoint, unsigned index) {
    for (unsigned i = 0; i < index; i++)
        if (scheme_of(&endpoint->steps[i]) && strcmp(scheme_of(&endpoint->steps[i]), scheme_of(&endpoint->steps[index])) == 0)
            return true;
    return false;
}

static bool names_any(const struct endpoint *endpoint) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (scheme_of(&endpoint->steps[i]))
            return true;
    return false;
}

void security_write(leat_json *writer, const struct endpoint *endpoint) {
    if (!names_any(endpoint))
        return json_pair_raw(writer, "security", "[]"); // said, so that nobody wonders whether it was forgotten
    json_key(writer, "security");
    json_list_open(writer);
    leat_put_open(writer); // all in one object: every one of them is wanted
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (scheme_of(&endpoint->steps[i]) && !is_named_before(endpoint, i))
            json_pair_raw(writer, scheme_of(&endpoint->steps[i]), "[]");
    leat_put_close(writer);
    json_list_close(writer);
}

static bool is_place_of_keys(const struct step *step) {
    return step->kind == STEP_QUERY || step->kind == STEP_HEADER || step->kind == STEP_COOKIE;
}

// What the provider reads the key from, NULL: no parameter of its own.
static const struct step *key_of(const struct endpoint *endpoint, const struct step *call) {
    for (unsigned i = 0; i < endpoint->step_count; i++)
        if (endpoint->steps[i].unit == call->unit && is_place_of_keys(&endpoint->steps[i]))
            return &endpoint->steps[i];
    return NULL;
}

static void put_scheme(leat_json *writer, const struct endpoint *endpoint, const struct step *call) {
    const struct step *key = key_of(endpoint, call);
    if (!key)
        return json_pair_raw(writer, scheme_of(call), "{\"type\":\"http\",\"scheme\":\"bearer\"}");
    json_key(writer, scheme_of(call));
    leat_put_open(writer);
    json_pair(writer, "type", "apiKey");
    json_pair(writer, "in", places[key->kind]);
    json_key(writer, "name");
    json_write_string(writer, parameter_name(key->parameter));
    leat_put_close(writer);
}

static void put_password_bearer(leat_json *writer, const char *token_url) {
    if (!token_url)
        return json_pair_raw(writer, password_bearer, "{\"type\":\"http\",\"scheme\":\"bearer\"}");
    json_pair_raw(writer, password_bearer, "{\"type\":\"oauth2\",\"flows\":{\"password\":{\"scopes\":{},\"tokenUrl\":");
    json_write_string(writer, str_of(token_url));
    json_tail(writer, "}}}");
}

static bool is_told(const struct snapshot *snapshot, size_t count, unsigned step_count, const char *scheme) {
    if (strcmp(scheme, password_bearer) == 0)
        return true;
    for (size_t i = 0; i <= count; i++) {
        const struct endpoint *endpoint = &snapshot->endpoints[i];
        for (unsigned k = 0; !endpoint->route->hidden && k < (i < count ? endpoint->step_count : step_count); k++)
            if (scheme_of(&endpoint->steps[k]) && strcmp(scheme_of(&endpoint->steps[k]), scheme) == 0)
                return true;
    }
    return false;
}

void security_schemes_write(leat_json *writer, const struct snapshot *snapshot, const char *token_url) {
    json_key(writer, "securitySchemes");
    leat_put_open(writer);
    put_password_bearer(writer, token_url);
    for (size_t i = 0; i < snapshot->endpoint_count; i++) {
        const struct endpoint *endpoint = &snapshot->endpoints[i];
        for (unsigned k = 0; !endpoint->route->hidden && k < endpoint->step_count; k++) {
            const char *scheme = scheme_of(&endpoint->steps[k]);
            if (scheme && !is_told(snapshot, i, k, scheme))
                put_scheme(writer, endpoint, &endpoint->steps[k]);
        }
    }
    leat_put_close(writer);
}
