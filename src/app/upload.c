// upload.c — an uploaded file read by its handler, from memory or from its temporary file.
#include <errno.h>
#include <string.h>

#include <leat/upload.h>

#include "away.h"
#include "base/list.h"
#include "intake.h"
#include "observe.h"

static const struct upload *upload_of(const leat_upload *shown) {
    return container_of((leat_upload *)shown, struct upload, shown);
}

static bool next_in_memory(str data, i64 *at, str *ret_piece) {
    size_t left = data.len - (size_t)*at;
    if (!left)
        return false;
    *ret_piece = (str){data.ptr + *at, left < SPOOL_CHUNK_BYTES ? left : SPOOL_CHUNK_BYTES};
    *at += (i64)ret_piece->len;
    return true;
}

struct next_call {
    req *r;
    const leat_upload *shown;
    i64 *at;
    str *piece;
    bool has_more;
};

static void next_on_core(void *arg) {
    struct next_call *call = arg;
    call->has_more = upload_next(call->r, call->shown, call->at, call->piece);
}

bool upload_next(req *r, const leat_upload *shown, i64 *at, str *ret_piece) {
    if (r->is_away) {
        struct next_call call = {r, shown, at, ret_piece, false};
        away_call(r, next_on_core, &call);
        return call.has_more;
    }
    const struct upload *upload = upload_of(shown);
    if (*at < 0 || *at >= shown->size)
        return false;
    if (upload->file.fd < 0)
        return next_in_memory(upload->data, at, ret_piece);
    struct spool *spool = intake_spool(r);
    spool_read(spool, &upload->file, (uint64_t)*at);
    int bytes = intake_wait(r, spool);
    if (bytes <= 0) {
        observe_log(r, LOG_ERROR, "upload_unreadable", "error=%s", bytes ? strerrorname_np(-bytes) : "EIO");
        http_fail(r, 500, "Internal Server Error");
    }
    *ret_piece = (str){spool->chunk, (size_t)bytes};
    *at += bytes;
    return true;
}

str upload_bytes(req *r, const leat_upload *shown) {
    const struct upload *upload = upload_of(shown);
    if (upload->file.fd < 0)
        return upload->data;
    char *bytes = arena_raw(&r->arena, (size_t)shown->size);
    if (!bytes)
        fail_busy(r, "the request needs more memory than it is allowed");
    str piece;
    for (i64 at = 0; upload_next(r, shown, &at, &piece);)
        memcpy(bytes + (at - (i64)piece.len), piece.ptr, piece.len);
    return (str){bytes, (size_t)shown->size};
}
