// call.c — leat call: one request, answered in this process by the plugins as a server would load them.
//
// The plugins, a core and a listener of the kernel's choosing on the loopback interface, for as long as it takes: so the request goes
// through the parser, the guards and the handler as any other, and no server has to run.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "cli/workspace.h"

enum { ANSWER_BYTES_MAX = 256 << 20, PATIENCE_S = 120, DRAIN_MS = 1000, STATUS_ERROR = 400, EXIT_ERROR_STATUS = 3 };

struct call {
    const struct invocation *invocation;
    const char *method, *path;
    bool shows_head;
};

// ---- asked

static str flag_of(const struct call *call, const char *name) {
    return environment_value(call->invocation->environment, name);
}

static bool has_header(str headers, const char *name) {
    size_t bytes = strlen(name);
    while (headers.len) {
        const char *end = memchr(headers.ptr, '\n', headers.len);
        size_t line = end ? (size_t)(end - headers.ptr) : headers.len;
        if (line > bytes && !strncasecmp(headers.ptr, name, bytes) && headers.ptr[bytes] == ':')
            return true;
        size_t taken = line + (end ? 1 : 0);
        headers = (str){headers.ptr + taken, headers.len - taken};
    }
    return false;
}

static void put_format(struct buffer *out, struct arena *arena, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put_format(struct buffer *out, struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(arena, format, args);
    va_end(args);
    buffer_append(out, text.ptr ? text.ptr : "", text.len);
}

static void put_headers(struct buffer *out, str headers) {
    while (headers.len) {
        const char *end = memchr(headers.ptr, '\n', headers.len);
        size_t line = end ? (size_t)(end - headers.ptr) : headers.len;
        buffer_append(out, headers.ptr, line);
        buffer_append(out, "\r\n", 2);
        size_t taken = line + (end ? 1 : 0);
        headers = (str){headers.ptr + taken, headers.len - taken};
    }
}

static bool looks_like_json(str body) {
    size_t blanks = strspn(body.ptr, " \t\r\n");
    return blanks < body.len && strchr("{[\"", body.ptr[blanks]);
}

static void put_request(struct buffer *out, const struct call *call, str body) {
    struct arena *arena = call->invocation->arena;
    str headers = flag_of(call, "--header");
    put_format(out, arena, "%s %s HTTP/1.1\r\n%sConnection: close\r\n", call->method, call->path,
               has_header(headers, "Host") ? "" : "Host: leat\r\n");
    if (body.ptr && !has_header(headers, "Content-Type"))
        put_format(out, arena, "Content-Type: %s\r\n", looks_like_json(body) ? "application/json" : "application/x-www-form-urlencoded");
    if (body.ptr && !has_header(headers, "Content-Length"))
        put_format(out, arena, "Content-Length: %zu\r\n", body.len);
    put_headers(out, headers);
    buffer_append(out, "\r\n", 2);
    if (body.ptr)
        buffer_append(out, body.ptr, body.len);
}

static bool read_all(FILE *file, struct buffer *out) {
    for (size_t got = 1; file && got;) {
        char *room = buffer_bytes(out) < ANSWER_BYTES_MAX ? buffer_reserve(out, 65536) : NULL;
        got = room ? fread(room, 1, 65536, file) : 0;
        buffer_commit(out, got);
    }
    return file && !ferror(file);
}

// --data TEXT, @FILE, or @- for standard input. False: it was said why not.
static bool find_body(const struct call *call, str *ret_body) {
    str data = flag_of(call, "--data");
    *ret_body = data;
    if (!data.ptr || data.ptr[0] != '@')
        return true;
    const char *name = arena_format(call->invocation->arena, "%.*s", (int)data.len - 1, data.ptr + 1).ptr;
    FILE *file = name && strcmp(name, "-") != 0 ? fopen(name, "re") : stdin;
    struct buffer buffer = {0};
    bool is_read = read_all(file, &buffer);
    if (!is_read)
        fprintf(stderr, "leat: error: %s cannot be read: %s\n", name, strerror(errno));
    else
        *ret_body = arena_copy(call->invocation->arena, (str){buffer_bytes(&buffer) ? buffer_head(&buffer) : "", buffer_bytes(&buffer)});
    buffer_finish(&buffer);
    if (file && file != stdin)
        fclose(file);
    return is_read;
}

// ---- answered

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void exchange(int fd, struct buffer *out, struct buffer *in) {
    while (buffer_bytes(out)) {
        ssize_t sent = send(fd, buffer_head(out), buffer_bytes(out), MSG_NOSIGNAL);
        if (sent <= 0)
            break; // it may have answered before it was told all
        buffer_consume(out, (size_t)sent);
    }
    for (ssize_t got = 1; got > 0 && buffer_bytes(in) < ANSWER_BYTES_MAX;) {
        char *room = buffer_reserve(in, 65536);
        got = room ? recv(fd, room, 65536, 0) : -1;
        buffer_commit(in, got > 0 ? (size_t)got : 0);
    }
}

static void print_chunks(const char *at, const char *end) {
    while (at < end) {
        char *line_end;
        size_t bytes = strtoul(at, &line_end, 16);
        const char *data = memchr(line_end, '\n', (size_t)(end - line_end));
        if (!bytes || !data || (size_t)(end - ++data) < bytes)
            return;
        fwrite(data, 1, bytes, stdout);
        at = data + bytes + 2;
    }
}

// The head's end; interim answers (103) are passed over. NULL where no whole head came.
static const char *find_body_of(const char **at, const char *end) {
    for (;;) {
        const char *empty = memmem(*at, (size_t)(end - *at), "\r\n\r\n", 4);
        if (!empty || end - *at < 12 || strncmp(*at, "HTTP/1.1 ", 9) != 0)
            return NULL;
        if ((*at)[9] != '1')
            return empty + 4;
        *at = empty + 4;
    }
}

static int print_answer(const struct call *call, const struct buffer *in) {
    const char *at = buffer_bytes(in) ? buffer_head(in) : "", *end = at + buffer_bytes(in), *body = find_body_of(&at, end);
    if (!body) {
        fputs("leat: error: no answer came; the lines above may say why\n", stderr);
        return 1;
    }
    str head = {at, (size_t)(body - at)};
    long status = strtol(at + 9, NULL, 10);
    if (call->shows_head)
        fwrite(head.ptr, 1, head.len, stdout);
    else if (status >= STATUS_ERROR)
        fprintf(stderr, "%.*s\n", (int)strcspn(at, "\r"), at);
    if (memmem(head.ptr, head.len, "\r\nTransfer-Encoding: chunked", 28))
        print_chunks(body, end);
    else
        fwrite(body, 1, (size_t)(end - body), stdout);
    if (isatty(STDOUT_FILENO) && end > body && end[-1] != '\n')
        putchar('\n');
    return fflush(stdout) != 0 ? 1 : status >= STATUS_ERROR ? EXIT_ERROR_STATUS : 0;
}

static int ask_server(const struct call *call, struct server *server, str body) {
    struct buffer out = {0}, in = {0};
    int fd = connect_to(server_port(server)), code = 1;
    put_request(&out, call, body);
    if (fd >= 0) {
        exchange(fd, &out, &in);
        close(fd);
        code = print_answer(call, &in);
    } else
        perror("leat: error: no connection to the listener of this process");
    buffer_finish(&out);
    buffer_finish(&in);
    return code;
}

// ---- a server for it

static int serve_and_ask(const struct call *call, struct workspace *workspace, str body) {
    struct server_options options = workspace->config.server;
    struct server *server;
    str failure;
    options.app = &workspace->config.app;
    options.host = "127.0.0.1";
    options.port = 0;
    options.worker_count = 1;
    options.pinned = false;
    options.drain_ms = DRAIN_MS;
    if (plugin_set_start(workspace->plugins, &workspace->messages) < 0) {
        workspace_refuse(workspace);
        return 1;
    }
    if (server_start(&options, workspace->plugins, workspace->arena, &server, &failure) < 0) {
        fprintf(stderr, "leat: error: %.*s\n", (int)failure.len, failure.ptr);
        return 1;
    }
    int code = ask_server(call, server, body);
    unsigned cut_count;
    fflush(stdout);
    if (!server_stop(server, &cut_count))
        _exit(code ? code : 1); // its threads still use the plugins
    return code;
}

static int run_call(const struct call *call) {
    struct workspace workspace;
    str body;
    if (!find_body(call, &body))
        return 1;
    int code = 1;
    if (workspace_open(&workspace, call->invocation, 0) && workspace_compile(&workspace) && workspace_start_database(&workspace)) {
        workspace.config.app.readiness = &workspace.readiness;
        workspace.config.app.jwt.secret = environment_value(workspace.environment, "SECRET_KEY");
        if (workspace.config.log_level < LOG_WARNING)
            log_set_level(LOG_WARNING);
        code = serve_and_ask(call, &workspace, body);
    }
    workspace_close(&workspace);
    return code;
}

static bool is_token(const char *text) {
    return *text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

static int run(const struct invocation *invocation) {
    char **arguments = invocation->arguments;
    struct call call = {.invocation = invocation, .shows_head = environment_value(invocation->environment, "--include").ptr};
    bool has_method = arguments[0] && arguments[0][0] != '/';
    call.method = has_method ? arguments[0] : flag_of(&call, "--data").ptr ? "POST" : "GET";
    call.path = has_method ? arguments[1] : arguments[0];
    if (!call.path || call.path[0] != '/' || strpbrk(call.path, " \r\n") || arguments[has_method ? 2 : 1] || !is_token(call.method)) {
        fputs("leat: error: leat call wants a method, in capitals, and a path: leat call GET /v1/posts\n", stderr);
        return 2;
    }
    return run_call(&call);
}

static const struct flag flags[] = {
    {"header", "LINE", "--header", NULL, true, "a header of the request, \"Name: value\"; may be given again", 'H'},
    {"data", "TEXT", "--data", NULL, false, "its body; @FILE reads it from a file, @- from standard input", 'd'},
    {"include", NULL, "--include", "true", false, "print the answer's head as well", 'i'},
    FLAGS_OF_PLACE,
    {0},
};

const struct verb verb_call = {
    .name = "call",
    .arguments = "[METHOD] PATH",
    .summary = "make one request, answered in this process: no server has to run",
    .text = "Loads the plugins as `leat run` does, answers the one request, and ends. Works on the database of DATABASE_URL, or on the "
            "private one\n"
            "under var/; migrations are not applied (`leat db up`). The method is GET, or POST with --data; a body that looks like JSON is "
            "sent as\n"
            "that, another as a form, unless a Content-Type says otherwise.\n"
            "\n"
            "The body goes to standard output, the status of a failure to standard error. Exits with 0; with 3 for a status from 400 up; "
            "with 1\n"
            "when nothing answered.\n"
            "\n"
            "Examples:\n"
            "  leat call GET /v1/posts\n"
            "  leat call /v1/users/me -H \"Authorization: Bearer $(leat token --sub $ID)\"\n"
            "  leat call POST /v1/auth/register -d '{\"email\": \"a@b.org\", \"first_name\": \"A\", \"last_name\": \"B\", \"password\": "
            "\"Secure123\"}' -i\n",
    .flags = flags,
    .run = run,
};
