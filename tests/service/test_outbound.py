"""test_outbound.py — handlers that call other servers: good ones, bad ones, and those they may not call."""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

from client import Client, Wire, request_bytes
from server import Server, build_folder, throw_away_folder
from upstream import THING, Upstream, wait_for

NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"


def relay_server(**settings):
    """A server with nothing but relay.so, and no database."""
    folder = throw_away_folder()
    plugins = folder / "plugins"
    plugins.mkdir()
    shutil.copy(build_folder() / "tests/service/relay.so", plugins / "relay.so")
    given = {"workers": 1, "bench": False, "LEAT_PLUGINS": plugins, "DATABASE_URL": NO_DATABASE, **settings}
    server = Server(folder=folder, **given)
    server.owns_folder = True
    return server


@pytest.fixture(scope="module")
def upstream():
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def relay():
    """May call this machine."""
    with relay_server(OUTBOUND_ALLOW="127.0.0.1, ::1", REQUEST_LOG="on") as running:
        yield running
        assert running.stop() == 0, running.log()


@pytest.fixture(scope="module")
def guarded():
    """May call public addresses only."""
    with relay_server() as running:
        yield running
        assert running.stop() == 0, running.log()


@pytest.fixture
def client(relay, upstream):
    upstream.forget()
    made = Client(relay)
    yield made
    made.forget()
    relay.check()


def asked(path, **query):
    return path + "?" + urllib.parse.urlencode(query)


def ask(client, url, path="/relay", **query):
    return client.get(asked(path, url=url, **query))


def leave(wire):
    """As a process that dies leaves: a reset."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()


def figure(server, name, **labels):
    """The sum of a figure's samples with these labels."""
    total = 0
    for line in Client(server).get("/metrics").body.decode().splitlines():
        match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
        if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
            total += float(match[2])
    return total


def failures(server, since):
    """What the log says of calls that failed, since line number `since`."""
    return [line for line in server.lines[since:] if "call_failed" in line]


# ---- answers

# promise 51
@pytest.mark.parametrize("path", ["/thing", "/chunks", "/pieces", "/zipped", "/old"])
def test_an_answer_is_read_into_the_schema_however_it_comes(client, upstream, path):
    answer = ask(client, upstream.url(path))
    assert answer.status == 200 and set(answer.json) == {"name", "number"}, answer


def test_lists_and_any_json_are_read_as_well(client, upstream):
    assert ask(client, upstream.url("/list"), "/relay/list").json == [THING] * 3
    assert ask(client, upstream.url("/text", body='{"a": [1, null, "ü"]}'), "/relay/json").json == {"a": [1, None, "ü"]}


@pytest.mark.parametrize("body, why", [
    ('{"name": "wheel"}', "number: Field required"),
    ('{"name": "", "number": 1}', "name: String should have at least 1 character"),
    ('{"name": "a", "number": -1}', "number: Input should be greater than or equal to 0"),
    ('{"name": "a", "number": "x"}', "number: Input should be a valid integer"),
    ("<html>", "JSON decode error"), ("", "Field required"), ('{"name": "a", ', "JSON decode error"), ("null", "")])
def test_an_answer_that_the_schema_does_not_take_is_a_502_and_the_log_says_why(relay, client, upstream, body, why):
    before = len(relay.lines)
    answer = ask(client, upstream.url("/text", body=body))
    assert (answer.status, answer.json) == (502, {"detail": "Bad Gateway"})
    assert wait_for(lambda: failures(relay, before)), relay.log()
    line = failures(relay, before)[0]
    assert why in line and f"127.0.0.1:{upstream.port}" in line and "relay.c:" in line, line


def test_an_answer_that_is_no_utf8_or_too_deep_is_a_502(client, upstream):
    assert ask(client, upstream.url("/text", body=b'{"name": "\x80", "number": 1}')).status == 502
    assert ask(client, upstream.url("/text", body="[" * 100), "/relay/json").status == 502


@pytest.mark.parametrize("code", [301, 304, 400, 404, 429, 500, 503])
def test_a_status_that_is_no_success_is_a_502(client, upstream, code):
    assert ask(client, upstream.url("/status", code=code)).status == 502


def test_a_status_that_was_asked_for_is_null(client, upstream):
    assert ask(client, upstream.url("/status", code=404), "/relay/found").status == 404
    assert ask(client, upstream.url("/status", code=500), "/relay/found").status == 502
    assert ask(client, upstream.url("/status", code=201), "/relay/found").json == THING


def test_the_raw_answer_has_any_status_and_its_headers(client, upstream):
    seen = ask(client, upstream.url("/status", code=418), "/relay/raw").json
    assert seen["status"] == 418 and json.loads(seen["body"]) == THING
    assert seen["kind"] == "application/json" and seen["header_count"] == 2
    seen = ask(client, upstream.url("/nothing"), "/relay/raw").json
    assert (seen["status"], seen["body"], seen["kind"]) == (204, "", None)
    assert ask(client, upstream.url("/chunks"), "/relay/raw").json["header_count"] == 1, "neither the hints' nor the trailer's"


def test_an_optional_call_that_fails_is_null_and_a_line_of_the_log(relay, client, upstream):
    for path in ("/status?code=500", "/text?body=no", "/dies", "/hangs"):
        before = len(relay.lines)
        answer = ask(client, upstream.url(path.split("?")[0]) + "?" + path.partition("?")[2], "/relay/optional")
        assert (answer.status, answer.json) == (200, {"things": []}), path
        assert wait_for(lambda: failures(relay, before)), path
        assert '"level":"warning"' in failures(relay, before)[0]
    assert ask(client, upstream.url(), "/relay/optional").json == {"things": [THING]}


def test_delete_answers_nothing(client, upstream):
    assert client.delete(asked("/relay", url=upstream.url("/status", code=200))).status == 204
    assert upstream.requests[-1][0] == "DELETE"
    assert client.delete(asked("/relay", url=upstream.url("/status", code=500))).status == 502


# ---- what is sent

ORDER = {"item": "Wässer & Öl", "count": -3, "price": 1.5, "express": True, "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
         "at": "2026-11-20T08:32:43Z", "tags": ["a b", "c&d"], "remark": None}


def echoed(answer):
    assert answer.status == 200, answer
    return json.loads(answer.json["body"])


def test_a_schema_is_sent_as_json(client, upstream):
    said = echoed(client.post(asked("/relay/json", url=upstream.url("/echo")), ORDER))
    assert said["method"] == "POST" and said["fields"]["content-type"] == "application/json"
    assert json.loads(said["body"].encode("latin-1")) == ORDER
    assert "expect" not in said["fields"]


def test_a_schema_is_sent_as_a_form(client, upstream):
    said = echoed(client.request("PUT", asked("/relay/form", url=upstream.url("/echo")), ORDER))
    assert said["method"] == "PUT" and said["fields"]["content-type"] == "application/x-www-form-urlencoded"
    assert urllib.parse.parse_qsl(said["body"], strict_parsing=True) == [
        ("item", ORDER["item"]), ("count", "-3"), ("price", "1.5"), ("express", "true"), ("id", ORDER["id"]), ("at", ORDER["at"]),
        ("tags", "a b"), ("tags", "c&d")]


def test_of_a_partial_what_is_set_is_sent(client, upstream):
    for document in ({}, {"count": 7}, {"item": "x", "count": 0}):
        said = echoed(client.patch(asked("/relay/part", url=upstream.url("/echo")), document))
        assert said["method"] == "PATCH" and json.loads(said["body"]) == document


def test_bytes_are_sent_as_they_are(client, upstream):
    body = b"a,b\r\n" * 30_000
    said = echoed(client.request("POST", asked("/relay/bytes", url=upstream.url("/echo")), body=body))
    assert said["fields"]["content-type"] == "text/csv" and said["body"].encode() == body
    assert echoed(client.request("POST", asked("/relay/bytes", url=upstream.url("/echo")), body=b""))["fields"]["content-length"] == "0"


def test_the_ids_of_the_request_go_along(client, upstream):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    client.get(asked("/relay", url=upstream.url()), headers={"X-Request-ID": "one-two", "traceparent": trace, "tracestate": "a=b"})
    fields = upstream.requests[-1][2]
    assert (fields["x-request-id"], fields["traceparent"], fields["tracestate"]) == ("one-two", trace, "a=b")
    answer = ask(client, upstream.url())
    assert upstream.requests[-1][2]["x-request-id"] == answer.field("X-Request-ID")
    assert "traceparent" not in upstream.requests[-1][2] and "cookie" not in upstream.requests[-1][2]


def test_the_authors_headers_go_along_and_a_broken_one_is_refused(relay, client, upstream):
    fields = echoed(ask(client, upstream.url("/echo"), "/relay/raw"))["fields"]
    assert fields["authorization"] == "Bearer secret-token" and fields["x-api-key"] == "secret-key"
    given = echoed(client.post(asked("/relay/header", url=upstream.url("/echo")), {"url": "  fine "}))
    assert given["fields"]["x-given"] == "fine"
    count = len(upstream.requests)
    for value in ("a\r\nX-Evil: yes", "a\nb"):
        assert client.post(asked("/relay/header", url=upstream.url("/echo")), {"url": value}).status == 500
    assert len(upstream.requests) == count, "nothing of it was sent"


# ---- overlap and connections

# promise 52
def test_calls_of_one_handler_overlap(client, upstream):
    ask(client, upstream.url("/slow", ms=1), "/relay/many", count=3)
    best = 10.0
    for _ in range(5):
        began = time.monotonic()
        answer = ask(client, upstream.url("/slow", ms=100), "/relay/many", count=3)
        best = min(best, time.monotonic() - began)
        assert answer.json == {"things": [THING] * 3}
    assert best < 0.130, f"three calls of 100 ms took {best * 1000:.0f} ms"


def test_connections_are_kept_and_used_again(relay, client, upstream):
    before = figure(relay, "leat_call_connections_total")
    for _ in range(50):
        assert ask(client, upstream.url()).status == 200
    assert upstream.connections <= 1 and len(upstream.requests) == 50
    assert figure(relay, "leat_call_connections_total") - before == upstream.connections


def test_connections_are_not_kept_where_they_may_not_be(upstream):
    with relay_server(OUTBOUND_ALLOW="127.0.0.1", OUTBOUND_IDLE_MS=0) as server:
        upstream.forget()
        for _ in range(5):
            assert ask(Client(server), upstream.url()).status == 200
        assert upstream.connections == 5


def test_a_kept_connection_that_has_died_is_replaced(client):
    with Upstream() as mortal:
        assert ask(client, mortal.url()).status == 200
        port = mortal.port
    assert ask(client, f"http://127.0.0.1:{port}/thing").status == 502, "nobody is there"


def test_a_hundred_requests_with_overlapping_calls_are_each_answered(relay, client, upstream):
    wires = [Wire(relay) for _ in range(100)]
    request = request_bytes("GET", asked("/relay/many", url=upstream.url("/slow", ms=20), count=10))
    for wire in wires:
        wire.send(request)
    for wire in wires:
        assert wire.answer().json == {"things": [THING] * 10}
        wire.close()
    assert len(upstream.requests) == 1000 and upstream.open_max <= 32, "the bound of one host holds"


def test_what_else_a_request_waits_for_does_not_disturb_its_calls(client, upstream):
    for _ in range(10):
        assert ask(client, upstream.url("/slow", ms=5), "/relay/mixed").json == THING


def test_a_blocking_handler_calls_as_well(client, upstream):
    for _ in range(5):
        assert ask(client, upstream.url("/slow", ms=5), "/relay/blocking").json == THING
    assert ask(client, upstream.url("/status", code=500), "/relay/blocking").status == 502


def test_a_task_calls_as_well(relay, client, upstream):
    before = len(relay.lines)
    assert client.post("/relay/task", {"url": upstream.url("/thing")}).status == 204
    assert wait_for(lambda: any('"told"' in line for line in relay.lines[before:])), relay.log()


# ---- what goes wrong over there

@pytest.mark.parametrize("path", ["/dies", "/dies-at-once", "/junk", "/badly-zipped"])
def test_a_server_that_breaks_off_is_a_502(relay, client, upstream, path):
    before = len(relay.lines)
    assert ask(client, upstream.url(path)).status == 502
    assert wait_for(lambda: failures(relay, before))
    assert ask(client, upstream.url()).status == 200, "and the next call is none the worse"


def test_a_server_that_nobody_runs_is_a_502(client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert ask(client, f"http://127.0.0.1:{free.getsockname()[1]}/").status == 502
    assert ask(client, "http://no-such-host.invalid/").status == 502


@pytest.mark.parametrize("path", ["/long?bytes=2000000", "/endless", "/endless-head", "/endless-hints", "/bomb"])
def test_an_answer_beyond_the_limit_is_a_502_and_takes_no_memory(relay, client, upstream, path):
    before, memory = len(relay.lines), resident_bytes(relay)
    for _ in range(3):
        assert ask(client, upstream.url() [:-len("/thing")] + path).status == 502
    assert wait_for(lambda: "too long" in "".join(failures(relay, before)))
    if "ASAN_OPTIONS" not in os.environ:
        assert resident_bytes(relay) - memory < 16 << 20


def resident_bytes(server):
    with open(f"/proc/{server.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_the_limit_of_an_answer_may_be_the_calls_own(client, upstream):
    assert ask(client, upstream.url("/long", bytes=1000), bytes=2000).status == 200
    assert ask(client, upstream.url("/long", bytes=1000), bytes=900).status == 502
    assert ask(client, upstream.url("/long", bytes=3_000_000), bytes=4_000_000).status == 200


@pytest.mark.parametrize("path", ["/hangs", "/stalls"])
def test_a_server_that_takes_too_long_is_a_504_and_is_cut(client, upstream, path):
    for route, query in (("/relay", {"ms": 150}), ("/relay/soon", {})):
        began = time.monotonic()
        answer = ask(client, upstream.url(path), route, **query)
        assert (answer.status, answer.json) == (504, {"detail": "Gateway Timeout"})
        assert 0.1 < time.monotonic() - began < 5
    assert wait_for(lambda: upstream.cut == 2), "both were let go"


# promise n6
@pytest.mark.parametrize("go", [leave, Wire.close], ids=["by a reset", "by an end"])
def test_a_client_that_leaves_takes_its_calls_with_it(relay, client, upstream, go):
    wire = Wire(relay)
    wire.send(request_bytes("GET", asked("/relay/many", url=upstream.url("/hangs"), count=5)))
    assert wait_for(lambda: len(upstream.requests) == 5)
    go(wire)
    assert wait_for(lambda: upstream.cut == 5, seconds=6), f"{upstream.cut} of 5 were cut"
    assert wait_for(lambda: figure(relay, "leat_calls_in_flight") == 0)


def test_a_handler_that_fails_takes_its_other_calls_with_it(client, upstream):
    answer = ask(client, upstream.url("/hangs"), "/relay/one-fails", bad=upstream.url("/status", code=500))
    assert answer.status == 502
    assert wait_for(lambda: upstream.cut == 2)


def test_a_stop_waits_for_the_calls_of_requests_in_flight(upstream):
    with relay_server(OUTBOUND_ALLOW="private") as server:
        wire = Wire(server)
        upstream.forget()
        wire.send(request_bytes("GET", asked("/relay", url=upstream.url("/slow", ms=500))))
        assert wait_for(lambda: upstream.requests)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        assert wire.answer().json == THING
        stopper.join()


# ---- limits

def test_calls_beyond_the_limits_wait_and_beyond_the_queue_are_a_503():
    settings = {"OUTBOUND_CALLS_MAX": 4, "OUTBOUND_CALLS_PER_HOST_MAX": 2, "OUTBOUND_QUEUE_MAX": 10}
    with relay_server(OUTBOUND_ALLOW="127.0.0.0/8", **settings) as server, Upstream("127.0.0.2") as other, Upstream() as upstream:
        client = Client(server)
        assert ask(client, upstream.url("/slow", ms=20), "/relay/many", count=14).status == 200
        assert upstream.open_max <= 2
        answer = ask(client, upstream.url("/slow", ms=20), "/relay/many", count=15)
        assert answer.status == 503 and answer.field("Retry-After") == "1"
        # a host that is slow does not keep the calls to another one waiting
        wire = Wire(server)
        wire.send(request_bytes("GET", asked("/relay/many", url=upstream.url("/slow", ms=3000), count=8)))
        assert wait_for(lambda: figure(server, "leat_calls_in_flight") == 2)
        began = time.monotonic()
        assert ask(client, other.url()).status == 200
        assert time.monotonic() - began < 2
        leave(wire)
        assert wait_for(lambda: figure(server, "leat_calls_waiting") == 0)


def test_bad_settings_are_refused_in_words_at_the_start(tmp_path):
    server = relay_server(start=False, OUTBOUND_ALLOW="10.0.0.1/8", OUTBOUND_PROXY="ftp://user:hunter2@x", OUTBOUND_CA_FILE="/no/such/file")
    server.start(wait=False)
    assert server.wait() != 0
    log = server.log()
    server.throw_away()
    assert "OUTBOUND_ALLOW" in log and "OUTBOUND_PROXY" in log and "/no/such/file" in log and "hunter2" not in log


# ---- whom it may not call

INSIDE = ["http://127.0.0.1:{port}/thing", "http://localhost:{port}/thing", "http://[::1]:{port}/thing", "http://2130706433:{port}/thing",
          "http://0x7f000001:{port}/thing", "http://0177.0.0.1:{port}/thing", "http://127.1:{port}/thing", "http://0:{port}/thing",
          "http://0.0.0.0:{port}/thing", "http://[::]:{port}/thing", "http://[::ffff:127.0.0.1]:{port}/thing",
          "http://[::ffff:7f00:1]:{port}/thing", "http://[::127.0.0.1]:{port}/thing", "http://user:pass@127.0.0.1:{port}/thing",
          "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://10.0.0.1/",
          "http://192.168.0.1/", "http://172.16.0.1/", "http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
          "http://[64:ff9b::7f00:1]:{port}/", "http://[2002:7f00:1::]:{port}/", "http://127.0.0.1.:{port}/thing",
          "http://１２７.0.0.1:{port}/thing"]


@pytest.mark.parametrize("url", INSIDE)
def test_addresses_inside_are_not_called(guarded, upstream, url):
    upstream.forget()
    client = Client(guarded)
    answer = ask(client, url.format(port=upstream.port), ms=3000)
    assert answer.status in (502, 422) and not upstream.connections, answer
    answer = client.post("/relay/stranger", {"url": url.format(port=upstream.port)})
    assert answer.status == 422 and not upstream.connections, answer


NO_URLS = ["", "thing", "/thing", "//127.0.0.1/", "http://", "http:///", "http://:80/", "file:///etc/passwd", "ftp://127.0.0.1/",
           "gopher://127.0.0.1:80/_x", "dict://127.0.0.1:80/", "ldap://127.0.0.1/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
           "http://[::1", "http://a b/", "http://a\r\nb/", "http://a/\r\nX: y", "javascript:1", "http://" + "a" * 300 + "/",
           "http://a/" + "b" * 9000, "unix:///tmp/x", "http://[fe80::1%25lo]/"]


@pytest.mark.parametrize("url", NO_URLS, ids=range(len(NO_URLS)))
def test_what_is_no_url_of_http_from_a_client_is_a_422(relay, upstream, url):
    answer = Client(relay).post("/relay/stranger", {"url": url})
    assert answer.status == 422, answer
    assert answer.detail[0]["loc"] == ["body", "url"] and answer.detail[0]["type"] == "value_error"


@pytest.mark.parametrize("url", ["thing", "", "file:///etc/passwd", "http://[::1"])
def test_what_is_no_url_is_the_clients_mistake_where_he_said_it_and_else_the_authors(client, relay, upstream, url):
    since = len(relay.lines)
    answer = ask(client, url)
    assert answer.status == 422 and answer.detail[0]["loc"] == ["query", "url"] and "input" not in answer.detail[0]
    answer = client.post("/relay/careless", {"url": url})
    assert (answer.status, answer.detail[0]["loc"]) == (422, ["body"]) if url else answer.status == 500
    assert wait_for(lambda: any("untrusted" in line and "relay.c:" in line for line in failures(relay, since)))
    assert client.get("/relay/authors-own").status == 500
    assert wait_for(lambda: any("authors_own" in line and "begins with http" in line for line in failures(relay, since)))


def test_a_clients_url_may_not_use_what_is_allowed_to_the_plugin(relay, upstream):
    """Not even over a connection that the plugin has opened before."""
    client = Client(relay)
    for _ in range(3):
        assert ask(client, upstream.url()).status == 200
    count = len(upstream.requests)
    answer = client.post("/relay/stranger", {"url": upstream.url()})
    assert answer.status == 422 and len(upstream.requests) == count
    assert json.dumps(answer.json).count("127.0.0.1") == 0
    one = client.post("/relay/stranger", {"url": "http://no-such-host.invalid/"})
    assert one.json == answer.json, "which names there are is not told"


def test_a_host_is_allowed_by_its_name(upstream):
    with relay_server(OUTBOUND_ALLOW="localhost") as server:
        client = Client(server)
        assert ask(client, f"http://localhost:{upstream.port}/thing").status == 200
        assert ask(client, f"http://127.0.0.1:{upstream.port}/thing").status == 502


# ---- redirects

def test_redirects_are_followed_only_where_the_call_says_so(client, upstream):
    there = upstream.url("/thing")
    assert ask(client, upstream.url("/leads", to=there)).status == 502
    assert ask(client, upstream.url("/leads", to=there), redirects=1).json == THING
    assert ask(client, upstream.url("/leads", to="/thing"), redirects=1).json == THING
    assert ask(client, upstream.url("/leads", to="thing"), redirects=1).json == THING
    assert ask(client, upstream.url("/leads", to=upstream.url("/leads", to=there)), redirects=1).status == 502
    assert ask(client, upstream.url("/leads", to=upstream.url("/leads", to=there)), redirects=2).json == THING


def test_redirects_in_a_circle_end(client, upstream):
    assert ask(client, upstream.url("/turns"), redirects=1000).status == 502
    assert len(upstream.requests) <= 11


@pytest.mark.parametrize("to", ["http://169.254.169.254/", "http://127.0.0.1:{port}/thing", "http://[::1]:{port}/thing",
                                "http://2130706433:{port}/thing", "http://localhost:{port}/thing", "file:///etc/passwd", "http://",
                                "gopher://127.0.0.1:{port}/", "//169.254.169.254/"])
def test_redirects_to_what_is_not_allowed_are_not_followed(upstream, to):
    with relay_server(OUTBOUND_ALLOW="127.0.0.3") as server, Upstream("127.0.0.3") as allowed:
        upstream.forget()
        answer = ask(Client(server), allowed.url("/leads", to=to.format(port=upstream.port)), redirects=5)
        assert answer.status == 502 and len(allowed.requests) == 1 and not upstream.connections


def test_to_another_host_no_header_goes_along(client, upstream):
    with Upstream("::1") as other:
        ask(client, upstream.url("/leads", to=upstream.url("/echo")), "/relay/raw", redirects=1)
        assert upstream.requests[-1][2]["authorization"] == "Bearer secret-token"
        said = echoed(ask(client, upstream.url("/leads", to=other.url("/echo")), "/relay/raw", redirects=1))
        assert "authorization" not in said["fields"] and "x-api-key" not in said["fields"]


@pytest.mark.parametrize("code, method, body", [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "{"), (308, "POST", "{")])
def test_a_redirected_post_becomes_what_rfc_9110_says(client, upstream, code, method, body):
    url = upstream.url("/leads", to="/echo", code=code)
    said = echoed(client.post(asked("/relay/json", url=url, redirects=1), ORDER))
    assert said["method"] == method and said["body"][:1] == body


def test_a_body_does_not_follow_to_another_host(client, upstream):
    with Upstream("::1") as other:
        answer = client.post(asked("/relay/json", url=upstream.url("/leads", to=other.url("/echo"), code=307), redirects=1), ORDER)
        assert answer.status == 502 and not other.requests


# ---- TLS

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", names, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_that_nobody_signed_is_refused(relay, client, certificate):
    before = len(relay.lines)
    with Upstream(certificate=certificate) as secure:
        assert ask(client, secure.url()).status == 502
        assert not secure.requests
    assert wait_for(lambda: "certificate" in "".join(failures(relay, before)))


def test_a_certificate_is_good_where_its_signer_is_trusted_and_its_name_is_right(certificate):
    with relay_server(OUTBOUND_ALLOW="private", OUTBOUND_CA_FILE=certificate[0]) as server, Upstream(certificate=certificate) as secure:
        client = Client(server)
        for _ in range(5):
            assert ask(client, secure.url()).json == THING
        assert secure.connections == 1
        with Upstream("127.0.0.2", certificate=certificate) as misnamed:
            assert ask(client, misnamed.url()).status == 502 and not misnamed.requests
        with Upstream() as plain:
            to = plain.url()
            assert ask(client, secure.url("/leads", to=to), redirects=1).status == 502 and not plain.requests, "https leads not to http"


# ---- surroundings

def test_the_environments_proxies_play_no_part(upstream):
    with relay_server(OUTBOUND_ALLOW="127.0.0.1", http_proxy="http://127.0.0.1:1", HTTP_PROXY="http://127.0.0.1:1",
                      ALL_PROXY="http://127.0.0.1:1") as server:
        assert ask(Client(server), upstream.url()).status == 200


def test_a_proxy_that_was_set_is_asked_and_addresses_inside_are_judged_here(upstream):
    with relay_server(OUTBOUND_PROXY=upstream.url("")) as server:
        upstream.forget()
        client = Client(server)
        ask(client, "http://example.org/thing", "/relay/raw")
        assert upstream.requests[-1][1] == "http://example.org/thing"
        count = len(upstream.requests)
        assert ask(client, "http://169.254.169.254/", "/relay").status == 502
        assert client.post("/relay/stranger", {"url": "http://127.0.0.1/"}).status == 422
        assert len(upstream.requests) == count


def test_what_is_secret_in_a_url_is_not_logged(relay, client, upstream):
    url = f"http://ada:hunter2@127.0.0.1:{upstream.port}/status?code=500&key=hunter3"
    assert ask(client, url).status == 502
    assert upstream.requests[-1][2]["authorization"].startswith("Basic ")
    assert ask(client, url.replace(str(upstream.port), "1")).status == 502
    assert ask(client, "http://ada:hunter2@exa mple/hunter3").status == 422
    assert "hunter" not in relay.log().replace(urllib.parse.quote(url), "")


def test_the_line_of_a_request_says_how_many_calls_it_made(relay, client, upstream):
    before = len(relay.lines)
    ask(client, upstream.url(), "/relay/many", count=7)
    assert wait_for(lambda: any('"event":"request"' in line and '"calls":7' in line for line in relay.lines[before:])), relay.log()


def test_calls_are_counted_by_place_and_class(relay, client, upstream):
    labels = {"plugin": "relay", "method": "GET"}
    before = {status: figure(relay, "leat_calls_total", status=status, **labels) for status in ("2xx", "5xx", "none")}
    timed = figure(relay, "leat_call_duration_seconds_count", **labels)
    ask(client, upstream.url(), "/relay/many", count=7)
    ask(client, upstream.url("/status", code=503))
    ask(client, upstream.url("/dies-at-once"))
    after = {status: figure(relay, "leat_calls_total", status=status, **labels) for status in before}
    assert {status: after[status] - before[status] for status in before} == {"2xx": 7, "5xx": 1, "none": 1}
    assert figure(relay, "leat_call_duration_seconds_count", **labels) - timed == 9
