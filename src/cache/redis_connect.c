// redis_connect.c — a connection to Redis made, on a worker thread: name, TCP or a socket's path, TLS, sign-in, database.
#include "cache/redis_connect.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <hiredis/hiredis.h>
#include <openssl/err.h>

#include "engine/tls_stream.h"

enum { READ_BYTES = 4096, KEEPALIVE_S = 10, KEEPALIVE_INTERVAL_S = 5, KEEPALIVE_PROBES = 3, USER_TIMEOUT_MS = 5000 };

static int refuse(char *failure, int error, const char *what, const char *why) {
    snprintf(failure, REDIS_FAILURE_BYTES, "%.120s%s%.120s", what, why ? ": " : "", why ? why : "");
    return error;
}

// ---- the socket

static int wait_for_connect(int fd) {
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int count = poll(&poll_fd, 1, REDIS_CONNECT_MS);
    if (count <= 0)
        return count < 0 ? -errno : -ETIMEDOUT;
    int error = 0;
    socklen_t bytes = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
    return -error;
}

static int reach(const struct sockaddr *address, socklen_t bytes, int *ret_fd) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int error = connect(fd, address, bytes) == 0 ? 0 : errno == EINPROGRESS ? wait_for_connect(fd) : -errno;
    if (error == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0) // the ring waits for sockets that block
        error = -errno;
    if (error) {
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static void set_up(int fd) {
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS},
        {IPPROTO_TCP, TCP_NODELAY, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static int reach_path(const char *path, int *ret_fd, char *failure) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return refuse(failure, -ENAMETOOLONG, path, strerror(ENAMETOOLONG));
    strcpy(address.sun_path, path);
    int error = reach((struct sockaddr *)&address, sizeof address, ret_fd);
    return error ? refuse(failure, error, path, strerror(-error)) : 0;
}

static int reach_host(const struct redis_address *address, int *ret_fd, char *failure) {
    char port[8];
    snprintf(port, sizeof port, "%u", address->port);
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int problem = getaddrinfo(address->host, port, &wanted, &found);
    if (problem)
        return refuse(failure, -EHOSTUNREACH, address->host, gai_strerror(problem));
    int error = -EHOSTUNREACH;
    for (struct addrinfo *one = found; one && error; one = one->ai_next)
        error = reach(one->ai_addr, one->ai_addrlen, ret_fd);
    freeaddrinfo(found);
    if (error)
        return refuse(failure, error, address->host, strerror(-error));
    set_up(*ret_fd);
    return 0;
}

static void set_patience(int fd, unsigned ms) {
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

// ---- TLS: verified against the system's certificates, or those of SSL_CERT_FILE

static SSL_CTX *tls_context;
static pthread_once_t tls_once = PTHREAD_ONCE_INIT;

static void make_tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || !SSL_CTX_set_default_verify_paths(context) || !SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)) {
        SSL_CTX_free(context);
        return;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    tls_context = context;
}

static bool is_numeric(const char *host) {
    struct addrinfo wanted = {.ai_flags = AI_NUMERICHOST}, *found;
    if (getaddrinfo(host, NULL, &wanted, &found))
        return false;
    freeaddrinfo(found);
    return true;
}

static bool name_peer(SSL *tls, const char *host) {
    if (is_numeric(host))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host) == 1;
    return SSL_set_tlsext_host_name(tls, host) == 1 && SSL_set1_host(tls, host) == 1;
}

static int begin_tls(const struct redis_address *address, struct redis_socket *made, char *failure) {
    pthread_once(&tls_once, make_tls_context);
    ERR_clear_error();
    made->tls = tls_context ? SSL_new(tls_context) : NULL;
    if (!made->tls || !name_peer(made->tls, address->host) || SSL_set_fd(made->tls, made->fd) != 1)
        return refuse(failure, -ENOMEM, "TLS cannot be set up", NULL);
    if (SSL_connect(made->tls) == 1)
        return 0;
    return refuse(failure, -EPROTO, "TLS", tls_failure(made->tls));
}

// ---- sign-in

static bool write_all(struct redis_socket *made, const char *data, size_t bytes) {
    while (bytes) {
        ssize_t written = made->tls ? SSL_write(made->tls, data, (int)bytes) : send(made->fd, data, bytes, MSG_NOSIGNAL);
        if (written <= 0)
            return false;
        data += written;
        bytes -= (size_t)written;
    }
    return true;
}

static redisReply *read_reply(struct redis_socket *made, redisReader *reader) {
    char data[READ_BYTES];
    void *reply = NULL;
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && !reply) {
        ssize_t bytes = made->tls ? SSL_read(made->tls, data, sizeof data) : recv(made->fd, data, sizeof data, 0);
        if (bytes <= 0 || redisReaderFeed(reader, data, (size_t)bytes) != REDIS_OK)
            return NULL;
    }
    return reply;
}

// What Redis says of a refusal holds no password: "WRONGPASS invalid username-password pair or user is disabled."
static int ask(struct redis_socket *made, int argc, const char **argv, char *failure) {
    char *command = NULL;
    ERR_clear_error();
    int bytes = redisFormatCommandArgv(&command, argc, argv, NULL);
    redisReader *reader = redisReaderCreate();
    bool is_sent = bytes > 0 && reader && write_all(made, command, (size_t)bytes);
    // in TLS 1.3 a refusal comes after the handshake, and perhaps before what is said here can leave
    redisReply *reply = reader && (is_sent || made->tls) ? read_reply(made, reader) : NULL;
    int error = 0;
    if (!reply && made->tls)
        error = refuse(failure, -EPROTO, "TLS", ERR_peek_last_error() ? tls_failure(made->tls) : "it was cut; is a certificate required?");
    else if (!reply)
        error = refuse(failure, -EPROTO, argv[0], "no answer that is Redis'");
    else if (reply->type == REDIS_REPLY_ERROR)
        error = refuse(failure, -EACCES, argv[0], reply->str);
    if (command)
        OPENSSL_cleanse(command, (size_t)bytes);
    if (reply)
        freeReplyObject(reply);
    if (reader)
        redisReaderFree(reader);
    free(command);
    return error;
}

static int sign_in(const struct redis_address *address, struct redis_socket *made, char *failure) {
    char database[16];
    snprintf(database, sizeof database, "%u", address->database);
    int error = 0;
    if (address->user[0])
        error = ask(made, 3, (const char *[]){"AUTH", address->user, address->password}, failure);
    else if (address->password[0])
        error = ask(made, 2, (const char *[]){"AUTH", address->password}, failure);
    if (!error && address->database)
        error = ask(made, 2, (const char *[]){"SELECT", database}, failure);
    return error ? error : ask(made, 1, (const char *[]){"PING"}, failure);
}

int redis_connect(const struct redis_address *address, struct redis_socket *ret_socket, char *failure) {
    struct redis_socket made = {.fd = -1};
    int error = address->is_unix ? reach_path(address->host, &made.fd, failure) : reach_host(address, &made.fd, failure);
    if (error)
        return error;
    set_patience(made.fd, REDIS_CONNECT_MS);
    if (address->is_tls)
        error = begin_tls(address, &made, failure);
    if (!error)
        error = sign_in(address, &made, failure);
    if (error) {
        redis_socket_close(&made);
        return error;
    }
    set_patience(made.fd, 0);
    *ret_socket = made;
    return 0;
}

void redis_socket_close(struct redis_socket *socket) {
    SSL_free(socket->tls);
    if (socket->fd >= 0)
        close(socket->fd);
    *socket = (struct redis_socket){.fd = -1};
}
