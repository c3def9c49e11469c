"""test_headers.py — each header once: what a handler, a hook, a file or a stream sets stands in the place of the server's own."""

import urllib.parse

import pytest

from client import Client
from server import Server, build_folder

OWN = ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headers")
    (folder / "page.txt").write_text("page")
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), HEADERS_FOLDER=folder) as running:
        yield running
        assert running.stop() == 0, "\n".join(running.lines[-40:])


@pytest.fixture
def client(server):
    made = Client(server)
    yield made
    made.forget()


def own_of(answer):
    return [answer.field(name) for name in OWN]  # field() refuses a name that comes twice


def test_what_a_handler_and_a_hook_set_takes_the_place_of_the_server_s_own(client):
    answer = client.get("/headers/own", headers={"X-Request-ID": "yours"})
    assert own_of(answer) == ["nosniff", "SAMEORIGIN", "same-origin"]
    assert answer.field("X-Request-ID") == "mine"
    assert answer.field("Content-Type") == "application/hal+json" and answer.body == b'{"text":"said"}'


def test_a_header_that_is_dropped_is_not_sent(client):
    answer = client.get("/headers/none")
    assert own_of(answer) == [None, None, "same-origin"]
    assert answer.field("X-Set") is None and answer.field("Date")


def test_a_header_may_be_set_again_and_others_may_come_twice(client):
    answer = client.get("/headers/again")
    assert answer.field("X-Frame-Options") == "SAMEORIGIN"
    assert answer.fields_of("Link") == ["</a>", "</b>"]


@pytest.mark.parametrize("which", [0, 1])
def test_what_an_answer_cannot_be_without_is_not_dropped(server, client, which):
    assert client.get(f"/headers/refused?which={which}").status == 500
    assert server.logged("bad_header")


FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@pytest.mark.parametrize("text", ["a%0D%0AX-Injected:%201", "a%0Ab", "a%0Db"])
@pytest.mark.parametrize("ask,place", [
    (lambda client, text: client.get(f"/headers/passed?tag={text}"), ["query", "tag"]),
    (lambda client, text: client.get(f"/headers/passed/blocking?tag={text}"), ["query", "tag"]),
    (lambda client, text: client.get(f"/headers/passed/{text}"), ["path"]),
    (lambda client, text: client.post("/headers/passed", {"text": urllib.parse.unquote(text)}), ["body"]),
    (lambda client, text: client.request("POST", "/headers/passed/form", body=f"text={text}".encode(), headers=FORM), ["body", "text"]),
])
def test_a_line_break_of_the_clients_in_a_header_is_a_422_and_injects_nothing(client, ask, place, text):
    answer = ask(client, text)
    assert answer.status == 422 and answer.json["detail"][0]["loc"] == place
    assert answer.field("X-Injected") is None and answer.field("X-Tag") is None
    assert answer.field("Referrer-Policy") == "same-origin"  # what others have set stays


def test_a_line_break_of_the_plugins_own_in_a_header_is_a_500(server, client):
    for query in "", "?tag=harmless":
        answer = client.get("/headers/broken" + query)
        assert answer.status == 500 and answer.field("X-Injected") is None
    assert server.logged("bad_header")


@pytest.mark.parametrize("none,options", [(0, "SAMEORIGIN"), (1, None)])
def test_an_answer_that_was_kept_has_them_as_well(client, none, options):
    for state in "MISS", "HIT":
        answer = client.get(f"/headers/kept?none={none}")
        assert answer.field("X-Cache") == state
        assert own_of(answer) == ["nosniff", options, "same-origin"]
        assert answer.field("Content-Type") == "application/hal+json" and answer.body == b'{"text":"said"}'
    known = client.get(f"/headers/kept?none={none}", headers={"If-None-Match": answer.field("ETag")})
    assert known.status == 304 and own_of(known) == ["nosniff", options, "same-origin"]


def test_a_failure_has_the_headers_but_for_those_of_the_body_that_is_not_sent(client):
    answer = client.get("/headers/failed")
    assert (answer.status, answer.detail) == (404, "Not Found")
    assert own_of(answer) == ["nosniff", "SAMEORIGIN", "same-origin"] and answer.field("X-Set") == "1"
    assert answer.field("Content-Encoding") is None and answer.field("Content-Disposition") is None


def test_a_file_s_own_headers_give_way(client):
    answer = client.get("/headers/file")
    assert (answer.status, answer.body) == (200, b"page")
    assert answer.field("Cache-Control") == "private" and answer.field("Content-Disposition") == "inline"
    assert answer.field("ETag") == '"mine"' and answer.field("Accept-Ranges") == "bytes"


def test_a_stream_s_own_headers_give_way(client):
    answer = client.get("/headers/events")
    assert answer.field("Cache-Control") == "no-cache" and answer.field("X-Accel-Buffering") is None
    assert answer.field("Content-Type") == "text/event-stream"


def test_cors_stays_the_server_s_where_nobody_says_otherwise(tmp_path):
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), BACKEND_CORS_ORIGINS='["http://a.example"]') as server:
        answer = Client(server).get("/headers/kept?none=1", headers={"Origin": "http://a.example"})
        assert answer.field("Access-Control-Allow-Origin") == "http://a.example" and own_of(answer) == ["nosniff", None, "same-origin"]
        assert server.stop() == 0
