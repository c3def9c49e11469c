"""test_validation.py — what is refused, where, and in which words: tables of cases against the real routes.

The words are Pydantic 2's, so that a client of a FastAPI service sees no difference. Where Python's own json module is the authority, it
is asked: what it says about a broken text is what we are to say.
"""

import gzip
import itertools
import json
import re
import urllib.parse

import pytest

from people import FORM, PASSWORD, new_email

JSON_TYPE = {"Content-Type": "application/json"}
SECRET = "Sup3r-Secret-Passw0rd"


def post_body(ada, body, headers=JSON_TYPE):
    return ada.client.post("/v1/posts", body=body if isinstance(body, bytes) else body.encode(), headers=headers)


def one_problem(answer):
    assert answer.status == 422, answer
    assert len(answer.detail) == 1, answer.detail
    return answer.detail[0]


def same(problem, kind, loc, message, given=..., context=None):
    """Exact, `ctx` and its absence included."""
    expected = {"type": kind, "loc": loc, "msg": message}
    if given is not ...:
        expected["input"] = given
    if context is not None:
        expected["ctx"] = context
    shown = dict(problem)
    if given is ...:
        shown.pop("input", None)
    assert shown == expected and json.dumps(shown) == json.dumps({key: expected[key] for key in shown})


# ---- JSON that is none

BROKEN = [
    ("{", 1, "Expecting property name enclosed in double quotes"),
    ("{title:1}", 1, "Expecting property name enclosed in double quotes"),
    ("{'a':1}", 1, "Expecting property name enclosed in double quotes"),
    ('{"title":"x",', 13, "Expecting property name enclosed in double quotes"),
    ('{"title":"x",}', 12, "Illegal trailing comma before end of object"),
    ('{"title":"x" , }', 13, "Illegal trailing comma before end of object"),
    ("[1,]", 2, "Illegal trailing comma before end of array"),
    ('{"a":[1,2,]}', 9, "Illegal trailing comma before end of array"),
    ('{"', 1, "Unterminated string starting at"),
    ('{"title', 1, "Unterminated string starting at"),
    ('{"title":"x', 9, "Unterminated string starting at"),
    ('{"title"', 8, "Expecting ':' delimiter"),
    ('{"title":', 9, "Expecting value"),
    ('{"title":tru}', 9, "Expecting value"),
    ('{"title":.5}', 9, "Expecting value"),
    ('{"title":+1}', 9, "Expecting value"),
    ('{"title":True}', 9, "Expecting value"),
    ('{"title":None}', 9, "Expecting value"),
    ('{"title":undefined}', 9, "Expecting value"),
    ("{\"title\":'x'}", 9, "Expecting value"),
    ('{"title":"x"', 12, "Expecting ',' delimiter"),
    ('{"title":"x" "content":"y"}', 13, "Expecting ',' delimiter"),
    ('{"title":01}', 10, "Expecting ',' delimiter"),
    ('{"title":1.}', 10, "Expecting ',' delimiter"),
    ('{"title":1e}', 10, "Expecting ',' delimiter"),
    ('{"title":1e+}', 10, "Expecting ',' delimiter"),
    ('{"title":0x1}', 10, "Expecting ',' delimiter"),
    ('{"title":1_000}', 10, "Expecting ',' delimiter"),
    ('{"title":-}', 9, "Expecting value"),
    (r'{"title":"\x"}', 10, r"Invalid \escape"),
    (r'{"title":"\u12"}', 11, r"Invalid \uXXXX escape"),
    (r'{"title":"\u12g4"}', 11, r"Invalid \uXXXX escape"),
    ('{"title":"a\nb"}', 11, "Invalid control character at"),
    ('{"title":"a\tb"}', 11, "Invalid control character at"),
    ('{"title":"\x00"}', 10, "Invalid control character at"),
    ('{"title":"x"} x', 14, "Extra data"),
    ("{} {}", 3, "Extra data"),
    ("nul", 0, "Expecting value"),
    ("-", 0, "Expecting value"),
    ("hello", 0, "Expecting value"),
    ("// no", 0, "Expecting value"),
    ("/* no */ {}", 0, "Expecting value"),
    ("]", 0, "Expecting value"),
    (" ", 1, "Expecting value"),
    ("\n\t \r", 4, "Expecting value"),
    ('{"é":"日本", "b":}', 15, "Expecting value"),
    ('{"𝄞𝄞":x}', 6, "Expecting value"),
]


@pytest.mark.parametrize("body, position, text", BROKEN)
def test_json_that_is_none_is_named_with_its_place(ada, body, position, text):
    same(one_problem(post_body(ada, body)), "json_invalid", ["body", position], "JSON decode error", {}, {"error": text})


GOOD = '{"title": "a\\u00e9\\n", "content": [1, -2.5e+3, {"k": null, "é": [true, false]}], "n": 10}'


def python_says(text):
    """(position, words) of a broken text, None for a good one."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos, error.msg
    return None


def broken_texts():
    """GOOD cut at every place, and with each of a few characters put in at every place."""
    texts = [GOOD[:end] for end in range(1, len(GOOD))]
    texts += [GOOD[:at] + extra + GOOD[at:] for at in range(len(GOOD) + 1) for extra in '"{,:\\x0\x01']
    texts += [GOOD[:at] + GOOD[at + 1:] for at in range(len(GOOD))]
    # newer versions of Python have words of their own for a comma too many; BROKEN holds those
    return [text for text in dict.fromkeys(texts) if python_says(text) and not re.search(r",\s*[\]}]", text)]


@pytest.mark.parametrize("part", range(8))
def test_broken_json_is_judged_as_python_judges_it(ada, part):
    wrong = []
    for text in broken_texts()[part::8]:
        answer = post_body(ada, text)
        position, words = python_says(text)
        expected = [{"type": "json_invalid", "loc": ["body", position], "msg": "JSON decode error", "input": {}, "ctx": {"error": words}}]
        if answer.status != 422 or answer.detail != expected:
            wrong.append((text, expected, answer))
    assert not wrong, f"{len(wrong)} texts, such as {wrong[:3]}"


# ---- bodies that cannot be read


@pytest.mark.parametrize("broken", [b"\xff", b"\x80", b"\xc3", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80",
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
                                    b"\xe2\x82", b"a\xffb"])
@pytest.mark.parametrize("frame", [b'{"title":"%s","content":"c"}', b'{"title":"t","content":"c","other%s":1}', b"%s",
    b'{"title":"t","content":"c"}%s'])
def test_a_body_that_is_not_utf8_is_a_400(ada, broken, frame):
    answer = post_body(ada, frame % broken)
    assert answer.status == 400 and answer.json == {"detail": "There was an error parsing the body"}, answer


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("depth", [100, 5000, 100_000])
def test_a_body_that_is_too_deep_is_a_400(ada, opening, closing, depth):
    inner = opening * depth + "1" + closing * depth
    for body in (inner, '{"title":"t","content":"c","other":' + inner + "}", opening * depth):
        answer = post_body(ada, body)
        assert answer.status == 400 and answer.json == {"detail": "There was an error parsing the body"}, (depth, str(answer)[:200])


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity", "x"])
@pytest.mark.parametrize("path, type_", [("/v1/posts", "application/json"), ("/v1/auth/login", "application/x-www-form-urlencoded"),
                                         ("/v1/files", "multipart/form-data; boundary=xyz")])
def test_a_body_in_a_content_coding_is_a_415_and_never_unpacked(ada, coding, path, type_):
    answer = ada.client.post(path, body=gzip.compress(b" " * 5_000_000), headers={"Content-Type": type_, "Content-Encoding": coding})
    assert answer.status == 415 and answer.field("Accept-Encoding") == "identity", answer


def test_a_body_in_no_coding_may_say_so(ada):
    for coding in ("identity", "Identity", ""):
        answer = ada.client.post("/v1/posts", body=b'{"title":"t","content":"c"}',
                                 headers={"Content-Type": "application/json", "Content-Encoding": coding})
        assert answer.status == 201, answer


def test_a_body_may_be_sixty_deep(ada):
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        answer = post_body(ada, '{"title":"t","content":"c","other":' + opening * 60 + "1" + closing * 60 + "}")
        assert answer.status == 201, answer


# ---- what a body is

TEXT_OF_POST = '{"title":"t","content":"c"}'


@pytest.mark.parametrize("kind", [
    "application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "Application/Json;charset=UTF-8",
    "application/vnd.api+json", "application/problem+JSON; a=b",
    "application/json;", "application/json ; x=y"])
def test_json_goes_by_these_types(ada, kind):
    assert post_body(ada, TEXT_OF_POST, {"Content-Type": kind}).status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/json", "application/jsonp",
    "application/json-patch", "application/xml", "multipart/json",
                                  "image/svg+json", "json", "application/octet-stream"])
def test_another_type_is_a_text_and_no_object(ada, kind):
    same(one_problem(post_body(ada, TEXT_OF_POST, {"Content-Type": kind})), "model_attributes_type", ["body"],
         "Input should be a valid dictionary or object to extract fields from", TEXT_OF_POST)


def test_json_without_a_type_is_read_or_refused_as_a_text(ada):
    answer = post_body(ada, TEXT_OF_POST, {})
    assert answer.status == 201 or one_problem(answer)["type"] == "model_attributes_type"


@pytest.mark.parametrize("body, headers", [(b"", JSON_TYPE), (b"null", JSON_TYPE), (b" null ", JSON_TYPE), (b"", {}), (None, {}),
    (None, JSON_TYPE), (b"", {"Content-Type": "text/plain"})])
def test_no_body_is_a_missing_one(ada, body, headers):
    same(one_problem(ada.client.post("/v1/posts", body=body, headers=headers)), "missing", ["body"], "Field required", None)


@pytest.mark.parametrize("value", [[], [{"title": "t", "content": "c"}], 5, 0, -1.5, "x", "", True, False, 10**30, "{}"])
def test_a_body_that_is_no_object_is_said_to_be_none(ada, value):
    same(one_problem(post_body(ada, json.dumps(value))), "model_attributes_type", ["body"],
         "Input should be a valid dictionary or object to extract fields from", value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_json_may_come_in_any_unicode(ada, encoding):
    answer = post_body(ada, '{"title":"é𝄞名","content":"c"}'.encode(encoding))
    assert answer.status == 201, answer
    assert answer.json["title"] == "é𝄞名"


@pytest.mark.parametrize("body, title", [
    ('{"title":"a","content":"c","title":"b"}', "b"), ('{"title":5,"content":"c","title":"b"}', "b"),
    ('{"title":"a","content":"c","t\\u0069tle":"b"}', "b"),
    ('{"title":null,"content":"c","title":"b"}', "b")])
def test_the_last_of_two_equal_keys_counts(ada, body, title):
    answer = post_body(ada, body)
    assert answer.status == 201 and answer.json["title"] == title, answer


def test_the_last_of_two_equal_keys_counts_when_it_is_the_bad_one(ada):
    same(one_problem(post_body(ada, '{"title":"a","content":"c","title":5}')), "string_type", ["body", "title"],
        "Input should be a valid string", 5)


@pytest.mark.parametrize("body", [
    ' \t\r\n{ "title" : "t" , "content" : "c" } \r\n', '{"content":"c","title":"t"}',
    '{"title":"t","content":"c","Title":5,"TITLE":null,"":1," title":2}',
    '{"title":"t","content":"c","other":{"title":5,"a":[[],{}]}}', '{"\\u0074itle":"t","content":"c"}',
    '{"title":"t","content":"c","x":1e5,"y":-0,"z":0.1E-2}'])
def test_blanks_order_and_unknown_keys_do_not_matter(ada, body):
    answer = post_body(ada, body)
    assert answer.status == 201 and (answer.json["title"], answer.json["content"]) == ("t", "c"), answer


@pytest.mark.parametrize("escaped, text", [
    (r"\"\\\/\b\f\n\r\t", '"\\/\b\f\n\r\t'), (r"\u00e9", "é"), (r"\u00E9", "é"), (r"\ud834\udd1e", "𝄞"), (r"\uD834\uDD1E", "𝄞"),
    (r"\u2028\u2029", "\u2028\u2029"),
    (r"\u0001", "\x01"), (r"\u007f", "\x7f"), (r"\uffff\ufffe", "\uffff\ufffe"), (r"\ufeff", "\ufeff"), (r"a\u0020b", "a b"),
    (r"\u005cn", "\\n"), ("\x7f", "\x7f")])
def test_escapes_mean_their_characters(ada, escaped, text):
    answer = post_body(ada, f'{{"title":"{escaped}","content":"{escaped}"}}')
    assert answer.status == 201, answer
    assert answer.json["title"] == text and answer.json["content"] == text
    assert ada.client.patch(f"/v1/posts/{answer.json['id']}", {"content": "x"}).json["title"] == text


# ---- a field at a time


# promise 6
def test_every_wrong_field_is_said_at_once_in_their_order(client):
    answer = client.post("/v1/auth/register", {"password": "x", "last_name": 5, "first_name": "", "email": "nobody"})
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [
        ("value_error", ["body", "email"]), ("string_too_short", ["body", "first_name"]), ("string_type", ["body", "last_name"]),
        ("string_too_short", ["body", "password"])]


@pytest.mark.parametrize("given", [{}, {"title": "t"}, {"content": "c", "more": [1, {"a": None}]}, {"published": True, "é": "𝄞"}])
def test_a_missing_field_shows_the_object_around_it(ada, given):
    answer = ada.client.post("/v1/posts", given)
    missing = [name for name in ("title", "content") if name not in given]
    assert answer.detail == [{"type": "missing", "loc": ["body", name], "msg": "Field required", "input": given} for name in missing]


VALUES_NOT_STRINGS = [5, 0, -1, 1.5, 1e300, True, False, None, [], ["x"], {}, {"a": {"b": [None]}}, 10**30, -(10**30), 2**53 + 1, 2**63,
    2**64]


@pytest.mark.parametrize("field", ["title", "content"])
@pytest.mark.parametrize("value", VALUES_NOT_STRINGS, ids=repr)
def test_nothing_else_is_taken_for_a_string(ada, field, value):
    answer = ada.client.post("/v1/posts", {"title": "t", "content": "c", field: value})
    same(one_problem(answer), "string_type", ["body", field], "Input should be a valid string", value)
    given = one_problem(answer)["input"]
    assert type(given) is type(value)


@pytest.mark.parametrize("field", ["email", "first_name", "last_name"])
@pytest.mark.parametrize("value", [5, 1.5, True, None, [], {"a": 1}], ids=repr)
def test_nothing_else_is_taken_for_a_string_when_registering(client, field, value):
    document = {"email": new_email(), "first_name": "A", "last_name": "B", "password": PASSWORD, field: value}
    same(one_problem(client.post("/v1/auth/register", document)), "string_type", ["body", field], "Input should be a valid string", value)


@pytest.mark.parametrize("value", [5, 1.5, True, None, [SECRET], {"a": SECRET}], ids=repr)
def test_a_password_of_another_type_is_not_shown(client, value):
    document = {"email": new_email(), "first_name": "A", "last_name": "B", "password": value}
    answer = client.post("/v1/auth/register", document)
    problem = one_problem(answer)
    assert (problem["type"], problem["loc"], problem["msg"]) == ("string_type", ["body", "password"], "Input should be a valid string")
    assert "input" not in problem and SECRET.encode() not in answer.body


LENGTHS = [
    ("title", "", "string_too_short", "String should have at least 1 character", {"min_length": 1}),
    ("content", "", "string_too_short", "String should have at least 1 character", {"min_length": 1}),
    ("title", "x" * 256, "string_too_long", "String should have at most 255 characters", {"max_length": 255}),
    ("title", "é" * 256, "string_too_long", "String should have at most 255 characters", {"max_length": 255}),
    ("title", "𝄞" * 1000, "string_too_long", "String should have at most 255 characters", {"max_length": 255}),
    ("title", "e\u0301" * 128, "string_too_long", "String should have at most 255 characters", {"max_length": 255}),
]


@pytest.mark.parametrize("field, value, kind, message, context", LENGTHS)
def test_lengths_count_code_points(ada, field, value, kind, message, context):
    answer = ada.client.post("/v1/posts", {"title": "t", "content": "c", field: value})
    same(one_problem(answer), kind, ["body", field], message, value, context)


@pytest.mark.parametrize("field, value, kind, message, context", [
    ("first_name", "", "string_too_short", "String should have at least 1 character", {"min_length": 1}),
    ("last_name", "x" * 101, "string_too_long", "String should have at most 100 characters", {"max_length": 100})])
# promise 17
def test_names_have_their_bounds(ada, client, field, value, kind, message, context):
    document = {"email": new_email(), "first_name": "A", "last_name": "B", "password": PASSWORD, field: value}
    same(one_problem(client.post("/v1/auth/register", document)), kind, ["body", field], message, value, context)
    same(one_problem(ada.client.patch(f"/v1/users/{ada.id}", {field: value})), kind, ["body", field], message, value, context)


@pytest.mark.parametrize("password, kind, message, context", [
    ("Abcdef1", "string_too_short", "String should have at least 8 characters", {"min_length": 8}),
    ("A1" + "x" * 254, "string_too_long", "String should have at most 255 characters", {"max_length": 255}),
    ("no-upper-1", "value_error", "Value error, Password must contain uppercase letter", {"error": {}}),
    ("No-digit-here", "value_error", "Value error, Password must contain digit", {"error": {}})])
# promise n9
def test_a_refused_password_is_not_shown(client, password, kind, message, context):
    document = {"email": new_email(), "first_name": "A", "last_name": "B", "password": password}
    answer = client.post("/v1/auth/register", document)
    assert answer.detail == [{"type": kind, "loc": ["body", "password"], "msg": message, "ctx": context}]
    assert password.encode() not in answer.body


@pytest.mark.parametrize("document", [{"password": SECRET}, {"email": "a@b.org", "password": SECRET},
    {"password": SECRET, "first_name": "A", "last_name": "B"}])
def test_a_password_is_not_shown_in_the_object_around_a_missing_field(client, document):
    answer = client.post("/v1/auth/register", document)
    assert [problem["loc"][1] for problem in answer.detail] == [name for name in ("email", "first_name", "last_name") if name not
        in document]
    assert all((problem["type"], problem["msg"]) == ("missing", "Field required") for problem in answer.detail)
    assert SECRET.encode() not in answer.body


def test_a_missing_password_is_said_to_be(client):
    answer = client.post("/v1/auth/register", {"email": new_email(), "first_name": "A", "last_name": "B"})
    problem = one_problem(answer)
    assert (problem["type"], problem["loc"], problem["msg"]) == ("missing", ["body", "password"], "Field required")


# ---- booleans

TRUE = [True, 1, 1.0, "1", "t", "T", "y", "Y", "yes", "YES", "Yes", "on", "ON", "true", "TRUE", "True", "tRuE"]
FALSE = [False, 0, 0.0, "0", "f", "F", "n", "N", "no", "NO", "No", "off", "OFF", "false", "FALSE", "False"]


@pytest.mark.parametrize("value, expected", [(value, True) for value in TRUE] + [(value, False) for value in FALSE], ids=repr)
def test_these_mean_a_boolean(ada, value, expected):
    answer = ada.client.post("/v1/posts", {"title": "t", "content": "c", "published": value})
    assert answer.status == 201 and answer.json["published"] is expected, answer


@pytest.mark.parametrize("value", ["", "2", "maybe", "tru", "yess", "truee", " true", "1 ", "10", "-1", "null", "ｔrue", "0.0", 2, -1, 10,
    2**40], ids=repr)
def test_other_integers_and_strings_cannot_be_interpreted(ada, value):
    answer = ada.client.post("/v1/posts", {"title": "t", "content": "c", "published": value})
    same(one_problem(answer), "bool_parsing", ["body", "published"], "Input should be a valid boolean, unable to interpret input", value)


@pytest.mark.parametrize("value", [None, 1.5, 0.1, [], [True], {}, {"a": True}], ids=repr)
def test_other_values_are_no_boolean(ada, value):
    answer = ada.client.post("/v1/posts", {"title": "t", "content": "c", "published": value})
    same(one_problem(answer), "bool_type", ["body", "published"], "Input should be a valid boolean", value)


# ---- numbers, NUL and surrogates where FastAPI answers 500


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize("field", ["title", "published"])
def test_numbers_that_are_none_are_a_422(ada, value, field):
    body = {"title": '"t"', "content": '"c"', "published": "true", field: value}
    answer = post_body(ada, "{" + ",".join(f'"{name}":{text}' for name, text in body.items()) + "}")
    assert answer.status == 422, answer


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "1" * 5000, "0." + "1" * 5000, "1e" + "9" * 400, "-" + "9" * 100_000,
    "[" + "1e400," * 50 + "1]"],
                         ids=lambda text: text[:12])
def test_numbers_of_any_size_in_an_unknown_key_do_no_harm(ada, value):
    assert post_body(ada, f'{{"title":"t","content":"c","other":{value}}}').status in (201, 422)


@pytest.mark.parametrize("digits", [20, 100, 4300, 4301, 100_000])
def test_a_huge_number_for_a_string_is_a_422(ada, digits):
    answer = post_body(ada, f'{{"title":{"9" * digits},"content":"c"}}')
    assert answer.status == 422, str(answer)[:200]
    if digits <= 4300:
        assert f'"input":{"9" * digits}'.encode() in answer.body.replace(b'"input": ', b'"input":')


@pytest.mark.parametrize("value", ["\\u0000", "a\\u0000", "\\u0000b", "\\u0000\\u0000"])
@pytest.mark.parametrize("field", ["title", "content"])
def test_nul_in_a_text_is_a_422(ada, value, field):
    body = {"title": "t", "content": "c", field: value}
    answer = post_body(ada, "{" + ",".join(f'"{name}":"{text}"' for name, text in body.items()) + "}")
    problem = one_problem(answer)
    assert problem["loc"] == ["body", field], problem


@pytest.mark.parametrize("field", ["email", "first_name", "last_name", "password"])
def test_nul_in_a_registration_is_a_422(client, field):
    document = {"email": "a@b.org", "first_name": "A", "last_name": "B", "password": PASSWORD}
    answer = client.post("/v1/auth/register", {**document, field: document[field] + "\0x"})
    assert one_problem(answer)["loc"] == ["body", field]


@pytest.mark.parametrize("value", [r"\ud800", r"\udc00", r"a\ud834", r"\ud834x", r"\udd1e\ud834", r"\ud834\ud834\udd1e", r"\ud834\n",
    r"\uDBFF"])
@pytest.mark.parametrize("field", ["title", "content"])
def test_half_a_surrogate_is_a_422(ada, value, field):
    body = {"title": "t", "content": "c", field: value}
    problem = one_problem(post_body(ada, "{" + ",".join(f'"{name}":"{text}"' for name, text in body.items()) + "}"))
    assert (problem["type"], problem["loc"], problem["msg"]) == (
        "string_unicode", ["body", field], "Input should be a valid string, unable to parse raw data as a unicode string")


@pytest.mark.parametrize("body", [r'{"title":"t","content":"c","other":"\ud800"}', r'{"title":"t","content":"c","\ud800":1}',
    r'{"title":"t","content":"c","\u0000":1}',
                                  r'{"title":"t","content":"c","other":"\u0000"}'])
def test_nul_and_surrogates_where_nobody_looks_do_no_harm(ada, body):
    assert post_body(ada, body).status in (201, 422)


def test_a_missing_field_beside_a_surrogate_or_nul_is_answered(ada):
    for body in (r'{"other":"\ud800"}', r'{"other":"\u0000"}', r'{"other":1e400}', r'{"other":NaN}', r'{"content":"\ud800"}'):
        answer = post_body(ada, body)
        assert answer.status == 422, answer


# ---- emails

NAME = "The part after the @-sign "
EMAILS_REFUSED = [
    ("", "An email address must have an @-sign."),
    ("nobody", "An email address must have an @-sign."),
    ("a.b.org", "An email address must have an @-sign."),
    ("@b.org", "There must be something before the @-sign."),
    ("a@", "There must be something after the @-sign."),
    ("@", "There must be something before the @-sign."),
    ("a b@", "The email address contains invalid characters before the @-sign: SPACE."),
    ("a@b", NAME + "is not valid. It should have a period."),
    ("a@b.123", NAME + "is not valid. It is not within a valid top-level domain."),
    ("a@1.2.3.4", NAME + "is not valid. It is not within a valid top-level domain."),
    ("a@x.test", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@test", NAME + "is not valid. It should have a period."),
    ("a@localhost", NAME + "is not valid. It should have a period."),
    ("a@b.co1", NAME + "is not valid. It is not within a valid top-level domain."),
    ("a@b.c-", "An email address cannot end with a hyphen."),
    (".@b.org", "An email address cannot have a period immediately before the @-sign."),
    ("a@b..", "An email address cannot end with a period."),
    ("a@[1.2.3.4].org", NAME + "contains invalid characters: '[', ']'."),
    ("a\tb@c.org", "The email address contains invalid characters before the @-sign: U+0009."),
    ("a@x.localhost", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@x.local", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@x.invalid", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@x.onion", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@x.arpa", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a@X.TEST", NAME + "is a special-use or reserved name that cannot be used with email."),
    ("a b@c.org", "The email address contains invalid characters before the @-sign: SPACE."),
    ("a,b@c.org", "The email address contains invalid characters before the @-sign: ','."),
    ("a(b@c.org", "The email address contains invalid characters before the @-sign: '('."),
    ("a,b c@d.org", "The email address contains invalid characters before the @-sign: ',', SPACE."),
    ("a:b;c@d.org", "The email address contains invalid characters before the @-sign: ':', ';'."),
    ("a@@b.org", NAME + "contains invalid characters: '@'."),
    ("a@b_c.org", NAME + "contains invalid characters: '_'."),
    ("a@b!c.org", NAME + "contains invalid characters: '!'."),
    ("a@b c.org", NAME + "contains invalid characters: SPACE."),
    (".a@c.org", "An email address cannot start with a period."),
    ("a.@c.org", "An email address cannot have a period immediately before the @-sign."),
    ("a..b@c.org", "An email address cannot have two periods in a row."),
    ("a@.b.org", "An email address cannot have a period immediately after the @-sign."),
    ("a@b.org.", "An email address cannot end with a period."),
    ("a@b..org", "An email address cannot have two periods in a row."),
    ("a@-b.org", "An email address cannot have a hyphen immediately after the @-sign."),
    ("a@b-.org", "An email address cannot have a period and a hyphen next to each other."),
    ("a@b.-org", "An email address cannot have a period and a hyphen next to each other."),
    ('"a b"@c.org', "Quoting the part before the @-sign is not allowed here."),
    ("a@[1.2.3.4]", "A bracketed IP address after the @-sign is not allowed here."),
    ("x" * 65 + "@b.org", "The email address is too long before the @-sign (1 character too many)."),
    ("x" * 74 + "@b.org", "The email address is too long before the @-sign (10 characters too many)."),
    ("a@" + "x" * 64 + ".org", "After the @-sign, periods cannot be separated by so many characters (1 character too many)."),
]


# promise 17
@pytest.mark.parametrize("email, reason", EMAILS_REFUSED)
def test_an_email_is_refused_with_its_reason(client, email, reason):
    answer = client.post("/v1/auth/register", {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD})
    same(one_problem(answer), "value_error", ["body", "email"], f"value is not a valid email address: {reason}", email, {"reason": reason})


def test_an_email_of_more_than_2048_characters_is_not_even_looked_at(client):
    email = "a" * 2100 + "@b.org"
    answer = client.post("/v1/auth/register", {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD})
    problem = one_problem(answer)
    assert problem["type"] == "value_error"
    assert problem["msg"] == "value is not a valid email address: Length must not exceed 2048 characters"


@pytest.mark.parametrize("email", ["a\u200bb@c.org", "a@b\u200b.org", "a\u202eb@c.org", "a\u00a0b@c.org", "a@\u2488b.org", "a@ab--c.org",
    "a@b.org\u0000", "\ufeff@b.org", "a@\u0301b.org"])
def test_an_email_with_unsafe_characters_is_refused(client, email):
    answer = client.post("/v1/auth/register", {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD})
    assert one_problem(answer)["loc"] == ["body", "email"]


def test_an_email_that_is_too_long_as_a_whole_is_refused(client):
    domain = ".".join(["x" * 63] * 3 + ["x" * 60, "org"])
    for email in (f"a@{domain}", "a" * 64 + "@" + ".".join(["x" * 63] * 3) + ".org"):
        answer = client.post("/v1/auth/register", {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD})
        assert one_problem(answer)["type"] == "value_error", answer


unique = itertools.count(1)


@pytest.mark.parametrize("email, kept", [
    ("plain{n}@example.org", "plain{n}@example.org"),
    ("UPPER{n}@EXAMPLE.ORG", "upper{n}@example.org"),
    ("with+tag{n}@example.org", "with+tag{n}@example.org"),
    ("d.o.t.s{n}@sub.sub.example.org", "d.o.t.s{n}@sub.sub.example.org"),
    ("_!#$%&'*+-/=?^`{{|}}~{n}@example.org", "_!#$%&'*+-/=?^`{{|}}~{n}@example.org"),
    ("{n}@example.org", "{n}@example.org"),
    ("a{n}@example.co.uk", "a{n}@example.co.uk"),
    ("a{n}@ex-am-ple.org", "a{n}@ex-am-ple.org"),
    ("a{n}@123.org", "a{n}@123.org"),
    (" blank{n}@example.org\t", "blank{n}@example.org"),
    ("Ada Lovelace <display{n}@example.org>", "display{n}@example.org"),
    ("用户{n}@example.org", "用户{n}@example.org"),
    ("é{n}@example.org", "é{n}@example.org"),
    ("e\u0301{n}@example.org", "é{n}@example.org"),
    ("a{n}@bücher.example", "a{n}@bücher.example"),
    ("a{n}@BÜCHER.example", "a{n}@bücher.example"),
    ("a{n}@xn--bcher-kva.example", "a{n}@bücher.example"),
    ("a{n}@例え.example", "a{n}@例え.example"),
    ("a{n}@ｅxample．org", "a{n}@example.org"),
    ("ÉCOLE{n}@example.org", "école{n}@example.org"),
])
def test_an_email_is_taken_and_kept_in_lower_case(client, email, kept):
    n = 100_000 + next(unique)
    answer = client.post("/v1/auth/register", {"email": email.format(n=n), "first_name": "A", "last_name": "B", "password": PASSWORD})
    assert answer.status == 201, answer
    assert answer.json["email"] == kept.format(n=n)


def test_an_email_may_be_as_long_as_64_and_63(client):
    email = "x" * 64 + "@" + "y" * 63 + ".org"
    answer = client.post("/v1/auth/register", {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD})
    assert answer.status == 201 and answer.json["email"] == email, answer


# ---- query parameters

SPELLED = [("5", 5), ("1", 1), ("%205%20", 5), ("%2B5", 5), ("+5", 5), ("005", 5), ("1_0", 10), ("10.00", 10), ("5.0", 5), ("%095%0A", 5),
    ("100", 100), ("%35", 5)]


@pytest.mark.parametrize("text, value", SPELLED)
def test_an_integer_of_a_query_may_be_spelled_so(client, text, value):
    answer = client.get(f"/v1/posts?limit={text}")
    assert answer.status == 200 and answer.json["pagination"]["limit"] == value, answer


@pytest.mark.parametrize("text", ["", "abc", "1.5", "1e1", "0x1", "1__0", "_1", "1_", "--1", "+-1", "5a", "1 0", "NaN", "inf", "true",
    "1,0", "5%", "٣", "５", "null", "[]", "1/2",
                                  "+ 5", "0b1", "5-", "10.01"])
def test_another_text_is_no_integer(client, text):
    answer = client.get("/v1/posts?limit=" + urllib.parse.quote(text, safe=""))
    same(one_problem(answer), "int_parsing", ["query", "limit"], "Input should be a valid integer, unable to parse string as an integer",
        text)


RANGES = [
    ("/v1/posts", "limit", "0", "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/posts", "limit", "-1", "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/posts", "limit", "101", "less_than_equal", "Input should be less than or equal to 100", {"le": 100}),
    ("/v1/posts", "limit", str(2**63), "less_than_equal", "Input should be less than or equal to 100", {"le": 100}),
    ("/v1/posts", "limit", str(2**64 + 1), "less_than_equal", "Input should be less than or equal to 100", {"le": 100}),
    ("/v1/posts", "limit", "9" * 4300, "less_than_equal", "Input should be less than or equal to 100", {"le": 100}),
    ("/v1/posts", "limit", "-" + "9" * 1000, "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/posts", "page", "0", "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/posts", "page", "-5", "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/users", "skip", "-1", "greater_than_equal", "Input should be greater than or equal to 0", {"ge": 0}),
    ("/v1/users", "skip", str(-(2**70)), "greater_than_equal", "Input should be greater than or equal to 0", {"ge": 0}),
    ("/v1/users", "limit", "0", "greater_than_equal", "Input should be greater than or equal to 1", {"ge": 1}),
    ("/v1/users", "limit", "1000", "less_than_equal", "Input should be less than or equal to 100", {"le": 100}),
]


# promise 5
@pytest.mark.parametrize("path, name, text, kind, message, context", RANGES, ids=lambda value: str(value)[:24])
def test_an_integer_of_a_query_has_its_bounds(ada, path, name, text, kind, message, context):
    same(one_problem(ada.client.get(f"{path}?{name}={text}")), kind, ["query", name], message, text, context)


def test_an_integer_of_more_than_4300_digits_is_too_much(client):
    text = "1" * 4301
    same(one_problem(client.get(f"/v1/posts?limit={text}")), "int_parsing_size", ["query", "limit"],
         "Unable to parse input string as an integer, exceeded maximum size", text)


@pytest.mark.parametrize("target", ["/v1/posts?page=%s", "/v1/users?skip=%s", "/v1/posts?page=%s&limit=100"])
@pytest.mark.parametrize("number", [2**31, 2**32, 2**53, 2**62, 2**63 - 1])
def test_a_page_that_64_bits_hold_is_an_empty_one_or_a_422(ada, target, number):
    answer = ada.client.get(target % number)
    assert answer.status in (200, 422), answer
    if answer.status == 200:
        assert (answer.json if isinstance(answer.json, list) else answer.json["data"]) == []


@pytest.mark.parametrize("target", ["/v1/posts?page=%s", "/v1/users?skip=%s"])
@pytest.mark.parametrize("number", [2**63, 2**64, 2**64 + 1, 10**30])
def test_a_page_beyond_64_bits_is_a_422(ada, target, number):
    answer = ada.client.get(target % number)
    assert one_problem(answer)["loc"][0] == "query"


def test_all_wrong_parameters_are_said_at_once_in_their_order(client, ada):
    answer = client.get("/v1/posts?limit=0&page=x")
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [("int_parsing", ["query", "page"]),
        ("greater_than_equal", ["query", "limit"])]
    answer = ada.client.get("/v1/users?limit=200&skip=-1")
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [("greater_than_equal", ["query", "skip"]),
        ("less_than_equal", ["query", "limit"])]


@pytest.mark.parametrize("query, limit", [
    ("limit=1&limit=2", 2), ("limit=abc&limit=2", 2), ("limit=0&limit=3", 3), ("%6Cimit=4", 4), ("%6cim%69t=5", 5), ("LIMIT=0", 20),
    ("Limit=x", 20), ("&&limit=5&", 5), ("", 20), ("?limit=5", 20),
    ("unknown=1&other", 20), ("limits=0", 20), ("=5", 20), ("li+mit=0", 20), ("limit%20=0", 20), ("page=1&limit=7#x", None),
    ("x=%zz&limit=6", 6), ("x=%00&limit=6", 6)])
def test_parameters_are_found_by_their_decoded_name_and_the_last_counts(client, query, limit):
    answer = client.get(f"/v1/posts?{query}")
    if limit is None:
        assert answer.status in (200, 400)
    else:
        assert answer.status == 200 and answer.json["pagination"]["limit"] == limit, answer


@pytest.mark.parametrize("query, given", [("limit=1;page=2", "1;page=2"), ("limit=%zz", "%zz"), ("limit=%", "%"), ("limit=%4", "%4"),
    ("limit", ""), ("limit=", ""), ("limit=5&limit=x", "x"),
                                          ("limit=a%26b", "a&b"), ("limit=a+b", "a b"), ("limit=%C3%A9", "é"), ("limit=1=2", "1=2"),
                                          ("limit=%25", "%")])
def test_the_value_of_a_parameter_is_shown_decoded(client, query, given):
    same(one_problem(client.get(f"/v1/posts?{query}")), "int_parsing", ["query", "limit"],
        "Input should be a valid integer, unable to parse string as an integer", given)


@pytest.mark.parametrize("query", ["limit=%ff", "limit=%00", "limit=5%00", "limit=%ed%a0%80", "limit=%f0%9d", "x=%ff&limit=0"])
def test_bytes_that_are_no_text_are_a_4xx(client, query):
    assert client.get(f"/v1/posts?{query}").status in (400, 422)


# ---- ids

EXPECTED_CHARACTER = "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `%s` at %d"
IDS_REFUSED = [
    ("x", EXPECTED_CHARACTER % ("x", 1)),
    ("1", "invalid length: expected length 32 for simple format, found 1"),
    ("me2", EXPECTED_CHARACTER % ("m", 1)),
    ("123456781234567812345678123456781", "invalid length: expected length 32 for simple format, found 33"),
    ("1234567812345678123456781234567", "invalid length: expected length 32 for simple format, found 31"),
    ("g2345678123456781234567812345678", EXPECTED_CHARACTER % ("g", 1)),
    ("1234567812345678123456781234567x", EXPECTED_CHARACTER % ("x", 32)),
    ("-", "invalid group count: expected 5, found 2"),
    ("1-2", "invalid group count: expected 5, found 2"),
    ("12345678-1234-5678-123456781234567", "invalid group count: expected 5, found 4"),
    ("12345678-1234-5678-1234-5678-1234567", "invalid group count: expected 5, found 6"),
    ("12345678-1234-5678-1234-56781234567", "invalid group length in group 4: expected 12, found 11"),
    ("12345678-1234-5678-1234-5678123456789", "invalid group length in group 4: expected 12, found 13"),
    ("1234567-1234-5678-1234-567812345678", "invalid group length in group 0: expected 8, found 7"),
    ("12345678-123-5678-1234-567812345678", "invalid group length in group 1: expected 4, found 3"),
    ("12345678-1234-56789-1234-567812345678", "invalid group length in group 2: expected 4, found 5"),
    ("12345678-1234-5678-123-567812345678", "invalid group length in group 3: expected 4, found 3"),
    ("12345678-1234-5678-1234-56781234567g", EXPECTED_CHARACTER % ("g", 36)),
    ("12345678_1234_5678_1234_567812345678", EXPECTED_CHARACTER % ("_", 9)),
    (" 12345678-1234-5678-1234-567812345678", EXPECTED_CHARACTER % (" ", 1)),
    ("é", EXPECTED_CHARACTER % ("é", 1)),
    ("123é", EXPECTED_CHARACTER % ("é", 4)),
    ("𝄞", EXPECTED_CHARACTER % ("𝄞", 1)),
    ("{12345678-1234-5678-1234-567812345678", EXPECTED_CHARACTER % ("{", 1)),
    ("12345678-1234-5678-1234-567812345678}", EXPECTED_CHARACTER % ("}", 37)),
    ("{x}", EXPECTED_CHARACTER % ("x", 2)),
    ("urn:uuid:x", EXPECTED_CHARACTER % ("x", 10)),
    ("urn:uuid:", "invalid group count: expected 5, found 1"),
    ("URN:UUID:12345678-1234-5678-1234-567812345678", EXPECTED_CHARACTER % ("U", 1)),
    ("'; DROP TABLE users --", EXPECTED_CHARACTER % ("'", 1)),
]


# promise 4
@pytest.mark.parametrize("text, error", IDS_REFUSED)
def test_an_id_that_is_none_is_refused_with_its_reason(ada, text, error):
    quoted = urllib.parse.quote(text, safe=":")
    for path, name in (("/v1/users", "user_id"), ("/v1/posts", "post_id")):
        same(one_problem(ada.client.get(f"{path}/{quoted}")), "uuid_parsing", ["path", name], f"Input should be a valid UUID, {error}",
            text, {"error": error})


def test_the_path_is_judged_before_the_body_and_all_is_said(ada):
    answer = ada.client.patch("/v1/posts/x", {"title": "", "content": 5, "published": None})
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [
        ("uuid_parsing", ["path", "post_id"]), ("string_too_short", ["body", "title"]), ("string_type", ["body", "content"]),
        ("bool_type", ["body", "published"])]
    answer = ada.client.patch("/v1/posts/x", [])
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [("uuid_parsing", ["path", "post_id"]),
        ("model_attributes_type", ["body"])]
    answer = ada.client.patch("/v1/posts/x", body=b"")
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [("uuid_parsing", ["path", "post_id"]),
        ("missing", ["body"])]


@pytest.mark.parametrize("value", VALUES_NOT_STRINGS, ids=repr)
def test_a_change_judges_types_as_a_creation_does(ada, value):
    answer = ada.client.patch("/v1/posts/00000000-0000-4000-8000-000000000000", {"title": value})
    same(one_problem(answer), "string_type", ["body", "title"], "Input should be a valid string", value)


# ---- the form of the login


def login(client, form, headers=FORM):
    return client.post("/v1/auth/login", body=form if isinstance(form, bytes) else form.encode(), headers=headers)


def missing(*names):
    return [{"type": "missing", "loc": ["body", name], "msg": "Field required", "input": None} for name in names]


@pytest.mark.parametrize("form, headers, names", [
    ("", FORM, ["username", "password"]), ("", {}, ["username", "password"]), ("username=a%40b.org", FORM, ["password"]),
    ("password=x", FORM, ["username"]),
    ("user=a&pass=b", FORM, ["username", "password"]), ("Username=a&PASSWORD=b", FORM, ["username", "password"]),
    ("username=a;password=b", FORM, ["password"]),
    ('{"username":"a","password":"b"}', JSON_TYPE, ["username", "password"]), ("username=a&password=b", {"Content-Type": "text/plain"},
    ["username", "password"]),
    ("username=a&password=b", {}, ["username", "password"])])
def test_a_form_says_what_is_missing(client, form, headers, names):
    answer = login(client, form, headers)
    assert answer.status == 422 and answer.detail == missing(*names), answer


@pytest.mark.parametrize("value", ["x", "Password", "PASSWORD", "client_credentials", "password ", " password", "passwordx",
    "refresh_token"])
def test_a_form_wants_its_grant_type_to_be_password(client, value):
    answer = login(client, urllib.parse.urlencode({"grant_type": value, "username": "a@b.org", "password": "x"}))
    same(one_problem(answer), "string_pattern_mismatch", ["body", "grant_type"], "String should match pattern '^password$'", value,
        {"pattern": "^password$"})


def test_a_form_says_all_that_is_wrong_in_its_order(client):
    answer = login(client, "grant_type=x")
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [
        ("string_pattern_mismatch", ["body", "grant_type"]), ("missing", ["body", "username"]), ("missing", ["body", "password"])]


@pytest.mark.parametrize("form", ["username={e}&password={p}", "password={p}&username={e}",
    "username=x&username={e}&password=y&password={p}", "&username={e}&&password={p}&",
                                  "username={e}&password={p}&scope=&client_id=&client_secret=",
                                  "username={e}&password={p}&grant_type=password", "user%6Eame={e}&p%61ssword={p}",
                                  "username={e}&password={p}&unknown=1&x"])
def test_a_form_may_be_written_so(client, ada, form):
    quote = urllib.parse.quote
    answer = login(client, form.format(e=quote(ada.email, safe=""), p=quote(PASSWORD, safe="")))
    assert answer.status == 200, answer


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-Urlencoded",
    "application/x-www-form-urlencoded;"])
def test_a_form_may_have_parameters_in_its_type(client, ada, kind):
    assert login(client, urllib.parse.urlencode({"username": ada.email, "password": PASSWORD}), {"Content-Type": kind}).status == 200


@pytest.mark.parametrize("form", ["username=&password=", "username=&password=x", "username=a%40b.org&password="])
def test_an_empty_field_of_a_form_is_an_empty_text_or_a_missing_one(client, form):
    answer = login(client, form)
    assert answer.status in (401, 422), answer
    if answer.status == 422:
        assert {problem["type"] for problem in answer.detail} == {"missing"}


@pytest.mark.parametrize("form", ["username=%00&password=x", "username=a%00b%40c.org&password=x", "username=%ff&password=%ff",
    "username=%zz&password=%", "username=" + "x" * 100_000 + "&password=x",
                                  "username=a%40b.org&password=" + "x" * 100_000, "username=%ed%a0%80&password=x"],
                                  ids=lambda form: form[:30])
def test_a_form_of_odd_bytes_is_a_4xx(client, form):
    assert login(client, form).status in (400, 401, 422)


def multipart(parts, boundary="xyz", ending="\r\n"):
    """`parts` are (headers of the part, value)."""
    text = b"".join(b"--" + boundary.encode() + b"\r\n" + headers.encode() + b"\r\n\r\n" + value + b"\r\n" for headers, value in parts)
    return text + b"--" + boundary.encode() + b"--" + ending.encode()


def named(name, value):
    return f'Content-Disposition: form-data; name="{name}"', value if isinstance(value, bytes) else value.encode()


@pytest.mark.parametrize("boundary, shown", [("xyz", "xyz"), ("----WebKitFormBoundary7MA4YWxkTrZu0gW",
    "----WebKitFormBoundary7MA4YWxkTrZu0gW"), ("a b", '"a b"'), ("x" * 70, "x" * 70), ("'()+_,-./:=?", "\"'()+_,-./:=?\"")])
def test_a_multipart_form_logs_in(client, ada, boundary, shown):
    body = multipart([named("username", ada.email), named("password", PASSWORD)], boundary)
    answer = login(client, body, {"Content-Type": f"multipart/form-data; boundary={shown}"})
    assert answer.status == 200, answer


@pytest.mark.parametrize("parts", [
    lambda email: [("Content-Type: text/plain\r\nContent-Disposition: form-data; name=username", email.encode()),
    named("password", PASSWORD)],
    lambda email: [("content-disposition: FORM-DATA; NAME=\"username\"", email.encode()), named("password", PASSWORD)],
    lambda email: [named("username", "x"), named("username", email), named("password", "y"), named("password", PASSWORD)],
    lambda email: [named("other", "\0é\r\n--xy\r\n"), named("username", email), named("password", PASSWORD),
    named("grant_type", "password")]])
def test_the_parts_of_a_multipart_form_may_be_written_so(client, ada, parts):
    answer = login(client, multipart(parts(ada.email)), {"Content-Type": "multipart/form-data; boundary=xyz"})
    assert answer.status == 200, answer


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data;", "multipart/form-data; charset=utf-8",
    "multipart/form-data; boundary="])
def test_a_multipart_form_without_a_boundary_is_a_400(client, kind):
    answer = login(client, multipart([named("username", "a"), named("password", "b")]), {"Content-Type": kind})
    assert answer.status == 400
    if kind != "multipart/form-data; boundary=":
        assert answer.json == {"detail": "Missing boundary in multipart."}


@pytest.mark.parametrize("body", [b"", b"--", b"--xyz", b"--xyz\r\n", b"--xyz--\r\n", b"nonsense",
    multipart([named("username", "a")])[:-9], multipart([("", b"x")]), multipart([("X: y", b"x")]),
                                  multipart([named("username", "a"), named("password", "b")], "abc"), b"--xyz\r\n" + b"A" * 70_000,
                                  b"--xyz\r\nContent-Disposition: form-data; name=\"" + b"n" * 20_000 + b"\"\r\n\r\n\r\n--xyz--",
                                  multipart([named(f"n{index}", "v") for index in range(5000)])], ids=lambda body: repr(body[:20]))
def test_a_multipart_form_that_is_broken_is_a_4xx(client, body):
    answer = login(client, body, {"Content-Type": "multipart/form-data; boundary=xyz"})
    assert answer.status in (400, 413, 422), answer
    assert client.get("/health").status == 200


def test_a_form_never_shows_its_password(client):
    for form in (f"password={SECRET}", f"password={SECRET}&grant_type=x", f"password={SECRET}&username=a&grant_type=y"):
        answer = login(client, form)
        assert answer.status == 422 and SECRET.encode() not in answer.body
    answer = login(client, multipart([named("password", SECRET)]), {"Content-Type": "multipart/form-data; boundary=xyz"})
    assert answer.status == 422 and SECRET.encode() not in answer.body
