// file_answer.c — a file as an answer: found beneath its folder, judged by the request's conditions, sent in pieces.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <leat/response.h>

#include "away.h"
#include "base/str.h"
#include "engine/file.h"
#include "header.h"
#include "http/coding.h"
#include "http/date.h"
#include "http/disposition.h"
#include "http/media_type.h"
#include "http/range.h"
#include "observe.h"
#include "outflow.h"
#include "reply.h"

enum { BOUNDARY_BYTES = 24, PART_HEAD_BYTES_MAX = 256, NANOSECONDS = 1000000000 };

struct file_answer {
    req *request;
    struct file *file;
    str type;
    enum coding coding;               // of a file that was compressed beforehand
    struct leat_file_options options; // as many as its plugin knows of
    struct validators validators;
    struct byte_range ranges[RANGES_MAX];
    unsigned range_count;
    char boundary[BOUNDARY_BYTES + 1]; // of several ranges
};

// ---- found

static void wake(void *arg) {
    req *r = arg;
    if (r->coro)
        coro_resume(r->coro);
}

static int await_file(struct file_answer *answer) {
    while (file_is_busy(answer->file))
        request_suspend(answer->request);
    return file_result(answer->file);
}

static void release(void *arg, enum outcome outcome) {
    (void)outcome;
    file_release(arg);
}

// A way that is written as one goes it: relative, without "." and "..", without empty names but at its end.
static bool is_plain_path(str path) {
    size_t start = 0;
    for (size_t i = 0; i <= path.len; i++) {
        bool is_end = i == path.len;
        if (!is_end && path.ptr[i] == '\0')
            return false;
        if (!is_end && path.ptr[i] != '/')
            continue;
        str name = {path.ptr + start, i - start};
        if ((!name.len && !is_end) || str_eq(name, S(".")) || str_eq(name, S("..")))
            return false;
        start = i + 1;
    }
    return true;
}

static _Noreturn void fail_to_open(req *r, const char *folder, int status) {
    switch (status) {
    case -ENOTDIR:
        observe_log(r, LOG_ERROR, "no_folder", "folder=%.200s it is not there, or no folder", folder);
        http_fail(r, 404, "Not Found");
    case -EACCES:
    case -EPERM:
        observe_log(r, LOG_WARNING, "file_forbidden", "folder=%.200s this process may not read a file of it", folder);
        http_fail(r, 404, "Not Found");
    case -ENOENT:
        http_fail(r, 404, "Not Found");
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -EAGAIN:
        fail_busy(r, "no more files can be opened");
    default:
        observe_log(r, LOG_ERROR, "file_failed", "folder=%.200s error=%s", folder, strerrorname_np(-status));
        http_fail(r, 500, "Internal Server Error");
    }
}

static int open_plain(struct file_answer *answer, const char *folder, str path, const char *suffix) {
    file_open(answer->file, folder, format(answer->request, "%.*s%s", (int)path.len, path.ptr, suffix).ptr);
    return await_file(answer);
}

// The file that was compressed beforehand, in the coding that the client likes best and there is a file of.
static bool open_packed(struct file_answer *answer, const char *folder, str path) {
    static const char *const suffixes[] = {[CODING_GZIP] = ".gz", [CODING_BR] = ".br"};
    req *r = answer->request;
    enum coding best = coding_choose(&coding_options_default, r->head), other = best == CODING_BR ? CODING_GZIP : CODING_BR;
    enum coding order[] = {best, coding_is_accepted(r->head, other) ? other : CODING_IDENTITY};
    for (unsigned i = 0; best != CODING_IDENTITY && i < 2 && order[i] != CODING_IDENTITY; i++)
        if (open_plain(answer, folder, path, suffixes[order[i]]) == 0) {
            answer->coding = order[i];
            return true;
        }
    return false;
}

static str with_index(req *r, str path, const char *index) {
    bool is_folder = !path.len || path.ptr[path.len - 1] == '/';
    return is_folder && index ? format(r, "%.*s%s", (int)path.len, path.ptr, index) : path;
}

static void note_validators(struct file_answer *answer) {
    const struct stat *stat = file_stat(answer->file);
    answer->validators = (struct validators){
        .etag = format(answer->request, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", (uint64_t)stat->st_ino, (uint64_t)stat->st_size,
                       (uint64_t)stat->st_mtim.tv_sec * NANOSECONDS + (uint64_t)stat->st_mtim.tv_nsec),
        .modified_s = stat->st_mtim.tv_sec,
    };
}

struct send_file_call {
    req *r;
    const char *folder;
    str path;
    const struct leat_file_options *options;
    File *file;
};

static void send_on_core(void *arg) {
    struct send_file_call *call = arg;
    call->file = leat_send_file(call->r, call->folder, call->path, call->options);
}

File *leat_send_file(req *r, const char *folder, str path, const struct leat_file_options *options) {
    if (r->is_away) {
        struct send_file_call call = {r, folder, path, options, NULL};
        away_call(r, send_on_core, &call);
        return call.file;
    }
    request_keep(r);
    struct file_answer *answer = new (r, struct file_answer);
    *answer = (struct file_answer){.request = r};
    memcpy(&answer->options, options, options->size < sizeof answer->options ? options->size : sizeof answer->options);
    path = with_index(r, path, answer->options.index);
    if (!is_plain_path(path))
        http_fail(r, 404, "Not Found");
    answer->file = file_take(&r->app->core->files, wake, r);
    if (!answer->file)
        fail_busy(r, "no memory for a file");
    on_done(r, release, answer->file);
    int status = answer->options.precompressed && r->head && open_packed(answer, folder, path) ? 0 : open_plain(answer, folder, path, "");
    if (status < 0)
        fail_to_open(r, folder, status);
    note_validators(answer);
    answer->type = answer->options.type ? str_of(answer->options.type) : media_type_of_name(path);
    Response *response = new (r, Response);
    response->file = answer;
    return response;
}

// ---- judged

static uint64_t size_of(const struct file_answer *answer) {
    return (uint64_t)file_stat(answer->file)->st_size;
}

static void put_headers(struct file_answer *answer) {
    req *r = answer->request;
    response_put_validators(r, &answer->validators);
    header_put_default(r, "Accept-Ranges", S("bytes"));
    if (answer->options.max_age_s > 0)
        header_put_default(r, "Cache-Control", format(r, "public, max-age=%lld", (long long)answer->options.max_age_s));
    if (answer->options.precompressed)
        set_header(r, "Vary", S("Accept-Encoding"));
    if (answer->coding != CODING_IDENTITY)
        set_header(r, "Content-Encoding", coding_name(answer->coding));
    if (!answer->options.download.ptr)
        return;
    str disposition = disposition_write(&r->arena, answer->options.download);
    if (!disposition.ptr)
        fail_busy(r, "no memory for a file's name");
    header_put_default(r, "Content-Disposition", disposition);
}

static _Noreturn void refuse_ranges(struct file_answer *answer) {
    req *r = answer->request;
    set_header(r, "Content-Range", format(r, "bytes */%" PRIu64, size_of(answer)));
    reply_detail(r, 416, S("Range Not Satisfiable"), NULL);
    request_leave(r, OK);
}

static void read_ranges(struct file_answer *answer) {
    str field = http_field_value(answer->request->head, S("Range"));
    int count = field.ptr ? http_ranges_read(field, size_of(answer), answer->ranges) : 0;
    if (count == -ERANGE)
        refuse_ranges(answer);
    answer->range_count = (unsigned)count;
}

// Where the handler has chosen another status than 200, the file is no more than its body.
static enum conditions judge(struct file_answer *answer) {
    req *r = answer->request;
    bool has_range = false;
    if (!r->head || (r->status ? r->status : r->endpoint->status) != 200)
        return CONDITIONS_HOLD;
    answer->validators.now_s = r->app->core->wall_us / 1000000;
    enum conditions conditions = http_conditions(r->head, &answer->validators, &has_range);
    if (has_range)
        read_ranges(answer);
    return conditions;
}

// ---- sent

static void send_range(struct file_answer *answer, struct outflow *outflow, struct byte_range range) {
    req *r = answer->request;
    while (range.bytes) {
        file_read(answer->file, range.first, range.bytes < FILE_PIECE_BYTES ? range.bytes : FILE_PIECE_BYTES);
        int bytes = await_file(answer);
        if (bytes == -EINTR || bytes == -EAGAIN)
            continue;
        if (bytes <= 0) {
            outflow_cut(r, 500, bytes ? "the file cannot be read" : "the file has become shorter");
            request_leave(r, FAILED);
        }
        outflow_write(outflow, (str){file_piece(answer->file), (size_t)bytes});
        range = (struct byte_range){range.first + (uint64_t)bytes, range.bytes - (uint64_t)bytes};
    }
}

// Random, so that nobody writes a file that holds it.
static void make_boundary(struct file_answer *answer) {
    unsigned char random[BOUNDARY_BYTES / 2];
    if (getrandom(random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        fail_busy(answer->request, "there is no randomness yet");
    for (unsigned i = 0; i < sizeof random; i++)
        snprintf(answer->boundary + i * 2, 3, "%02x", random[i]);
}

// The head of a part, or what ends them all where there is no range; its bytes.
static size_t part_head(const struct file_answer *answer, const struct byte_range *range, char out[PART_HEAD_BYTES_MAX]) {
    if (!range)
        return (size_t)snprintf(out, PART_HEAD_BYTES_MAX, "\r\n--%s--\r\n", answer->boundary);
    int type_bytes = answer->type.len < 100 ? (int)answer->type.len : 100;
    return (size_t)snprintf(out, PART_HEAD_BYTES_MAX,
                            "%s--%s\r\nContent-Type: %.*s\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                            range == answer->ranges ? "" : "\r\n", answer->boundary, type_bytes, answer->type.ptr, range->first,
                            range->first + range->bytes - 1, size_of(answer));
}

static void send_parts(struct file_answer *answer) {
    char head[PART_HEAD_BYTES_MAX];
    req *r = answer->request;
    make_boundary(answer);
    uint64_t bytes = part_head(answer, NULL, head);
    for (unsigned i = 0; i < answer->range_count; i++)
        bytes += part_head(answer, &answer->ranges[i], head) + answer->ranges[i].bytes;
    r->status = 206;
    str type = format(r, "multipart/byteranges; boundary=%s", answer->boundary);
    struct outflow *outflow = outflow_create(r, LEAT_FILE, type, (int64_t)bytes);
    for (unsigned i = 0; i < answer->range_count; i++) {
        size_t head_bytes = part_head(answer, &answer->ranges[i], head);
        outflow_write(outflow, (str){head, head_bytes});
        send_range(answer, outflow, answer->ranges[i]);
    }
    outflow_write(outflow, (str){head, part_head(answer, NULL, head)});
}

static void send_one(struct file_answer *answer) {
    req *r = answer->request;
    struct byte_range range = {0, size_of(answer)};
    if (answer->range_count) {
        range = answer->ranges[0];
        r->status = 206;
        set_header(r, "Content-Range",
                   format(r, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.first, range.first + range.bytes - 1, size_of(answer)));
    }
    struct outflow *outflow = outflow_create(r, LEAT_FILE, answer->type, (int64_t)range.bytes);
    outflow_open(outflow);
    send_range(answer, outflow, range);
}

void file_answer_send(req *r, const Response *response) {
    struct file_answer *answer = response->file;
    enum conditions conditions = judge(answer);
    if (conditions == CONDITIONS_FAIL)
        http_fail(r, 412, "Precondition Failed");
    put_headers(answer);
    if (conditions == CONDITIONS_NOT_MODIFIED)
        return reply_response(r, &(Response){.status = 304});
    if (answer->range_count > 1)
        send_parts(answer);
    else
        send_one(answer);
    outflow_finish(r);
}
