// upload.h — what a client uploads: files of a form, and bodies of any kind as they come.
//
//   POST("/files", upload_file, Stored, (file(f, .max_bytes = 1 << 30), form(Note, in)), .max_body = (size_t)2 << 30)
//   {
//       uuid id = ...;
//       upload_save(r, f, "var/files", uuid_text(r, id));
//   }
//
// A form with files is read as it comes, once the route's dependencies have judged the request: files of up to 64 KiB stay in memory,
// longer ones go to temporary files without a name, which end with the request however it ends. Reading is no faster than the disk.
#ifndef LEAT_UPLOAD_H
#define LEAT_UPLOAD_H
#pragma GCC system_header

#include "request.h"

#pragma GCC visibility push(default)

// ---- files of a form: file(f, options...) and files(fs, options...) among a route's parameters, next to form(T, in)
//
// file(f) gives a `const leat_upload *f`: the last file of that name, NULL where there is none and `.optional` says so. files(fs) gives a
// `const leat_upload_list *fs`: all of them in their order. Files that no parameter names are not kept. What a browser sends where nobody
// has chosen a file, an empty name and no bytes, is none.

/** A file that was uploaded. Lives as long as the request. */
typedef struct leat_upload {
    str filename;     /**< what the client calls it, without folders: UTF-8, no control characters, not "." nor ".."; may be empty */
    str content_type; /**< what the client says it is; empty where it does not */
    i64 size;         /**< bytes */
} leat_upload;
/** What files() gives: all of that name. */
typedef struct leat_upload_list {
    const leat_upload *const *items; /**< in the order they came */
    size_t n;                        /**< of `items` */
} leat_upload_list;

/** Options of file() and files(). */
struct leat_file_opts {
    uint16_t size; /**< of this struct: it may grow */
    // author's options
    bool optional;             /**< may be absent */
    i64 max_bytes;             /**< of each: 422 `bytes_too_long`; 0: what the route's .max_body leaves */
    const char *content_types; /**< "image/png, image/jpeg", a subtype of * is any; else 422 `enum`. NULL: any. A client's word */
    i32 min_items, max_items;  /**< files(): how many; 0: no bound of its own */
    const char *description;   /**< for the documents */
    const char *alias;         /**< the name in the form */
};

/** The file's bytes as a whole, in the request's memory: for what is small. Suspends where they are in a temporary file. */
str upload_bytes(req *, const leat_upload *);
/**
 * The file piece by piece, for what may be large:
 *     str piece;
 *     for (i64 at = 0; upload_next(r, f, &at, &piece);) ...
 * True and a piece of up to 64 KiB, `*at` behind it; false at the end. The piece is valid until the next call for any file of this request.
 * Suspends where the file is a temporary one; a disk that fails, fails the request with 500.
 */
bool upload_next(req *, const leat_upload *, i64 *at, str *ret_piece);

/** Options of upload_save(). */
struct leat_save {
    bool replace; /**< a file of that name is replaced, at once and as a whole; else it stays, and false is returned */
    bool undo;    /**< it is removed again where the request fails afterwards, or its client leaves */
};
/**
 * upload_save(r, f, "var/files", name)   upload_save(r, f, "var/files", name, .replace = true)
 *
 * Keeps the file as `name` beneath `folder`, a path of the author's, which is made where it is missing, and those above it. The way from
 * `folder` to `name` is openat2(2)'s: it cannot lead out, by dots or by links; a name that tries, is empty, ends with '/' or holds a NUL is
 * answered 400. Folders within `name` must exist. The bytes are on the disk (fsync(2)) before the name is there, and where the temporary
 * folder (UPLOAD_FOLDER) is of the same file system nothing is copied. True; false where the name is taken. Suspends. A full disk is
 * answered 507, anything else that fails 500, and nothing is left behind.
 */
#define upload_save(r_, upload_, folder_, name_, ...)                                                                                      \
    leat_upload_save((r_), (upload_), (folder_), (name_), &(const struct leat_save){__VA_ARGS__})
/** What upload_save() calls. */
bool leat_upload_save(req *, const leat_upload *, const char *folder, str name, const struct leat_save *);
/** Removes what upload_save() has put there, by the same rules. True; false where there is no such file. Suspends. */
bool upload_remove(req *, const char *folder, str name);

// ---- a body of any kind, as it comes

/**
 * The next piece of the body; valid until the next call. False at its end. On a route with `.stream_body` the handler runs before the body
 * is here: this suspends until more of it has come, and the client is sent no faster than this is called; a client that is too slow, or
 * breaks off, ends the request. Without `.stream_body` the first piece is all of it. What is not taken of a long body is not read: the
 * connection ends with the answer.
 */
bool request_body_next(req *, str *ret_piece);

#pragma GCC visibility pop
#endif
