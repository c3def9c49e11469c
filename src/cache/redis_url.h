// redis_url.h — where Redis is, as REDIS_URL says: redis://, rediss:// (TLS), unix:///path.
#ifndef CACHE_REDIS_URL_H
#define CACHE_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <leat/values.h>

enum { REDIS_HOST_BYTES_MAX = 256, REDIS_WORD_BYTES_MAX = 512, REDIS_DATABASE_MAX = 65535 };

struct redis_address {
    bool is_tls, is_unix;
    char host[REDIS_HOST_BYTES_MAX]; // or the socket's path
    uint16_t port;
    unsigned database;
    char user[REDIS_WORD_BYTES_MAX], password[REDIS_WORD_BYTES_MAX]; // empty where there is none
};

/**
 * Reads redis://[user[:password]@]host[:port][/database], the same with rediss://, or unix://[user[:password]@]/path[?db=database]. NULL,
 * or a sentence that says what is wrong and shows nothing of the URL, which may hold a password.
 */
const char *redis_url_read(str url, struct redis_address *ret_address);

#endif
