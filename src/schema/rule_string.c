// rule_string.c — strings: length, pattern, format, and then the author's check.
#include <errno.h>

#include "base/utf8.h"
#include "schema/format.h"
#include "schema/pattern.h"
#include "schema/rule.h"

enum { UTF8_BYTES_MAX = 4 };

// Counting is spared where the bytes alone decide.
static bool is_too_long(const struct text_rule *rule, str text) {
    return rule->length_max && text.len > rule->length_max && utf8_count(text) > rule->length_max;
}

static bool is_too_short(const struct text_rule *rule, str text) {
    if ((text.len + UTF8_BYTES_MAX - 1) / UTF8_BYTES_MAX >= rule->length_min)
        return false;
    return text.len < rule->length_min || utf8_count(text) < rule->length_min;
}

int rule_take_string(const struct rule *rule, const struct spot *spot, str text, void *out) {
    const struct text_rule *bounds = &rule->text;
    if (is_too_long(bounds, text))
        return rule_refuse(rule, spot, PROBLEM_STRING_TOO_LONG, &DETAIL_OF_INT(bounds->length_max));
    if (is_too_short(bounds, text))
        return rule_refuse(rule, spot, PROBLEM_STRING_TOO_SHORT, &DETAIL_OF_INT(bounds->length_min));
    if (bounds->pattern && !pattern_matches(bounds->pattern, text))
        return rule_refuse(rule, spot, PROBLEM_STRING_PATTERN_MISMATCH, &DETAIL_OF_TEXT(pattern_text(bounds->pattern)));
    if (bounds->format != FORMAT_NONE) {
        int error = format_take(rule, spot, &text);
        if (error)
            return error;
    }
    *(str *)out = text;
    return rule_check(rule, spot, out);
}
