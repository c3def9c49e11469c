// known_heads.c — heads that came before, byte for byte: what was found out about them is still true.
#include "http/known_heads.h"

#include <stdbool.h>
#include <stddef.h>

#include "http/characters.h"

static bool has_word(str name, const char *lower) {
    size_t bytes = strlen(lower);
    for (size_t at = 0; at + bytes <= name.len; at++) {
        if (is_same_word(name.ptr + at, lower, bytes))
            return true;
    }
    return false;
}

/** By the field's name: those that HTTP defines, and what others are usually called. */
static bool is_secret(str name) {
    static const char *const words[] = {"auth", "cookie", "key", "password", "secret", "session", "signature", "token"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (has_word(name, words[i]))
            return true;
    }
    return false;
}

static bool has_secret(const struct http_head *head) {
    for (unsigned i = 0; i < head->field_count; i++) {
        if (is_secret(http_text(head, head->fields[i].name)))
            return true;
    }
    return false;
}

static __attribute__((noinline)) void keep(struct known_head *slot, uint64_t key, const struct http_head *head) {
    if (head->bytes > KNOWN_HEAD_BYTES_MAX || head->field_count > KNOWN_HEAD_FIELDS_MAX || has_secret(head))
        return;
    memcpy(&slot->head, head, offsetof(struct http_head, fields) + head->field_count * sizeof head->fields[0]);
    memcpy(slot->text, head->base, head->bytes);
    slot->findings = (struct http_findings){0};
    slot->head.findings = &slot->findings;
    slot->key = key;
}

void known_heads_add(struct known_heads *heads, uint64_t key, const struct http_head *head) {
    struct known_head *slot = known_heads_slot(heads, key);
    if (head->authorization.bytes || head->cookie.bytes) // so that most secrets do not come so far as to be looked for
        return;
    if (key && slot->glimpsed_key == key)
        keep(slot, key, head);
    else
        slot->glimpsed_key = key;
}
