// files.c — files that people keep here: uploaded, listed, downloaded in parts or whole, deleted; each sees their own.
//
// The bytes lie in a folder under the file's id, so that no name of a client's ever is a path; what is known of them is a row. A file is
// put there before its row is written, and removed after its row is gone: a crash in between leaves bytes that nobody sees, never a row
// without them.
#include <leat/leat.h>

SETTINGS(FileSettings, (str, folder, .env = "FILES_FOLDER", .def = "var/files", .max_length = 1024,
                        .description = "Folder that uploaded files are kept in"));

// clang-format off
SCHEMA(FileNote, (str, note, .max_length = 200, .def = "", .description = "What the file is about"));

SCHEMA(FileInfo,
    (uuid,      id),
    (str,       name,         .description = "As its owner calls it"),
    (str,       content_type, .description = "As its owner says"),
    (i64,       bytes,        .ge = 0),
    (str,       note),
    (timestamp, created_at));
PAGE_OF(FileInfo);

TABLE(StoredFile, "files",
    (uuid,      id,           .primary_key = true, .server_default = "gen_random_uuid()"),
    (str,       name,         .max_length = 1024),
    (str,       content_type, .max_length = 255),
    (i64,       bytes),
    (str,       note,         .max_length = 200, .server_default = "''"),
    (uuid,      owner_id,     .references = "users(id) ON DELETE CASCADE"),
    (timestamp, created_at,   .server_default = "now()"));
INDEX_ON(StoredFile, files_owner_id_created_at_id_idx, "(owner_id, created_at DESC, id DESC)");
// clang-format on

IMPORT(get_current_user, uuid, "users");

ERROR(file_not_found, 404, "File not found");
ERROR(no_such_owner, 401, "Invalid token", .constraint = "files_owner_id_fkey", .headers = "WWW-Authenticate: Bearer");

enum { TYPE_BYTES_MAX = 255 };

static const char *folder(req *r) {
    str path = settings(FileSettings)->folder;
    return format(r, "%.*s", (int)path.len, path.ptr).ptr;
}

// What is sent as a header one day must be one: "type/subtype" and what may follow, in ASCII.
static str content_type_of(const leat_upload *f) {
    bool has_slash = false, is_plain = f->content_type.len <= TYPE_BYTES_MAX;
    for (size_t i = 0; i < f->content_type.len; i++) {
        has_slash |= f->content_type.ptr[i] == '/';
        is_plain &= f->content_type.ptr[i] >= ' ' && f->content_type.ptr[i] <= '~';
    }
    return has_slash && is_plain ? f->content_type : S("application/octet-stream");
}

static FileInfo *own_file(req *r, db_conn *db, uuid file_id, uuid me) {
    FileInfo *info = db_one(db, FileInfo, "SELECT {*} FROM files WHERE id = $1 AND owner_id = $2", file_id, me);
    if (!info)
        fail(r, file_not_found);
    return info;
}

// ---- routes

PROVIDE(get_new_id, uuid, (depends(get_db, db))) {
    return db_value(db, uuid, "SELECT gen_random_uuid()");
}

POST("/files", upload_file, FileInfo,
     (file(file, .description = "The file"), form(FileNote, in), depends(get_current_user, me), depends(get_new_id, id),
      depends(get_db, db)),
     .status = 201, .summary = "Keep a file", .max_body = (size_t)2 << 30, .errors = ERRORS(no_such_owner)) {
    upload_save(r, file, folder(r), uuid_text(r, id), .undo = true);
    return db_one(db, FileInfo,
                  "INSERT INTO files (id, name, content_type, bytes, note, owner_id) VALUES ($1, $2, $3, $4, $5, $6) RETURNING {*}", id,
                  file->filename, content_type_of(file), file->size, in->note, me);
}

GET("/files", list_files, FileInfo_page,
    (query(i64, page, .def = 1, .ge = 1), query(i64, limit, .def = 20, .ge = 1, .le = 100), depends(get_current_user, me),
     depends(get_db, db)),
    .summary = "Your files, the newest first") {
    i64 offset;
    if (__builtin_mul_overflow(page - 1, limit, &offset))
        offset = INT64_MAX; // past every end
    FileInfo_list_promise files = db_list_start(
        db, FileInfo, "SELECT {*} FROM files WHERE owner_id = $1 ORDER BY created_at DESC, id DESC OFFSET $2 LIMIT $3", me, offset, limit);
    i64 total = db_value(db, i64, "SELECT count(*) FROM files WHERE owner_id = $1", me);

    FileInfo_page *out = new (r, FileInfo_page);
    out->data = *await(files);
    out->pagination = (Pagination){page, limit, total, (total + limit - 1) / limit};
    return out;
}

GET("/files/{file_id}", get_file, FileInfo, (path(uuid, file_id), depends(get_current_user, me), depends(get_db, db)),
    .summary = "What is known of a file", .errors = ERRORS(file_not_found)) {
    return own_file(r, db, file_id, me);
}

// Under its own name, to be saved: a page that somebody has uploaded is not shown as one of this site's.
GET("/files/{file_id}/content", download_file, File, (path(uuid, file_id), depends(get_current_user, me), depends(get_db, db)),
    .summary = "The file itself, whole or in parts", .errors = ERRORS(file_not_found)) {
    FileInfo *info = own_file(r, db, file_id, me);
    set_header(r, "X-Content-Type-Options", S("nosniff")); // also with SECURITY_HEADERS=off
    const char *type = format(r, "%.*s", (int)info->content_type.len, info->content_type.ptr).ptr;
    return send_file(r, folder(r), uuid_text(r, file_id), .type = type, .download = info->name.len ? info->name : S("file"));
}

DELETE("/files/{file_id}", delete_file, Empty, (path(uuid, file_id), depends(get_current_user, me), depends(get_db, db)),
       .summary = "Delete a file", .errors = ERRORS(file_not_found)) {
    if (!db_exec(db, "DELETE FROM files WHERE id = $1 AND owner_id = $2", file_id, me))
        fail(r, file_not_found);
    upload_remove(r, folder(r), uuid_text(r, file_id));
    return NULL;
}

PLUGIN(files, .version = "1.0.0", .prefix = "/v1", .tag = "files", .description = "Files that people keep here",
       .migrations = "migrations/files", .requires = REQUIRES("users"));
