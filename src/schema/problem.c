// problem.c — what is wrong with a request, all of it, in Pydantic 2's types and words.
#include "problem.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "schema/digits.h"
#include "schema/json_room.h"

struct problem {
    struct problem *next;
    enum problem_type type;
    const struct location *location;
    struct input input;
    struct detail details[DETAILS_MAX];
};

// In `message`, {0} to {2} stand for the details and {s0} to {s2} for the "s" of a plural of that many. `ctx` names the details; a '!'
// before a name means that ctx holds an empty object there, as FastAPI makes of an exception.
static const struct {
    const char *name, *message, *ctx[DETAILS_MAX];
} types[] = {
    [PROBLEM_BOOL_PARSING] = {"bool_parsing", "Input should be a valid boolean, unable to interpret input", {0}},
    [PROBLEM_BOOL_TYPE] = {"bool_type", "Input should be a valid boolean", {0}},
    [PROBLEM_BYTES_TOO_LONG] = {"bytes_too_long", "Data should have at most {0} byte{s0}", {"max_length"}},
    [PROBLEM_DATETIME_FROM_DATE_PARSING] = {"datetime_from_date_parsing", "Input should be a valid datetime or date, {0}", {"error"}},
    [PROBLEM_DATETIME_PARSING] = {"datetime_parsing", "Input should be a valid datetime, {0}", {"error"}},
    [PROBLEM_DATETIME_TYPE] = {"datetime_type", "Input should be a valid datetime", {0}},
    [PROBLEM_EMAIL] = {"value_error", "value is not a valid email address: {0}", {"reason"}},
    [PROBLEM_ENUM] = {"enum", "Input should be {0}", {"expected"}},
    [PROBLEM_FINITE_NUMBER] = {"finite_number", "Input should be a finite number", {0}},
    [PROBLEM_FLOAT_PARSING] = {"float_parsing", "Input should be a valid number, unable to parse string as a number", {0}},
    [PROBLEM_FLOAT_TYPE] = {"float_type", "Input should be a valid number", {0}},
    [PROBLEM_GREATER_THAN] = {"greater_than", "Input should be greater than {0}", {"gt"}},
    [PROBLEM_GREATER_THAN_EQUAL] = {"greater_than_equal", "Input should be greater than or equal to {0}", {"ge"}},
    [PROBLEM_INT_FROM_FLOAT] = {"int_from_float", "Input should be a valid integer, got a number with a fractional part", {0}},
    [PROBLEM_INT_PARSING] = {"int_parsing", "Input should be a valid integer, unable to parse string as an integer", {0}},
    [PROBLEM_INT_PARSING_SIZE] = {"int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size", {0}},
    [PROBLEM_INT_TYPE] = {"int_type", "Input should be a valid integer", {0}},
    [PROBLEM_JSON_INVALID] = {"json_invalid", "JSON decode error", {"error"}},
    [PROBLEM_LESS_THAN] = {"less_than", "Input should be less than {0}", {"lt"}},
    [PROBLEM_LESS_THAN_EQUAL] = {"less_than_equal", "Input should be less than or equal to {0}", {"le"}},
    [PROBLEM_LIST_TYPE] = {"list_type", "Input should be a valid list", {0}},
    [PROBLEM_MISSING] = {"missing", "Field required", {0}},
    [PROBLEM_MODEL_ATTRIBUTES_TYPE] = {"model_attributes_type", "Input should be a valid dictionary or object to extract fields from", {0}},
    [PROBLEM_MULTIPLE_OF] = {"multiple_of", "Input should be a multiple of {0}", {"multiple_of"}},
    [PROBLEM_STRING_PATTERN_MISMATCH] = {"string_pattern_mismatch", "String should match pattern '{0}'", {"pattern"}},
    [PROBLEM_STRING_TOO_LONG] = {"string_too_long", "String should have at most {0} character{s0}", {"max_length"}},
    [PROBLEM_STRING_TOO_SHORT] = {"string_too_short", "String should have at least {0} character{s0}", {"min_length"}},
    [PROBLEM_STRING_TYPE] = {"string_type", "Input should be a valid string", {0}},
    [PROBLEM_STRING_UNICODE] = {"string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string", {0}},
    [PROBLEM_TOO_LONG] = {"too_long",
                          "{0} should have at most {1} item{s1} after validation, not {2}",
                          {"field_type", "max_length", "actual_length"}},
    [PROBLEM_TOO_SHORT] = {"too_short",
                           "{0} should have at least {1} item{s1} after validation, not {2}",
                           {"field_type", "min_length", "actual_length"}},
    [PROBLEM_URL_PARSING] = {"url_parsing", "Input should be a valid URL, {0}", {"error"}},
    [PROBLEM_URL_TOO_LONG] = {"url_too_long", "URL should have at most {0} character{s0}", {"max_length"}},
    [PROBLEM_URL_TYPE] = {"url_type", "URL input should be a string or URL", {0}},
    [PROBLEM_UUID_PARSING] = {"uuid_parsing", "Input should be a valid UUID, {0}", {"error"}},
    [PROBLEM_UUID_TYPE] = {"uuid_type", "UUID input should be a string, bytes or UUID object", {0}},
    [PROBLEM_VALUE_ERROR] = {"value_error", "Value error, {0}", {"!error"}},
};

void problems_init(struct problems *problems, struct arena *arena) {
    *problems = (struct problems){.arena = arena};
    problems->last = &problems->first;
}

// The steps of a location live on the stack of who reads: what a problem keeps is a copy. NULL without memory.
static const struct location *copy_of(const struct location *location, struct arena *arena) {
    if (!location)
        return NULL;
    struct location *copy = arena_raw(arena, sizeof *copy);
    if (!copy)
        return NULL;
    *copy = *location;
    copy->parent = copy_of(location->parent, arena);
    return location->parent && !copy->parent ? NULL : copy;
}

int problems_add(struct problems *problems, enum problem_type type, const struct location *location, struct input input,
                 const struct detail *details) {
    problems->count++;
    if (problems->count > PROBLEMS_MAX) {
        problems->is_overflown = true;
        return -EINVAL;
    }
    struct problem *problem = arena_alloc(problems->arena, sizeof *problem);
    const struct location *copy = copy_of(location, problems->arena);
    if (!problem || !copy)
        return -ENOMEM;
    problem->type = type;
    problem->location = copy;
    problem->input = input;
    for (int i = 0; details && i < DETAILS_MAX && types[type].ctx[i]; i++)
        problem->details[i] = details[i];
    *problems->last = problem;
    problems->last = &problem->next;
    return -EINVAL;
}

// ---- messages: laid out in memory, so that they can be escaped as one string

enum { NUMBER_BYTES = F64_PLAIN_BYTES_MAX };

static str text_of_detail(const struct detail *detail, char *number) {
    switch (detail->kind) {
    case DETAIL_TEXT:
        return detail->text;
    case DETAIL_INT:
        return (str){number, (size_t)(digits_of_i64(number, detail->integer) - number)};
    case DETAIL_FLOAT:
        return (str){number, (size_t)(digits_of_f64_plain(number, detail->real) - number)};
    default:
        return S("");
    }
}

// What stands for the placeholder at the head of `message`, "{0}" or "{s0}".
static str placeholder(const struct problem *problem, const char *message, char *number, size_t *ret_bytes) {
    bool is_plural = message[1] == 's';
    const struct detail *detail = &problem->details[message[is_plural ? 2 : 1] - '0'];
    *ret_bytes = is_plural ? 4 : 3;
    if (is_plural)
        return detail->integer == 1 ? S("") : S("s");
    return text_of_detail(detail, number);
}

// Writes the message to `out`, or measures it where `out` is NULL.
static size_t lay_message(const struct problem *problem, char *out) {
    char number[NUMBER_BYTES];
    size_t bytes = 0;
    for (const char *c = types[problem->type].message; *c;) {
        str piece = {c, 1};
        size_t step = 1;
        if (*c == '{')
            piece = placeholder(problem, c, number, &step);
        if (out)
            memcpy(out + bytes, piece.ptr, piece.len);
        bytes += piece.len;
        c += step;
    }
    return bytes;
}

static str message_of(const struct problem *problem, struct arena *arena) {
    size_t bytes = lay_message(problem, NULL);
    char *text = arena_raw(arena, bytes);
    if (!text)
        return (str){0};
    lay_message(problem, text);
    return (str){text, bytes};
}

// ---- as JSON

static void put_key(leat_json *writer, const char *name) {
    json_write_string(writer, str_of(name));
    json_put_bytes(writer, ":", 1);
}

static void put_location(leat_json *writer, const struct location *location) {
    if (location->parent)
        put_location(writer, location->parent);
    if (location->name.ptr) {
        json_write_string(writer, location->name);
        return;
    }
    json_put_due_comma(writer);
    i64__put(writer, &(i64){(i64)location->index});
}

static bool is_empty(str json) {
    bool is_list = json.len >= 2 && json.ptr[0] == '[', is_object = json.len >= 2 && json.ptr[0] == '{';
    for (size_t i = 1; i + 1 < json.len; i++)
        if (!strchr(" \t\r\n", json.ptr[i]) || !json.ptr[i])
            return false;
    return is_list || is_object;
}

void input_withhold(struct input *input) {
    bool is_nothing = input->kind == INPUT_NULL || (input->kind == INPUT_JSON && is_empty(input->text));
    if (!is_nothing)
        input->kind = INPUT_WITHHELD;
}

static void put_input(leat_json *writer, const struct input *input) {
    if (input->kind == INPUT_WITHHELD)
        return;
    put_key(writer, "input");
    switch (input->kind) {
    case INPUT_JSON:
        json_put_bytes(writer, input->text.ptr, input->text.len);
        break;
    case INPUT_TEXT:
        json_put_string(writer, input->text);
        break;
    case INPUT_EMPTY_OBJECT:
        json_put_bytes(writer, "{}", 2);
        break;
    default:
        leat_put_null(writer);
    }
}

static void put_detail(leat_json *writer, const struct detail *detail) {
    if (detail->kind == DETAIL_TEXT)
        json_put_string(writer, detail->text);
    else if (detail->kind == DETAIL_INT)
        i64__put(writer, &detail->integer);
    else
        f64__put(writer, &detail->real);
}

static void put_ctx(leat_json *writer, const struct problem *problem) {
    const char *const *names = types[problem->type].ctx;
    if (!names[0])
        return;
    put_key(writer, "ctx");
    json_put_bytes(writer, "{", 1);
    for (int i = 0; i < DETAILS_MAX && names[i]; i++) {
        bool is_exception = names[i][0] == '!';
        put_key(writer, names[i] + is_exception);
        if (is_exception)
            json_put_bytes(writer, "{}", 2);
        else
            put_detail(writer, &problem->details[i]);
    }
    json_put_bytes(writer, "}", 1);
}

static void put_problem(leat_json *writer, const struct problem *problem, struct arena *arena) {
    const char *type = types[problem->type].name;
    str message = message_of(problem, arena);
    if (!message.ptr)
        writer->out_of_memory = true;
    json_put_due_comma(writer);
    json_put_bytes(writer, "{", 1);
    put_key(writer, "type");
    json_put_string(writer, str_of(type));
    put_key(writer, "loc");
    json_put_bytes(writer, "[", 1);
    put_location(writer, problem->location);
    json_put_bytes(writer, "]", 1);
    put_key(writer, "msg");
    json_put_string(writer, message);
    put_input(writer, &problem->input);
    put_ctx(writer, problem);
    json_put_bytes(writer, "}", 1);
}

void problems_write(const struct problems *problems, leat_json *writer) {
    json_put_bytes(writer, "{\"detail\":[", 11);
    for (const struct problem *problem = problems->first; problem; problem = problem->next)
        put_problem(writer, problem, problems->arena);
    json_put_bytes(writer, "]}", 2);
}

// ---- as sentences

static void put_path(leat_json *writer, const struct location *location) {
    if (!location->parent) // "settings: " says nothing to who started the program
        return;
    put_path(writer, location->parent);
    if (location->parent->parent)
        json_put_bytes(writer, ".", 1);
    if (location->name.ptr)
        json_put_bytes(writer, location->name.ptr, location->name.len);
    else
        i64__put(writer, &(i64){(i64)location->index});
}

str problems_text(const struct problems *problems, struct arena *arena) {
    leat_json writer;
    json_write_to_arena(&writer, arena);
    for (const struct problem *problem = problems->first; problem; problem = problem->next) {
        str message = message_of(problem, arena);
        if (writer.cursor != writer.start)
            json_put_bytes(&writer, "\n", 1);
        put_path(&writer, problem->location);
        json_put_bytes(&writer, ": ", problem->location->parent ? 2 : 0);
        json_put_bytes(&writer, message.ptr, message.len);
        if (problem->type == PROBLEM_JSON_INVALID) { // its message is a heading
            json_put_bytes(&writer, ", ", 2);
            json_put_bytes(&writer, problem->details[0].text.ptr, problem->details[0].text.len);
        }
    }
    return writer.out_of_memory ? (str){0} : json_written(&writer);
}
