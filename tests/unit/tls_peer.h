// tls_peer.h — certificates for tests, made on the spot, and the other side of a TLS session.
#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct identity {
    EVP_PKEY *key;
    X509 *certificate; // of localhost and 127.0.0.1, signed by itself
};

static inline void identity_add(X509 *certificate, int kind, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static inline struct identity identity_make(void) {
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 86400);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME *name = X509_get_subject_name(made.certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(made.certificate, name);
    identity_add(made.certificate, NID_subject_alt_name, "DNS:localhost, IP:127.0.0.1");
    identity_add(made.certificate, NID_basic_constraints, "CA:TRUE");
    X509_sign(made.certificate, made.key, EVP_sha256());
    return made;
}

static inline void identity_free(struct identity *identity) {
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

/** Writes both as PEM. */
static inline void identity_write(const struct identity *identity, const char *key_path, const char *certificate_path) {
    FILE *file = fopen(key_path, "w");
    PEM_write_PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    file = fopen(certificate_path, "w");
    PEM_write_X509(file, identity->certificate);
    fclose(file);
}

static inline SSL_CTX *tls_server_context(const struct identity *identity) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, identity->certificate);
    SSL_CTX_use_PrivateKey(context, identity->key);
    return context;
}

/** One that believes `identity` alone; nobody where it is NULL. */
static inline SSL_CTX *tls_client_context(const struct identity *identity) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (identity)
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), identity->certificate);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    return context;
}

#endif
