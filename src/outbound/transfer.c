// transfer.c — one call as libcurl sees it: what it is told, what it tells, and what it may not do.
#include "outbound/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/str.h"

enum { BODY_BYTES_FIRST = 4096, PORT_BYTES_MAX = 8 };

// What is wrong is told to libcurl as "end it"; what it was is kept here.
static int give_up(struct outbound_call *call, int error, const char *problem) {
    call->abort_error = error;
    call->abort_problem = problem;
    return 0;
}

// ---- the URL

static int refuse_url(struct outbound_call *call, int error, const char *problem) {
    call->problem = problem;
    return error;
}

static const char *not_public(const struct outbound_call *call) {
    return call->is_untrusted ? "its address is no public one" : "its address is no public one, and OUTBOUND_ALLOW does not name it";
}

// libcurl's own reading: what it would connect to is what is judged here (curl_url_set(3)).
static int read_url(struct outbound_call *call, const char *url, char *ret_key) {
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    int error = -ENOMEM;
    if (!parts)
        return refuse_url(call, error, "no memory");
    if (curl_url_set(parts, CURLUPART_URL, url, 0) || curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) || curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
        error = refuse_url(call, -EINVAL, "the URL is none");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        error = refuse_url(call, -EINVAL, "the URL is neither http nor https");
    else if (strlen(host) + PORT_BYTES_MAX > OUTBOUND_HOST_BYTES_MAX)
        error = refuse_url(call, -EINVAL, "the URL's host is too long");
    else {
        size_t bytes = strlen(host);
        memcpy(call->host, host, bytes);
        call->host_bytes = bytes;
        snprintf(call->host + bytes, sizeof call->host - bytes, ":%s", port);
        snprintf(ret_key, OUTBOUND_HOST_BYTES_MAX + 16, "%s://%s", scheme, call->host);
        error = 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return error;
}

int transfer_judge_url(struct outbound_call *call, char *ret_key) {
    call->host[0] = '\0';
    if (call->url.len > OUTBOUND_URL_BYTES_MAX)
        return refuse_url(call, -EINVAL, "the URL is too long");
    for (size_t i = 0; i < call->url.len; i++)
        if ((unsigned char)call->url.ptr[i] <= ' ' || call->url.ptr[i] == 0x7f)
            return refuse_url(call, -EINVAL, "the URL holds blanks or control characters");
    char *url = arena_raw(call->arena, call->url.len + 1);
    if (!url)
        return refuse_url(call, -ENOMEM, "no memory");
    *(char *)mempcpy(url, call->url.ptr, call->url.len) = '\0';
    call->url.ptr = url;
    return read_url(call, url, ret_key);
}

// ---- whom it may reach

static str host_name(const struct outbound_call *call) {
    str host = {call->host, call->host_bytes};
    if (host.len > 2 && host.ptr[0] == '[')
        host = (str){host.ptr + 1, host.len - 2};
    return host;
}

static bool is_good_address(const struct outbound_call *call, const struct sockaddr *address) {
    return call->is_untrusted ? peer_is_public(address) : peer_is_allowed(&call->outbound->options->allow, host_name(call), address);
}

static bool may_reach(const struct outbound_call *call, const struct sockaddr *address) {
    return call->outbound->options->proxy || is_good_address(call, address); // a proxy's address is the operator's choice
}

static bool is_good_text(const struct outbound_call *call, const char *text, bool otherwise) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return is_good_address(call, (const struct sockaddr *)&v4);
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        return is_good_address(call, (const struct sockaddr *)&v6);
    return otherwise;
}

bool transfer_has_address(const struct outbound_call *call) {
    unsigned char address[16];
    char text[OUTBOUND_HOST_BYTES_MAX] = "";
    str host = host_name(call);
    memcpy(text, host.ptr, host.len);
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

// Names are the proxy's to look up and judge; an address in the URL is seen from here.
static bool may_ask_proxy(const struct outbound_call *call) {
    char text[OUTBOUND_HOST_BYTES_MAX] = "";
    str host = host_name(call);
    memcpy(text, host.ptr, host.len);
    return is_good_text(call, text, true);
}

// CURLOPT_OPENSOCKETFUNCTION(3): the address that is about to be connected to. Another of the same name may still do.
static curl_socket_t on_open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
    struct outbound_call *call = user;
    if (purpose != CURLSOCKTYPE_IPCXN || !may_reach(call, &address->addr)) {
        call->is_refused = true;
        return CURL_SOCKET_BAD;
    }
    call->outbound->figures.connection_count++;
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

// CURLOPT_PREREQFUNCTION(3): the connection that the request is about to be sent on, which another call may have opened.
static int on_request(void *user, char *peer, char *local, int peer_port, int local_port) {
    (void)local, (void)peer_port, (void)local_port;
    struct outbound_call *call = user;
    if (call->outbound->options->proxy || is_good_text(call, peer, false))
        return CURL_PREREQFUNC_OK;
    call->is_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

// ---- the answer

static void forget_answer(struct outbound_call *call) {
    call->answer_fields = NULL;
    call->fields_last = &call->answer_fields;
    call->body_read = (str){0};
    call->body_capacity = call->body_expected = 0;
    call->is_in_body = false;
}

static str trimmed(str s) {
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
        s.ptr++, s.len--;
    while (s.len && strchr(" \t\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool is_name(str name, const char *text) {
    return name.len == strlen(text) && strncasecmp(name.ptr, text, name.len) == 0;
}

// How long the body will be, so that its memory is taken once.
static bool note_length(struct outbound_call *call, str value) {
    char text[24] = "";
    memcpy(text, value.ptr, value.len < sizeof text - 1 ? value.len : sizeof text - 1);
    unsigned long long bytes = strtoull(text, NULL, 10);
    if (bytes > call->answer_bytes_max)
        return false;
    call->body_expected = (size_t)bytes;
    return true;
}

static bool add_field(struct outbound_call *call, str name, str value) {
    struct outbound_field *field = arena_alloc(call->arena, sizeof *field);
    if (!field)
        return false;
    *field = (struct outbound_field){.name = arena_copy(call->arena, name), .value = arena_copy(call->arena, value)};
    if (!field->name.ptr || (value.len && !field->value.ptr))
        return false;
    *call->fields_last = field;
    call->fields_last = &field->next;
    return true;
}

// CURLOPT_HEADERFUNCTION(3): a line at a time. A status line begins anew what a 1xx has begun; behind the body come trailers.
// All of it counts: a server may send interim answers without end.
static size_t on_head_line(char *data, size_t one, size_t bytes, void *user) {
    (void)one;
    struct outbound_call *call = user;
    str line = {data, bytes};
    if (!call->is_in_body && bytes >= 5 && memcmp(data, "HTTP/", 5) == 0)
        forget_answer(call);
    call->head_bytes += bytes;
    if (call->head_bytes > OUTBOUND_HEAD_BYTES_MAX)
        return (size_t)give_up(call, -EMSGSIZE, "the head of its answer is too long");
    const char *colon = memchr(data, ':', bytes);
    if (call->is_in_body || !colon)
        return bytes;
    str name = {data, (size_t)(colon - data)}, value = trimmed((str){colon + 1, line.len - name.len - 1});
    bool has_body = strcmp(call->method, "HEAD") != 0;
    if (has_body && is_name(name, "Content-Length") && !note_length(call, value))
        return (size_t)give_up(call, -EMSGSIZE, "its answer is too long");
    return add_field(call, name, value) ? bytes : (size_t)give_up(call, -ENOMEM, "no memory");
}

static bool make_room(struct outbound_call *call, size_t bytes) {
    size_t wanted = call->body_read.len + bytes, twice = 2 * call->body_capacity;
    size_t least = call->body_expected > BODY_BYTES_FIRST ? call->body_expected : BODY_BYTES_FIRST;
    size_t capacity = wanted > twice ? wanted : twice;
    capacity = capacity > least ? capacity : least;
    char *room = arena_raw(call->arena, capacity);
    if (!room)
        return false;
    if (call->body_read.len)
        memcpy(room, call->body_read.ptr, call->body_read.len);
    call->body_read.ptr = room;
    call->body_capacity = capacity;
    return true;
}

// CURLOPT_WRITEFUNCTION(3): decompressed, so that it is what a bomb becomes that is counted.
static size_t on_body(char *data, size_t one, size_t bytes, void *user) {
    (void)one;
    struct outbound_call *call = user;
    call->is_in_body = true;
    if (bytes > call->answer_bytes_max - call->body_read.len)
        return (size_t)give_up(call, -EMSGSIZE, "its answer is too long");
    if (bytes > call->body_capacity - call->body_read.len && !make_room(call, bytes))
        return (size_t)give_up(call, -ENOMEM, "no memory");
    memcpy((char *)call->body_read.ptr + call->body_read.len, data, bytes);
    call->body_read.len += bytes;
    return bytes;
}

// ---- begun

// libcurl's list of lines, made in the call's own memory: it is only read.
static bool add_line(struct outbound_call *call, struct curl_slist **last, str name, str value) {
    struct curl_slist *node = arena_alloc(call->arena, sizeof *node);
    char *line = arena_raw(call->arena, name.len + value.len + 3);
    if (!node || !line)
        return false;
    char *at = mempcpy(line, name.ptr, name.len);
    at = value.len ? mempcpy(at, ": ", 2) : mempcpy(at, ";", 1); // an empty value is told by a semicolon
    *(char *)mempcpy(at, value.ptr, value.len) = '\0';
    node->data = line;
    last[0]->next = node;
    *last = node;
    return true;
}

// Its own `Expect: 100-continue` costs a second where the other side knows none; a body without a type is no form.
static bool make_lines(struct outbound_call *call) {
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    struct curl_slist head = {.next = NULL}, *last = &head;
    bool has_type = false, is_good = true;
    for (const struct outbound_field *field = call->fields; field && is_good; field = field->next) {
        has_type |= is_name(field->name, "Content-Type");
        is_good = add_line(call, &last, field->name, field->value);
    }
    struct curl_slist *more = is_good ? arena_alloc(call->arena, 2 * sizeof *more) : NULL;
    if (!more)
        return false;
    more[0] = (struct curl_slist){.data = no_expect, .next = has_type ? NULL : &more[1]};
    more[1] = (struct curl_slist){.data = no_type, .next = NULL};
    last->next = more;
    call->lines = head.next;
    return true;
}

static void tell_limits(const struct outbound_call *call, CURL *easy) {
    const struct outbound_options *options = call->outbound->options;
    int64_t left_ms = call->due_ms - core_now_ms(call->outbound->core);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(left_ms < options->connect_ms ? (left_ms > 0 ? left_ms : 1) : options->connect_ms));
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)!options->idle_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(options->idle_ms + 999) / 1000);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); // never waits for the thread of a lookup that is given up
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy ? options->proxy : ""); // "": not even the environment's
}

// Without a folder of certificates libcurl keeps what it has read of the file for a day, instead of reading it for each connection.
static void tell_trust(const struct outbound_options *options, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (options->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
}

static void tell_callbacks(struct outbound_call *call, CURL *easy) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

// A method that is about a body says that it is empty (RFC 9110, section 8.6).
static bool has_length(const struct outbound_call *call) {
    return call->body.ptr || strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0 || strcmp(call->method, "PATCH") == 0;
}

static bool tell_request(struct outbound_call *call, CURL *easy) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, call->url.ptr);
    if (has_length(call)) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.ptr ? call->body.ptr : "");
    } else if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    if (!code)
        code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->lines);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); // all that it can undo
    return !code;
}

static CURL *take_easy(struct outbound *outbound) {
    if (!outbound->spare_count)
        return curl_easy_init();
    CURL *easy = outbound->spare[--outbound->spare_count];
    curl_easy_reset(easy);
    return easy;
}

static void give_back_easy(struct outbound *outbound, CURL *easy) {
    if (outbound->spare_count < SPARE_MAX)
        outbound->spare[outbound->spare_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

int transfer_begin(struct outbound_call *call) {
    struct outbound *outbound = call->outbound;
    if (outbound->options->proxy && !may_ask_proxy(call))
        return refuse_url(call, -EACCES, not_public(call));
    int error = outbound->multi ? 0 : sockets_open(outbound);
    CURL *easy = error ? NULL : take_easy(outbound);
    if (!easy)
        return refuse_url(call, -ENOMEM, "no memory");
    forget_answer(call);
    call->head_bytes = 0;
    call->is_refused = false;
    call->abort_error = 0;
    tell_limits(call, easy);
    tell_trust(outbound->options, easy);
    tell_callbacks(call, easy);
    if (!make_lines(call) || !tell_request(call, easy) || curl_multi_add_handle(outbound->multi, easy)) {
        give_back_easy(outbound, easy);
        return refuse_url(call, -ENOMEM, "no memory");
    }
    call->easy = easy;
    return 0;
}

void transfer_end(struct outbound_call *call) {
    if (!call->easy)
        return;
    CURL *easy = call->easy;
    call->easy = NULL;
    curl_multi_remove_handle(call->outbound->multi, easy);
    give_back_easy(call->outbound, easy);
}

bool transfer_is_looking_up(const struct outbound_call *call) {
    curl_off_t us = 0;
    char *address = NULL;
    if (!call->easy)
        return false;
    curl_easy_getinfo(call->easy, CURLINFO_NAMELOOKUP_TIME_T, &us);
    curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &address);
    return us == 0 && !(address && *address);
}

// ---- ended

static const struct {
    CURLcode code;
    int error;
    const char *problem;
} failures[] = {
    {CURLE_URL_MALFORMAT, -EINVAL, "the URL is none"},
    {CURLE_UNSUPPORTED_PROTOCOL, -EPROTO, "its answer is no HTTP"}, // the URL's own was judged before
    {CURLE_COULDNT_RESOLVE_HOST, -ENOENT, "there is no such host"},
    {CURLE_COULDNT_RESOLVE_PROXY, -ENOENT, "there is no such proxy"},
    {CURLE_COULDNT_CONNECT, -ECONNREFUSED, "nobody answers there"},
    {CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, "no connection in time"},
    {CURLE_SSL_CONNECT_ERROR, -EKEYREJECTED, "TLS failed"},
    {CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED, "its certificate is not to be trusted"},
    {CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, "the certificates of OUTBOUND_CA_FILE cannot be read"},
    {CURLE_SSL_CIPHER, -EKEYREJECTED, "TLS failed"},
    {CURLE_GOT_NOTHING, -ECONNRESET, "it went away without an answer"},
    {CURLE_SEND_ERROR, -ECONNRESET, "it went away"},
    {CURLE_RECV_ERROR, -ECONNRESET, "it went away"},
    {CURLE_PARTIAL_FILE, -ECONNRESET, "it went away amid its answer"},
    {CURLE_BAD_CONTENT_ENCODING, -EPROTO, "its answer is badly compressed"},
    {CURLE_WEIRD_SERVER_REPLY, -EPROTO, "its answer is no HTTP"},
    {CURLE_OUT_OF_MEMORY, -ENOMEM, "no memory"},
};

static void take_failure(struct outbound_call *call, CURLcode code) {
    call->error = -EPROTO;
    call->problem = "its answer is no good HTTP";
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].code == code) {
            call->error = failures[i].error;
            call->problem = failures[i].problem;
        }
    if (call->abort_error) {
        call->error = call->abort_error;
        call->problem = call->abort_problem;
    } else if (call->is_refused && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
        call->error = -EACCES;
        call->problem = not_public(call);
    }
}

static bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool fail_redirect(struct outbound_call *call, int error, const char *problem) {
    call->error = error;
    call->problem = problem;
    return false;
}

// What the answer says to do next. To another host and port nothing goes along that was meant for this one.
static bool follow(struct outbound_call *call, const char *location) {
    char before[OUTBOUND_HOST_BYTES_MAX + 16], after[OUTBOUND_HOST_BYTES_MAX + 16];
    snprintf(before, sizeof before, "%s", call->place->key);
    call->url = arena_copy(call->arena, str_of(location));
    int error = call->url.ptr ? transfer_judge_url(call, after) : -ENOMEM;
    if (error)
        return fail_redirect(call, error == -EINVAL ? -EPROTO : error, "it leads to what is no URL of http or https");
    bool changes_method = call->status == 303 || (call->status < 303 && strcmp(call->method, "POST") == 0);
    bool is_elsewhere = strcmp(before, after) != 0;
    if (is_elsewhere && strncmp(before, "https:", 6) == 0 && strncmp(after, "https:", 6) != 0)
        return fail_redirect(call, -EACCES, "it leads from https to http");
    if (is_elsewhere && call->body.ptr && !changes_method)
        return fail_redirect(call, -EACCES, "it leads elsewhere with the body");
    if (changes_method && strcmp(call->method, "HEAD") != 0)
        call->method = "GET";
    if (changes_method)
        call->body = (str){0};
    if (is_elsewhere)
        call->fields = NULL;
    call->redirects_left--;
    return true;
}

bool transfer_take(struct outbound_call *call, CURLcode code) {
    long status = 0;
    char *location = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
    call->status = (unsigned)status;
    if (code) {
        take_failure(call, code);
        return false;
    }
    bool leads_on = location && is_redirect(call->status);
    if (leads_on && call->redirects_left)
        return follow(call, location);
    return false;
}
