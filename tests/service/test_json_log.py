"""test_json_log.py — LOG_FORMAT=json: whatever a server says in its life is one JSON object a line, so that a machine can read all of it."""

import json
import re
import shutil
import signal
import socket
import subprocess

import pytest

from client import Client
from people import Person
from server import Server, build_folder, throw_away_folder
from test_control import leat
from test_live import FLAGS

SOURCE = r"""
#include <leat/leat.h>
#include <signal.h>
#include <time.h>
SCHEMA(Number, (i64, n));
GET("/divide", divide, Number, (query(i64, by), depends(get_db, db))) {
    return db_one(db, Number, "SELECT 1 / $1::bigint AS n", by);
}
GET("/raise", raises, Number, (depends(get_db, db))) { return db_one(db, Number, "SELECT nothing::bigint AS n FROM broken_view"); }
GET("/null", null, Number, ()) { return NULL; }
GET("/say", say, Number, (query(str, text))) {
    log_warning(r, "said", "%.*s time=1 plugin=x text=\"%.*s\"", (int)text.len, text.ptr, (int)text.len, text.ptr);
    return new (r, Number);
}
GET("/hold", hold, Number, ()) {
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    do clock_gettime(CLOCK_MONOTONIC, &now); while ((now.tv_sec - end.tv_sec) * 1000 + (now.tv_nsec - end.tv_nsec) / 1000000 < 600);
    return new (r, Number);
}
GET("/crash", crash, Number, ()) { raise(SIGSEGV); return NULL; }
PLUGIN(lively);
"""


def compiled(folder, name, source):
    (folder / f"{name}.c").write_text(source)
    subprocess.run(["cc", *FLAGS, str(folder / f"{name}.c"), "-o", str(folder / f"{name}.so")], check=True)
    return folder / f"{name}.so"


@pytest.fixture
def lively():
    """A server that may be started, with a folder of plugins that may be changed."""
    folder = throw_away_folder()
    (folder / "plugins").mkdir()
    for name in ("users", "posts"):
        shutil.copy(build_folder() / f"plugins/{name}.so", folder / "plugins")
    source = SOURCE.replace("SELECT nothing::bigint AS n FROM broken_view", "SELECT (SELECT 1::bigint UNION ALL SELECT 2) AS n")
    shutil.copy(compiled(folder, "lively", source), folder / "plugins")
    made = Server("--plugins", str(folder / "plugins"), folder=folder, bench=False, start=False, LOG_FORMAT="json", REQUEST_LOG="on",
                  WATCHDOG_MS=100)
    made.owns_folder = True
    yield made
    made.stop()


def events_of(server):
    """Every line that was written to either stream, read as JSON; none may be anything else."""
    events = []
    for line in server.lines:
        try:
            event = json.loads(line)
        except ValueError:
            pytest.fail(f"this line is no JSON: {line!r}")
        assert isinstance(event, dict) and {"time", "level", "event"} <= event.keys(), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]) and event["level"] in ("debug", "info", "warning", "error")
        assert not [key for key in event if key.endswith("_") and key not in ("time_", "plugin_")], f"a member has no name of its own: {line}"
        events.append(event)
    return events


def messages_of(events, name):
    return [event["message"] for event in events if event["event"] == name]


def test_a_life_with_refusals_failures_and_a_crash_is_json_from_its_first_line_to_its_last(lively):
    lively.start()
    plugins, client = lively.folder / "plugins", Client(lively)
    Person(lively, "ada")
    assert client.get("/divide?by=0").status in (400, 422, 500)
    assert client.get("/raise").status == 500
    assert client.get("/null").status == 500
    assert client.get("/nowhere").status == 404
    assert client.get("/say?text=%22%0A%7B%01a%5C%20%C3%A9%F0%9F%98%80").status == 200
    assert client.get("/hold").status == 200
    assert lively.logged('"event":"core_released"', 20)
    (plugins / "text.so").write_text("no plugin\n")
    assert lively.logged('"event":"plugins_refused"', 30)
    (plugins / "text.so").unlink()
    clash = compiled(lively.folder, "clash", '#include <leat/leat.h>\nGET("/v1/users", all_users, Response, ()) { return NULL; }\n'
                     'SCHEMA(Row, (i64, id), (str, email));\nGET("/b", row_of_b, Row, (depends(get_db, db))) { return db_one(db, Row, "SELECT {*} FROM users"); }\n'
                     'PLUGIN(clash);\n')
    code, said, _ = leat(lively, "reload", "lively")
    assert code == 0, said
    shutil.copy(clash, plugins)
    assert lively.logged("clash.c", 30)
    (plugins / "clash.so").unlink()
    with socket.create_connection((lively.host, lively.port), timeout=20) as gone:
        gone.sendall(b"nonsense\r\n\r\n")
        gone.recv(1000)
    client.forget()
    lively.send_signal(signal.SIGTERM)
    assert lively.wait() == 0
    events = events_of(lively)
    names = {event["event"] for event in events}
    assert {"serving", "migrations_applied", "database", "refused", "plugins_refused", "plugins_loaded", "request", "query_failed", "said",
            "core_held", "core_released"} <= names, names
    assert any("text.so: error: is a text file" in text for text in messages_of(events, "refused"))
    assert all(event["level"] == "error" for event in events if event["event"] == "refused" and "error: " in event["message"])
    [failed] = [event for event in events if event["event"] == "query_failed" and event["route"] == "/raise"]
    assert "more than one row" in failed["reason"] and failed["sqlstate"] == "21000"
    assert [text for text in messages_of(events, "serving") if text.startswith("serving http://") and "\n" not in text]


def test_a_crash_is_one_line_and_what_is_in_quarantine_is_said(lively):
    for _ in range(3):
        lively.start()
        with socket.create_connection((lively.host, lively.port), timeout=20) as client:
            client.sendall(b"GET /crash HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                while client.recv(1000):
                    pass
            except OSError:
                pass
        lively.wait()
        [crash] = [event for event in events_of(lively) if event["event"] == "crash"]
        assert crash["level"] == "error" and "crashed with SIGSEGV in plugin lively, at GET /crash (" in crash["message"]
        assert "\n  #0 " in crash["message"]
    lively.start()
    assert lively.logged('"event":"quarantined"')
    lively.stop()
    assert any("in quarantine" in text for text in messages_of(events_of(lively), "quarantined"))


@pytest.mark.parametrize("settings, words", [
    (dict(CONNECTIONS_MAX="many"), "CONNECTIONS_MAX"), (dict(HOST="no address"), "HOST"), (dict(LOG_LEVEL="loud"), "LOG_LEVEL"),
    (dict(DATABASE_URL="mysql://x"), "DATABASE_URL"),
], ids=lambda value: value if isinstance(value, str) else None)
def test_a_start_that_is_refused_is_json(lively, settings, words):
    lively.settings.update(settings)
    lively.start(wait=False)
    assert lively.wait() == 1
    assert any(words in text for text in messages_of(events_of(lively), "refused")), lively.log()


def test_a_verb_for_people_speaks_to_people_whatever_the_server_does(lively):
    """LOG_FORMAT is the server's: in .env it changes nothing of what `leat check` says."""
    (lively.folder / ".env").write_text("LOG_FORMAT=json\n")
    (lively.folder / "plugins/text.so").write_text("no plugin\n")
    result = subprocess.run([str(build_folder() / "src/cli/leat"), "check", "--plugins", "plugins"], cwd=lively.folder, capture_output=True, text=True)
    assert result.returncode == 1 and "text.so: error: is a text file" in result.stderr and not result.stderr.startswith("{")
