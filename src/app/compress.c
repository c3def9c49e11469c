// compress.c — bodies of answers made fewer bytes for those who take them.
//
// On the core, at once, and only up to bytes_max: at the levels that coding.c chooses 64 KiB take about a millisecond, and a megabyte ten.
// Bodies in pieces are sent as they are: they would wait in the coder for what it needs to see.
#include "compress.h"

#include <string.h>

#include "base/str.h"
#include "header.h"
#include "http/media_type.h"

// The handler has coded it already, or wants it left as it is (RFC 9110, section 7.7).
static bool is_to_be_left_alone(const req *r) {
    str control = header_find(r->headers, "Cache-Control");
    return header_find(r->headers, "Content-Encoding").ptr || header_find(r->headers, "Content-Range").ptr ||
           (control.len && memmem(control.ptr, control.len, "no-transform", 12));
}

void compress(req *r, struct answer *answer, str type) {
    const struct coding_options *options = &r->app->options->coding;
    str body = {answer->room + answer->body_at, answer->used - answer->body_at}, coded;
    bool is_worth_it = !answer->out_of_memory && answer->length_at && body.len <= options->bytes_max && media_type_is_compressible(type);
    if (!is_worth_it || is_to_be_left_alone(r))
        return;
    enum coding coding = r->head ? coding_choose(options, r->head) : CODING_IDENTITY;
    if (coding == CODING_IDENTITY || coder_run(&r->app->coder, coding, body, &coded) < 0) {
        answer_recode(answer, S("Vary: Accept-Encoding\r\n"), (str){0}, (str){0});
        return;
    }
    str lines = coding == CODING_BR ? S("Content-Encoding: br\r\nVary: Accept-Encoding\r\n")
                                    : S("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
    answer_recode(answer, lines, coded, http_etag_suffix(coding));
}
