// intake.h — a form with files, read as it comes: fields into the request's memory, files into it or into temporary files.
#ifndef APP_INTAKE_H
#define APP_INTAKE_H

#include <leat/upload.h>

#include "app/request.h"
#include "engine/spool.h"
#include "http/form.h"

enum {
    UPLOADS_MEMORY_BYTES_MAX = 1 << 20, // of all files of a request that stay there, each of a chunk at most; the others go to the disk
    FORM_MEMORY_BYTES_MAX = 8 << 20,    // of all fields of a form with files: 413
    UPLOAD_UNREAD_BYTES_MAX = 64 << 10, // of a form that is known to be wrong: read on, to tell all that is wrong
};

/** A file of the form, in the request's memory. */
struct upload {
    leat_upload shown;
    struct upload *next;
    str name;               // of its field
    str data;               // `ptr` NULL: it is in `file`
    struct spool_file file; // fd -1: it is in `data`
};

struct refused_file {
    struct refused_file *next;
    const leat_param *param;
};

/** What a form has brought; with the request from intake_read() to its end. */
struct intake {
    struct app *app;
    struct form form; // fields alone
    struct upload *first, **last;
    struct refused_file *refused; // whose parameters' problems have been told
    struct spool *spool;          // while it is read, and for reading files again
    size_t memory_bytes;          // of files in memory
    size_t form_bytes;            // of fields
};

/** Once a request. Suspends; fails it with 400, 408, 413, 422, 503, 507 where the form is to blame, or the disk. */
void intake_read(req *r);
/** The value of a STEP_FILE or STEP_FILES to `to`; false where the form has none or too few, and `r` its problems. */
bool intake_take(req *r, const struct step *step, void *to);
/** The name of the form's field that `param` reads. */
str intake_name(const leat_param *param);

/** Waits until what was asked of the spool is done; its result. */
int intake_wait(req *r, struct spool *spool);
/** The spool of a request that has files, for reading them. */
struct spool *intake_spool(req *r);

#endif
