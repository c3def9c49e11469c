// pattern.c — regular expressions of `.pattern`, compiled once and matched with limits.
//
// Pydantic matches with Rust's regex, which is linear in the text; PCRE2 backtracks. The steps of a match are therefore limited, in
// proportion to the text, and a text that needs more does not match: a request can make a pattern slow, but never for longer than that. The
// compiled code would take 32 KiB of the machine's stack, half of a coroutine's, so each thread lends it a stack of its own.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "base/str.h"

struct pattern {
    pcre2_code *code;
    str text;
};

int pattern_create(const char *text, struct pattern **ret_pattern, char *problem) {
    // as Rust's regex reads it: \d and \w of every script, and $ is the very end, not before a last line feed
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int error;
    PCRE2_SIZE offset;
    struct pattern *pattern = calloc(1, sizeof *pattern);
    if (!pattern)
        return -ENOMEM;
    pattern->text = str_of(text);
    pattern->code = pcre2_compile((PCRE2_SPTR)text, pattern->text.len, options, &error, &offset, NULL);
    if (!pattern->code) {
        PCRE2_UCHAR8 message[PATTERN_PROBLEM_BYTES / 2];
        pcre2_get_error_message(error, message, sizeof message);
        snprintf(problem, PATTERN_PROBLEM_BYTES, "%s at offset %zu", (const char *)message, (size_t)offset);
        free(pattern);
        return error == PCRE2_ERROR_NOMEMORY || error == PCRE2_ERROR_HEAP_FAILED ? -ENOMEM : -EINVAL;
    }
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); // where there is no JIT, the interpreter serves
    *ret_pattern = pattern;
    return 0;
}

void pattern_destroy(struct pattern *pattern) {
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

str pattern_text(const struct pattern *pattern) {
    return pattern->text;
}

// ---- matching: what a thread keeps for it

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

enum {
    STEPS_MIN = 100000,
    STEPS_PER_BYTE = 8,
    JIT_STACK_BYTES_MIN = 32 << 10,
    JIT_STACK_BYTES_MAX = 8 << 20,
    HEAP_KIB_MAX = 8192, // of the interpreter
};

static pthread_key_t key;
static __thread struct matcher *of_thread;

static void matcher_destroy(void *argument) {
    struct matcher *matcher = argument;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    free(matcher);
    of_thread = NULL;
}

static void make_key(void) {
    pthread_key_create(&key, matcher_destroy);
}

static struct matcher *matcher_create(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    struct matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher)
        return NULL;
    matcher->data = pcre2_match_data_create(1, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    matcher->stack = pcre2_jit_stack_create(JIT_STACK_BYTES_MIN, JIT_STACK_BYTES_MAX, NULL);
    if (!matcher->data || !matcher->context || pthread_setspecific(key, matcher) != 0) {
        matcher_destroy(matcher);
        return NULL;
    }
    if (matcher->stack)
        pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    pcre2_set_heap_limit(matcher->context, HEAP_KIB_MAX);
    return of_thread = matcher;
}

bool pattern_matches(const struct pattern *pattern, str text) {
    struct matcher *matcher = of_thread ? of_thread : matcher_create();
    if (!matcher)
        return false;
    size_t steps = STEPS_MIN + text.len * STEPS_PER_BYTE;
    pcre2_set_match_limit(matcher->context, steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX);
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.ptr ? text.ptr : "");
    return pcre2_match(pattern->code, subject, text.len, 0, PCRE2_NO_UTF_CHECK, matcher->data, matcher->context) >= 0;
}
