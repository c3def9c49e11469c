"""test_operator.py — leat top, call and doctor: watching, trying, examining."""

import json
import os
import pty
import re
import subprocess
import threading
import time

import pytest

from client import Client
from server import SECRET, Server, clean_environment, program
from test_control import leat

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def busy():
    """A server that is asked all the time."""
    with Server() as made:
        ending = threading.Event()

        def ask():
            client = Client(made)
            while not ending.is_set():
                client.get("/json")
                client.get("/db")
                client.get("/nowhere")
                time.sleep(0.01)
            client.forget()

        thread = threading.Thread(target=ask)
        thread.start()
        yield made
        ending.set()
        thread.join()


def test_top_tells_rates_and_durations_of_routes_and_queries(busy):
    status, out, error = leat(busy, "top", "--once", "--json")
    assert status == 0, error
    top = json.loads(out)
    rows = {row["label"]: row for row in top["rows"]}
    json_row, db_row = rows["GET /json"], rows["GET /db"]
    assert json_row["plugin"] == "techempower" and 1 < json_row["per_s"] < 1000 and json_row["failed_per_s"] == 0
    assert 0 < json_row["p50_us"] <= json_row["p99_us"] < 60_000_000
    assert db_row["p50_us"] > 0 and rows["GET (no route)"]["per_s"] > 1
    query = next(row for row in top["rows"] if row["kind"] == "query" and row["per_s"] > 0)
    assert re.fullmatch(r"bench/plugins/techempower.c:\d+", query["label"]) and query["p99_us"] > 0
    assert 0.5 < top["seconds"] < 20 and top["pid"] == busy.pid
    assert top["per_s"] == pytest.approx(sum(row["per_s"] for row in top["rows"] if row["kind"] == "route"))


def test_top_is_plain_where_it_is_no_terminal(busy):
    status, out, _ = leat(busy, "top", "--once")
    assert status == 0 and "\x1b" not in out and re.search(r"GET /json$", out, re.MULTILINE)


def test_top_ends_with_q_and_leaves_the_terminal_as_it_was(busy):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([program(), "top", "--var", str(busy.folder / "var")], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=clean_environment(TERM="xterm"))
    os.close(theirs)
    text = b""
    while b"GET /json" not in text:
        text += os.read(ours, 65536)
    os.write(ours, b"q")
    try:
        while chunk := os.read(ours, 65536):
            text += chunk
    except OSError:  # the other side is closed
        pass
    assert process.wait(20) == 0
    assert b"\x1b[?1049h" in text and text.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")
    os.close(ours)


def test_top_of_a_server_that_counts_nothing_says_so(tmp_path):
    with Server(bench=False, METRICS="off", DATABASE_URL=NOWHERE) as server:
        status, _, error = leat(server, "top", "--once")
        assert status == 1 and "METRICS is off" in error


# ---- call


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("call")
    folder.chmod(0o755)
    return folder


def call(place, *arguments, stdin=None, **settings):
    settings = {"SECRET_KEY": SECRET, "DATABASE_URL": NOWHERE, "DB_DOWN_WAIT_MS": 0, **settings}
    done = subprocess.run([program(), "call", *arguments, "--var", str(place / "var"), "--bench"], cwd=place, input=stdin, text=True,
                          env=clean_environment(**settings), capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_call_is_answered_without_a_server(place):
    assert call(place, "GET", "/plaintext")[:2] == (0, "Hello, World!")
    status, out, _ = call(place, "/json")
    assert status == 0 and json.loads(out) == {"message": "Hello, World!"}


def test_a_call_sends_what_it_is_given(place):
    assert call(place, "POST", "/echo", "-d", "some bytes")[:2] == (0, "some bytes")
    (place / "body.txt").write_text("from a file")
    assert call(place, "POST", "/echo", "--data", "@body.txt")[1] == "from a file"
    assert call(place, "POST", "/echo", "-d", "@-", stdin="from outside")[1] == "from outside"
    status, out, _ = call(place, "/json", "-i", "-H", "X-Request-ID: mine, and yours", "-H", "Origin: http://a.org", BACKEND_CORS_ORIGINS="http://a.org")
    assert status == 0 and out.startswith("HTTP/1.1 200 OK\n") and "Access-Control-Allow-Origin: http://a.org" in out
    status, out, error = call(place, "/v1/auth/register", "-d", '{"email": 7}')
    assert status == 3 and json.loads(out)["detail"] and "HTTP/1.1 422" in error, "a body makes it a POST, and looks like JSON"


def test_a_call_that_fails_tells_the_status_by_its_exit_code(place):
    status, out, error = call(place, "GET", "/nowhere")
    assert status == 3 and json.loads(out) == {"detail": "Not Found"} and "HTTP/1.1 404 Not Found" in error
    status, out, _ = call(place, "GET", "/v1/posts")
    assert status == 3 and json.loads(out)["detail"] == "Service Unavailable", "there is no database"


@pytest.mark.parametrize("arguments", [[], ["get", "/json"], ["GET"], ["GET", "json"], ["GET", "/a", "/b"], ["GET", "/a b"], ["GE T", "/a"]])
def test_a_call_that_is_none_is_refused(place, arguments):
    assert call(place, *arguments)[0] == 2


def test_a_call_works_on_the_private_database(place):
    own = {"DATABASE_URL": None, "DB_DOWN_WAIT_MS": 5000}
    up = subprocess.run([program(), "db", "up", "--var", str(place / "var")], cwd=place, env=clean_environment(SECRET_KEY=SECRET),
                        capture_output=True, text=True, timeout=60)
    assert up.returncode == 0, up.stderr
    body = '{"email": "c@example.org", "first_name": "C", "last_name": "L", "password": "Secure123"}'
    status, out, error = call(place, "POST", "/v1/auth/register", "-d", body, **own)
    assert status == 0, out + error
    token = subprocess.run([program(), "token", "--sub", json.loads(out)["id"], "--var", str(place / "var")], cwd=place,
                           env=clean_environment(SECRET_KEY=SECRET), capture_output=True, text=True).stdout.strip()
    status, out, _ = call(place, "/v1/users/me", "-H", f"Authorization: Bearer {token}", **own)
    assert status == 0 and json.loads(out)["email"] == "c@example.org"


# ---- doctor


def doctor(place, *arguments, **settings):
    settings = {"SECRET_KEY": SECRET, "DATABASE_URL": NOWHERE, **settings}
    done = subprocess.run([program(), "doctor", "--var", str(place / "var"), *arguments], cwd=place, text=True,
                          env=clean_environment(**settings), capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_doctor_finds_what_is_wrong_and_what_to_do(place, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    status, out, _ = doctor(place, "--json", "--plugins", str(shared))
    found = {finding["what"]: finding for finding in json.loads(out)["findings"]}
    assert status == 1 and json.loads(out)["problems"] >= 2
    assert found["kernel"]["judgement"] == "ok" and found["io_uring"]["judgement"] == "ok"
    assert found["Postgres"]["judgement"] == "problem" and "Connection refused" in found["Postgres"]["finding"]
    assert "check DATABASE_URL" in found["Postgres"]["remedy"]
    folder = next(finding for finding in json.loads(out)["findings"] if finding["what"] == "plugins")
    assert folder["judgement"] == "problem" and "everybody may write it" in folder["finding"]
    assert all(finding["remedy"] for finding in found.values() if finding["judgement"] != "ok")
    assert {"open files", "locked memory", "clock", "CPUs", "var", "SECRET_KEY", "crashes"} <= set(found)


def test_doctor_compares_postgres_with_what_the_server_will_open(tmp_path):
    tmp_path.chmod(0o755)
    with Server(bench=False, folder=tmp_path) as server:
        status, out, _ = doctor(tmp_path, "--json", DATABASE_URL=None, WORKERS="2")
        found = {finding["what"]: finding for finding in json.loads(out)["findings"]}
        assert status in (0, 3), out
        assert re.match(r"1\d\.\d+", found["Postgres"]["finding"]) and found["migrations"]["finding"] == "0 pending"
        assert "opens up to 30" in found["connections"]["finding"] and found["latency"]["judgement"] in ("ok", "warning")
        status, out, _ = doctor(tmp_path, "--json", DATABASE_URL=None, WORKERS="200")
        found = {finding["what"]: finding for finding in json.loads(out)["findings"]}
        assert status == 1 and found["connections"]["judgement"] == "problem" and "raise max_connections" in found["connections"]["remedy"]
        assert server.is_running()


def test_doctor_is_read_by_people_too(place):
    status, out, _ = doctor(place)
    assert status == 1 and re.search(r"^ok +kernel +Linux ", out, re.MULTILINE) and re.search(r"^PROBLEM +Postgres ", out, re.MULTILINE)
    assert re.search(r"^\d+ problems, \d+ warnings$", out, re.MULTILINE)


@pytest.mark.parametrize("verb", ["top", "call", "doctor"])
def test_every_verb_helps(verb, tmp_path):
    done = subprocess.run([program(), verb, "--help"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 0 and "Examples:" in done.stdout and f"usage: leat {verb}" in done.stdout
