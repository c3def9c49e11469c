// jwt.c — JSON Web Tokens (RFC 7519) with the cautions of RFC 8725: one algorithm, pinned; every claim checked here.
#include "auth/jwt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <openssl/crypto.h>

#include "auth/base64.h"
#include "auth/hmac.h"

// {"alg":"HS256","typ":"JWT"}: ours, and what most others write too
static const char usual_header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

enum { SIGNATURE_TEXT_BYTES = 43, CLAIMS_BYTES_MAX = JWT_BYTES_MAX * 3 / 4 };

const char *jwt_key_problem(str secret) {
    if (secret.len < JWT_SECRET_BYTES_MIN)
        return "it must have at least 32 characters: openssl rand -hex 32 makes one";
    if (memmem(secret.ptr, secret.len, "-----BEGIN", 10))
        return "it is a PEM key, which others may know; HS256 needs a secret: openssl rand -hex 32 makes one";
    for (size_t i = 1; i < secret.len; i++)
        if (secret.ptr[i] != secret.ptr[0])
            return NULL;
    return "it is one character over and over: openssl rand -hex 32 makes a secret";
}

// ---- making

// The claims into `out`; their bytes, or 0.
static size_t write_claims(char *out, size_t room, str subject, int64_t now_s, int64_t exp_s) {
    json_t *claims = json_pack("{s:s%, s:I, s:I}", "sub", subject.ptr, subject.len, "iat", (json_int_t)now_s, "exp", (json_int_t)exp_s);
    size_t bytes = claims ? json_dumpb(claims, out, room, JSON_COMPACT) : 0;
    json_decref(claims);
    return bytes <= room ? bytes : 0;
}

str jwt_make(const struct jwt_key *key, str subject, int64_t now_s, int64_t ttl_s, struct arena *arena) {
    char claims[CLAIMS_BYTES_MAX];
    int64_t exp_s;
    if (__builtin_add_overflow(now_s, ttl_s, &exp_s) || key->secret.len < JWT_SECRET_BYTES_MIN || memchr(subject.ptr, '\0', subject.len))
        return (str){0};
    size_t bytes = write_claims(claims, sizeof claims, subject, now_s, exp_s);
    size_t signed_bytes = sizeof usual_header - 1 + 1 + base64_text_bytes(bytes);
    char *token = bytes && signed_bytes + 1 + SIGNATURE_TEXT_BYTES <= JWT_BYTES_MAX
                      ? arena_raw(arena, signed_bytes + 1 + SIGNATURE_TEXT_BYTES)
                      : NULL;
    unsigned char mac[HMAC_BYTES];
    if (!token)
        return (str){0};
    char *end = mempcpy(token, usual_header, sizeof usual_header - 1);
    *end++ = '.';
    end = base64_write(end, (str){claims, bytes}, base64_url);
    if (hmac_sha256(key->secret, (str){token, signed_bytes}, mac) != 0)
        return (str){0};
    *end++ = '.';
    end = base64_write(end, (str){(const char *)mac, sizeof mac}, base64_url);
    return (str){token, (size_t)(end - token)};
}

// ---- reading

struct parts {
    str header, claims, signature, what_is_signed;
};

static bool take_apart(str token, struct parts *parts) {
    const char *first = memchr(token.ptr, '.', token.len), *end = token.ptr + token.len;
    const char *second = first ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
        return false;
    *parts = (struct parts){.header = {token.ptr, (size_t)(first - token.ptr)},
                            .claims = {first + 1, (size_t)(second - first - 1)},
                            .signature = {second + 1, (size_t)(end - second - 1)},
                            .what_is_signed = {token.ptr, (size_t)(second - token.ptr)}};
    return true;
}

static bool is_signed_by(const struct jwt_key *key, const struct parts *parts) {
    unsigned char given[HMAC_BYTES + 1], wanted[HMAC_BYTES];
    if (parts->signature.len != SIGNATURE_TEXT_BYTES || base64_read(given, parts->signature, base64_url) != HMAC_BYTES)
        return false;
    return hmac_sha256(key->secret, parts->what_is_signed, wanted) == 0 && CRYPTO_memcmp(given, wanted, HMAC_BYTES) == 0;
}

// jansson recurses, and a coroutine's stack is small. Brackets inside strings count too: simpler, and nobody's claims hold that many.
static bool is_shallow(const char *json, size_t bytes) {
    unsigned depth = 0;
    for (size_t i = 0; i < bytes; i++) {
        depth += json[i] == '{' || json[i] == '[';
        depth -= depth && (json[i] == '}' || json[i] == ']');
        if (depth > JWT_DEPTH_MAX)
            return false;
    }
    return true;
}

// An object of the caller's, or NULL. No member twice.
static json_t *read_object(str text) {
    unsigned char json[CLAIMS_BYTES_MAX];
    ssize_t bytes = base64_read(json, text, base64_url);
    if (bytes <= 0 || !is_shallow((const char *)json, (size_t)bytes))
        return NULL;
    json_t *object = json_loadb((const char *)json, (size_t)bytes, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return NULL;
}

static bool is_header_of_ours(str text) {
    if (text.len == sizeof usual_header - 1 && memcmp(text.ptr, usual_header, text.len) == 0)
        return true;
    json_t *header = read_object(text);
    const json_t *alg = json_object_get(header, "alg"), *typ = json_object_get(header, "typ");
    bool is_ours = json_is_string(alg) && strcmp(json_string_value(alg), "HS256") == 0 &&
                   (!typ || (json_is_string(typ) && strcasecmp(json_string_value(typ), "JWT") == 0)) && !json_object_get(header, "crit");
    json_decref(header);
    return is_ours;
}

// An integer that may be absent; false for anything else.
static bool read_time(const json_t *claims, const char *name, int64_t otherwise, int64_t *ret_s) {
    const json_t *value = json_object_get(claims, name);
    if (value && !json_is_integer(value))
        return false;
    *ret_s = value ? json_integer_value(value) : otherwise;
    return true;
}

static enum jwt_verdict judge_times(const json_t *claims, int64_t now_s) {
    int64_t exp_s, nbf_s, iat_s;
    if (!json_object_get(claims, "exp") || !read_time(claims, "exp", 0, &exp_s) || !read_time(claims, "nbf", now_s, &nbf_s) ||
        !read_time(claims, "iat", now_s, &iat_s))
        return JWT_BAD_CLAIM;
    if (now_s >= exp_s)
        return JWT_EXPIRED;
    return now_s < nbf_s || iat_s > now_s + JWT_IAT_LEEWAY_S ? JWT_NOT_YET : JWT_GOOD;
}

static enum jwt_verdict judge(const json_t *claims, int64_t now_s, struct arena *arena, str *ret_subject) {
    const json_t *subject = json_object_get(claims, "sub");
    if (!json_is_string(subject) || json_object_get(claims, "aud"))
        return JWT_BAD_CLAIM;
    enum jwt_verdict verdict = judge_times(claims, now_s);
    if (verdict != JWT_GOOD)
        return verdict;
    str copy = arena_copy(arena, (str){json_string_value(subject), json_string_length(subject)});
    if (!copy.ptr)
        return JWT_MALFORMED;
    *ret_subject = copy;
    return JWT_GOOD;
}

enum jwt_verdict jwt_read(const struct jwt_key *key, str token, int64_t now_s, struct arena *arena, str *ret_subject) {
    struct parts parts;
    if (!token.ptr || token.len > JWT_BYTES_MAX || !take_apart(token, &parts))
        return JWT_MALFORMED;
    if (key->secret.len < JWT_SECRET_BYTES_MIN || !is_signed_by(key, &parts))
        return JWT_BAD_SIGNATURE;
    if (!is_header_of_ours(parts.header))
        return JWT_MALFORMED;
    json_t *claims = read_object(parts.claims);
    if (!claims)
        return JWT_MALFORMED;
    enum jwt_verdict verdict = judge(claims, now_s, arena, ret_subject);
    json_decref(claims);
    return verdict;
}
