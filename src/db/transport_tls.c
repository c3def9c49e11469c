// transport_tls.c — a link's bytes through libpq's own TLS session.
#include <errno.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "db/state.h"

static struct db_link *link_of(struct tls_stream *stream) {
    return container_of(stream, struct db_link, tls);
}

static void received(struct tls_stream *stream, const char *data, size_t bytes) {
    link_received(link_of(stream), data, bytes);
}

static void sent(struct tls_stream *stream) {
    link_of(stream)->is_sending = false;
    link_sent(link_of(stream));
}

static void lost(struct tls_stream *stream, int error) {
    if (link_is_up(link_of(stream)))
        link_close(link_of(stream), error ? error : -ECONNRESET);
}

static void idle(struct tls_stream *stream) {
    link_reap(link_of(stream));
}

static const struct tls_stream_events events = {received, sent, lost, idle};

// What libpq has read ahead is in the session already: the socket may never become readable for it.
static int start(struct db_link *link) {
    return tls_stream_start(&link->tls, link->db->core->ring, link->fd, PQsslStruct(link->conn, "OpenSSL"), &events);
}

static void flush(struct db_link *link) {
    if (link->is_sending || !buffer_bytes(&link->output[link->filling]))
        return;
    link->filling = !link->filling;
    link->is_sending = true;
    link->unsent = NULL;
    link->db->flush_count++;
    tls_stream_send(&link->tls, &link->output[!link->filling]);
}

static void say_goodbye(struct db_link *link) {
    ERR_clear_error();
    SSL_write(PQsslStruct(link->conn, "OpenSSL"), wire_terminate, sizeof wire_terminate);
}

const struct transport transport_tls = {start, flush, say_goodbye};
