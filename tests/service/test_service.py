"""test_service.py — the users, auth and posts service, row by row as its page promises."""

import datetime
import json
import re
import statistics
import threading
import time
import urllib.parse
import uuid

import pytest

from client import Client, Wire, request_bytes
from people import FORM, PASSWORD, Person, new_email, register, sign_in

USER_KEYS = {"id", "email", "first_name", "last_name", "role", "is_active", "created_at", "updated_at"}
POST_KEYS = {"id", "title", "content", "published", "author_id", "created_at", "updated_at"}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
NOBODY = "00000000-0000-4000-8000-000000000000"


def instant(text):
    assert TIMESTAMP.fullmatch(text), text
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_user(user):
    assert set(user) == USER_KEYS
    assert UUID.fullmatch(user["id"])
    assert user["role"] in ("user", "admin") and user["is_active"] in (True, False)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs((instant(user["created_at"]) - now).total_seconds()) < 3600
    assert instant(user["updated_at"]) >= instant(user["created_at"])


def check_post(post):
    assert set(post) == POST_KEYS
    assert UUID.fullmatch(post["id"]) and UUID.fullmatch(post["author_id"])
    assert isinstance(post["title"], str) and isinstance(post["content"], str) and isinstance(post["published"], bool)
    assert instant(post["updated_at"]) >= instant(post["created_at"])


def refused(answer, status, detail):
    assert answer.status == status, answer
    assert answer.json == {"detail": detail}


def problems(answer):
    """(type, loc) of each problem of a 422."""
    assert answer.status == 422, answer
    return [(problem["type"], problem["loc"]) for problem in answer.detail]


def login(client, username, password, **more):
    form = urllib.parse.urlencode({"username": username, "password": password, **more}).encode()
    return client.post("/v1/auth/login", body=form, headers=FORM, token=None)


def new_user(**changes):
    return {"email": new_email(), "first_name": "Grace", "last_name": "Hopper", "password": PASSWORD, **changes}


# ---- GET /health


# promise 14
def test_health_says_status_timestamp_and_version(client):
    answer = client.get("/health")
    assert answer.status == 200
    assert set(answer.json) == {"status", "timestamp", "version"}
    assert answer.json["status"] == "ok" and isinstance(answer.json["version"], str) and answer.json["version"]
    age = datetime.datetime.now(datetime.timezone.utc) - instant(answer.json["timestamp"])
    assert abs(age.total_seconds()) < 5


# promise 10
def test_health_is_not_below_v1(client):
    refused(client.get("/v1/health"), 404, "Not Found")


# ---- POST /v1/auth/register


# promise 7
def test_register_answers_201_with_the_user_and_nothing_more(client):
    document = new_user()
    answer = client.post("/v1/auth/register", document)
    assert answer.status == 201
    check_user(answer.json)
    user = answer.json
    assert (user["email"], user["first_name"], user["last_name"]) == (document["email"], "Grace", "Hopper")
    assert user["role"] == "user" and user["is_active"] is True
    assert PASSWORD.encode() not in answer.body and b"argon2" not in answer.body and b"hash" not in answer.body


# promise 19
def test_register_lower_cases_the_whole_email(client):
    email = new_email("MiXeD")
    answer = client.post("/v1/auth/register", new_user(email=email.replace("example", "EXAMPLE")))
    assert answer.status == 201 and answer.json["email"] == email.lower()


def test_register_trims_the_email_and_nothing_else(client):
    email = new_email()
    answer = client.post("/v1/auth/register", new_user(email=f"  {email} ", first_name="  Ada ", last_name=" L "))
    assert answer.status == 201
    assert (answer.json["email"], answer.json["first_name"], answer.json["last_name"]) == (email, "  Ada ", " L ")


# promise 34
def test_register_refuses_an_email_that_is_taken(client):
    document = new_user()
    assert client.post("/v1/auth/register", document).status == 201
    refused(client.post("/v1/auth/register", document), 409, "Email already registered")


def test_register_refuses_a_taken_email_in_another_case(client):
    document = new_user()
    assert client.post("/v1/auth/register", document).status == 201
    refused(client.post("/v1/auth/register", {**document, "email": document["email"].upper()}), 409, "Email already registered")


def test_register_judges_the_body_before_the_taken_email(client, ada):
    assert problems(client.post("/v1/auth/register", new_user(email=ada.email, password="short"))) == [
        ("string_too_short", ["body", "password"])]


@pytest.mark.parametrize("field, value", [
    ("role", "admin"), ("is_active", False), ("id", NOBODY), ("created_at", "2001-01-01T00:00:00Z"), ("updated_at", "2001-01-01T00:00:00Z"),
    ("password_hash", "$argon2id$"), ("hashed_password", "x"), ("nonsense", {"a": [1, 2, {"b": None}]})])
def test_register_ignores_what_a_caller_may_not_set(client, field, value):
    answer = client.post("/v1/auth/register", new_user(**{field: value}))
    assert answer.status == 201
    check_user(answer.json)
    assert answer.json["role"] == "user" and answer.json["is_active"] is True and answer.json["id"] != NOBODY


@pytest.mark.parametrize("name", ["A", "x" * 100, "é" * 100, "𝄞" * 100, "名" * 100, "e\u0301" * 50, "O'Brien; DROP TABLE users --",
    "<b>&\"\\/\t\n"])
def test_register_takes_names_of_1_to_100_code_points(client, name):
    answer = client.post("/v1/auth/register", new_user(first_name=name, last_name=name))
    assert answer.status == 201, answer
    assert answer.json["first_name"] == name and answer.json["last_name"] == name


@pytest.mark.parametrize("name, kind", [("", "string_too_short"), ("x" * 101, "string_too_long"), ("𝄞" * 101, "string_too_long")])
def test_register_refuses_other_names(client, name, kind):
    answer = client.post("/v1/auth/register", new_user(first_name=name, last_name=name))
    assert problems(answer) == [(kind, ["body", "first_name"]), (kind, ["body", "last_name"])]


@pytest.mark.parametrize("password", [
    "Abcdefg1", "A1" + "x" * 253, "É" + "b" * 6 + "7", "Ж" + "b" * 6 + "٣", "Ω" + "𝄞" * 253 + "1", " Abcdef1 ", "1" * 254 + "Z",
    "Σ日本語日本語５"])
def test_register_takes_passwords_of_8_to_255_code_points_in_any_script(client, password):
    user = client.post("/v1/auth/register", new_user(password=password))
    assert user.status == 201, user
    assert login(client, user.json["email"], password).status == 200


@pytest.mark.parametrize("password, kind, message", [
    ("Abcdef1", "string_too_short", "String should have at least 8 characters"),
    ("", "string_too_short", "String should have at least 8 characters"),
    ("abc", "string_too_short", "String should have at least 8 characters"),
    ("A1" + "x" * 254, "string_too_long", "String should have at most 255 characters"),
    ("abcdefg1", "value_error", "Value error, Password must contain uppercase letter"),
    ("abcdefgh", "value_error", "Value error, Password must contain uppercase letter"),
    ("ABCDEFGH", "value_error", "Value error, Password must contain digit"),
    ("éàèùçâêî", "value_error", "Value error, Password must contain uppercase letter"),
    ("名名名名名名名1", "value_error", "Value error, Password must contain uppercase letter"),
    ("Éàèùçâêî", "value_error", "Value error, Password must contain digit")])
# promise 19
def test_register_refuses_other_passwords_with_the_first_broken_rule_only(client, password, kind, message):
    answer = client.post("/v1/auth/register", new_user(password=password))
    assert problems(answer) == [(kind, ["body", "password"])]
    assert answer.detail[0]["msg"] == message


# promise n5
def test_fifty_registrations_of_one_email_at_once_make_one_user(server):
    body = json.dumps(new_user()).encode()
    data = request_bytes("POST", "/v1/auth/register", body, headers={"Content-Type": "application/json"})
    answers = at_once(server, [("POST", data)] * 50)
    statuses = sorted(answer.status for answer in answers)
    assert statuses.count(201) == 1, statuses
    assert all(answer.status in (201, 409, 503) for answer in answers), statuses
    assert statuses.count(409) > 0
    rows = server.sql(f"SELECT count(*) FROM users WHERE email = '{json.loads(body)['email']}'")
    assert rows == [["1"]]


def at_once(server, requests):
    """Sends all requests as near to one moment as threads can, each on a connection of its own."""
    answers = [None] * len(requests)
    barrier = threading.Barrier(len(requests))

    def ask(index, method, data):
        with Wire(server, timeout=60) as wire:
            wire.send(data[:-1])
            barrier.wait()
            wire.send(data[-1:])
            answers[index] = wire.answer(method)

    threads = [threading.Thread(target=ask, args=(index, *request)) for index, request in enumerate(requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers), "a request was not answered"
    return answers


# ---- POST /v1/auth/login


# promise 33
def test_login_answers_with_a_bearer_token(client, ada):
    answer = login(client, ada.email, PASSWORD)
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "token_type"} and answer.json["token_type"] == "bearer"
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", answer.json["access_token"])


def test_login_finds_the_email_whatever_its_case(client, ada):
    assert login(client, ada.email.upper(), PASSWORD).status == 200


def test_login_takes_the_other_fields_of_the_password_flow(client, ada):
    assert login(client, ada.email, PASSWORD, grant_type="password", scope="a b", client_id="x", client_secret="y").status == 200


# promise 27
def test_login_takes_a_multipart_form(client, ada):
    parts = {"username": ada.email, "password": PASSWORD, "grant_type": "password"}
    body = "".join(f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items())
    answer = client.post("/v1/auth/login", body=(body + "--xyz--\r\n").encode(),
        headers={"Content-Type": "multipart/form-data; boundary=xyz"})
    assert answer.status == 200, answer


def test_login_refuses_another_grant_type(client, ada):
    answer = login(client, ada.email, PASSWORD, grant_type="client_credentials")
    assert problems(answer) == [("string_pattern_mismatch", ["body", "grant_type"])]


# promise 33
def test_login_answers_a_wrong_password_and_an_unknown_email_with_the_same_bytes(client, ada):
    wrong, unknown = login(client, ada.email, "Wrong-horse-9"), login(client, new_email("unknown"), "Wrong-horse-9")
    refused(wrong, 401, "Invalid credentials")
    same = [re.sub(rb"(Date|X-Request-ID): [^\r]*", b"", answer.head) + answer.body for answer in (wrong, unknown)]
    assert same[0] == same[1]


def test_login_takes_the_same_time_for_a_wrong_password_and_an_unknown_email(client, ada):
    seconds = {"wrong": [], "unknown": []}
    for _ in range(40):
        for name, email in (("wrong", ada.email), ("unknown", "nobody.at.all@example.org")):
            began = time.perf_counter()
            assert login(client, email, "Wrong-horse-9").status == 401
            seconds[name].append(time.perf_counter() - began)
    wrong, unknown = (statistics.median(seconds[name]) for name in ("wrong", "unknown"))
    assert 0.8 < wrong / unknown < 1.25, f"medians: wrong {wrong * 1000:.2f} ms, unknown {unknown * 1000:.2f} ms"
    assert wrong > 0.003, "no password was hashed"


def test_every_character_of_a_password_counts(client):
    password = "A1" + "x" * 253
    email = register(client, password=password)["email"]
    assert login(client, email, password).status == 200
    for wrong in (password[:-1], password + "x", password[:-1] + "y", "B" + password[1:], password.lower(), password + " ", password[:72]):
        refused(login(client, email, wrong), 401, "Invalid credentials")


# promise 32
def test_a_password_is_hashed_with_argon2id_and_a_salt_of_its_own(server, client):
    emails = [register(client)["email"] for _ in range(2)]
    hashes = [row[0] for row in server.sql(f"SELECT password_hash FROM users WHERE email IN ('{emails[0]}', '{emails[1]}')")]
    assert len(set(hashes)) == 2
    for text in hashes:
        match = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", text)
        assert match and int(match[1]) >= 19456 and int(match[2]) >= 2, text


# ---- GET /v1/users


def all_users(client):
    users, page = [], None
    while page is None or len(page) == 100:
        answer = client.get(f"/v1/users?skip={len(users)}&limit=100")
        assert answer.status == 200
        page = answer.json
        users += page
    return users


def test_users_are_listed_oldest_first(server, ada):
    newest = Person(server)
    users = all_users(ada.client)
    for user in users:
        check_user(user)
    created = [instant(user["created_at"]) for user in users]
    assert created == sorted(created)
    assert users[-1]["id"] == newest.id
    assert len({user["id"] for user in users}) == len(users)


def test_users_come_twenty_at_a_time(server, ada):
    while len(all_users(ada.client)) < 22:
        register(Client(server))
    everyone = all_users(ada.client)
    assert ada.client.get("/v1/users").json == everyone[:20]
    assert ada.client.get("/v1/users?skip=1&limit=3").json == everyone[1:4]
    assert ada.client.get("/v1/users?limit=1").json == everyone[:1]
    assert ada.client.get("/v1/users?skip=21").json == everyone[21:41]


def test_a_list_of_users_past_the_end_is_empty(ada):
    assert ada.client.get("/v1/users?skip=1000000").json == []


def test_users_want_a_token(client):
    refused(client.get("/v1/users"), 401, "Not authenticated")


# ---- GET /v1/users/me, GET /v1/users/{user_id}


def test_me_is_the_user_of_the_token(ada, bob):
    assert ada.client.get("/v1/users/me").json == ada.user
    assert bob.client.get("/v1/users/me").json == bob.user


def test_a_user_is_found_by_id_by_any_other(ada, bob):
    answer = bob.client.get(f"/v1/users/{ada.id}")
    assert answer.status == 200
    check_user(answer.json)
    assert answer.json == ada.user


@pytest.mark.parametrize("shape", [str.upper, lambda text: text.replace("-", ""), lambda text: f"%7B{text}%7D",
    lambda text: f"urn:uuid:{text}"])
def test_a_user_is_found_by_every_shape_of_the_id(ada, shape):
    answer = ada.client.get(f"/v1/users/{shape(ada.id)}")
    assert answer.status == 200 and answer.json["id"] == ada.id, answer


# promise 34
def test_an_unknown_user_is_a_404(ada):
    refused(ada.client.get(f"/v1/users/{NOBODY}"), 404, "User not found")


@pytest.mark.parametrize("target", ["/v1/users/me", f"/v1/users/{NOBODY}", "/v1/users/not-a-uuid", "/v1/users?limit=0"])
def test_reading_users_is_judged_by_the_token_first(client, target):
    refused(client.get(target), 401, "Not authenticated")


# ---- PATCH /v1/users/{user_id}


# promise 22
def test_a_user_changes_just_the_fields_that_are_sent(server):
    person = Person(server)
    answer = person.client.patch(f"/v1/users/{person.id}", {"first_name": "Augusta"})
    assert answer.status == 200
    check_user(answer.json)
    assert answer.json == {**person.user, "first_name": "Augusta", "updated_at": answer.json["updated_at"]}
    assert instant(answer.json["updated_at"]) > instant(person.user["updated_at"])
    again = person.client.patch(f"/v1/users/{person.id}", {"last_name": "King"}).json
    assert (again["first_name"], again["last_name"]) == ("Augusta", "King")
    assert instant(again["updated_at"]) > instant(answer.json["updated_at"])
    assert person.client.get("/v1/users/me").json == again


def test_a_change_of_nothing_changes_nothing(server):
    person = Person(server)
    answer = person.client.patch(f"/v1/users/{person.id}", {})
    assert answer.status == 200
    assert answer.json == {**person.user, "updated_at": answer.json["updated_at"]}


@pytest.mark.parametrize("field, value", [
    ("role", "admin"), ("is_active", False), ("id", NOBODY), ("email", "new@example.org"), ("password", "Another-pass-1"),
    ("created_at", "2001-01-01T00:00:00Z"), ("updated_at", "2001-01-01T00:00:00Z"), ("password_hash", "x")])
def test_a_user_cannot_set_what_is_not_theirs_to_set(server, field, value):
    person = Person(server)
    answer = person.client.patch(f"/v1/users/{person.id}", {"first_name": "Eve", field: value})
    assert answer.status == 200
    assert answer.json == {**person.user, "first_name": "Eve", "updated_at": answer.json["updated_at"]}
    assert login(person.client, person.email, PASSWORD).status == 200


@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_a_name_cannot_be_set_to_null(ada, field):
    answer = ada.client.patch(f"/v1/users/{ada.id}", {field: None})
    assert answer.detail == [{"type": "string_type", "loc": ["body", field], "msg": "Input should be a valid string", "input": None}]


# promise 34
def test_nobody_changes_another_user(ada, bob):
    refused(bob.client.patch(f"/v1/users/{ada.id}", {"first_name": "Mallory"}), 403, "Cannot update other users")
    assert ada.client.get("/v1/users/me").json["first_name"] == ada.user["first_name"]


def test_changing_a_user_that_is_not_there_is_a_403_too(ada):
    refused(ada.client.patch(f"/v1/users/{NOBODY}", {"first_name": "X"}), 403, "Cannot update other users")


def test_changing_a_user_is_judged_token_then_input_then_owner(client, ada, bob):
    refused(client.patch(f"/v1/users/{ada.id}", {"first_name": ""}), 401, "Not authenticated")
    refused(client.patch("/v1/users/nonsense", {"first_name": ""}), 401, "Not authenticated")
    assert problems(bob.client.patch(f"/v1/users/{ada.id}", {"first_name": ""})) == [("string_too_short", ["body", "first_name"])]
    assert problems(bob.client.patch("/v1/users/nonsense", {"first_name": ""})) == [
        ("uuid_parsing", ["path", "user_id"]), ("string_too_short", ["body", "first_name"])]


# promise 20
def test_an_admin_is_shown_as_one(server):
    person = Person(server)
    server.sql(f"UPDATE users SET role = 'admin' WHERE id = '{person.id}'")
    assert person.client.get("/v1/users/me").json["role"] == "admin"


# ---- POST /v1/posts


def test_a_post_is_made_by_its_author(ada):
    answer = ada.client.post("/v1/posts", {"title": "On engines", "content": "Analytical.", "published": True})
    assert answer.status == 201
    check_post(answer.json)
    assert {**answer.json, "id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0, "created_at": 0, "updated_at": 0, "title": "On engines", "content": "Analytical.", "published": True, "author_id": ada.id}


def test_a_post_is_a_draft_unless_told_otherwise(ada):
    answer = ada.client.post("/v1/posts", {"title": "Draft", "content": "."})
    assert answer.status == 201 and answer.json["published"] is False


@pytest.mark.parametrize("field, value", [
    ("author_id", NOBODY), ("id", NOBODY), ("created_at", "2001-01-01T00:00:00Z"), ("updated_at", "2001-01-01T00:00:00Z"),
    ("other", [None])])
def test_a_post_ignores_what_a_caller_may_not_set(ada, field, value):
    answer = ada.client.post("/v1/posts", {"title": "T", "content": "C", field: value})
    assert answer.status == 201
    check_post(answer.json)
    assert answer.json["author_id"] == ada.id and answer.json["id"] != NOBODY and not answer.json["created_at"].startswith("2001")


@pytest.mark.parametrize("title", ["T", "x" * 255, "𝄞" * 255, "  kept  ", "\u2028\u2029\u0001\u001f\u007f", "\"\\/\b\f\n\r\t",
    "'; DELETE FROM posts; --", "日本語 العربية"])
def test_a_title_comes_back_as_it_was_sent(ada, title):
    made = ada.client.post("/v1/posts", {"title": title, "content": title, "published": True})
    assert made.status == 201, made
    read = ada.client.get(f"/v1/posts/{made.json['id']}").json
    assert read == made.json and read["title"] == title and read["content"] == title


@pytest.mark.parametrize("document, expected", [
    ({"title": "", "content": ""}, [("string_too_short", ["body", "title"]), ("string_too_short", ["body", "content"])]),
    ({"title": "x" * 256, "content": "c"}, [("string_too_long", ["body", "title"])]),
    ({"title": "𝄞" * 256, "content": "c"}, [("string_too_long", ["body", "title"])]),
    ({"content": "c"}, [("missing", ["body", "title"])]),
    ({}, [("missing", ["body", "title"]), ("missing", ["body", "content"])]),
    ({"title": "t", "content": "c", "published": None}, [("bool_type", ["body", "published"])])])
def test_other_posts_are_refused(ada, document, expected):
    assert problems(ada.client.post("/v1/posts", document)) == expected


def test_a_long_content_comes_back_whole(ada):
    content = "".join(chr(0x4E00 + index % 20000) for index in range(300_000))
    body = json.dumps({"title": "long", "content": content, "published": True}, ensure_ascii=False).encode()
    assert 900_000 < len(body) < 1_048_576
    made = ada.client.post("/v1/posts", body=body, headers={"Content-Type": "application/json"})
    assert made.status == 201, made
    assert ada.client.get(f"/v1/posts/{made.json['id']}").json["content"] == content
    assert ada.client.delete(f"/v1/posts/{made.json['id']}").status == 204


def test_a_body_over_the_limit_is_a_413(ada):
    body = json.dumps({"title": "long", "content": "x" * 1_048_576}).encode()
    assert ada.client.post("/v1/posts", body=body, headers={"Content-Type": "application/json"}).status == 413


def test_broken_utf8_is_a_400(ada):
    for broken in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"):
        answer = ada.client.post("/v1/posts", body=b'{"title":"' + broken + b'","content":"c"}',
            headers={"Content-Type": "application/json"})
        refused(answer, 400, "There was an error parsing the body")


def test_a_post_wants_a_token(client):
    refused(client.post("/v1/posts", {"title": "T", "content": "C"}), 401, "Not authenticated")
    refused(client.post("/v1/posts", {"title": ""}), 401, "Not authenticated")


def test_broken_json_without_a_token_is_refused_either_way(client):
    answer = client.post("/v1/posts", body=b"{", headers={"Content-Type": "application/json"})
    assert answer.status in (401, 422)


# ---- GET /v1/posts


def published(client, query=""):
    answer = client.get("/v1/posts" + query)
    assert answer.status == 200, answer
    assert set(answer.json) == {"data", "pagination"}
    assert set(answer.json["pagination"]) == {"page", "limit", "total", "pages"}
    for post in answer.json["data"]:
        check_post(post)
        assert post["published"] is True
    return answer.json["data"], answer.json["pagination"]


def test_posts_are_listed_newest_first_without_a_token(client, ada, bob):
    _, before = published(client)
    made = [author.post(f"number {index}") for index, author in enumerate((ada, bob, ada))]
    data, after = published(client, "?limit=100")
    assert data[:3] == made[::-1]
    assert after["total"] == before["total"] + 3
    created = [instant(post["created_at"]) for post in data]
    assert created == sorted(created, reverse=True)


def test_a_list_of_posts_shows_no_draft_even_to_its_author(client, ada):
    _, before = published(client)
    draft = ada.post(published=False)
    for reader in (client, ada.client):
        data, after = published(reader, "?limit=100")
        assert draft["id"] not in [post["id"] for post in data]
        assert after["total"] == before["total"]


# promise 26
def test_posts_come_in_pages(client, ada):
    while published(client)[1]["total"] < 23:
        ada.post()
    data, pagination = published(client)
    total = pagination["total"]
    assert pagination == {"page": 1, "limit": 20, "total": total, "pages": -(-total // 20)} and len(data) == 20
    seen = []
    for page in range(1, -(-total // 7) + 1):
        data, pagination = published(client, f"?page={page}&limit=7")
        assert pagination == {"page": page, "limit": 7, "total": total, "pages": -(-total // 7)}
        seen += [post["id"] for post in data]
    assert len(seen) == len(set(seen)) == total


def test_a_page_of_posts_that_are_as_long_as_may_be_is_answered(server, client):
    """Whoever may write posts must not be able to break the list for everybody."""
    author = Person(server)
    made = [author.post(content="x" * 1_000_000)["id"] for _ in range(20)]
    answer = client.get("/v1/posts")
    assert answer.status == 200, answer
    assert [post["id"] for post in answer.json["data"]] == made[::-1]
    for one in made:
        assert author.client.delete(f"/v1/posts/{one}").status == 204


def test_a_page_past_the_end_is_empty(client, ada):
    ada.post()
    _, first = published(client)
    data, pagination = published(client, "?page=1000000&limit=50")
    assert data == [] and pagination == {"page": 1000000, "limit": 50, "total": first["total"], "pages": -(-first["total"] // 50)}


# promise 26
def test_the_pages_are_the_ceiling_of_total_by_limit(client, ada):
    ada.post()
    total = published(client)[1]["total"]
    for limit in (1, 2, 3, total, total + 1, 100):
        if limit <= 100:
            assert published(client, f"?limit={limit}")[1]["pages"] == -(-total // limit)


# ---- GET /v1/posts/{post_id}


def test_a_published_post_is_everyones(client, ada, bob):
    post = ada.post()
    for reader in (client, ada.client, bob.client):
        answer = reader.get(f"/v1/posts/{post['id']}")
        assert answer.status == 200 and answer.json == post


def test_a_draft_is_its_authors_only(client, ada, bob):
    post = ada.post(published=False)
    assert ada.client.get(f"/v1/posts/{post['id']}").json == post
    for reader in (client, bob.client):
        refused(reader.get(f"/v1/posts/{post['id']}"), 404, "Post not found")


def test_a_draft_is_not_shown_for_a_bad_token(client, ada):
    post = ada.post(published=False)
    for token in ("nonsense", ada.token[:-2], ada.token + "x"):
        assert client.get(f"/v1/posts/{post['id']}", token=token).status in (401, 404)
    assert client.get(f"/v1/posts/{post['id']}", headers={"Authorization": "Basic YTpi"}).status in (401, 404)


def test_an_unknown_post_is_a_404(client):
    refused(client.get(f"/v1/posts/{NOBODY}"), 404, "Post not found")


def test_a_post_whose_id_is_none_is_a_422(client):
    assert problems(client.get("/v1/posts/nonsense")) == [("uuid_parsing", ["path", "post_id"])]


# ---- PATCH /v1/posts/{post_id}


@pytest.mark.parametrize("change", [{"title": "New"}, {"content": "New"}, {"published": False},
    {"title": "N", "content": "N", "published": False}])
def test_a_post_changes_just_the_fields_that_are_sent(ada, change):
    post = ada.post()
    answer = ada.client.patch(f"/v1/posts/{post['id']}", change)
    assert answer.status == 200
    check_post(answer.json)
    assert answer.json == {**post, **change, "updated_at": answer.json["updated_at"]}
    assert instant(answer.json["updated_at"]) > instant(post["updated_at"])
    assert ada.client.get(f"/v1/posts/{post['id']}").json == answer.json


def test_a_post_that_is_changed_by_nothing_stays(ada):
    post = ada.post()
    answer = ada.client.patch(f"/v1/posts/{post['id']}", {})
    assert answer.status == 200 and answer.json == {**post, "updated_at": answer.json["updated_at"]}


@pytest.mark.parametrize("field, value", [("author_id", NOBODY), ("id", NOBODY), ("created_at", "2001-01-01T00:00:00Z"),
    ("updated_at", "2001-01-01T00:00:00Z")])
def test_a_post_cannot_be_given_what_is_not_the_callers_to_set(ada, field, value):
    post = ada.post()
    answer = ada.client.patch(f"/v1/posts/{post['id']}", {"title": "New", field: value})
    assert answer.json == {**post, "title": "New", "updated_at": answer.json["updated_at"]}


@pytest.mark.parametrize("field, kind", [("title", "string_type"), ("content", "string_type"), ("published", "bool_type")])
def test_a_field_of_a_post_cannot_be_set_to_null(ada, field, kind):
    post = ada.post()
    assert problems(ada.client.patch(f"/v1/posts/{post['id']}", {field: None})) == [(kind, ["body", field])]


@pytest.mark.parametrize("change, kind", [({"title": ""}, "string_too_short"), ({"title": "x" * 256}, "string_too_long"),
    ({"content": ""}, "string_too_short")])
def test_a_post_keeps_its_bounds_in_a_change(ada, change, kind):
    post = ada.post()
    assert problems(ada.client.patch(f"/v1/posts/{post['id']}", change)) == [(kind, ["body", *change])]


def test_anothers_published_post_is_a_403(ada, bob):
    post = ada.post()
    answer = bob.client.patch(f"/v1/posts/{post['id']}", {"title": "Mine"})
    assert answer.status == 403 and isinstance(answer.detail, str)
    assert bob.client.delete(f"/v1/posts/{post['id']}").status == 403
    assert ada.client.get(f"/v1/posts/{post['id']}").json == post


def test_anothers_draft_is_a_404(ada, bob):
    post = ada.post(published=False)
    refused(bob.client.patch(f"/v1/posts/{post['id']}", {"title": "Mine"}), 404, "Post not found")
    refused(bob.client.delete(f"/v1/posts/{post['id']}"), 404, "Post not found")
    assert ada.client.get(f"/v1/posts/{post['id']}").json == post


def test_changing_an_unknown_post_is_a_404(ada):
    refused(ada.client.patch(f"/v1/posts/{NOBODY}", {"title": "X"}), 404, "Post not found")
    refused(ada.client.delete(f"/v1/posts/{NOBODY}"), 404, "Post not found")


def test_changing_a_post_is_judged_token_then_input_then_existence_then_owner(client, ada, bob):
    post = ada.post()
    bad = {"title": ""}
    refused(client.patch(f"/v1/posts/{post['id']}", bad), 401, "Not authenticated")
    refused(client.delete("/v1/posts/nonsense"), 401, "Not authenticated")
    assert problems(bob.client.patch(f"/v1/posts/{post['id']}", bad)) == [("string_too_short", ["body", "title"])]
    assert problems(bob.client.patch(f"/v1/posts/{NOBODY}", bad)) == [("string_too_short", ["body", "title"])]
    assert problems(bob.client.patch("/v1/posts/nonsense", bad)) == [("uuid_parsing", ["path", "post_id"]),
        ("string_too_short", ["body", "title"])]
    assert problems(bob.client.delete("/v1/posts/nonsense")) == [("uuid_parsing", ["path", "post_id"])]


def test_a_draft_that_is_published_is_listed_and_one_that_is_withdrawn_is_not(client, ada):
    post = ada.post(published=False)
    ada.client.patch(f"/v1/posts/{post['id']}", {"published": True})
    assert post["id"] in [one["id"] for one in published(client, "?limit=100")[0]]
    ada.client.patch(f"/v1/posts/{post['id']}", {"published": False})
    assert post["id"] not in [one["id"] for one in published(client, "?limit=100")[0]]


# ---- DELETE /v1/posts/{post_id}


# promise 8
def test_a_post_is_deleted_with_a_204_and_no_body(ada):
    post = ada.post()
    answer = ada.client.delete(f"/v1/posts/{post['id']}")
    assert answer.status == 204 and answer.body == b""
    assert answer.field("Content-Length") is None and answer.field("Content-Type") is None
    refused(ada.client.get(f"/v1/posts/{post['id']}"), 404, "Post not found")
    refused(ada.client.delete(f"/v1/posts/{post['id']}"), 404, "Post not found")


def test_the_connection_serves_on_after_a_204(wire, ada):
    post = ada.post()
    line = wire(request_bytes("DELETE", f"/v1/posts/{post['id']}", token=ada.token) + request_bytes("GET", "/health"))
    assert line.answer("DELETE").status == 204
    assert line.answer().json["status"] == "ok"


def test_ten_deletes_of_one_post_at_once_are_one_204(server, ada):
    for _ in range(5):
        post = ada.post()
        data = request_bytes("DELETE", f"/v1/posts/{post['id']}", token=ada.token)
        answers = at_once(server, [("DELETE", data)] * 10)
        assert sorted(answer.status for answer in answers) == [204] + [404] * 9


# ---- the token


@pytest.mark.parametrize("header", [None, "", "Basic YWRhOnB3", "Bearer", "Token abc", "bearer", "Digest x", "Bearerx y"])
def test_no_token_or_another_scheme_is_not_authenticated(client, header):
    answer = client.get("/v1/users/me", headers={} if header is None else {"Authorization": header})
    assert answer.status == 401 and answer.field("WWW-Authenticate") == "Bearer", answer
    if header not in ("Bearer", "bearer"):
        assert answer.json == {"detail": "Not authenticated"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_may_be_in_any_case(client, ada, scheme):
    assert client.get("/v1/users/me", headers={"Authorization": f"{scheme} {ada.token}"}).status == 200


def test_a_bad_token_is_a_401_with_another_detail(client):
    answer = client.get("/v1/users/me", token="abc.def.ghi")
    assert answer.status == 401 and answer.field("WWW-Authenticate") == "Bearer"
    assert isinstance(answer.detail, str) and answer.detail != "Not authenticated"


def test_a_token_of_a_user_who_is_gone_is_a_401(server, client):
    person = Person(server)
    server.sql(f"DELETE FROM users WHERE id = '{person.id}'")
    for target in ("/v1/users/me", "/v1/users", f"/v1/users/{person.id}"):
        assert person.client.get(target).status == 401
    assert person.client.post("/v1/posts", {"title": "T", "content": "C"}).status == 401


# ---- routes, methods and slashes

ROUTES = [
    ("/health", "GET"), ("/v1/auth/register", "POST"), ("/v1/auth/login", "POST"), ("/v1/users", "GET"),
    (f"/v1/users/{NOBODY}", "GET PATCH"), ("/v1/posts", "GET POST"), (f"/v1/posts/{NOBODY}", "GET PATCH DELETE")]


def allowed(methods):
    methods = set(methods.split())
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


@pytest.mark.parametrize("path, methods", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_another_method_of_a_known_route_is_a_405_with_all_of_allow(client, path, methods, method):
    if method in allowed(methods):
        return
    answer = client.request(method, path)
    assert answer.status == 405
    assert {name.strip() for name in answer.field("Allow").split(",")} == allowed(methods)
    if method != "HEAD":
        assert answer.json == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize("path, methods", ROUTES)
def test_options_names_what_a_route_allows(client, path, methods):
    answer = client.options(path)
    assert answer.status in (200, 204)
    assert {name.strip() for name in answer.field("Allow").split(",")} == allowed(methods)


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/posts", "/v1/post", "/v1/users/me/posts", "/v1/posts/x/y", "/HEALTH", "/health.json",
    "/v1/auth", "//health",
                                  "/v1//posts", "/favicon.ico", "/../etc/passwd", "/v1/..%2f..%2fetc/passwd"])
def test_an_unknown_route_is_a_404(client, path):
    refused(client.get(path), 404, "Not Found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_an_unknown_route_is_a_404_for_every_method(client, method):
    refused(client.request(method, "/v1/nothing"), 404, "Not Found")


@pytest.mark.parametrize("path, query", [
    ("/health", ""), ("/v1/posts", "?page=2&limit=3"), ("/v1/users", ""), ("/v1/users/me", ""), (f"/v1/posts/{NOBODY}", "?a=%20b&c"),
    ("/v1/auth/register", "")])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_trailing_slash_is_a_307_to_the_path_without(client, server, path, query, method):
    answer = client.request(method, path + "/" + query)
    assert answer.status == 307
    location = urllib.parse.urlsplit(answer.field("Location"))
    assert location.path == path and ("?" + location.query if query else "") == query
    assert location.netloc in ("", "leat.example", f"{server.host}:{server.port}")


def test_a_trailing_slash_of_an_unknown_route_is_a_404(client):
    refused(client.get("/v1/nothing/"), 404, "Not Found")


@pytest.mark.parametrize("target", ["/health%2f", "/v1/posts%2F", "/health%2f/", "/health/%2f"])
def test_a_slash_that_is_encoded_is_no_slash_to_be_taken_away(client, target):
    refused(client.get(target), 404, "Not Found")


@pytest.mark.parametrize("target", ["//evil.example/", "//evil.example/health/", "/\\evil.example/", "/health//"])
def test_no_redirect_leads_to_another_site(client, target):
    answer = client.get(target)
    assert answer.status in (400, 404, 307)
    location = answer.field("Location") or "/"
    assert not location.startswith("//") and "evil" not in location


# ---- HEAD


@pytest.mark.parametrize("target", ["/health", "/v1/posts", "/v1/posts?limit=1", "/v1/users/me", "/v1/users", f"/v1/posts/{NOBODY}",
    "/v1/posts/x", "/nothing", "/v1/posts?page=0"])
def test_head_is_get_without_the_body(ada, target):
    with_body, without = ada.client.get(target), ada.client.head(target)
    assert without.status == with_body.status and without.body == b""
    assert without.field("Content-Type") == with_body.field("Content-Type")
    assert abs(int(without.field("Content-Length")) - len(with_body.body)) <= (8 if target == "/health" else 0)
    assert ada.client.get("/health").status == 200


def test_head_without_a_token_is_a_401(client):
    answer = client.head("/v1/users/me")
    assert answer.status == 401 and answer.field("WWW-Authenticate") == "Bearer"


# ---- CORS

HERE, FOREIGN = "https://app.example.org", "https://evil.example.org"


# promise 16
@pytest.mark.parametrize("origin", ["http://localhost:3000", HERE])
def test_an_allowed_origin_is_answered_with_itself(client, origin):
    answer = client.get("/health", headers={"Origin": origin})
    assert answer.status == 200
    assert answer.field("Access-Control-Allow-Origin") == origin
    assert answer.field("Access-Control-Allow-Credentials") == "true"
    assert "origin" in (answer.field("Vary") or "").lower()


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://localhost:3001", "http://localhost", "https://localhost:3000",
    HERE + ".evil.org", "https://evil" + HERE[8:],
                                    HERE + "/", HERE.upper(), "*", ""])
def test_another_origin_is_answered_without(client, origin):
    answer = client.get("/health", headers={"Origin": origin})
    assert answer.status == 200
    assert answer.field("Access-Control-Allow-Origin") is None
    assert "origin" in (answer.field("Vary") or "").lower()


def test_the_answer_varies_by_origin_without_one_too(client):
    assert "origin" in (client.get("/health").field("Vary") or "").lower()


@pytest.mark.parametrize("method, target, status", [
    ("GET", "/nothing", 404), ("PUT", "/v1/posts", 405), ("GET", "/v1/users/me", 401), ("GET", "/v1/posts?page=0", 422),
    ("GET", f"/v1/posts/{NOBODY}", 404)])
def test_errors_carry_the_cors_headers_as_well(client, method, target, status):
    answer = client.request(method, target, headers={"Origin": HERE})
    assert answer.status == status
    assert answer.field("Access-Control-Allow-Origin") == HERE and answer.field("Access-Control-Allow-Credentials") == "true"
    assert "origin" in answer.field("Vary").lower()
    assert client.request(method, target, headers={"Origin": FOREIGN}).field("Access-Control-Allow-Origin") is None


def preflight(client, target, origin, method, asked=None):
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if asked:
        headers["Access-Control-Request-Headers"] = asked
    return client.options(target, headers=headers)


@pytest.mark.parametrize("target", ["/v1/posts", "/v1/users/me", "/v1/auth/login", f"/v1/posts/{NOBODY}", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
def test_a_preflight_of_an_allowed_origin_is_answered_before_everything(client, target, method):
    answer = preflight(client, target, HERE, method, "authorization, content-type, x-custom")
    assert answer.status == 200 and answer.body == b"OK"
    assert answer.field("Content-Type").startswith("text/plain")
    assert answer.field("Access-Control-Allow-Origin") == HERE and answer.field("Access-Control-Allow-Credentials") == "true"
    assert answer.field("Access-Control-Allow-Methods") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert {name.strip().lower() for name in answer.field("Access-Control-Allow-Headers").split(",")} >= {"authorization", "content-type",
        "x-custom"}
    assert answer.field("Access-Control-Max-Age") == "600"
    assert "origin" in answer.field("Vary").lower()


def test_a_preflight_of_another_origin_is_refused(client):
    answer = preflight(client, "/v1/posts", FOREIGN, "GET")
    assert answer.status == 400 and answer.body == b"Disallowed CORS origin"
    assert answer.field("Access-Control-Allow-Origin") is None


def test_a_preflight_for_an_unknown_method_is_refused(client):
    answer = preflight(client, "/v1/posts", HERE, "FROB")
    assert answer.status == 400 and answer.body == b"Disallowed CORS method"


def test_options_without_an_asked_method_is_no_preflight(client):
    answer = client.options("/v1/posts", headers={"Origin": HERE})
    assert answer.field("Allow") and answer.field("Access-Control-Max-Age") is None


# ---- nothing leaks


# promise 38
def test_no_answer_shows_a_secret_or_the_inside(server, client, ada):
    """Every answer that a session of use gives, searched for what must never leave."""
    secret = "Sup3r-Secret-Passw0rd"
    email = new_email("leak")
    answers = [
        client.post("/v1/auth/register", new_user(email=email, password=secret)),
        client.post("/v1/auth/register", new_user(email=email, password=secret)),
        client.post("/v1/auth/register", {"password": secret}),
        client.post("/v1/auth/register", {"password": secret, "email": "bad"}),
        client.post("/v1/auth/register", {"password": [secret]}),
        client.post("/v1/auth/register", {"password": {"a": secret}}),
        client.post("/v1/auth/register", [{"password": secret}]),
        client.post("/v1/auth/register", body=json.dumps({"password": secret}).encode(), headers={"Content-Type": "text/plain"}),
        client.post("/v1/auth/register", body=b'{"password": "' + secret.encode() + b'"', headers={"Content-Type": "application/json"}),
        client.post("/v1/auth/register", new_user(password=secret.lower() + "x" * 300)),
        login(client, email, secret), login(client, email, secret + "x"), login(client, email, secret, grant_type="x"),
        client.post("/v1/auth/login", body=f"password={secret}".encode(), headers=FORM),
        client.post("/v1/auth/login", {"username": email, "password": secret}),
        ada.client.get("/v1/users"), ada.client.get("/v1/users/me"), ada.client.patch(f"/v1/users/{ada.id}",
        {"password": secret, "first_name": ""}),
        ada.client.get("/v1/users?limit=100"), client.get("/v1/users/x", token="x")]
    for answer in answers:
        assert answer.status < 500
        seen = (answer.head + answer.body).lower()
        for word in (secret.lower().encode(), b"argon2", b"password_hash", b"select ", b"insert ", b".c:", b"libpq", b"pgsql", b"sqlstate"):
            assert word not in seen, (word, answer)
    assert secret not in server.log() and PASSWORD not in server.log() and ada.token not in server.log()


def test_requests_of_two_people_on_one_connection_are_not_mixed(wire, ada, bob):
    line = wire(b"".join(request_bytes("GET", "/v1/users/me", token=person.token) for person in (ada, bob) * 30))
    for person in (ada, bob) * 30:
        assert line.answer().json["id"] == person.id


def test_ids_are_made_by_the_server_and_differ(ada):
    ids = {ada.post()["id"] for _ in range(20)}
    assert len(ids) == 20 and all(str(uuid.UUID(text)) == text for text in ids)
