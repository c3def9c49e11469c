// coding.c — content codings: which the client takes best (RFC 9110, section 12.5.3), and bytes made fewer by them.
#include "http/coding.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <brotli/encode.h>
#include <zlib.h>

#include "http/characters.h"

enum {
    QUALITY_MAX = 1000,
    SMALL_BYTES = 64 << 10, // up to here a core has the time to look for the better match
    GZIP_WINDOW_BITS = 15 + 16,
    GZIP_MEMORY_LEVEL = 8,
    GZIP_LEVEL_SMALL = 5,
    GZIP_LEVEL_LARGE = 1,
    BR_QUALITY_SMALL = 4,
    BR_QUALITY_LARGE = 1,
    BR_WINDOW_BITS = 18,
};

const struct coding_options coding_options_default = {
    .order = {CODING_BR, CODING_GZIP},
    .bytes_min = 1024,
    .bytes_max = 1 << 20,
};

str coding_name(enum coding coding) {
    static const str names[] = {[CODING_IDENTITY] = S("identity"), [CODING_GZIP] = S("gzip"), [CODING_BR] = S("br")};
    return names[coding];
}

str http_etag_suffix(enum coding coding) {
    static const str suffixes[] = {[CODING_IDENTITY] = S(""), [CODING_GZIP] = S("-gzip"), [CODING_BR] = S("-br")};
    return suffixes[coding];
}

bool http_is_etag_suffix(str text) {
    return str_eq(text, http_etag_suffix(CODING_GZIP)) || str_eq(text, http_etag_suffix(CODING_BR));
}

// ---- what the client accepts

// "0.5" in thousandths; what is no qvalue is none.
static int quality_of(str text) {
    if (!text.len || (text.ptr[0] != '0' && text.ptr[0] != '1') || text.len > 5 || (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    int quality = (text.ptr[0] - '0') * 1000, weight = 100;
    for (size_t i = 2; i < text.len; i++, weight /= 10) {
        if (!is_digit(text.ptr[i]))
            return 0;
        quality += (text.ptr[i] - '0') * weight;
    }
    return quality > QUALITY_MAX ? 0 : quality;
}

// Takes what is before the next `separator` off the front, without its blanks.
static str take_until(str *rest, char separator) {
    const char *end = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
    size_t bytes = end ? (size_t)(end - rest->ptr) : rest->len, taken = bytes + (end != NULL);
    str text = trim_blanks((str){rest->ptr, bytes});
    *rest = (str){rest->ptr + taken, rest->len - taken};
    return text;
}

static bool is_word(str text, const char *word) {
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

// "gzip;q=0.8"
static int read_element(str element, str *ret_name) {
    int quality = QUALITY_MAX;
    *ret_name = take_until(&element, ';');
    while (element.len) {
        str parameter = take_until(&element, ';');
        if (parameter.len >= 2 && (parameter.ptr[0] | 0x20) == 'q' && parameter.ptr[1] == '=')
            quality = quality_of((str){parameter.ptr + 2, parameter.len - 2});
    }
    return quality;
}

int coding_options_read(struct coding_options *options, str text) {
    enum coding order[CODINGS] = {CODING_IDENTITY};
    unsigned count = 0;
    if (is_word(trim_blanks(text), "off")) {
        options->order[0] = CODING_IDENTITY;
        options->bytes_min = SIZE_MAX;
        return 0;
    }
    while (text.len) {
        str name = take_until(&text, ',');
        enum coding coding = is_word(name, "br") ? CODING_BR : is_word(name, "gzip") ? CODING_GZIP : CODING_IDENTITY;
        if (coding == CODING_IDENTITY || count == CODINGS - 1 || (count && order[0] == coding))
            return -EINVAL;
        order[count++] = coding;
    }
    if (!count)
        return -EINVAL;
    memcpy(options->order, order, sizeof order);
    return 0;
}

struct accepted {
    int quality[CODINGS], others; // -1: not named
};

static void read_list(str list, struct accepted *accepted) {
    while (list.len) {
        str name;
        int quality = read_element(take_until(&list, ','), &name);
        if (is_word(name, "gzip") || is_word(name, "x-gzip"))
            accepted->quality[CODING_GZIP] = quality;
        else if (is_word(name, "br"))
            accepted->quality[CODING_BR] = quality;
        else if (is_word(name, "identity"))
            accepted->quality[CODING_IDENTITY] = quality;
        else if (is_word(name, "*"))
            accepted->others = quality;
    }
}

static struct accepted read_accepted(const struct http_head *head) {
    struct accepted accepted = {.quality = {-1, -1, -1}, .others = -1};
    for (unsigned i = 0; i < head->field_count; i++)
        if (is_word(http_text(head, head->fields[i].name), "Accept-Encoding"))
            read_list(http_text(head, head->fields[i].value), &accepted);
    return accepted;
}

static int quality_in(const struct accepted *accepted, enum coding coding) {
    int quality = accepted->quality[coding] >= 0 ? accepted->quality[coding] : accepted->others;
    return quality > 0 ? quality : 0;
}

enum coding coding_choose(const struct coding_options *options, const struct http_head *head) {
    struct accepted accepted = read_accepted(head);
    enum coding best = CODING_IDENTITY;
    int best_quality = 0;
    for (unsigned i = 0; i < CODINGS && options->order[i] != CODING_IDENTITY; i++) {
        int quality = quality_in(&accepted, options->order[i]);
        if (quality > best_quality) {
            best = options->order[i];
            best_quality = quality;
        }
    }
    bool prefers_plain = accepted.quality[CODING_IDENTITY] > best_quality;
    return prefers_plain ? CODING_IDENTITY : best;
}

bool coding_is_accepted(const struct http_head *head, enum coding coding) {
    struct accepted accepted = read_accepted(head);
    return quality_in(&accepted, coding) > 0;
}

// ---- bytes made fewer

static int make_deflater(struct coder *coder, int level) {
    z_stream *deflater = coder->deflater;
    if (deflater)
        return deflateReset(deflater) == Z_OK && deflateParams(deflater, level, Z_DEFAULT_STRATEGY) == Z_OK ? 0 : -ENOMEM;
    deflater = calloc(1, sizeof *deflater);
    if (!deflater)
        return -ENOMEM;
    if (deflateInit2(deflater, level, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(deflater);
        return -ENOMEM;
    }
    coder->deflater = deflater;
    return 0;
}

static int run_gzip(struct coder *coder, str body, size_t *bytes) {
    int error = make_deflater(coder, body.len <= SMALL_BYTES ? GZIP_LEVEL_SMALL : GZIP_LEVEL_LARGE);
    if (error < 0)
        return error;
    z_stream *deflater = coder->deflater;
    deflater->next_in = (z_const Bytef *)body.ptr;
    deflater->avail_in = (uInt)body.len;
    deflater->next_out = (Bytef *)coder->out;
    deflater->avail_out = (uInt)*bytes;
    if (deflate(deflater, Z_FINISH) != Z_STREAM_END)
        return -EFBIG;
    *bytes -= deflater->avail_out;
    return 0;
}

static int run_br(struct coder *coder, str body, size_t *bytes) {
    int quality = body.len <= SMALL_BYTES ? BR_QUALITY_SMALL : BR_QUALITY_LARGE;
    bool is_done =
        BrotliEncoderCompress(quality, BR_WINDOW_BITS, BROTLI_MODE_TEXT, body.len, (const uint8_t *)body.ptr, bytes, (uint8_t *)coder->out);
    return is_done ? 0 : -EFBIG; // or without memory: the body is sent as it is, either way
}

// The memory of a small body stays for the next.
static int make_room(struct coder *coder, size_t bytes) {
    bool is_good = coder->out && coder->out_bytes >= bytes && (coder->out_bytes <= SMALL_BYTES || bytes > SMALL_BYTES);
    if (is_good)
        return 0;
    free(coder->out);
    coder->out_bytes = bytes <= SMALL_BYTES ? SMALL_BYTES : bytes;
    coder->out = malloc(coder->out_bytes);
    return coder->out ? 0 : -ENOMEM;
}

int coder_run(struct coder *coder, enum coding coding, str body, str *ret_coded) {
    if (body.len > UINT32_MAX || !body.len)
        return -EFBIG;
    int error = make_room(coder, body.len);
    size_t bytes = body.len - 1;
    if (!error)
        error = coding == CODING_BR ? run_br(coder, body, &bytes) : run_gzip(coder, body, &bytes);
    if (!error)
        *ret_coded = (str){coder->out, bytes};
    return error;
}

void coder_finish(struct coder *coder) {
    if (coder->deflater)
        deflateEnd(coder->deflater);
    free(coder->deflater);
    free(coder->out);
    *coder = (struct coder){0};
}
