// uploads.c — routes that take files and bodies in pieces, for tests and the benchmark: each answers with what it has seen.
#include <leat/leat.h>

// clang-format off
SETTINGS(UploadSettings, (str, uploads_folder, .def = "uploads", .description = "Where POST /uploads/kept puts its files"));
SCHEMA(Note, (str, note, .max_length = 80), (i32, stars, .ge = 1, .le = 5, .def = 3));
SCHEMA(Seen, (str, filename), (str, content_type), (i64, size), (i64, sum, .description = "of all bytes"));
SCHEMA(SeenWithNote, (Seen, file), (str, note), (i32, stars));
SCHEMA(Counted, (i64, bytes), (i64, sum), (i64, pieces));
SCHEMA(Kept, (bool, is_new), (i64, size));
// clang-format on

ERROR(not_a_guest, 401, "Not you", .headers = "WWW-Authenticate: Bearer");

static const char *folder_of(req *r) {
    str folder = settings(UploadSettings)->uploads_folder;
    return format(r, "%.*s", (int)folder.len, folder.ptr).ptr;
}

static i64 sum_of(str piece) {
    i64 sum = 0;
    for (size_t i = 0; i < piece.len; i++)
        sum += (unsigned char)piece.ptr[i];
    return sum;
}

static Seen seen(req *r, const leat_upload *f) {
    Seen seen = {.filename = f->filename, .content_type = f->content_type, .size = f->size};
    str piece;
    for (i64 at = 0; upload_next(r, f, &at, &piece);)
        seen.sum += sum_of(piece);
    return seen;
}

POST("/upload", upload, Seen, (file(f)), .max_body = (size_t)4 << 30) {
    Seen *out = new (r, Seen);
    *out = seen(r, f);
    return out;
}

POST("/upload/size", upload_size, Counted, (file(f)), .max_body = (size_t)4 << 30) {
    Counted *out = new (r, Counted);
    out->bytes = f->size;
    return out;
}

POST("/upload/bytes", upload_whole, Counted, (file(f)), .max_body = 64 << 20) {
    str bytes = upload_bytes(r, f);
    Counted *out = new (r, Counted);
    *out = (Counted){.bytes = (i64)bytes.len, .sum = sum_of(bytes), .pieces = 1};
    return out;
}

PROVIDE(get_guest, str, (depends(bearer_token, token))) {
    if (!str_eq(token, S("good")))
        fail(r, not_a_guest);
    return token;
}

POST("/upload/judged", upload_judged, Seen, (file(f), depends(get_guest, guest)), .max_body = (size_t)4 << 30) {
    (void)guest;
    Seen *out = new (r, Seen);
    *out = seen(r, f);
    return out;
}

POST("/json/judged", json_judged, Note, (body(Note, in), depends(get_guest, guest))) {
    (void)guest;
    return (Note *)in;
}

POST("/upload/note", upload_note, SeenWithNote, (form(Note, in), file(f), query(i32, limit, .ge = 1, .optional = true)),
     .max_body = 1 << 30) {
    (void)limit;
    SeenWithNote *out = new (r, SeenWithNote);
    *out = (SeenWithNote){.file = seen(r, f), .note = in->note, .stars = in->stars};
    return out;
}

POST("/upload/picture", upload_picture, Seen,
     (file(picture, .max_bytes = 100000, .content_types = "image/png, image/jpeg", .description = "A picture")), .max_body = 1 << 30) {
    Seen *out = new (r, Seen);
    *out = seen(r, picture);
    return out;
}

POST("/upload/optional", upload_optional, Seen, (file(f, .optional = true)), .max_body = 1 << 30) {
    Seen *out = new (r, Seen);
    if (f)
        *out = seen(r, f);
    else
        *out = (Seen){.filename = S("none"), .content_type = S("")};
    return out;
}

POST("/upload/many", upload_many, Seen_list, (files(fs, .min_items = 2, .max_items = 1000)), .max_body = 1 << 30) {
    Seen_list *out = new (r, Seen_list);
    out->items = alloc(r, fs->n * sizeof *out->items);
    for (out->n = 0; out->n < fs->n; out->n++)
        out->items[out->n] = seen(r, fs->items[out->n]);
    return out;
}

POST("/uploads/kept/{name:path}", keep, Kept, (path(str, name), file(f), query(bool, replace, .def = false)), .max_body = (size_t)4 << 30) {
    Kept *out = new (r, Kept);
    *out = (Kept){.size = f->size};
    out->is_new = upload_save(r, f, folder_of(r), name, .replace = replace);
    return out;
}

DELETE("/uploads/kept/{name:path}", unkeep, Empty, (path(str, name))) {
    if (!upload_remove(r, folder_of(r), name))
        http_fail(r, 404, "Not Found");
    return NULL;
}

POST("/pieces", count_pieces, Counted, (), .stream_body = true, .max_body = (size_t)4 << 30) {
    Counted *out = new (r, Counted);
    str piece;
    for (; request_body_next(r, &piece); out->pieces++) {
        out->bytes += (i64)piece.len;
        out->sum += sum_of(piece);
    }
    return out;
}

POST("/pieces/whole", count_whole, Counted, (), .stream_body = true, .max_body = 64 << 20) {
    str body = request_body(r);
    Counted *out = new (r, Counted);
    *out = (Counted){.bytes = (i64)body.len, .sum = sum_of(body), .pieces = 1};
    return out;
}

POST("/pieces/first", count_first, Counted, (), .stream_body = true, .max_body = (size_t)4 << 30) {
    Counted *out = new (r, Counted);
    str piece;
    if (request_body_next(r, &piece))
        *out = (Counted){.bytes = (i64)piece.len, .pieces = 1};
    return out;
}

PLUGIN(uploads, .version = "1.0.0", .tag = "uploads", .description = "Uploads, as tests send them");
