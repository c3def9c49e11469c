// dotenv.h — a .env file: KEY=value lines, read into the environment.
#ifndef HOST_DOTENV_H
#define HOST_DOTENV_H

#include "host/environment.h"

enum { DOTENV_BYTES_MAX = 256 * 1024, DOTENV_LINES_MAX = 4096 };

/**
 * Reads `text`. A line is empty, a comment from '#', or NAME=value, with `export` before it if need be and CRLF at its end. A bare value
 * ends before the first blank and '#', or at the line's end, without blanks around it; 'single' quotes hold everything literally, "double"
 * ones know \n \r \t \" \\ and \$. Both may span lines. Nothing is expanded. 0; -EINVAL with a message "path:line: error: ..." for each bad
 * line, none of which shows a value; -ENOMEM.
 */
int dotenv_read(str text, const char *path, struct environment *environment, struct messages *messages);
/** The same from a file; one that is not there is no error. */
int dotenv_load(const char *path, struct environment *environment, struct messages *messages);
/** The same of the file that LEAT_CONFIG names, whose settings are weaker than .env's; one that is not there is -EINVAL. */
int dotenv_load_config(const char *path, struct environment *environment, struct messages *messages);

#endif
