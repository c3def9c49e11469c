// openapi_form.h — the body of a route with files, as the document has it.
#ifndef APP_OPENAPI_FORM_H
#define APP_OPENAPI_FORM_H

#include "app/endpoint.h"
#include "app/openapi_components.h"

/** "requestBody": multipart/form-data of the route's files and the members of `form`, which may be NULL. */
void openapi_form_write(struct components *components, leat_json *writer, const struct endpoint *endpoint, const leat_schema *form);

#endif
