"""test_observe.py — what the server tells of itself: log lines, request ids, /metrics, /health."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from client import Client, Wire
from people import PASSWORD, Person
from postgres import Postgres
from server import ROOT, SECRET, Server, clean_environment, program, throw_away_folder
from test_allocations import COUNTED, WARM_UP, ask_from_four, counting_server

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
MADE_ID = re.compile(r"[0-9a-f]{24}")


def lines_of(server, event=None, seconds=3, count=1, **members):
    """The log's JSON lines of that event, once there are `count` that have these members."""
    end = time.monotonic() + seconds
    while True:
        found = [json.loads(line) for line in list(server.lines) if line.startswith("{")]
        found = [line for line in found if event in (None, line["event"]) and members.items() <= line.items()]
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.02)


@pytest.fixture(scope="module")
def told():
    """A server that logs every request."""
    with Server(REQUEST_LOG="on", LOG_FORMAT="json") as server:
        yield server


@pytest.fixture
def asking(told):
    made = Client(told)
    yield made
    made.forget()


# ---- log lines


def test_every_request_is_a_line_with_its_figures(told, asking):
    person = Person(told, "grace")
    asking.token = person.token
    answer = asking.get(f"/v1/users/{person.id}?secret=in-the-query", headers={"X-Request-ID": "figures-1"})
    assert answer.status == 200
    line = lines_of(told, "request", request_id="figures-1")[0]
    assert line["method"] == "GET" and line["path"] == f"/v1/users/{person.id}" and line["route"] == "/v1/users/{user_id}"
    assert line["status"] == 200 and line["plugin"] == "users" and line["queries"] == 2 and line["level"] == "info"
    assert line["bytes_out"] == len(answer.head) + 4 + len(answer.body)
    assert 100 < line["bytes_in"] < 1000 and 0 < line["us"] < 5_000_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    log = told.log()
    for secret in ("in-the-query", person.token, PASSWORD):
        assert secret not in log


@pytest.mark.parametrize("method, target, status, route", [("GET", "/nowhere", 404, None), ("PUT", "/json", 405, None),
    ("GET", "/json/", 307, None), ("OPTIONS", "/json", 204, None), ("GET", "/v1/users", 401, "/v1/users"),
    ("GET", "/v1/posts?page=0", 422, "/v1/posts"), ("HEAD", "/json", 200, "/json")])
def test_what_never_reaches_a_handler_is_a_line_too(told, asking, method, target, status, route):
    id = f"early-{method}-{status}"
    answer = asking.request(method, target, headers={"X-Request-ID": id})
    assert answer.status == status and answer.field("X-Request-ID") == id
    line = lines_of(told, "request", request_id=id)[0]
    assert line["status"] == status and line.get("route") == route and line["method"] == method


def test_what_is_no_request_is_a_line_too(told):
    with Wire(told) as wire:
        answer = wire.send(b"GET / HTTP/1.1\r\nno colon\r\n\r\n").answer()
    assert answer.status == 400
    line = lines_of(told, "request", request_id=answer.field("X-Request-ID"))[0]
    assert line["status"] == 400 and "path" not in line


def test_a_path_cannot_forge_a_line(told, asking):
    asking.get('/"},{"event":"forged"%0a%22\\', headers={"X-Request-ID": 'a"b\\c'})
    line = lines_of(told, "request", request_id='a"b\\c')[0]
    assert line["event"] == "request" and not lines_of(told, "forged", seconds=0)


def test_a_client_that_leaves_is_a_line_without_a_status(told):
    wire = Wire(told)
    form = b"username=nobody@example.org&password=Secure123"
    wire.send(b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Request-ID: left-1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
              b"Content-Length: %d\r\n\r\n" % len(form) + form)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.close()
    assert lines_of(told, "request", request_id="left-1")[0]["status"] == 0


def test_a_failure_of_a_request_has_its_id_plugin_and_route():
    with Server(bench=False, REQUEST_LOG="on", DB_QUEUE_MAX="1", workers=1) as server:
        person = Person(server, "busy")
        answer = Client(server, person.token).get(f"/v1/users/{person.id}", headers={"X-Request-ID": "too-many"})
        assert answer.status == 503
        lines = lines_of(server, request_id="too-many", count=2)
        assert [line["event"] for line in lines] == ["query_failed", "request"], lines
        assert all(line["plugin"] == "users" and line["route"] == "/v1/users/{user_id}" for line in lines)
        assert lines[0]["level"] == "error" and lines[0]["status"] == 503 and re.fullmatch(r"plugins/users/users.c:\d+", lines[0]["at"])


def test_by_default_no_request_is_a_line(server, client):
    client.get("/json", headers={"X-Request-ID": "silent-1"})
    client.get("/health")
    time.sleep(0.1)
    assert "silent-1" not in server.log()


# promise 39
def test_a_plugin_can_be_quieter_than_the_others():
    with Server(REQUEST_LOG="on", LOG_LEVEL_TECHEMPOWER="warning") as server:
        client = Client(server)
        client.get("/json", headers={"X-Request-ID": "quiet"})
        client.get("/health", headers={"X-Request-ID": "heard"})
        assert lines_of(server, "request", request_id="heard")
        assert not lines_of(server, request_id="quiet", seconds=0.1)


def test_a_level_that_is_none_is_refused_by_its_name():
    server = Server(bench=False, start=False, LOG_LEVEL_USERS="loud", LOG_FORMAT="xml")
    try:
        server.start(wait=False)
        assert server.wait(20) > 0
        assert "LOG_LEVEL_USERS in the environment: Input should be 'debug'" in server.log()
        assert "LOG_FORMAT" in server.log()
    finally:
        server.kill()
        server.throw_away()


def test_text_is_for_people_and_has_no_colours_in_a_file():
    with Server(REQUEST_LOG="on", LOG_FORMAT="text") as server:
        Client(server).get("/json", headers={"X-Request-ID": "plain-1"})
        assert server.logged("request_id=plain-1")
        line = next(line for line in server.lines if "plain-1" in line)
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z info request method=GET path=/json status=200 us=\d+ bytes_in=\d+ bytes_out=\d+ "
            r"queries=0 plugin=techempower route=/json request_id=plain-1$", line), line


def run_on_a_terminal(**settings):
    """What is written to standard error when that is a terminal."""
    folder = throw_away_folder()
    ours, theirs = pty.openpty()
    process = subprocess.Popen([program(), "run", "--port", "0", "--workers", "1", "--var", str(folder / "var")], cwd=folder,
        env=clean_environment(DATABASE_URL=NOWHERE, SECRET_KEY=SECRET, **settings),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text, end = b"", time.monotonic() + 10
    while b"db_unreachable" not in text and time.monotonic() < end:
        text += os.read(ours, 65536)
    process.send_signal(signal.SIGTERM)
    reader = threading.Thread(target=lambda: [None for _ in iter(lambda: read_or_nothing(ours), b"")], daemon=True)
    reader.start()
    process.wait(20)
    shutil.rmtree(folder, ignore_errors=True)
    return text.decode()


def read_or_nothing(fd):
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""


def test_a_terminal_gets_readable_lines_in_colour():
    assert "\x1b[33mwarning\x1b[0m \x1b[1mdb_unreachable\x1b[0m" in run_on_a_terminal()


def test_a_terminal_without_colours_gets_none():
    text = run_on_a_terminal(NO_COLOR="1")
    assert " warning db_unreachable " in text and "\x1b" not in text


# ---- request ids


@pytest.mark.parametrize("id", ["a", "x" * 128, "550e8400-e29b-41d4-a716-446655440000", "!~\"\\"])
def test_a_sane_id_is_taken_and_answered(asking, told, id):
    for target in ("/json", "/nowhere", "/v1/users", "/v1/posts?page=0"):
        assert asking.get(target, headers={"X-Request-ID": id}).field("X-Request-ID") == id
    assert lines_of(told, "request", request_id=id, count=4)


@pytest.mark.parametrize("id", ["", "x" * 129, "two words", "caf\xe9", "tab\there"])
def test_any_other_is_replaced(asking, id):
    assert MADE_ID.fullmatch(asking.get("/json", headers={"X-Request-ID": id}).field("X-Request-ID"))


def test_made_ids_are_never_made_twice(told):
    ids = set()
    for _ in range(3):
        with Wire(told) as wire:
            wire.send(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n" * 300)
            ids |= {wire.answer().field("X-Request-ID") for _ in range(300)}
    assert len(ids) == 900 and all(MADE_ID.fullmatch(id) for id in ids)


def test_ids_can_be_switched_off():
    with Server(REQUEST_LOG="on", REQUEST_ID="off") as server:
        answer = Client(server).get("/json", headers={"X-Request-ID": "mine"})
        assert answer.field("X-Request-ID") is None
        assert "request_id" not in lines_of(server, "request")[0]


# ---- a sink that blocks, and the end


@contextlib.contextmanager
def silent_server(**settings):
    """A server whose standard error nobody reads."""
    folder = throw_away_folder()
    process = subprocess.Popen([program(), "run", "--bench", "--port", "0", "--workers", "1", "--var", str(folder / "var")], cwd=folder,
        env=clean_environment(SECRET_KEY=SECRET, DATABASE_URL=NOWHERE, **settings), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        match = re.search(rb"serving http://([\d.]+):(\d+)", process.stdout.readline())
        process.host, process.port, process.check = match[1].decode(), int(match[2]), lambda: None
        yield process
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_log_that_nobody_reads_costs_lines_and_no_answer():
    with silent_server(REQUEST_LOG="on") as process:
        client, batch = Client(process), b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n" * 500
        began = time.monotonic()
        with Wire(process) as wire:
            for _ in range(40):
                wire.send(batch)
                for _ in range(500):
                    assert wire.answer().status == 200
        assert time.monotonic() - began < 20
        assert value_of(metrics(client), "leat_log_dropped_total") > 1000
        log, reader = [], threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)
        reader.start()
        time.sleep(0.5)
        client.get("/json", headers={"X-Request-ID": "heard-again"})
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        reader.join(5)
        lines = [json.loads(line) for line in log if line.startswith(b"{")]
        requests = [line for line in lines if line["event"] == "request"]
        others = [line for line in lines if line["event"] not in ("request", "log_dropped")]
        told = sum(line["lines"] for line in lines if line["event"] == "log_dropped")
        assert requests[-1]["request_id"] == "heard-again"
        assert 40 * 500 + 2 <= len(requests) + told <= 40 * 500 + 2 + 100 + len(others)  # a lost link's lines may be among the dropped


def test_the_end_does_not_wait_for_a_reader():
    with silent_server(REQUEST_LOG="on") as process:
        with Wire(process) as wire:
            wire.send(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
            for _ in range(2000):
                wire.answer()
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert time.monotonic() - began < 10


def test_the_last_lines_are_written_before_the_end():
    with Server(REQUEST_LOG="on") as server:
        with Wire(server) as wire:
            wire.send(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
            for _ in range(400):
                wire.answer()
        assert server.stop() == 0
        assert len(lines_of(server, "request", seconds=0)) == 400


def test_what_was_logged_before_a_crash_is_not_lost():
    with Server(REQUEST_LOG="on", bench=True) as server:
        client = Client(server)
        for number in range(50):
            client.get("/json", headers={"X-Request-ID": f"before-{number}"})
        server.send_signal(signal.SIGABRT)
        assert server.wait(10) == -signal.SIGABRT
        assert len(lines_of(server, "request", seconds=1)) == 50
        assert lines_of(server, "crashed", signal="SIGABRT")


# ---- metrics


LINE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')


def metrics(client):
    """{(name, labels): value}; the text is checked on the way."""
    answer = client.get("/metrics")
    assert answer.status == 200 and answer.field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.body.decode()
    assert text.endswith("\n")
    found, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types
            types[name] = kind
            continue
        if line.startswith("# HELP "):
            continue
        match = LINE.fullmatch(line)
        assert match, line
        labels = frozenset(re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
        family = re.sub(r"_(bucket|sum|count)$", "", match[1])
        assert match[1] in types or types[family] == "histogram", line
        assert (match[1], labels) not in found, line
        found[match[1], labels] = float(match[3])
    return found


def value_of(found, name, **labels):
    """The sum over all series with these labels."""
    return sum(value for (key, has), value in found.items() if key == name and labels.items() <= dict(has).items())


def test_routes_are_counted_by_template_and_class_of_status(told, asking):
    before = metrics(asking)
    person = Person(told, "counted")
    for target in (f"/v1/users/{person.id}", f"/v1/users/{person.id}", "/v1/users/00000000-0000-0000-0000-000000000000", "/v1/users/x"):
        asking.get(target, token=person.token)
    asking.get("/never/heard/of/it")
    after = metrics(asking)

    def more(**labels):
        return value_of(after, "http_requests_total", **labels) - value_of(before, "http_requests_total", **labels)

    route = {"method": "GET", "route": "/v1/users/{user_id}", "plugin": "users"}
    assert more(status="2xx", **route) == 2 and more(status="4xx", **route) == 2
    assert more(method="GET", route="", status="4xx") == 1
    assert not any("/never" in label or person.id in label for _, labels in after for _, label in labels)


# promise n7
def test_histograms_are_cumulative_and_add_up(told, asking):
    for _ in range(20):
        asking.get("/json")
        asking.get("/db")
    found = metrics(asking)
    histograms = {}
    for (name, labels), value in found.items():
        if name.endswith("_bucket"):
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            histograms.setdefault((name[:-7], rest), []).append((float(dict(labels)["le"].replace("+Inf", "inf")), value))
    assert histograms
    for (name, labels), buckets in histograms.items():
        bounds, counts = [bound for bound, _ in sorted(buckets)], [count for _, count in sorted(buckets)]
        assert counts == sorted(counts) and bounds[-1] == float("inf") and len(bounds) == 41
        assert counts[-1] == found[name + "_count", labels] > 0
        assert found[name + "_sum", labels] >= 0
    route = {"route": "/db", "method": "GET"}
    assert value_of(found, "http_request_duration_seconds_sum", **route) > 0
    assert value_of(found, "http_request_duration_seconds_count", **route) == value_of(found, "http_requests_total", **route)


# promise n3
def test_queries_are_counted_by_their_line_with_rows_and_failures(told, asking):
    email = f"twice.{os.getpid()}@example.org"
    person = {"email": email, "first_name": "A", "last_name": "B", "password": PASSWORD}
    before = metrics(asking)
    assert asking.post("/v1/auth/register", person).status == 201
    assert asking.post("/v1/auth/register", person).status == 409
    after = metrics(asking)
    source = (ROOT / "plugins/users/users.c").read_text().splitlines()
    at = {number for number, line in enumerate(source, 1) if "INSERT INTO users" in line or "in->email, password_hash" in line}
    failed = [labels for (name, labels), value in after.items() if name == "leat_query_failures_total" and (name, labels) not in before]
    assert len(failed) == 1
    labels = dict(failed[0])
    assert labels.pop("sqlstate") == "23" and labels["plugin"] == "users"
    file, line = labels["at"].split(":")
    assert file == "plugins/users/users.c" and int(line) in at
    for name, more in (("leat_queries_total", 2), ("leat_query_rows_total", 1), ("leat_query_duration_seconds_count", 2)):
        assert value_of(after, name, **labels) - value_of(before, name, **labels) == more, name


def test_a_user_with_a_token_costs_two_queries_and_one_round_trip():
    with Server(workers=1, bench=False) as server:
        person = Person(server, "trip")
        client = person.client
        client.get(f"/v1/users/{person.id}")
        before = metrics(client)
        for _ in range(50):
            assert client.get(f"/v1/users/{person.id}").status == 200
        after = metrics(client)
    assert value_of(after, "leat_db_queries_total") - value_of(before, "leat_db_queries_total") == 100
    assert value_of(after, "leat_db_flushes_total") - value_of(before, "leat_db_flushes_total") == 50


def test_cores_links_and_the_process_tell_their_figures(told, asking):
    wires = [Wire(told) for _ in range(8)]
    for wire in wires:
        wire.send(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n").answer()
    end = time.monotonic() + 20
    while value_of(found := metrics(asking), "leat_db_links_ready") < 4 and time.monotonic() < end:
        time.sleep(0.05)
    for wire in wires:
        wire.close()
    assert value_of(found, "leat_connections") >= 9
    assert {dict(labels)["core"] for name, labels in found if name == "leat_connections"} == {"0", "1"}
    assert value_of(found, "leat_db_links_ready") >= 4 and value_of(found, "leat_db_links_wanted") >= 4  # two a core, more for what writes
    assert value_of(found, "leat_generations") == 2
    assert value_of(found, "leat_requests_in_flight") == 1 and value_of(found, "leat_coroutines") == 1
    for name in ("leat_ring_enters_total", "leat_ring_buffers_free", "leat_ring_operations_in_flight", "process_cpu_seconds_total",
        "process_resident_memory_bytes"):
        assert value_of(found, name) > 0, name
    for name in ("leat_db_queries_waiting", "leat_db_queries_in_flight", "leat_offload_queue", "leat_log_dropped_total"):
        assert value_of(found, name) == 0 and any(key == name for key, _ in found), name
    assert time.time() - 600 < value_of(found, "process_start_time_seconds") < time.time()
    assert value_of(found, "leat_plugin_info", plugin="users") == 1 and value_of(found, "leat_build_info") == 1


def test_many_readers_at_once_all_get_a_whole_page(told):
    def read():
        client = Client(told)
        for _ in range(10):
            pages.append(metrics(client))
        client.forget()

    pages = []
    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pages) == 60


def test_metrics_can_be_switched_off():
    with Server(METRICS="off", bench=False) as server:
        client = Client(server)
        assert client.get("/metrics").status == 404
        assert client.get("/health").status == 200


@pytest.mark.parametrize("path", ["/json", "/db"])
def test_with_logs_and_metrics_a_request_asks_the_heap_for_nothing(tmp_path, path):
    with counting_server(tmp_path, REQUEST_LOG="on") as (server, calls):
        ask_from_four(server, "GET", path, None, WARM_UP)
        before = calls()
        ask_from_four(server, "GET", path, None, COUNTED)
        asked = calls() - before
        assert asked < COUNTED / 100, f"{asked} calls of malloc for {COUNTED} requests"
        found = metrics(Client(server))
        assert value_of(found, "http_requests_total", route=path, status="2xx") == WARM_UP + COUNTED
        assert len(lines_of(server, "request", count=WARM_UP + COUNTED, route=path)) == WARM_UP + COUNTED


# ---- health


def wait_for_ready(client, status, seconds=20):
    end = time.monotonic() + seconds
    while True:
        answer = client.get("/health/ready")
        if answer.status == status or time.monotonic() > end:
            return answer
        time.sleep(0.05)


def test_a_server_that_serves_is_alive_and_ready(client):
    assert client.get("/health/live").json == {"status": "ok"}
    assert wait_for_ready(client, 200).json == {"status": "ok"}


def test_without_its_database_it_is_alive_and_not_ready():
    postgres = Postgres(fsync=False)
    try:
        subprocess.run([program(), "db", "up"], cwd=ROOT, env=clean_environment(DATABASE_URL=postgres.url, LEAT_VAR=postgres.folder / "v"),
            check=True, capture_output=True)
        with Server(bench=False, workers=1, DATABASE_URL=postgres.url) as server:
            client = Client(server)
            assert wait_for_ready(client, 200).status == 200
            postgres.stop("immediate")
            answer = wait_for_ready(client, 503)
            assert answer.status == 503 and answer.detail == "Not ready: database"
            assert client.get("/health/live").status == 200 and client.get("/health").status == 200
            postgres.start()
            assert wait_for_ready(client, 200).status == 200
    finally:
        postgres.throw_away()


def test_a_database_that_comes_late_is_ready_once_it_is_migrated():
    postgres = Postgres(fsync=False)
    try:
        postgres.stop()
        with Server(bench=False, workers=1, DATABASE_URL=postgres.url) as server:
            client = Client(server)
            assert client.get("/health/ready").detail == "Not ready: database, migrations"
            postgres.start()
            assert server.logged("migrations_pending", 20)
            answer = wait_for_ready(client, 503)
            assert answer.status == 503 and "migrations" in answer.detail
            subprocess.run([program(), "db", "up"], cwd=ROOT,
                env=clean_environment(DATABASE_URL=postgres.url, LEAT_VAR=postgres.folder / "v"), check=True, capture_output=True)
            assert wait_for_ready(client, 200).status == 200
            assert lines_of(server, "migrations_applied")
    finally:
        postgres.throw_away()


def test_one_that_is_about_to_end_says_so_and_serves_on():
    with Server(workers=1, DRAIN_DELAY_MS="1500") as server:
        client = Client(server)
        assert wait_for_ready(client, 200).status == 200
        server.send_signal(signal.SIGTERM)
        answer = wait_for_ready(client, 503, 2)
        assert answer.status == 503 and answer.detail == "Not ready: draining"
        assert Client(server).get("/json").status == 200 and client.get("/health/live").status == 200
        assert server.wait(20) == 0
