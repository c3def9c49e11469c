"""test_released.py — plugins that were built against the headers of an earlier minor version serve in today's server, beside today's own."""

import hashlib
import http.server
import json
import os
import re
import shutil
import threading
import time

import pytest

from client import Client
from people import Person
from server import ROOT, Server, build_folder, throw_away_folder

FROZEN = ROOT / "tests/abi"
RELEASED = sorted(path.name for path in FROZEN.iterdir() if re.fullmatch(r"\d+\.\d+", path.name))
WHOLE = {"title": "a whole", "count": 4, "part": {"name": "p", "numbers": [1, 2]}, "email": "Ada@example.org", "secret": "s",
         "parts": [{"name": "q", "numbers": []}], "rest": {"any": [1]}, "at": None, "colour": "red",
         "id": "6f1c1f5e-4c1c-4e1e-9d1a-3b5a0c9d7e10"}


class Echo(http.server.BaseHTTPRequestHandler):
    """Another server: tells the header that it was sent."""

    def do_GET(self):
        body = json.dumps({"word": self.headers["X-Word"]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def echo():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as other:
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{other.server_address[1]}/"
        other.shutdown()


def put(folder, *files):
    for name, file in files:
        shutil.copy(build_folder() / file, folder / f"{name}.so")


def make_server(*files):
    folder = throw_away_folder()
    (folder / "plugins").mkdir()
    (folder / "kept").mkdir()
    (folder / "a.txt").write_text("a file")
    put(folder / "plugins", *files)
    server = Server("--plugins", str(folder / "plugins"), folder=folder, bench=False, start=False, OUTBOUND_ALLOW="127.0.0.1",
                    EVERYTHING_GREETING="good day")
    server.owns_folder = True
    return server.start()


@pytest.fixture(scope="module")
def server():
    """users, posts and everything as 1.0 made them; transform and a second everything of today."""
    with make_server(("users", "tests/abi/users-1.0.so"), ("posts", "tests/abi/posts-1.0.so"),
                     ("released", "tests/abi/everything-1.0.so"), ("today", "tests/abi/everything-today.so"),
                     ("transform", "plugins/transform.so")) as running:
        yield running
        assert running.stop() == 0
        assert sum("everything_ends" in line for line in running.lines) == 2, running.log()


@pytest.fixture(scope="module")
def person(server):
    return Person(server, "ada")


@pytest.fixture(params=["/released", "/today"])
def at(request, server):
    """Where the one of 1.0 is, and the one of today: both are asked the same."""
    client = Client(server)
    client.prefix = request.param
    yield client
    client.forget()


@pytest.mark.parametrize("version", RELEASED)
def test_what_was_released_is_as_it_was(version):
    folder = FROZEN / version
    listed = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"}
    assert there == set(listed), "SHA256SUMS lists other files than there are"
    for name, sum_ in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sum_, f"{version}/{name} has changed: it is what others built against"


def test_every_earlier_minor_version_is_here():
    text = (ROOT / "include/leat/values.h").read_text()
    major, minor = (re.search(rf"LEAT_ABI_{part} (\d+)", text)[1] for part in ("MAJOR", "MINOR"))
    assert [f"{major}.{of}" for of in range(int(minor))] == [version for version in RELEASED if version.startswith(f"{major}.")]


def test_plugins_say_what_they_were_built_for(server):
    """The version is in the file: 1.0 and that of today."""
    def version_in(name):
        data = (server.folder / f"plugins/{name}.so").read_bytes()
        [minor] = set(re.findall(rb"LEAT\x01\x00(.)\x00", data, re.DOTALL))
        return 1, minor[0]
    assert version_in("released") == version_in("users") == version_in("posts") == (1, 0)
    assert version_in("today") == version_in("transform") > (1, 0)


def test_accounts_and_posts_of_1_0(server, person):
    post = person.post("One", "two")
    assert person.client.get(f"/v1/posts/{post['id']}").json["title"] == "One"
    assert person.client.patch(f"/v1/posts/{post['id']}", {"title": "Other"}).json["title"] == "Other"
    page = person.client.get("/v1/posts?limit=5").json
    assert page["pagination"]["total"] == 1 and page["data"][0]["id"] == post["id"]
    assert person.client.get("/v1/users/me").json["email"] == person.email
    refused = Client(server).post("/v1/auth/register", {"email": person.email, "first_name": "A", "last_name": "B", "password": "Correct-horse-9"})
    assert refused.status == 409 and refused.json == {"detail": "Email already registered"}
    assert Client(server).post("/v1/auth/register", {"email": "x"}).status == 422


def test_a_plugin_of_today_in_the_same_server(server):
    document = Client(server).get("/openapi.json").json["paths"]
    assert "/v1/transform" in document and Client(server).post("/v1/transform", []).status == 422


def test_a_model_is_read_checked_and_written(at):
    out = at.post(f"{at.prefix}/whole", WHOLE)
    assert out.status == 201, out
    assert out.json == {**{name: value for name, value in WHOLE.items() if name != "secret"}, "title": "A whole", "share": 0.5, "is_open": True}, out
    for change, kind, where in ((dict(count=3), "value_error", "count"), (dict(count=200), "less_than_equal", "count"),
                                (dict(title="x"), "string_too_short", "title"), (dict(title="wrong"), "value_error", "title"),
                                (dict(colour="blue"), "enum", "colour"), (dict(share=2), "less_than", "share"),
                                (dict(part={"name": "p", "numbers": [1, 2, 3, 4]}), "too_long", "part"),
                                (dict(email="no"), "value_error", "email"), (dict(count=42), "value_error", None)):
        [problem] = at.post(f"{at.prefix}/whole", {**WHOLE, **change}).json["detail"]
        assert problem["type"] == kind and problem["loc"][1:2] == ([where] if where else []), problem
    assert at.post(f"{at.prefix}/whole", WHOLE, headers={"X-Key": "wrong"}).status == 403


def test_parameters_dependencies_and_settings_reach_the_handler(at):
    answer = at.get(f"{at.prefix}/values/7/a/b?n=1&n=2", headers={"X-Word": "w", "Cookie": "c=cc"})
    assert answer.json == {"word": "7 a/b 0.25 2 cc w 77 good day"}, answer
    assert at.get(f"{at.prefix}/values/-1/a").status == 422


def test_failures_and_what_is_around_a_route(at):
    answer = at.get(f"{at.prefix}/fails?known=true")
    assert answer.status == 418 and answer.json == {"detail": "Short and stout, by ON_ERROR"}
    answer = at.get(f"{at.prefix}/fails?known=false")
    assert answer.status == 402 and answer.json == {"detail": "Pay"} and answer.field("X-Status") == answer.field("X-Failure") == "402"
    assert at.get(f"{at.prefix}/numbers", headers={"X-Stop": "yes"}).body == b"stopped"


def test_statements_of_every_shape_are_answered(at, person):
    person.client.prefix = at.prefix
    assert at.get(f"{at.prefix}/people/first").status == 401
    assert person.client.get(f"{at.prefix}/people/first").json["id"] == person.id
    assert person.client.patch(f"{at.prefix}/people/first", {"first_name": "Eve"}).json["first_name"] == "Eve"
    numbers = at.get(f"{at.prefix}/numbers").json
    assert numbers["data"] == [{"number": n} for n in (1, 2, 3)] and numbers["pagination"]["limit"] == 3
    answer = at.get(f"{at.prefix}/types?id={WHOLE['id']}&at=2026-01-02T03:04:05Z")
    assert answer.json == {"word": f'text 1 2 3.5 t {WHOLE["id"]} {{"a": 1}} 2026'}, answer
    assert at.get(f"{at.prefix}/blocking").json == {"number": 9}


def test_answers_that_are_kept(at):
    first = at.get(f"{at.prefix}/cached?n=100").json
    assert at.post(f"{at.prefix}/forget").status == 204
    later = [at.get(f"{at.prefix}/cached?n=100") for _ in range(6)]
    assert later[0].json != first and "HIT" in [answer.field("X-Cache") for answer in later]
    assert [at.get(f"{at.prefix}/kept").json for _ in range(3)] == [{"number": 5}] * 3


def test_streams_and_files_are_sent(at):
    assert at.get(f"{at.prefix}/stream").body == b"one two 3"
    assert at.get(f"{at.prefix}/events").body == b'event: first\nid: 1\nretry: 100\ndata: a\n\ndata: {"number":4}\n\n: end\n\n'
    assert at.get(f"{at.prefix}/lines").body == b'{"number":1}\n{"number":2}\n'
    file = at.get(f"{at.prefix}/file/a.txt")
    assert file.body == b"a file" and file.field("Cache-Control") == "public, max-age=5" and file.field("Content-Type") == "text/plain"


def test_uploads_are_read_and_kept(at, server):
    body = (b'--x\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n'
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nnote\r\n--x--\r\n')
    answer = at.post(f"{at.prefix}/upload", body=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.json == {"word": "n.txt 5 bytes note"}, answer
    assert (server.folder / f"kept{at.prefix}").read_bytes() == b"bytes"
    assert at.post(f"{at.prefix}/raw", body=b"12345", headers={"Content-Type": "text/plain"}).json == {"number": 5}


def test_calls_of_other_servers(at, echo):
    assert at.get(f"{at.prefix}/other?url={echo}").json == {"word": "200 again"}


def test_work_without_requests_is_done(at):
    answer = at.post(f"{at.prefix}/spawn?word=task")
    assert answer.status == 202 and answer.body == b"later" and "everything=1" in answer.field("Set-Cookie")
    end = time.monotonic() + 20
    while (counts := at.get(f"{at.prefix}/counts").json)["tasks"] < 2 or counts["ticks"] < 2:
        assert time.monotonic() < end, counts
        time.sleep(0.05)
    assert counts["loads"] == 1 and counts["starts"] == 1


def test_what_a_handler_asks_of_its_request(at):
    assert at.get(f"{at.prefix}/where").body.decode() == f"GET {at.prefix}/where /where red 1"
    assert at.get(f"{at.prefix}/go").field("Location") == f"{at.prefix}/where"
    assert at.get(f"{at.prefix}/counts", headers={"X-Etag": "v", "If-None-Match": '"v"'}).status == 304


def test_both_versions_are_in_the_documents(server):
    paths = Client(server).get("/openapi.json").json["paths"]
    for path in ("/whole", "/values/{number}/{name}", "/upload"):
        assert f"/released{path}" in paths and f"/today{path}" in paths, sorted(paths)
    assert "/released/counts" not in paths


@pytest.mark.parametrize("users, posts", [("tests/abi/users-1.0.so", "plugins/posts.so"), ("plugins/users.so", "tests/abi/posts-1.0.so")],
                         ids=["1.0 is imported by today", "today is imported by 1.0"])
def test_one_version_imports_from_another_and_is_reloaded_as_the_other(users, posts):
    with make_server(("users", users), ("posts", posts)) as server:
        person = Person(server, "bob")
        post = person.post()
        other = "plugins/users.so" if "1.0" in users else "tests/abi/users-1.0.so"
        put(server.folder, (".coming", other))
        os.rename(server.folder / ".coming.so", server.folder / "plugins/users.so")
        assert server.logged('"event":"plugins_loaded","generation":2', 30), server.log()
        assert person.client.get(f"/v1/posts/{post['id']}").status == 200
        assert person.client.get("/v1/users/me").json["id"] == person.id
