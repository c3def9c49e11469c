// findings.c — what a verb that checks has found: a list, in the compiler's shape or as JSON.
#include "cli/findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/json_print.h"

SCHEMA(ToldFinding, (str, file), (i64, line, .nullable = true), (str, level), (str, message));

static const char *const levels[] = {[LEVEL_NOTE] = "note", [LEVEL_WARNING] = "warning", [LEVEL_ERROR] = "error"};

int findings_init(struct findings *findings, struct arena *arena) {
    *findings = (struct findings){.arena = arena, .items = arena_alloc(arena, FINDINGS_MAX * sizeof *findings->items)};
    return findings->items ? 0 : -ENOMEM;
}

void findings_add(struct findings *findings, enum level level, const char *file, unsigned line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    str text = arena_vformat(findings->arena, format, args);
    va_end(args);
    findings->error_count += level == LEVEL_ERROR;
    if (findings->count < FINDINGS_MAX && text.ptr)
        findings->items[findings->count++] = (struct finding){file, line, level, text};
}

static void add_line(struct findings *findings, str line) {
    static const char mark[] = ": error: ";
    const char *text = arena_format(findings->arena, "%.*s", (int)line.len, line.ptr).ptr, *error = text ? strstr(text, mark) : NULL;
    if (!error) {
        findings_add(findings, LEVEL_ERROR, "leat", 0, "%s", text ? text : "");
        return;
    }
    const char *digits = error;
    while (digits > text && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    bool has_line = digits < error && digits > text && digits[-1] == ':';
    const char *file = arena_format(findings->arena, "%.*s", (int)((has_line ? digits - 1 : error) - text), text).ptr;
    findings_add(findings, LEVEL_ERROR, file ? file : "leat", has_line ? (unsigned)strtoul(digits, NULL, 10) : 0, "%s",
                 error + sizeof mark - 1);
}

void findings_add_lines(struct findings *findings, str lines) {
    while (lines.len) {
        const char *end = memchr(lines.ptr, '\n', lines.len);
        size_t bytes = end ? (size_t)(end - lines.ptr) : lines.len, taken = bytes + (end != NULL);
        if (bytes)
            add_line(findings, (str){lines.ptr, bytes});
        lines = (str){lines.ptr + taken, lines.len - taken};
    }
}

void findings_print(const struct findings *findings) {
    for (unsigned i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        char line[16] = "";
        if (finding->line)
            snprintf(line, sizeof line, ":%u", finding->line);
        fprintf(stderr, "%s%s: %s: %.*s\n", finding->file, line, levels[finding->level], (int)finding->message.len, finding->message.ptr);
    }
}

void findings_print_json(const struct findings *findings) {
    ToldFinding_list list = {.items = arena_alloc(findings->arena, (findings->count + 1) * sizeof *list.items)};
    for (; list.items && list.n < findings->count; list.n++) {
        const struct finding *finding = &findings->items[list.n];
        list.items[list.n] = (ToldFinding){
            .file = str_of(finding->file), .line = finding->line, .level = str_of(levels[finding->level]), .message = finding->message};
        list.items[list.n].null.line = finding->line == 0;
    }
    json_print(&ToldFinding_list__schema, &list, findings->arena);
}
