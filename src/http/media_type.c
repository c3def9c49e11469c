// media_type.c — what a file is by its name, whether its bytes can be made fewer, and lists of types.
#include "http/media_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/characters.h"

#define TEXT(type) S(type "; charset=utf-8")

// By name, in the order of strcmp(3). The types are IANA's where it has one.
static const struct media_type {
    const char *extension;
    str type;
} types[] = {
    {"7z", S("application/x-7z-compressed")},
    {"aac", S("audio/aac")},
    {"apng", S("image/apng")},
    {"atom", S("application/atom+xml")},
    {"avif", S("image/avif")},
    {"bmp", S("image/bmp")},
    {"bz2", S("application/x-bzip2")},
    {"css", TEXT("text/css")},
    {"csv", TEXT("text/csv")},
    {"doc", S("application/msword")},
    {"docx", S("application/vnd.openxmlformats-officedocument.wordprocessingml.document")},
    {"eot", S("application/vnd.ms-fontobject")},
    {"epub", S("application/epub+zip")},
    {"flac", S("audio/flac")},
    {"gif", S("image/gif")},
    {"gz", S("application/gzip")},
    {"htm", TEXT("text/html")},
    {"html", TEXT("text/html")},
    {"ico", S("image/vnd.microsoft.icon")},
    {"ics", TEXT("text/calendar")},
    {"jpeg", S("image/jpeg")},
    {"jpg", S("image/jpeg")},
    {"js", TEXT("text/javascript")},
    {"json", S("application/json")},
    {"jsonl", S("application/jsonl")},
    {"jsonld", S("application/ld+json")},
    {"m4a", S("audio/mp4")},
    {"m4v", S("video/mp4")},
    {"map", S("application/json")},
    {"md", TEXT("text/markdown")},
    {"mjs", TEXT("text/javascript")},
    {"mov", S("video/quicktime")},
    {"mp3", S("audio/mpeg")},
    {"mp4", S("video/mp4")},
    {"mpeg", S("video/mpeg")},
    {"odp", S("application/vnd.oasis.opendocument.presentation")},
    {"ods", S("application/vnd.oasis.opendocument.spreadsheet")},
    {"odt", S("application/vnd.oasis.opendocument.text")},
    {"oga", S("audio/ogg")},
    {"ogg", S("audio/ogg")},
    {"ogv", S("video/ogg")},
    {"otf", S("font/otf")},
    {"parquet", S("application/vnd.apache.parquet")},
    {"pdf", S("application/pdf")},
    {"png", S("image/png")},
    {"ppt", S("application/vnd.ms-powerpoint")},
    {"pptx", S("application/vnd.openxmlformats-officedocument.presentationml.presentation")},
    {"rss", S("application/rss+xml")},
    {"rtf", S("application/rtf")},
    {"svg", S("image/svg+xml")},
    {"tar", S("application/x-tar")},
    {"tif", S("image/tiff")},
    {"tiff", S("image/tiff")},
    {"toml", S("application/toml")},
    {"tsv", TEXT("text/tab-separated-values")},
    {"ttf", S("font/ttf")},
    {"txt", TEXT("text/plain")},
    {"wasm", S("application/wasm")},
    {"wav", S("audio/wav")},
    {"weba", S("audio/webm")},
    {"webm", S("video/webm")},
    {"webmanifest", S("application/manifest+json")},
    {"webp", S("image/webp")},
    {"woff", S("font/woff")},
    {"woff2", S("font/woff2")},
    {"xhtml", S("application/xhtml+xml")},
    {"xls", S("application/vnd.ms-excel")},
    {"xlsx", S("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")},
    {"xml", S("application/xml")},
    {"xz", S("application/x-xz")},
    {"yaml", S("application/yaml")},
    {"yml", S("application/yaml")},
    {"zip", S("application/zip")},
    {"zst", S("application/zstd")},
};
enum { EXTENSION_BYTES_MAX = 16 };

static int by_extension(const void *key, const void *element) {
    return strcasecmp(key, ((const struct media_type *)element)->extension);
}

str media_type_of_name(str name) {
    char extension[EXTENSION_BYTES_MAX];
    const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
    size_t bytes = dot ? (size_t)(name.ptr + name.len - dot - 1) : 0;
    const struct media_type *found = NULL;
    if (bytes && bytes < sizeof extension) {
        memcpy(extension, dot + 1, bytes);
        extension[bytes] = '\0';
        found = bsearch(extension, types, sizeof types / sizeof *types, sizeof *types, by_extension);
    }
    return found ? found->type : S("application/octet-stream");
}

static bool begins_with(str text, const char *word) {
    size_t bytes = strlen(word);
    return text.len >= bytes && strncasecmp(text.ptr, word, bytes) == 0;
}

static bool ends_with(str text, const char *word) {
    size_t bytes = strlen(word);
    return text.len >= bytes && strncasecmp(text.ptr + text.len - bytes, word, bytes) == 0;
}

bool media_type_is_compressible(str type) {
    static const char *const known[] = {
        "application/javascript",
        "application/json",
        "application/jsonl",
        "application/manifest+json",
        "application/rtf",
        "application/toml",
        "application/wasm",
        "application/xml",
        "application/yaml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "application/x-ndjson",
        "application/x-tar",
        "application/vnd.ms-fontobject",
    };
    const char *semicolon = type.len ? memchr(type.ptr, ';', type.len) : NULL;
    if (semicolon)
        type.len = (size_t)(semicolon - type.ptr);
    while (type.len && type.ptr[type.len - 1] == ' ')
        type.len--;
    if (begins_with(type, "text/"))
        return !begins_with(type, "text/event-stream");
    if (ends_with(type, "+json") || ends_with(type, "+xml"))
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (type.len == strlen(known[i]) && begins_with(type, known[i]))
            return true;
    return false;
}

bool media_type_next(str *rest, str *ret_type) {
    if (!rest->ptr)
        return false;
    const char *comma = rest->len ? memchr(rest->ptr, ',', rest->len) : NULL;
    *ret_type = trim_blanks((str){rest->ptr, comma ? (size_t)(comma - rest->ptr) : rest->len});
    *rest = comma ? (str){comma + 1, rest->len - (size_t)(comma + 1 - rest->ptr)} : (str){0};
    return true;
}

bool media_type_is_one(str type) {
    unsigned slashes = 0;
    for (size_t i = 0; i < type.len; i++) {
        bool is_slash = type.ptr[i] == '/', is_upper = type.ptr[i] >= 'A' && type.ptr[i] <= 'Z';
        if ((!is_slash && !is_token_char(type.ptr[i])) || is_upper || (is_slash && (i == 0 || i + 1 == type.len)))
            return false;
        slashes += is_slash;
    }
    return slashes == 1 && type.len <= MEDIA_TYPE_BYTES_MAX;
}
