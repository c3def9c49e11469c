// header.h — the headers that a handler wants its answer to have: beside the server's own, in their place, or without them.
//
// The server's own are of two kinds. Those that every answer has are written into its head before the handler's are (security_fields.h, the
// request id, CORS): a line of the same name takes them out again. Those of one answer (a file's ETag, an event stream's Cache-Control)
// stand in the request's list, as defaults that give way. Content-Type belongs to the body: a failure has another body, and so its own.
#ifndef APP_HEADER_H
#define APP_HEADER_H

#include <leat/response.h>

struct location;
struct answer;

/** In the request's memory. */
struct header_line {
    struct header_line *next;
    str name, value; // `value.ptr` NULL: none of that name
    bool is_default; // the server's: goes where the handler has its own
    bool replaces;   // what every answer has of that name goes
};

/** The value of the first of that name, in any case; `ptr` NULL: there is none. */
str header_find(const struct header_line *lines, const char *name);
/** Adds the server's own, unless the handler has said something of that name. Neither is copied. */
void header_put_default(req *r, const char *name, str value);
/** The same of each "Name: value" between '\n', as an ERROR holds them; NULL: none. */
void header_put_default_lines(req *r, const char *lines);
/** All of them into a head. */
void headers_write(const struct header_line *lines, struct answer *answer);
/** What the handler called its answer's body, else `type`. */
str header_type(const req *r, str type);
/** The body that these were said of is not sent. */
void headers_forget_body(req *r);

/** True where answers may have a default of that name, which a line of it replaces. */
bool header_replaces(str name);
/** Lines as headers_write() makes them, but as text for an entry; a name without a colon takes out and adds nothing. */
void header_lines_write(str lines, struct answer *answer);

/** Fails with 500: the plugin's fault, which the log names. */
_Noreturn void refuse_header(req *r, const char *name, const char *why);
/** The same where the client has not said the value; a 422 that says where he has, otherwise. */
_Noreturn void refuse_value(req *r, const char *name, const struct location *origin, const char *why);

#endif
