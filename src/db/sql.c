// sql.c — SQL taken apart just far enough to find what is ours in it (Postgres chapter "Lexical Structure").
#include "db/sql.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c) {
    return is_word_start(c) || is_digit(c) || c == '$';
}

static bool starts_with(str s, size_t at, const char *text) {
    size_t bytes = strlen(text);
    return s.len - at >= bytes && memcmp(s.ptr + at, text, bytes) == 0;
}

// Behind a comment that nests; 0 where it never ends.
static size_t behind_block_comment(str s, size_t at) {
    unsigned depth = 0;
    while (at < s.len) {
        if (starts_with(s, at, "/*")) {
            depth++;
            at += 2;
        } else if (starts_with(s, at, "*/")) {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return 0;
}

// Behind blanks and comments; 0 where a comment never ends. `at` itself may be 0.
static bool skip_blanks(str s, size_t *at) {
    for (;;) {
        while (*at < s.len && strchr(" \t\r\n\f\v", s.ptr[*at]) && s.ptr[*at])
            ++*at;
        if (starts_with(s, *at, "--")) {
            while (*at < s.len && s.ptr[*at] != '\n')
                ++*at;
        } else if (starts_with(s, *at, "/*")) {
            size_t end = behind_block_comment(s, *at);
            if (!end)
                return false;
            *at = end;
        } else {
            return true;
        }
    }
}

// Behind the quote that closes the one at `at`; doubled ones stay inside. 0 where there is none.
static size_t behind_one_quote(str s, size_t at, bool has_escapes) {
    char quote = s.ptr[at++];
    for (; at < s.len; at++) {
        if (has_escapes && s.ptr[at] == '\\')
            at++;
        else if (s.ptr[at] == quote && at + 1 < s.len && s.ptr[at + 1] == quote)
            at++;
        else if (s.ptr[at] == quote)
            return at + 1;
    }
    return 0;
}

// The quote on a later line that goes on with the string which ended at `at`; 0 where none does.
static size_t continuation(str s, size_t at) {
    bool has_newline = false;
    for (; at < s.len && strchr(" \t\r\n\f\v", s.ptr[at]) && s.ptr[at]; at++)
        has_newline |= s.ptr[at] == '\n' || s.ptr[at] == '\r';
    return has_newline && at < s.len && s.ptr[at] == '\'' ? at : 0;
}

// A string with escapes keeps them in the parts that follow on lines of their own.
static size_t behind_quote(str s, size_t at, bool has_escapes) {
    size_t end = behind_one_quote(s, at, has_escapes);
    for (size_t next; has_escapes && end && (next = continuation(s, end)) != 0;)
        end = behind_one_quote(s, next, true);
    return end;
}

// The bytes of $tag$ at `at`, or 0.
static size_t dollar_tag_bytes(str s, size_t at) {
    size_t end = at + 1;
    if (end < s.len && is_digit(s.ptr[end]))
        return 0;
    while (end < s.len && is_word(s.ptr[end]) && s.ptr[end] != '$')
        end++;
    return end < s.len && s.ptr[end] == '$' ? end + 1 - at : 0;
}

static size_t behind_dollar_quote(str s, size_t at, size_t tag_bytes) {
    const char *end = memmem(s.ptr + at + tag_bytes, s.len - at - tag_bytes, s.ptr + at, tag_bytes);
    return end ? (size_t)(end - s.ptr) + tag_bytes : 0;
}

static struct sql_token token_of(str s, size_t start, size_t end, enum sql_kind kind, size_t *position) {
    *position = end ? end : s.len;
    return (struct sql_token){end ? kind : SQL_BROKEN, {s.ptr + start, *position - start}, 0};
}

static struct sql_token parameter_at(str s, size_t at, size_t *position) {
    size_t end = at + 1;
    unsigned number = 0;
    for (; end < s.len && is_digit(s.ptr[end]); end++)
        number = number < 100000 ? number * 10 + (unsigned)(s.ptr[end] - '0') : number;
    struct sql_token token = token_of(s, at, end, SQL_PARAMETER, position);
    token.number = number;
    return token;
}

struct sql_token sql_next(str s, size_t *position) {
    size_t at = *position;
    if (!skip_blanks(s, &at))
        return token_of(s, at, 0, SQL_BROKEN, position);
    if (at == s.len) {
        *position = at;
        return (struct sql_token){SQL_END, {s.ptr + at, 0}, 0};
    }
    char c = s.ptr[at], next = at + 1 < s.len ? s.ptr[at + 1] : '\0';
    if (c == '\'')
        return token_of(s, at, behind_quote(s, at, false), SQL_STRING, position);
    if ((c == 'e' || c == 'E') && next == '\'')
        return token_of(s, at, behind_quote(s, at + 1, true), SQL_STRING, position);
    if (c == '"')
        return token_of(s, at, behind_quote(s, at, false), SQL_QUOTED, position);
    if (c == '$' && is_digit(next))
        return parameter_at(s, at, position);
    if (c == '$' && dollar_tag_bytes(s, at))
        return token_of(s, at, behind_dollar_quote(s, at, dollar_tag_bytes(s, at)), SQL_STRING, position);
    if (starts_with(s, at, "{*}"))
        return token_of(s, at, at + 3, SQL_COLUMNS, position);
    if (starts_with(s, at, "{set}"))
        return token_of(s, at, at + 5, SQL_SET, position);
    size_t end = at + 1;
    if (!is_word_start(c))
        return token_of(s, at, end, SQL_OTHER, position);
    while (end < s.len && is_word(s.ptr[end]))
        end++;
    return token_of(s, at, end, SQL_WORD, position);
}

bool sql_is_word(struct sql_token token, const char *lower_case) {
    return token.kind == SQL_WORD && token.text.len == strlen(lower_case) && strncasecmp(token.text.ptr, lower_case, token.text.len) == 0;
}

static bool is_name(struct sql_token token) {
    return token.kind == SQL_WORD || token.kind == SQL_QUOTED;
}

static bool is_char(struct sql_token token, char c) {
    return token.kind == SQL_OTHER && token.text.ptr[0] == c;
}

// A name with dots at `*position`, which moves behind it.
static str dotted_name(str sql, size_t *position) {
    struct sql_token token = sql_next(sql, position);
    if (!is_name(token))
        return (str){0};
    str name = token.text;
    for (;;) {
        size_t ahead = *position;
        if (!is_char(sql_next(sql, &ahead), '.'))
            return name;
        token = sql_next(sql, &ahead);
        if (!is_name(token))
            return name;
        name.len = (size_t)(token.text.ptr + token.text.len - name.ptr);
        *position = ahead;
    }
}

struct target {
    str table, called;
};

// [ONLY] name [*] [[AS] alias]: the table, and what it is called from here on.
static struct target target_at(str sql, size_t position) {
    size_t ahead = position;
    if (sql_is_word(sql_next(sql, &ahead), "only"))
        position = ahead;
    str name = dotted_name(sql, &position);
    struct sql_token token = sql_next(sql, &position);
    if (is_char(token, '*'))
        token = sql_next(sql, &position);
    if (sql_is_word(token, "as"))
        return (struct target){name, dotted_name(sql, &position)};
    bool is_alias = token.kind == SQL_QUOTED || (token.kind == SQL_WORD && !sql_is_word(token, "set") && !sql_is_word(token, "values") &&
                                                 !sql_is_word(token, "select") && !sql_is_word(token, "default") &&
                                                 !sql_is_word(token, "overriding") && !sql_is_word(token, "with"));
    return (struct target){name, is_alias ? token.text : name};
}

str sql_update_target(str sql, size_t position, str *ret_table) {
    struct target target = {0}, inserted = {0};
    struct sql_token before = {0};
    for (size_t at = 0; at < position;) {
        struct sql_token token = sql_next(sql, &at);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            break;
        if (sql_is_word(token, "into") && sql_is_word(before, "insert"))
            inserted = target_at(sql, at);
        if (sql_is_word(token, "update")) {
            size_t ahead = at;
            target = sql_is_word(sql_next(sql, &ahead), "set") ? inserted : target_at(sql, at);
        }
        before = token;
    }
    if (ret_table)
        *ret_table = target.table;
    return target.called;
}

bool sql_has_word(str sql, const char *lower_case) {
    for (size_t position = 0;;) {
        struct sql_token token = sql_next(sql, &position);
        if (token.kind == SQL_END || token.kind == SQL_BROKEN)
            return false;
        if (sql_is_word(token, lower_case))
            return true;
    }
}

// FOR UPDATE behind WITH counts as a write, which costs a link apart; behind a bare SELECT it is none, since nothing is lost when it runs
// twice.
bool sql_is_read(str sql) {
    static const char *const words[] = {"insert", "update", "delete", "merge"};
    size_t position = 0;
    struct sql_token first = sql_next(sql, &position);
    bool is_with = sql_is_word(first, "with");
    for (size_t i = 0; is_with && i < sizeof words / sizeof *words; i++)
        if (sql_has_word(sql, words[i]))
            return false;
    return (is_with || sql_is_word(first, "select")) && !sql_has_word(sql, "into");
}
