// hmac.c — HMAC-SHA256 (RFC 2104) on OpenSSL's SHA-256.
#include "auth/hmac.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { BLOCK_BYTES = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256; // lives as long as the process

static void look_up(void) {
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static bool digest(EVP_MD_CTX *context, const unsigned char *block, const void *data, size_t bytes, unsigned char *out) {
    return EVP_DigestInit_ex2(context, sha256, NULL) && EVP_DigestUpdate(context, block, block ? BLOCK_BYTES : 0) &&
           EVP_DigestUpdate(context, data, bytes) && EVP_DigestFinal_ex(context, out, NULL);
}

static bool mac(EVP_MD_CTX *context, str key, str message, unsigned char *out) {
    unsigned char block[BLOCK_BYTES] = {0};
    bool is_good = true;
    if (key.len > BLOCK_BYTES)
        is_good = digest(context, NULL, key.ptr, key.len, block);
    else
        memcpy(block, key.ptr, key.len);
    for (int i = 0; i < BLOCK_BYTES; i++)
        block[i] ^= 0x36;
    is_good = is_good && digest(context, block, message.ptr, message.len, out);
    for (int i = 0; i < BLOCK_BYTES; i++)
        block[i] ^= 0x36 ^ 0x5c;
    is_good = is_good && digest(context, block, out, HMAC_BYTES, out);
    OPENSSL_cleanse(block, sizeof block);
    return is_good;
}

int hmac_sha256(str key, str message, unsigned char ret_mac[HMAC_BYTES]) {
    unsigned char out[HMAC_BYTES];
    pthread_once(&once, look_up);
    EVP_MD_CTX *context = sha256 ? EVP_MD_CTX_new() : NULL;
    bool is_good = context && mac(context, key, message, out);
    EVP_MD_CTX_free(context);
    if (!is_good)
        return -ENOMEM;
    memcpy(ret_mac, out, HMAC_BYTES);
    return 0;
}
