// test_redis_connect.c — a connection made: by path, by host, with a password, with TLS, and what is said where it cannot be.
#include "cache/redis_for_tests.h"

#include <netinet/in.h>
#include <pthread.h>

#include "tls_peer.h"

static struct redis_server plain, guarded, secure, strict; // without anything; with passwords; with TLS; that wants a certificate
static struct identity identity, stranger;
static char folder[] = "/tmp/leat-redis-XXXXXX";
static char failure[REDIS_FAILURE_BYTES];

static char path_buffers[4][96];
static const char *path_of(unsigned index, const char *name) {
    snprintf(path_buffers[index], sizeof path_buffers[index], "%s/%s", folder, name);
    return path_buffers[index];
}

// A port that nobody has; somebody may take it before it is used, which nobody does here.
static uint16_t free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static uint16_t plain_port, secure_port, strict_port;

static void begin_secure(struct redis_server *server, uint16_t port, char *port_text, const char *wants_certificates) {
    snprintf(port_text, 8, "%u", port);
    const char *const words[] = {
        "--tls-port",       port_text,        "--bind",        "127.0.0.1",       "127.0.0.2",     "--tls-auth-clients",
        wants_certificates, "--tls-key-file", path_buffers[0], "--tls-cert-file", path_buffers[1], "--tls-ca-cert-file",
        path_buffers[1]};
    memcpy(server->extra, words, sizeof words);
    server_begin(server);
}

static int begin(void **state) {
    (void)state;
    static char plain_text[8], secure_text[8], strict_text[8];
    assert_non_null(mkdtemp(folder));
    identity = identity_make();
    stranger = identity_make();
    identity_write(&identity, path_of(0, "key.pem"), path_of(1, "certificate.pem"));
    setenv("SSL_CERT_FILE", path_buffers[1], 1); // read at the first connection with TLS
    signal(SIGPIPE, SIG_IGN);
    plain_port = free_port();
    snprintf(plain_text, sizeof plain_text, "%u", plain_port);
    memcpy(plain.extra, (const char *[]){"--port", plain_text, "--bind", "127.0.0.1", "--databases", "8"}, 6 * sizeof(char *));
    server_begin(&plain);
    memcpy(guarded.extra, (const char *[]){"--requirepass", "the right one", "--user", "ada", "on", ">ada's", "+@all", "~*"},
           8 * sizeof(char *));
    server_begin(&guarded);
    secure_port = free_port();
    begin_secure(&secure, secure_port, secure_text, "no");
    strict_port = free_port();
    begin_secure(&strict, strict_port, strict_text, "yes");
    return 0;
}

static int end(void **state) {
    (void)state;
    struct redis_server *const servers[] = {&plain, &guarded, &secure, &strict};
    for (unsigned i = 0; i < 4; i++)
        server_end(servers[i]);
    unlink(path_buffers[0]);
    unlink(path_buffers[1]);
    rmdir(folder);
    identity_free(&identity);
    identity_free(&stranger);
    return 0;
}

static struct redis_address address_of(const char *host, uint16_t port, bool is_tls) {
    struct redis_address address = {.port = port, .is_tls = is_tls};
    strcpy(address.host, host);
    return address;
}

static void expect_connected(struct redis_address address) {
    struct redis_socket made;
    unsigned files = open_files();
    failure[0] = '\0';
    if (redis_connect(&address, &made, failure))
        fail_msg("%s", failure);
    assert_int_equal(made.tls != NULL, address.is_tls);
    assert_int_equal(fcntl(made.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(made.fd, F_GETFL) & O_NONBLOCK, 0); // the ring waits for sockets that block
    redis_socket_close(&made);
    assert_int_equal(made.fd, -1);
    assert_int_equal(open_files(), files);
}

static void expect_refused(struct redis_address address, int error, const char *words) {
    struct redis_socket made = {.fd = 77};
    unsigned files = open_files();
    assert_int_equal(redis_connect(&address, &made, failure), error);
    assert_int_equal(made.fd, 77); // never written
    assert_int_equal(open_files(), files);
    if (!strstr(failure, words))
        fail_msg("\"%s\" does not say \"%s\"", failure, words);
}

static struct redis_address with(struct redis_address address, const char *user, const char *password) {
    strcpy(address.user, user);
    strcpy(address.password, password);
    return address;
}

// ---- the way there

static void test_a_socket_is_reached_by_its_path(void **state) {
    (void)state;
    expect_connected(address_of_path(plain.path));
}

static void test_a_host_is_reached_by_name_and_by_number(void **state) {
    (void)state;
    expect_connected(address_of("127.0.0.1", plain_port, false));
    expect_connected(address_of("localhost", plain_port, false));
}

static void test_what_is_not_there_is_named(void **state) {
    (void)state;
    expect_refused(address_of_path("/nowhere/socket"), -ENOENT, "/nowhere/socket: No such file or directory");
    expect_refused(address_of("127.0.0.1", 1, false), -ECONNREFUSED, "127.0.0.1: Connection refused");
    expect_refused(address_of("no-such-host.invalid", 1, false), -EHOSTUNREACH, "no-such-host.invalid: ");
}

static void test_a_path_that_is_too_long_is_refused(void **state) {
    (void)state;
    char path[200];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[199] = '\0';
    expect_refused(address_of_path(path), -ENAMETOOLONG, "File name too long");
}

// ---- who we are

static void test_a_password_is_told(void **state) {
    (void)state;
    expect_connected(with(address_of_path(guarded.path), "", "the right one"));
    expect_connected(with(address_of_path(guarded.path), "ada", "ada's"));
}

static void test_a_wrong_password_is_refused_and_not_shown(void **state) {
    (void)state;
    expect_refused(with(address_of_path(guarded.path), "", "hush-hush"), -EACCES, "AUTH: WRONGPASS");
    assert_null(strstr(failure, "hush-hush"));
    expect_refused(with(address_of_path(guarded.path), "ada", "hush-hush"), -EACCES, "AUTH: WRONGPASS");
    assert_null(strstr(failure, "hush-hush"));
    expect_refused(address_of_path(guarded.path), -EACCES, "NOAUTH");
}

static void test_a_database_is_selected_or_said_not_to_be_there(void **state) {
    (void)state;
    struct redis_address address = address_of_path(plain.path);
    address.database = 7;
    expect_connected(address);
    address.database = 8;
    expect_refused(address, -EACCES, "SELECT: ERR DB index is out of range");
}

// ---- one that is none

static const char *nonsense;

static void *talk_nonsense(void *arg) {
    char heard[256];
    int fd = accept(*(int *)arg, NULL, NULL);
    if (recv(fd, heard, sizeof heard, 0) > 0)
        send(fd, nonsense, strlen(nonsense), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void test_what_is_no_redis_is_refused(void **state) {
    (void)state;
    static const char *const answers[] = {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "+PO", "*-9\r\n", "-ERR unknown command\r\n"};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct fake_redis fake;
        pthread_t thread;
        fake_begin(&fake);
        fcntl(fake.listener, F_SETFL, 0);
        nonsense = answers[i];
        assert_int_equal(pthread_create(&thread, NULL, talk_nonsense, &fake.listener), 0);
        struct redis_socket made;
        struct redis_address address = address_of_path(fake.path);
        assert_int_equal(redis_connect(&address, &made, failure), i == 4 ? -EACCES : -EPROTO);
        assert_non_null(strstr(failure, i == 4 ? "PING: ERR unknown command" : "PING: no answer that is Redis'"));
        pthread_join(thread, NULL);
        fake_end(&fake);
    }
}

// ---- TLS

static void test_tls_is_spoken_to_whom_the_certificate_is_of(void **state) {
    (void)state;
    expect_connected(address_of("localhost", secure_port, true));
    expect_connected(address_of("127.0.0.1", secure_port, true));
}

static void test_a_certificate_of_another_is_refused(void **state) {
    (void)state;
    expect_refused(address_of("127.0.0.2", secure_port, true), -EPROTO, "TLS: IP address mismatch");
}

static void test_a_certificate_of_a_stranger_is_refused(void **state) {
    (void)state;
    static char port_text[8];
    struct redis_server other = {0};
    uint16_t port = free_port();
    identity_write(&stranger, path_of(2, "stranger-key.pem"), path_of(3, "stranger.pem"));
    snprintf(port_text, sizeof port_text, "%u", port);
    memcpy(other.extra,
           (const char *[]){"--tls-port", port_text, "--tls-auth-clients", "no", "--tls-key-file", path_buffers[2], "--tls-cert-file",
                            path_buffers[3]},
           8 * sizeof(char *));
    server_begin(&other);
    expect_refused(address_of("localhost", port, true), -EPROTO, "TLS: self-signed certificate");
    server_end(&other);
    unlink(path_buffers[2]);
    unlink(path_buffers[3]);
}

static void test_a_redis_that_wants_a_certificate_says_so(void **state) {
    (void)state;
    expect_refused(address_of("localhost", strict_port, true), -EPROTO, "certificate required");
}

static void test_tls_with_one_that_speaks_none_is_refused(void **state) {
    (void)state;
    expect_refused(address_of("localhost", plain_port, true), -EPROTO, "TLS: ");
}

static void test_none_with_one_that_speaks_tls_is_refused(void **state) {
    (void)state;
    expect_refused(address_of("localhost", secure_port, false), -EPROTO, "PING: no answer that is Redis'");
}

static void test_a_password_goes_through_tls(void **state) {
    (void)state;
    struct redis_address address = with(address_of("localhost", secure_port, true), "", "there is none");
    expect_refused(address, -EACCES, "AUTH: ERR AUTH <password> called without any password configured");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_socket_is_reached_by_its_path),
        cmocka_unit_test(test_a_host_is_reached_by_name_and_by_number),
        cmocka_unit_test(test_what_is_not_there_is_named),
        cmocka_unit_test(test_a_path_that_is_too_long_is_refused),
        cmocka_unit_test(test_a_password_is_told),
        cmocka_unit_test(test_a_wrong_password_is_refused_and_not_shown),
        cmocka_unit_test(test_a_database_is_selected_or_said_not_to_be_there),
        cmocka_unit_test(test_what_is_no_redis_is_refused),
        cmocka_unit_test(test_tls_is_spoken_to_whom_the_certificate_is_of),
        cmocka_unit_test(test_a_certificate_of_another_is_refused),
        cmocka_unit_test(test_a_certificate_of_a_stranger_is_refused),
        cmocka_unit_test(test_a_redis_that_wants_a_certificate_says_so),
        cmocka_unit_test(test_tls_with_one_that_speaks_none_is_refused),
        cmocka_unit_test(test_none_with_one_that_speaks_tls_is_refused),
        cmocka_unit_test(test_a_password_goes_through_tls),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
