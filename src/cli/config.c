// config.c — the server's own settings: one schema, read as a plugin's SETTINGS are.
#include "cli/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <leat/schema.h>

#include "app/security_fields.h"
#include "cli/config_caching.h"
#include "cli/place.h"
#include "cli/project.h"
#include "db/conninfo.h"
#include "host/settings.h"

ENUM(LogLevel, debug, info, warning, error);
ENUM(LogFormat, auto, json, text);

// All are optional: the defaults are those of the parts they belong to, told once, there. The places are apart, so that the plugins are
// found, and their settings judged in the same run, where a setting of the server's is wrong.
// clang-format off
SCHEMA(Places,
    (bool, production, .optional = true, .env = "LEAT_PRODUCTION", .description = "Refuse what is fine in development only"),
    (bool, bench, .optional = true, .env = "LEAT_BENCH", .description = "Load the plugins for benchmarks as well"),
    (str, var, .optional = true, .env = "LEAT_VAR", .max_length = 2048, .description = "Folder for what the server keeps"),
    (str, root, .optional = true, .env = "LEAT_ROOT", .max_length = 2048, .description = "Folder that relative paths of plugins are looked for in"),
    (str_list, plugins, .optional = true, .env = "LEAT_PLUGINS", .description = "Folders of plugins, between commas"));

SCHEMA(Document,
    (str, api_title, .optional = true, .description = "Title of the documents; leat"),
    (str, api_version, .optional = true, .description = "Version of the API in the documents; the server's"),
    (str, api_description, .optional = true, .description = "Description of the API in the documents"),
    (str, api_contact, .optional = true, .description = "Who answers for the API in the documents: an email address, a URL or a name"),
    (str, api_license, .optional = true, .description = "Licence of the API in the documents, an SPDX identifier"),
    (str, openapi_url, .optional = true, .description = "Path of the OpenAPI document, /openapi.json; off with --production, or by off"),
    (str, docs_url, .optional = true, .description = "Path of Swagger UI, /docs; off with --production, or by off"),
    (str, redoc_url, .optional = true, .description = "Path of ReDoc, /redoc; off with --production, or by off"));

SCHEMA(Output,
    (str, compression, .optional = true, .description = "Codings of answers, the preferred first: br,gzip; off: none"),
    (i32, compression_bytes_min, .optional = true, .ge = 1, .description = "Shortest body that is compressed, 1024"),
    (i32, compression_bytes_max, .optional = true, .ge = 1, .le = 1073741824, .description = "Longest body that is compressed, 1048576"),
    (i32, events_heartbeat_ms, .optional = true, .ge = 100, .le = 3600000, .description = "Of events that have nothing to say: a comment so often, 15000"));

SCHEMA(Server,
    (str, host, .optional = true, .max_length = 64, .description = "Address to listen on: 127.0.0.1, 0.0.0.0, ::"),
    (i32, port, .optional = true, .ge = 0, .le = 65535, .description = "Port to listen on, 8000; 0 picks one"),
    (i32, workers, .optional = true, .ge = 1, .le = WORKERS_MAX, .description = "Threads that serve, a core each; as many as there are CPUs"),
    (str, database_url, .optional = true, .secret = true, .description = "Postgres: postgresql://user@host/name; none: a private one under var/"),
    (str, secret_key, .optional = true, .secret = true, .description = "Signs the tokens; 32 bytes or more"),
    (LogLevel, log_level, .optional = true, .description = "debug, info, warning or error; LOG_LEVEL_USERS: that of plugin users"),
    (bool, request_log, .optional = true, .description = "A log line for each request, off"),
    (bool, request_id, .optional = true, .description = "Take or make X-Request-ID, answer with it and log it; on"),
    (bool, metrics, .optional = true, .description = "Count, and serve /metrics; on"),
    (LogFormat, log_format, .optional = true, .description = "json, text, or auto: text on a terminal, else json"),

    (bool, pin, .optional = true, .env = "LEAT_PIN", .description = "Pin each thread to its CPU; true"),
    (i32, busy_poll_us, .optional = true, .ge = 0, .le = 10000, .description = "Look for what comes before sleeping, while it comes that soon; 0"),

    (i32, request_line_bytes_max, .optional = true, .ge = 64, .le = 65536, .description = "Longest request line, 8192; then 414"),
    (i32, field_count_max, .optional = true, .ge = 1, .le = HTTP_FIELDS_MAX, .description = "Most header fields, 100; then 431"),
    (i32, field_bytes_max, .optional = true, .ge = 256, .le = 1048576, .description = "Bytes of all header fields, 32768; then 431"),
    (i64, body_bytes_max, .optional = true, .ge = 0, .le = 1099511627776, .description = "Longest body, 1048576; then 413"),
    (i64, body_memory_max, .optional = true, .ge = 0, .description = "Bytes of bodies in memory, a core, 268435456; then 503"),
    (i32, chunk_extension_bytes_max, .optional = true, .ge = 0, .description = "Bytes of chunk extensions, 4096; then 413"),
    (i32, trailer_bytes_max, .optional = true, .ge = 0, .description = "Bytes of trailers, 8192; then 431"),
    (i32, head_ms, .optional = true, .ge = 10, .description = "From a request's first byte to its head's end, 10000; then 408"),
    (i32, body_idle_ms, .optional = true, .ge = 10, .description = "Without a byte of the body, 30000; then 408"),
    (i32, keep_alive_ms, .optional = true, .ge = 10, .description = "Between requests of a connection, 60000; then it is closed"),
    (i32, answers_per_turn, .optional = true, .ge = 1, .description = "Answers for one connection before it is another's turn, 32"),
    (i32, write_stall_ms, .optional = true, .ge = 10, .description = "Without a client reading its answer, 30000; then it is cut"),
    (i64, output_bytes_max, .optional = true, .ge = 1024, .description = "Answers that wait for a client, 65536; then reading stops"),
    (i64, answer_memory_max, .optional = true, .ge = 0, .description = "Bytes of large answers in memory, a core, 268435456; then 503"),
    (i32, connections_max, .optional = true, .ge = 1, .le = 1000000, .description = "Connections, a core, 10000; then accepting waits"),
    (i32, coroutines_max, .optional = true, .ge = 1, .le = 1000000, .description = "Requests at once, a core, 4096; then 503"),
    (i32, request_ms, .optional = true, .ge = 1, .description = "A request's deadline, 30000; then 504"),
    (i64, request_bytes_max, .optional = true, .ge = 65536, .description = "A request's memory, 134217728; then 503"),
    (i32, drain_delay_ms, .optional = true, .ge = 0, .le = 3600000, .description = "At the end, as not ready before draining, 0; for load balancers"),
    (i32, drain_ms, .optional = true, .ge = 0, .le = 3600000, .description = "At the end, for requests in flight, 25000; then they are cut"),

    (i32, db_links, .optional = true, .ge = 1, .le = 64, .description = "Shared links to Postgres, a core, 2"),
    (i32, db_apart_links_max, .optional = true, .ge = 0, .le = 64,
     .description = "Links for what writes or was slow, a core, opened as needed, 4"),
    (i32, db_transaction_links_max, .optional = true, .ge = 1, .le = 256, .description = "Links for transactions, a core, 8"),
    (i32, db_queue_max, .optional = true, .ge = 1, .description = "Queries that wait or run, a core, 4096; then 503"),
    (i32, db_statement_ms, .optional = true, .ge = 1, .description = "A statement's deadline in Postgres, 30000"),
    (i32, db_down_wait_ms, .optional = true, .ge = 0, .le = 3600000, .description = "How long a query waits while no link to Postgres is up, 5000; then 503"),
    (str, outbound_allow, .optional = true, .max_length = 65536, .description = "Whom plugins may call beside public addresses: addresses, blocks, hosts, `private`, between commas"),
    (str, outbound_proxy, .optional = true, .secret = true, .max_length = 2048, .description = "Proxy for all calls to other servers: http://user:password@host:3128"),
    (str, outbound_ca_file, .optional = true, .max_length = 2048, .description = "Certificates to trust in calls to other servers, PEM; the system's"),
    (i64, outbound_bytes_max, .optional = true, .ge = 1, .le = 134217728, .description = "Longest answer of another server, 1048576; then 502"),
    (i32, outbound_ms, .optional = true, .ge = 1, .description = "A call's deadline, 10000; then 504"),
    (i32, outbound_connect_ms, .optional = true, .ge = 1, .description = "Until a call's connection is there, TLS included, 5000; then 504"),
    (i32, outbound_idle_ms, .optional = true, .ge = 0, .description = "How long a connection to another server is kept unused, 60000"),
    (i32, outbound_idle_max, .optional = true, .ge = 1, .le = 65536, .description = "Connections that are kept unused, a core, 64"),
    (i32, outbound_calls_max, .optional = true, .ge = 1, .le = 65536, .description = "Calls at once, a core, 256; others wait"),
    (i32, outbound_calls_per_host_max, .optional = true, .ge = 1, .le = 65536, .description = "Calls at once to one host and port, a core, 32; others wait"),
    (i32, outbound_queue_max, .optional = true, .ge = 0, .description = "Calls that wait, a core, 1024; then 503"),
    (i32, hashing_threads, .optional = true, .ge = 1, .le = 256, .description = "Threads that hash passwords; as many as there are CPUs"),
    (i32, hashing_queue_max, .optional = true, .ge = 1, .description = "Passwords that wait, 64; then 503"),
    (i32, password_memory_kib, .optional = true, .ge = 8, .le = 4194304, .description = "Argon2id's memory, 19456"),
    (i32, password_passes, .optional = true, .ge = 1, .le = 1000, .description = "Argon2id's passes, 2"),
    (i32, password_lanes, .optional = true, .ge = 1, .le = 16, .description = "Argon2id's lanes, 1"));

// what it does about plugins that misbehave
SCHEMA(Care,
    (i32, plugin_load_ms, .optional = true, .ge = 0, .le = 3600000, .description = "A new plugin is tried in a process of its own, and may take so long, 10000; 0: it is not tried"),
    (i32, plugin_retry_s, .optional = true, .ge = 0, .le = 86400, .description = "A plugin that refused to begin is tried again after so long, 5, then less and less often; 0: never"),
    (bool, strict_plugins, .optional = true, .description = "A plugin that is wrong refuses the start, and the load of all others; false: it is left out"),
    (i32, watchdog_ms, .optional = true, .ge = 0, .le = 3600000, .description = "A handler that holds its core for longer is named in the log, 100; 0: none"));

SCHEMA(Uploads,
    (i32, form_fields_max, .optional = true, .ge = 0, .le = 100000, .description = "Fields of a form, 1000; then 400"),
    (i32, form_files_max, .optional = true, .ge = 0, .le = 100000, .description = "Files of a form, 1000; then 400"),
    (i32, form_part_head_bytes_max, .optional = true, .ge = 256, .le = 65536, .description = "Bytes of the head of a form's part, 8192; then 400"),
    (i32, form_name_bytes_max, .optional = true, .ge = 1, .le = 65536, .description = "Bytes of the name of a field, or of a file, 1024; then 400"),
    (i32, form_field_bytes_max, .optional = true, .ge = 0, .le = 8388608, .description = "Bytes of a field of a multipart form, 1048576; then 400"),
    (str, upload_folder, .optional = true, .max_length = 2048, .description = "Folder for temporary files of uploads; uploads, below var/"),
    (i64, upload_disk_bytes_max, .optional = true, .ge = 0, .description = "Bytes of temporary files, a core, 17179869184; then 507"),
    (i32, upload_files_max, .optional = true, .ge = 0, .le = 1000000, .description = "Temporary files at once, and uploads that are read, a core, 1024; then 503"),
    (i32, file_threads, .optional = true, .ge = 1, .le = 256, .description = "Threads that put uploads into place, 4"),
    (i32, file_queue_max, .optional = true, .ge = 1, .description = "Uploads that wait for one of them, 1024; then 503"));

SCHEMA(Policy,
    (str, backend_cors_origins, .optional = true, .description = "Sites whose pages may read answers, a JSON list: [\"https://app.example.org\"]; none"),
    (bool, cors_credentials, .optional = true, .description = "Pages of these sites may send cookies and tokens; on. off: \"*\" may be an origin"),
    (str, cors_methods, .optional = true, .description = "Methods that they may use, between commas; all"),
    (str, cors_headers, .optional = true, .description = "Headers that they may send, between commas; those they ask for"),
    (i32, cors_max_age_s, .optional = true, .ge = 1, .le = 86400, .description = "How long a browser keeps what a preflight said, 600"),
    (bool, security_headers, .optional = true, .description = "X-Content-Type-Options, X-Frame-Options, Referrer-Policy and those below in all answers; on"),
    (str, frame_options, .optional = true, .pattern = "^(DENY|SAMEORIGIN|off)$", .description = "X-Frame-Options: DENY, SAMEORIGIN or off; DENY"),
    (str, referrer_policy, .optional = true, .description = "Referrer-Policy, or off; no-referrer"),
    (str, content_security_policy, .optional = true, .description = "Content-Security-Policy of all answers, /docs included; none"),
    (i32, hsts_s, .optional = true, .ge = 0, .description = "Strict-Transport-Security in seconds, behind TLS; 0, not sent"),
    (i32, blocking_threads, .optional = true, .ge = 1, .le = 1024, .description = "Threads for .blocking handlers, at most, 32; started as they are needed"),
    (i32, blocking_queue_max, .optional = true, .ge = 1, .description = "Blocking handlers that wait for a thread, 256; then 503"),
    (i32, task_queue_max, .optional = true, .ge = 1, .description = "Tasks that wait, a core, 100000; then 503 for who spawns"),
    (i32, tasks_at_once_max, .optional = true, .ge = 1, .description = "Tasks that run at once, a core, 256"));
// clang-format on

static const char *text_of(str s, struct arena *arena) {
    return arena_format(arena, "%.*s", (int)s.len, s.ptr).ptr;
}

#define TAKE(field_, target_)                                                                                                              \
    do {                                                                                                                                   \
        if (given->set.field_)                                                                                                             \
            target_ = given->field_;                                                                                                       \
    } while (0)

static void take_http(const Server *given, struct http_limits *http) {
    TAKE(request_line_bytes_max, http->request_line_bytes_max);
    TAKE(field_count_max, http->field_count_max);
    TAKE(field_bytes_max, http->field_bytes_max);
    TAKE(body_bytes_max, http->body_bytes_max);
    TAKE(body_memory_max, http->body_memory_max);
    TAKE(chunk_extension_bytes_max, http->chunk_extension_bytes_max);
    TAKE(trailer_bytes_max, http->trailer_bytes_max);
    TAKE(head_ms, http->head_ms);
    TAKE(body_idle_ms, http->body_idle_ms);
    TAKE(keep_alive_ms, http->keep_alive_ms);
    TAKE(answers_per_turn, http->answers_per_turn);
}

static void take_app(const Server *given, struct app_options *app) {
    TAKE(request_ms, app->request_ms);
    TAKE(request_bytes_max, app->request_bytes_max);
    TAKE(request_log, app->logs_requests);
    TAKE(request_id, app->has_request_ids);
    TAKE(request_bytes_max, app->db.result_bytes_max);
    TAKE(db_links, app->db.link_count);
    TAKE(db_apart_links_max, app->db.apart_link_count_max);
    TAKE(db_transaction_links_max, app->db.transaction_link_count_max);
    TAKE(db_queue_max, app->db.queue_max);
    TAKE(db_statement_ms, app->db.statement_timeout_ms);
    TAKE(db_down_wait_ms, app->db.down_wait_ms);
}

static void take_outbound(const Server *given, struct outbound_options *outbound) {
    TAKE(outbound_bytes_max, outbound->answer_bytes_max);
    TAKE(outbound_ms, outbound->call_ms);
    TAKE(outbound_connect_ms, outbound->connect_ms);
    TAKE(outbound_idle_ms, outbound->idle_ms);
    TAKE(outbound_idle_max, outbound->idle_max);
    TAKE(outbound_calls_max, outbound->running_max);
    TAKE(outbound_calls_per_host_max, outbound->host_running_max);
    TAKE(outbound_queue_max, outbound->waiting_max);
}

static void take_server(const Server *given, struct server_options *server) {
    TAKE(port, server->port);
    TAKE(workers, server->worker_count);
    TAKE(pin, server->pinned);
    TAKE(busy_poll_us, server->busy_poll_us);
    TAKE(connections_max, server->conn_count_max);
    TAKE(output_bytes_max, server->output_bytes_max);
    TAKE(answer_memory_max, server->answer_memory_max);
    TAKE(write_stall_ms, server->write_stall_ms);
    TAKE(drain_ms, server->drain_ms);
    TAKE(coroutines_max, server->coro.count_max);
    TAKE(hashing_threads, server->hashing_thread_count);
    TAKE(hashing_queue_max, server->hashing_queue_max);
}

static void take_uploads(const Uploads *given, struct config *config, struct arena *arena) {
    struct http_limits *http = &config->app.http;
    struct app_options *app = &config->app;
    struct server_options *server = &config->server;
    TAKE(form_fields_max, http->form.field_count_max);
    TAKE(form_files_max, http->form.file_count_max);
    TAKE(form_part_head_bytes_max, http->form.part_head_bytes_max);
    TAKE(form_name_bytes_max, http->form.name_bytes_max);
    TAKE(form_field_bytes_max, http->form.field_bytes_max);
    TAKE(upload_disk_bytes_max, app->upload_disk_bytes_max);
    TAKE(upload_files_max, app->upload_file_count_max);
    TAKE(file_threads, server->file_thread_count);
    TAKE(file_queue_max, server->file_queue_max);
    app->upload_folder = given->set.upload_folder ? text_of(given->upload_folder, arena) : NULL;
}

// ---- what is more than a number

// Colours only where nobody has asked for none (no-color.org).
static enum log_format log_format_of(const Server *given) {
    bool is_terminal = isatty(STDERR_FILENO);
    LogFormat wanted = given->set.log_format ? given->log_format : LogFormat_auto;
    if (wanted == LogFormat_json || (wanted == LogFormat_auto && !is_terminal))
        return LOG_JSON;
    const char *no_colour = getenv("NO_COLOR");
    return is_terminal && !(no_colour && *no_colour) ? LOG_COLOURED : LOG_PLAIN;
}

static bool is_numeric_address(const char *host) {
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static int take_host(const Server *given, struct config *config, struct arena *arena, struct messages *messages) {
    if (!given->set.host)
        return 0;
    const char *host = str_eq(given->host, S("localhost")) ? "127.0.0.1" : text_of(given->host, arena);
    if (!host)
        return -ENOMEM;
    if (!is_numeric_address(host)) {
        messages_add(messages, "leat: error: HOST: '%s' is no numeric address; write 127.0.0.1, 0.0.0.0 or ::", host);
        return -EINVAL;
    }
    config->server.host = host;
    return 0;
}

static int take_database(const Server *given, struct config *config, struct arena *arena, struct messages *messages) {
    if (!given->set.database_url)
        return 0;
    const char *url = text_of(given->database_url, arena);
    if (!url)
        return -ENOMEM;
    if (!conninfo_is_valid(url)) { // it may hold a password: not shown
        messages_add(
            messages,
            "leat: error: DATABASE_URL: this is no connection string of Postgres; write postgresql://user:password@host:5432/name");
        return -EINVAL;
    }
    config->database_url = url;
    return 0;
}

static int take_secret_key(const Server *given, struct config *config, struct messages *messages) {
    if (!given->set.secret_key)
        return 0;
    const char *problem = jwt_key_problem(given->secret_key);
    if (problem) {
        messages_add(messages, "leat: error: SECRET_KEY: %s", problem);
        return -EINVAL;
    }
    config->app.jwt.secret = given->secret_key;
    return 0;
}

static int take_password_cost(const Server *given, struct config *config, struct messages *messages) {
    struct password_cost *cost = &config->app.password_cost;
    TAKE(password_memory_kib, cost->memory_kib);
    TAKE(password_passes, cost->passes);
    TAKE(password_lanes, cost->lanes);
    const char *problem = password_cost_problem(cost);
    if (!problem)
        return 0;
    messages_add(messages, "leat: error: PASSWORD_MEMORY_KIB, PASSWORD_PASSES and PASSWORD_LANES: %s", problem);
    return -EINVAL;
}

// "br,gzip" in the order of preference, or "off".
static int take_compression(const Output *given, struct config *config, struct messages *messages) {
    struct coding_options *coding = &config->app.coding;
    TAKE(compression_bytes_min, coding->bytes_min);
    TAKE(compression_bytes_max, coding->bytes_max);
    if (!given->set.compression)
        return 0;
    if (coding_options_read(coding, given->compression) == 0)
        return 0;
    messages_add(messages, "leat: error: COMPRESSION: '%.*s' is no list of codings; write br,gzip, one of them, or off",
                 (int)given->compression.len, given->compression.ptr);
    return -EINVAL;
}

static int take_peers(const Server *given, struct config *config, struct arena *arena, struct messages *messages) {
    struct outbound_options *outbound = &config->app.outbound;
    str message = {0};
    int status = given->set.outbound_allow ? peer_rules_parse(given->outbound_allow, arena, &outbound->allow, &message) : 0;
    if (status == -EINVAL)
        messages_add(messages, "leat: error: OUTBOUND_ALLOW: %.*s", (int)message.len, message.ptr);
    return status;
}

static bool is_readable(const char *path) {
    return access(path, R_OK) == 0;
}

static int take_outbound_texts(const Server *given, struct config *config, struct arena *arena, struct messages *messages) {
    struct outbound_options *outbound = &config->app.outbound;
    outbound->proxy = given->set.outbound_proxy && given->outbound_proxy.len ? text_of(given->outbound_proxy, arena) : NULL;
    outbound->ca_file = given->set.outbound_ca_file ? text_of(given->outbound_ca_file, arena) : NULL;
    bool is_http = !outbound->proxy || strncmp(outbound->proxy, "http://", 7) == 0 || strncmp(outbound->proxy, "https://", 8) == 0;
    bool is_there = !outbound->ca_file || is_readable(outbound->ca_file);
    if (!is_http) // it may hold a password: not shown
        messages_add(messages, "leat: error: OUTBOUND_PROXY: write http://host:3128 or https://host:3128");
    if (!is_there)
        messages_add(messages, "leat: error: OUTBOUND_CA_FILE: '%s' cannot be read: %s", outbound->ca_file, strerror(errno));
    return is_http && is_there ? 0 : -EINVAL;
}

static int refuse_policy(struct messages *messages, const char *variable, const char *problem) {
    messages_add(messages, "leat: error: %s: %s", variable, problem);
    return -EINVAL;
}

static int take_cors(const Policy *given, struct cors *cors, struct arena *arena, struct messages *messages) {
    str message;
    cors->is_without_credentials = given->set.cors_credentials && !given->cors_credentials;
    TAKE(cors_max_age_s, cors->max_age_s);
    const char *methods = given->set.cors_methods ? cors_methods_problem(given->cors_methods) : NULL,
               *headers = given->set.cors_headers ? cors_headers_problem(given->cors_headers) : NULL;
    cors->methods = given->set.cors_methods ? text_of(given->cors_methods, arena) : NULL;
    cors->headers = given->set.cors_headers ? text_of(given->cors_headers, arena) : NULL;
    int status = given->set.backend_cors_origins ? cors_parse(given->backend_cors_origins, arena, cors, &message) : 0;
    if (status == -EINVAL)
        messages_add(messages, "leat: error: BACKEND_CORS_ORIGINS: %.*s", (int)message.len, message.ptr);
    if (methods)
        status = refuse_policy(messages, "CORS_METHODS", methods);
    if (headers)
        status = refuse_policy(messages, "CORS_HEADERS", headers);
    return status;
}

static const char *value_or_off(str value, struct arena *arena) {
    return str_eq(value, S("off")) ? NULL : text_of(value, arena);
}

static int take_security_fields(const Policy *given, struct http_limits *http, struct arena *arena, struct messages *messages) {
    struct security_fields fields = security_fields_default;
    if (given->set.security_headers && !given->security_headers)
        return 0;
    if (given->set.frame_options)
        fields.frame_options = value_or_off(given->frame_options, arena);
    if (given->set.referrer_policy)
        fields.referrer_policy = value_or_off(given->referrer_policy, arena);
    if (given->set.content_security_policy)
        fields.content_security_policy = value_or_off(given->content_security_policy, arena);
    if (given->set.hsts_s)
        fields.hsts_s = (uint32_t)given->hsts_s;
    str problem;
    int status = security_fields_write(&fields, arena, &http->fixed_fields, &problem);
    if (status == -EINVAL)
        messages_add(messages, "leat: error: %.*s", (int)problem.len, problem.ptr);
    return status;
}

static int take_policy(const Policy *given, struct config *config, struct arena *arena, struct messages *messages) {
    TAKE(blocking_threads, config->server.blocking_thread_count_max);
    TAKE(blocking_queue_max, config->server.blocking_queue_max);
    TAKE(task_queue_max, config->app.task_queue_max);
    TAKE(tasks_at_once_max, config->app.tasks_at_once_max);
    int cors = take_cors(given, &config->app.cors, arena, messages);
    int security = take_security_fields(given, &config->app.http, arena, messages);
    return cors < 0 ? cors : security;
}

// A project's own build comes before what is installed, as `leat dev` has it; a checkout is what its own build serves.
static const char *project_folder(void) {
    enum project_kind kind = project_look();
    return kind == PROJECT_NONE || (kind == PROJECT_CHECKOUT && place_is_build()) ? NULL : project_plugins(kind);
}

static int take_folders(const Places *given, struct config *config, struct arena *arena) {
    const char **folders = arena_alloc(arena, (given->plugins.n + 4) * sizeof *folders);
    if (!folders)
        return -ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < given->plugins.n; i++)
        if (!(folders[count++] = text_of(given->plugins.items[i], arena)))
            return -ENOMEM;
    const char *project = given->set.plugins ? NULL : project_folder();
    if (project && access(project, F_OK) == 0)
        folders[count++] = project;
    else
        config->unbuilt = project;
    const char *own = given->set.plugins ? NULL : place_of_plugins("plugins", arena);
    if (own)
        folders[count++] = own;
    const char *bench = given->set.bench && given->bench ? place_of_plugins("bench/plugins", arena) : NULL;
    if (bench)
        folders[count++] = bench;
    config->folders = folders;
    config->folder_count = count;
    return 0;
}

static int take_places(const Places *given, struct config *config, struct arena *arena) {
    config->var = given->set.var ? text_of(given->var, arena) : "var";
    config->root = given->set.root ? text_of(given->root, arena) : place_of_data(arena);
    config->is_production = given->set.production && given->production;
    return config->var && config->root ? take_folders(given, config, arena) : -ENOMEM;
}

static int take_api(const Document *given, struct config *config, struct arena *arena) {
    if (given->set.api_title)
        config->api.title = text_of(given->api_title, arena);
    if (given->set.api_version)
        config->api.version = text_of(given->api_version, arena);
    if (given->set.api_description)
        config->api.description = text_of(given->api_description, arena);
    if (given->set.api_contact)
        config->api.contact = text_of(given->api_contact, arena);
    if (given->set.api_license)
        config->api.license = text_of(given->api_license, arena);
    return config->api.title && config->api.version ? 0 : -ENOMEM;
}

static bool is_plain_path(const char *path) {
    size_t bytes = strlen(path);
    return path[0] == '/' && bytes > 1 && path[bytes - 1] != '/' &&
           strspn(path, "/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") == bytes;
}

// Who attacks a server learns from its documents first: with --production they are there when somebody says where.
static int take_page(const char *variable, bool is_set, str given, const char **target, const struct config *config, struct arena *arena,
                     struct messages *messages) {
    if (!is_set) {
        *target = config->is_production ? "" : NULL;
        return 0;
    }
    const char *path = str_eq(given, S("off")) ? "" : text_of(given, arena);
    if (!path)
        return -ENOMEM;
    if (*path && !is_plain_path(path)) {
        messages_add(messages, "leat: error: %s: '%s' is no path; write one like /docs, without a slash at its end, or off", variable,
                     path);
        return -EINVAL;
    }
    *target = path;
    return 0;
}

static int take_pages(const Document *given, struct config *config, struct arena *arena, struct messages *messages) {
    struct openapi_info *api = &config->api;
    int results[] = {
        take_page("OPENAPI_URL", given->set.openapi_url, given->openapi_url, &api->openapi_url, config, arena, messages),
        take_page("DOCS_URL", given->set.docs_url, given->docs_url, &api->docs_url, config, arena, messages),
        take_page("REDOC_URL", given->set.redoc_url, given->redoc_url, &api->redoc_url, config, arena, messages),
    };
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i])
            return results[i];
    bool is_asked_for = (api->docs_url && *api->docs_url) || (api->redoc_url && *api->redoc_url);
    if (!given->set.openapi_url && is_asked_for) // a page is of no use without it
        api->openapi_url = NULL;
    return 0;
}

static int take_all(const Server *given, bool is_serving, struct config *config, struct arena *arena, struct messages *messages) {
    take_http(given, &config->app.http);
    take_app(given, &config->app);
    take_outbound(given, &config->app.outbound);
    take_server(given, &config->server);
    if (given->set.log_level)
        config->log_level = (enum log_level)(given->log_level - LogLevel_debug);
    config->log_format = log_format_of(given);
    TAKE(metrics, config->has_metrics);
    TAKE(drain_delay_ms, config->drain_delay_ms);
    int results[] = {take_host(given, config, arena, messages),
                     take_database(given, config, arena, messages),
                     is_serving ? take_secret_key(given, config, messages) : 0,
                     take_password_cost(given, config, messages),
                     take_peers(given, config, arena, messages),
                     take_outbound_texts(given, config, arena, messages)};
    int status = 0;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        status = results[i] < 0 && status != -ENOMEM ? results[i] : status;
    return status;
}

static int read_places(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                       struct config *config) {
    Places *places = arena_alloc(arena, sizeof *places);
    int status = places ? settings_read(models, &Places__schema, "leat", NULL, environment, arena, messages, places) : -ENOMEM;
    config->has_places = status == 0;
    return status < 0 ? status : take_places(places, config, arena);
}

static int read_server(struct model_set *models, const struct environment *environment, bool is_serving, struct arena *arena,
                       struct messages *messages, struct config *config) {
    Server *server = arena_alloc(arena, sizeof *server);
    int status = server ? settings_read(models, &Server__schema, "leat", NULL, environment, arena, messages, server) : -ENOMEM;
    return status < 0 ? status : take_all(server, is_serving, config, arena, messages);
}

static int read_uploads(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                        struct config *config) {
    Uploads *uploads = arena_alloc(arena, sizeof *uploads);
    int status = uploads ? settings_read(models, &Uploads__schema, "leat", NULL, environment, arena, messages, uploads) : -ENOMEM;
    if (status == 0)
        take_uploads(uploads, config, arena);
    return status;
}

static int read_policy(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                       struct config *config) {
    Policy *given = arena_alloc(arena, sizeof *given);
    int status = given ? settings_read(models, &Policy__schema, "leat", NULL, environment, arena, messages, given) : -ENOMEM;
    return status < 0 ? status : take_policy(given, config, arena, messages);
}

static int read_output(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                       struct config *config) {
    Output *given = arena_alloc(arena, sizeof *given);
    int status = given ? settings_read(models, &Output__schema, "leat", NULL, environment, arena, messages, given) : -ENOMEM;
    if (status)
        return status;
    TAKE(events_heartbeat_ms, config->app.heartbeat_ms);
    return take_compression(given, config, messages);
}

static int read_document(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                         struct config *config) {
    Document *document = arena_alloc(arena, sizeof *document);
    int status = document ? settings_read(models, &Document__schema, "leat", NULL, environment, arena, messages, document) : -ENOMEM;
    if (!status)
        status = take_api(document, config, arena);
    return status ? status : take_pages(document, config, arena, messages);
}

static int read_care(struct model_set *models, const struct environment *environment, struct arena *arena, struct messages *messages,
                     struct config *config) {
    Care care = {0}, *given = &care;
    int status = settings_read(models, &Care__schema, "leat", NULL, environment, arena, messages, given);
    if (status == 0) {
        TAKE(watchdog_ms, config->watchdog_ms);
        TAKE(plugin_load_ms, config->plugin_load_ms);
        TAKE(plugin_retry_s, config->plugin_retry_s);
        TAKE(strict_plugins, config->is_strict);
    }
    return status;
}

int config_read(const struct environment *environment, bool is_serving, struct arena *arena, struct messages *messages,
                struct config *ret_config) {
    struct config config = {.log_level = LOG_INFO,
                            .has_metrics = true,
                            .watchdog_ms = 100,
                            .plugin_load_ms = 10000,
                            .plugin_retry_s = 5,
                            .api = {.title = "leat", .version = leat_version()}};
    app_options_init(&config.app);
    server_options_init(&config.server);
    struct model_set *models;
    if (model_set_create(&models) < 0)
        return -ENOMEM;
    int places = read_places(models, environment, arena, messages, &config);
    int caching = config_read_caching(models, environment, arena, messages, &config.app.cache);
    places = places < 0 ? places : caching;
    int document = read_document(models, environment, arena, messages, &config);
    int output = read_output(models, environment, arena, messages, &config);
    int server = read_server(models, environment, is_serving, arena, messages, &config);
    int uploads = read_uploads(models, environment, arena, messages, &config);
    int policy = read_policy(models, environment, arena, messages, &config);
    int care = read_care(models, environment, arena, messages, &config);
    model_set_destroy(models);
    *ret_config = config;
    return places < 0     ? places
           : document < 0 ? document
           : output < 0   ? output
           : server < 0   ? server
           : uploads < 0  ? uploads
           : policy < 0   ? policy
                          : care;
}

const leat_schema *config_schema(size_t index) {
    const leat_schema *const all[] = {&Server__schema, &Document__schema, &Output__schema, config_caching_schema,
                                      &Policy__schema, &Uploads__schema,  &Care__schema,   &Places__schema};
    return index < sizeof all / sizeof *all ? all[index] : NULL;
}

void config_describe(void (*line)(const char *variable, const char *description)) {
    const leat_schema *schema;
    for (size_t k = 0; (schema = config_schema(k)); k++)
        for (unsigned i = 0; i < schema->nfields; i++) {
            char variable[SETTINGS_VARIABLE_BYTES_MAX];
            settings_variable(&schema->fields[i], NULL, variable);
            line(variable, ((const struct leat_common_opts *)schema->fields[i].opts)->description);
        }
}
