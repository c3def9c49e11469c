// sql_split.c — a file of SQL, one statement at a time, each with its line.
#include "sql_split.h"

#include <errno.h>

#include "base/utf8.h"
#include "db/sql.h"

// Where in a statement we are.
struct reader {
    unsigned parentheses, blocks;          // open ones
    unsigned word_count;                   // outside parentheses
    bool is_create, is_function, is_begin; // CREATE [OR REPLACE] FUNCTION ... and the last word was BEGIN
};

void sql_split_init(struct sql_split *split, str sql) {
    *split = (struct sql_split){.sql = sql, .line = 1};
}

static unsigned line_at(struct sql_split *split, size_t position) {
    for (; split->counted < position; split->counted++)
        split->line += split->sql.ptr[split->counted] == '\n';
    return split->line;
}

static void read_word(struct reader *reader, struct sql_token word) {
    reader->word_count++;
    if (reader->word_count == 1)
        reader->is_create = sql_is_word(word, "create");
    else if (reader->is_create && reader->word_count <= 4 && (sql_is_word(word, "function") || sql_is_word(word, "procedure")))
        reader->is_function = true;
    if (reader->blocks == 0)
        reader->blocks = reader->is_function && reader->is_begin && sql_is_word(word, "atomic");
    else if (sql_is_word(word, "case"))
        reader->blocks++;
    else if (sql_is_word(word, "end"))
        reader->blocks--;
    reader->is_begin = sql_is_word(word, "begin");
}

// False where `token` ends the statement.
static bool read_token(struct reader *reader, struct sql_token token) {
    char c = token.kind == SQL_OTHER ? *token.text.ptr : '\0';
    if (c == ';' && reader->parentheses == 0 && reader->blocks == 0)
        return false;
    if (token.kind == SQL_WORD && reader->parentheses == 0)
        read_word(reader, token);
    reader->parentheses += c == '(';
    reader->parentheses -= c == ')' && reader->parentheses > 0;
    return true;
}

int sql_split_next(struct sql_split *split, struct sql_statement *ret_statement) {
    struct reader reader = {0};
    const char *start = NULL, *end = NULL;
    for (;;) {
        struct sql_token token = sql_next(split->sql, &split->position);
        size_t at = (size_t)(token.text.ptr - split->sql.ptr);
        if (token.kind == SQL_BROKEN) {
            ret_statement->line = line_at(split, at);
            return -EINVAL;
        }
        bool is_over = token.kind == SQL_END || !read_token(&reader, token);
        if (is_over && start)
            break;
        if (token.kind == SQL_END)
            return 0;
        if (is_over) { // a semicolon with nothing before it
            reader = (struct reader){0};
            continue;
        }
        if (!start) {
            start = token.text.ptr;
            ret_statement->line = line_at(split, at);
        }
        end = token.text.ptr + token.text.len;
    }
    ret_statement->text = (str){start, (size_t)(end - start)};
    return 1;
}

unsigned sql_statement_line(const struct sql_statement *statement, unsigned position) {
    str rest = statement->text;
    unsigned line = statement->line;
    uint32_t c;
    for (unsigned i = 1; i < position && utf8_next(&rest, &c); i++)
        line += c == '\n';
    return line;
}
