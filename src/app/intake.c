// intake.c — a form with files, read as it comes: fields into the request's memory, files into it or into temporary files.
//
// One chunk of 64 KiB holds what has come of the part that is being read. A field, or a file that ends in it, is copied out of it; a file
// that does not gets a temporary file, and the chunk is written whenever it is full. The next piece is pulled only then, so the client is
// no faster than the disk, and the memory of a request does not grow with what it uploads. Files that nobody reads are not kept at all.
#include "intake.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "http/multipart.h"
#include "intake_check.h"
#include "observe.h"

/** Of one reading; in the request's memory. */
struct reader {
    req *r;
    struct intake *intake;
    struct multipart multipart;
    struct form_field field; // the part in hand
    bool is_file;
    const struct step *step; // of a file: who reads it; NULL: nobody
    struct upload *upload;   // of a file that is kept
    uint64_t bytes;          // of the part so far
    char *value;             // of a field that has outgrown the chunk
    size_t value_capacity;
};

// ---- the spool

static void resume(void *arg) {
    req *r = arg;
    coro_resume(r->coro);
}

int intake_wait(req *r, struct spool *spool) {
    while (spool->is_busy)
        request_suspend(r);
    return spool->result;
}

static void put_away(void *arg, enum outcome outcome) {
    struct intake *intake = arg;
    (void)outcome;
    for (struct upload *upload = intake->first; upload; upload = upload->next)
        if (upload->file.fd >= 0)
            spool_close(&intake->app->spools, &upload->file);
    if (intake->spool)
        spool_release(intake->spool);
    intake->spool = NULL;
}

struct spool *intake_spool(req *r) {
    struct intake *intake = r->intake;
    if (!intake->spool)
        intake->spool = spool_take(&r->app->spools, resume, r);
    if (!intake->spool)
        fail_busy(r, "too many uploads at once, or no memory for one");
    return intake->spool;
}

// What the disk, or the folder of temporary files, has refused.
static _Noreturn void fail_on_disk(req *r, int error) {
    bool is_full = error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
    bool is_busy = error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EAGAIN;
    const char *folder = r->app->options->upload_folder;
    observe_log(r, LOG_ERROR, "upload_failed", "folder=\"%s\" error=%s%s", folder ? folder : "", strerrorname_np(-error),
                is_full ? " remedy=\"free space there, or set UPLOAD_FOLDER to a larger disk\"" : "");
    if (is_busy)
        fail_busy(r, "too many uploads at once");
    http_fail(r, is_full ? 507 : 500, "%s", http_reason(is_full ? 507 : 500));
}

// ---- fields

static _Noreturn void fail_field_too_long(const struct reader *reader) {
    http_fail(reader->r, 400, "Part exceeded maximum size of %uKB.", reader->multipart.limits->field_bytes_max / 1024);
}

static void grow_value(struct reader *reader, size_t used, size_t bytes) {
    size_t capacity = reader->value_capacity ? reader->value_capacity : SPOOL_CHUNK_BYTES;
    while (capacity < used + bytes)
        capacity *= 2;
    char *larger = arena_raw(&reader->r->arena, capacity);
    if (!larger)
        fail_busy(reader->r, "the request needs more memory than it is allowed");
    memcpy(larger, reader->value ? reader->value : reader->intake->spool->chunk, used);
    reader->value = larger;
    reader->value_capacity = capacity;
}

static void add_to_field(struct reader *reader, str data) {
    struct spool *spool = reader->intake->spool;
    size_t used = (size_t)reader->bytes, capacity = reader->value ? reader->value_capacity : sizeof spool->chunk;
    if (used + data.len > reader->multipart.limits->field_bytes_max)
        fail_field_too_long(reader);
    if (used + data.len > capacity)
        grow_value(reader, used, data.len);
    memcpy((reader->value ? reader->value : spool->chunk) + used, data.ptr, data.len);
}

static void check_memory(req *r, size_t *used, size_t bytes) {
    *used += bytes;
    if (*used > FORM_MEMORY_BYTES_MAX)
        http_fail(r, 413, "Form fields too large");
}

static void end_field(struct reader *reader) {
    req *r = reader->r;
    struct intake *intake = reader->intake;
    str value = {reader->value ? reader->value : intake->spool->chunk, (size_t)reader->bytes};
    check_memory(r, &intake->form_bytes, reader->field.name.len + value.len);
    if (!reader->value)
        value = arena_copy(&r->arena, value);
    reader->field.value = value;
    int status = value.ptr ? form_add(&intake->form, reader->field, reader->multipart.limits, &r->arena) : -ENOMEM;
    if (status == -EINVAL)
        http_fail(r, 400, "%s", intake->form.problem);
    if (status)
        fail_busy(r, "the request needs more memory than it is allowed");
}

// ---- files

static const struct step *step_of(const struct endpoint *endpoint, str name) {
    for (unsigned i = 0; i < endpoint->step_count; i++) {
        const struct step *step = &endpoint->steps[i];
        if ((step->kind == STEP_FILE || step->kind == STEP_FILES) && str_eq(intake_name(step->file), name))
            return step;
    }
    return NULL;
}

static void drop_file(struct reader *reader) {
    reader->upload = NULL;
    reader->intake->spool->filled = 0;
}

static void begin_file(struct reader *reader, const struct part_head *part) {
    req *r = reader->r;
    reader->step = step_of(r->endpoint, part->name);
    reader->upload = NULL;
    if (!reader->step)
        return;
    struct upload *upload = new (r, struct upload);
    *upload = (struct upload){.name = reader->field.name, .file.fd = -1};
    upload->shown.filename = reader->field.filename;
    upload->shown.content_type = reader->field.part_type.ptr ? reader->field.part_type : S("");
    if (intake_check_type(r, reader->step->file, &upload->shown))
        reader->upload = upload;
}

static void open_file(struct reader *reader) {
    struct spool *spool = reader->intake->spool;
    spool_create(spool);
    int fd = intake_wait(reader->r, spool);
    if (fd < 0)
        fail_on_disk(reader->r, fd);
    // from here on it ends with the request
    struct upload *upload = reader->upload;
    upload->file.fd = fd;
    *reader->intake->last = upload;
    reader->intake->last = &upload->next;
}

static void write_chunk(struct reader *reader) {
    struct spool *spool = reader->intake->spool;
    if (reader->upload->file.fd < 0)
        open_file(reader);
    spool_write(spool, &reader->upload->file);
    int status = intake_wait(reader->r, spool);
    if (status < 0)
        fail_on_disk(reader->r, status);
}

static void add_to_file(struct reader *reader, str data) {
    if (reader->upload && !intake_check_size(reader->r, reader->step->file, reader->bytes + data.len))
        drop_file(reader);
    while (reader->upload && data.len) {
        struct spool *spool = reader->intake->spool;
        if (spool->filled == sizeof spool->chunk)
            write_chunk(reader);
        size_t room = sizeof spool->chunk - spool->filled, bytes = data.len < room ? data.len : room;
        memcpy(spool->chunk + spool->filled, data.ptr, bytes);
        spool->filled += bytes;
        data = (str){data.ptr + bytes, data.len - bytes};
    }
}

static void keep_in_memory(struct reader *reader) {
    struct intake *intake = reader->intake;
    struct upload *upload = reader->upload;
    upload->data = arena_copy(&reader->r->arena, (str){intake->spool->chunk, intake->spool->filled});
    if (!upload->data.ptr)
        fail_busy(reader->r, "the request needs more memory than it is allowed");
    intake->memory_bytes += upload->data.len;
    intake->spool->filled = 0;
    *intake->last = upload;
    intake->last = &upload->next;
}

static void end_file(struct reader *reader) {
    struct upload *upload = reader->upload;
    struct spool *spool = reader->intake->spool;
    if (!upload || (!upload->shown.filename.len && !reader->bytes)) // nobody has chosen a file
        return;
    upload->shown.size = (i64)reader->bytes;
    if (upload->file.fd < 0 && reader->intake->memory_bytes + spool->filled <= UPLOADS_MEMORY_BYTES_MAX)
        keep_in_memory(reader);
    else if (spool->filled)
        write_chunk(reader);
}

// ---- parts

static str kept(req *r, str text) {
    str copy = arena_copy(&r->arena, text);
    if (!copy.ptr)
        fail_busy(r, "the request needs more memory than it is allowed");
    return copy;
}

static void begin_part(struct reader *reader) {
    req *r = reader->r;
    const struct part_head *part = &reader->multipart.part;
    reader->is_file = part->is_file;
    reader->bytes = 0;
    reader->value = NULL;
    reader->value_capacity = 0;
    reader->field = (struct form_field){.name = kept(r, part->name)};
    if (!part->is_file)
        return;
    reader->field.filename = kept(r, part->filename);
    reader->field.part_type = part->content_type.ptr ? kept(r, part->content_type) : (str){0};
    check_memory(r, &reader->intake->form_bytes, part->name.len + part->filename.len + part->content_type.len);
    begin_file(reader, part);
}

static void end_part(struct reader *reader) {
    if (reader->is_file)
        end_file(reader);
    else
        end_field(reader);
}

// What is known to be wrong is told now where the rest is long: nobody sends a gigabyte for a 422.
static void check_if_worth_it(req *r) {
    if (!r->problems.count || !r->is_body_to_come || session_body_left(r->session) <= UPLOAD_UNREAD_BYTES_MAX)
        return;
    fail_problems(r);
}

static void read_piece(struct reader *reader, str piece) {
    str data;
    int event;
    while ((event = multipart_next(&reader->multipart, &piece, &data)) > 0) {
        if (event == MULTIPART_PART) {
            begin_part(reader);
        } else if (event == MULTIPART_DATA) {
            if (reader->is_file)
                add_to_file(reader, data);
            else
                add_to_field(reader, data);
            reader->bytes += data.len;
        } else {
            end_part(reader);
        }
    }
    if (event == -EINVAL)
        http_fail(reader->r, 400, "%s", reader->multipart.problem);
    check_if_worth_it(reader->r);
}

static void read_multipart(req *r, str content_type) {
    const struct form_limits *limits = &r->app->options->http.form;
    struct reader *reader = new (r, struct reader);
    reader->r = r;
    reader->intake = r->intake;
    if (multipart_begin(&reader->multipart, content_type, limits, alloc(r, limits->part_head_bytes_max)))
        http_fail(r, 400, "%s", reader->multipart.problem);
    intake_spool(r);
    str piece;
    if (!r->is_body_to_come && !r->is_body_taken) // a hook has asked for all of it before
        read_piece(reader, r->body);
    while (body_next(r, &piece))
        read_piece(reader, piece);
    if (multipart_end(&reader->multipart))
        http_fail(r, 400, "%s", reader->multipart.problem);
}

// A form without files is small: it is read as one without file() is.
static void read_urlencoded(req *r, str content_type) {
    body_gather(r, FORM_MEMORY_BYTES_MAX);
    int status = form_read(&r->intake->form, content_type, r->body, &r->app->options->http.form, &r->arena);
    if (status == -EINVAL)
        http_fail(r, 400, "%s", r->intake->form.problem);
    if (status)
        fail_busy(r, "the request needs more memory than it is allowed");
}

static void check_text(req *r) {
    const struct form *form = &r->intake->form;
    for (size_t i = 0; i < form->count; i++)
        if (!utf8_is_valid(form->fields[i].name) || !utf8_is_valid(form->fields[i].value))
            http_fail(r, 400, BROKEN_FORM "it is not UTF-8");
}

void intake_read(req *r) {
    if (r->intake)
        return;
    r->intake = new (r, struct intake);
    r->intake->app = r->app;
    r->intake->last = &r->intake->first;
    on_done(r, put_away, r->intake);
    request_refuse_coded(r);
    check_if_worth_it(r);
    str content_type = http_text(r->head, r->head->content_type);
    if (multipart_is_type(content_type))
        read_multipart(r, content_type);
    else
        read_urlencoded(r, content_type);
    check_text(r);
}
