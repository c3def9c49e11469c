"""test_work.py — work outside requests: beginnings and ends of plugins, values per core, what comes again, tasks and their drain."""

import re
import signal
import subprocess
import time

import pytest

from client import Client
from server import ROOT, Server, throw_away_folder

FLAGS = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]
COMMON = """
#include <leat/leat.h>
#include <stdatomic.h>
SCHEMA(Text, (str, text), (i64, number));
"""


def build(folder, name, source):
    file = folder / f"{name}.c"
    file.write_text(COMMON + source)
    target = folder / f".{name}.so"
    subprocess.run(["cc", *FLAGS, str(file), "-o", str(target)], check=True)
    target.rename(folder / f"{name}.so")


@pytest.fixture
def plugins():
    folder = throw_away_folder()
    yield folder
    subprocess.run(["rm", "-r", str(folder)], check=True)


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def events(server, name):
    return [line for line in list(server.lines) if re.search(rf'(^|[ "]){name}([ ",]|$)', line)]


LIFE = """
static atomic_int made;
PROVIDE(get_table, str, (), .per_worker = true) {
    log_info(r, "table_made", "number=%d", atomic_fetch_add(&made, 1) + 1);
    on_done(r, (void (*)(void *, enum outcome))(void (*)(void))done, r);
    return format(r, "a table of VERSION");
}
ON_START(begins, (depends(get_db, db), depends(get_table, table))) {
    log_info(r, "it_begins", "version=VERSION one=%d", (int)db_value(db, i64, "SELECT 1::bigint"));
    FAILING
}
ON_STOP(ends, (depends(get_db, db))) {
    log_info(r, "it_ends", "version=VERSION two=%d", (int)db_value(db, i64, "SELECT 2::bigint"));
}
EVERY(ticks, 0.2, (), .at_start = true) { log_info(r, "it_ticks", "version=VERSION"); }
GET("/table", table, Text, (depends(get_table, t))) {
    Text *text = new (r, Text);
    text->text = t;
    text->number = atomic_load(&made);
    return text;
}
GET("/slow", slow, Text, (depends(get_table, t), depends(get_db, db))) {
    db_exec(db, "SELECT pg_sleep(1)");
    Text *text = new (r, Text);
    text->text = t;
    return text;
}
PLUGIN(life);
"""


def life(version, failing="", done="static atomic_int gone; static void done(void *a, enum outcome o) { (void)a; (void)o; gone++; }"):
    return done + LIFE.replace("VERSION", version).replace("FAILING", failing)


# promise 15
def test_a_plugin_begins_before_its_first_request_and_ends_after_its_last(plugins):
    build(plugins, "life", life("one"))
    server = Server("--plugins", str(plugins), workers=2, bench=False, LOG_FORMAT="text")
    try:
        answer = Client(server).get("/table")
        assert answer.status == 200 and answer.json["text"] == "a table of one"
        wait_for(lambda: len(events(server, "table_made")) == 2)  # lines are written behind what they tell of
        assert len(events(server, "it_begins")) == 1, server.log()
        begun, serving = server.lines.index(events(server, "it_begins")[0]), server.log().index("serving http://")
        assert begun >= 0 and serving > 0
        wait_for(lambda: len(events(server, "it_ticks")) >= 3)

        build(plugins, "life", life("two"))
        wait_for(lambda: events(server, "plugins_loaded"))
        assert Client(server).get("/table").json["text"] == "a table of two"
        wait_for(lambda: any("version=one" in line for line in events(server, "it_ends")))
        assert len(events(server, "it_begins")) == 2
        time.sleep(0.3)
        count = len([line for line in events(server, "it_ticks") if "version=one" in line])
        wait_for(lambda: len([line for line in events(server, "it_ticks") if "version=two" in line]) >= 3)
        assert len([line for line in events(server, "it_ticks") if "version=one" in line]) == count, "the old one still ticks"
    finally:
        status = server.stop()
    assert status == 0, server.log()
    ends = events(server, "it_ends")
    assert [re.search(r"version=(\w+)", line)[1] for line in ends] == ["one", "two"], server.log()
    assert all("two=2" in line for line in ends)
    done = [re.search(r"(ON_START|ON_STOP)=\w+ at=\S+:\d+ ms=\d+", line)[1] for line in events(server, "work_done")]
    assert sorted(done) == ["ON_START", "ON_START", "ON_STOP", "ON_STOP"], server.log()


def test_a_reload_of_another_plugin_leaves_values_and_lives_as_they_are(plugins):
    build(plugins, "life", life("one"))
    with Server("--plugins", str(plugins), workers=2, bench=False, LOG_FORMAT="text") as server:
        assert Client(server).get("/table").json["number"] == 2
        build(plugins, "other", 'GET("/other", other, Text, ()) { return new (r, Text); }\nPLUGIN(other);')
        wait_for(lambda: events(server, "plugins_loaded"))
        assert Client(server).get("/other").status == 200
        assert Client(server).get("/table").json["number"] == 2, "the values were made again"
        assert len(events(server, "it_begins")) == 1 and not events(server, "it_ends")


def test_a_beginning_that_fails_refuses_a_strict_start_and_says_why(plugins):
    build(plugins, "life", life("one", 'http_fail(r, 500, "the shop is closed");'))
    server = Server("--plugins", str(plugins), start=False, bench=False, LOG_FORMAT="text", STRICT_PLUGINS="true").start(wait=False)
    assert server.wait() == 1
    assert "life.c:" in server.log() and "ON_START 'begins' of plugin 'life' failed on core 0: the shop is closed" in server.log()
    assert not events(server, "it_ends") and "serving http" not in server.log()
    server.stop()


def test_a_value_that_cannot_be_made_refuses_a_reload_and_the_old_one_goes_on(plugins):
    build(plugins, "life", life("one"))
    with Server("--plugins", str(plugins), workers=2, bench=False, LOG_FORMAT="text") as server:
        assert Client(server).get("/table").status == 200
        build(plugins, "life", 'PROVIDE(get_x, Text *, (), .per_worker = true) { return NULL; }\n'
                               'GET("/table", table, Text, (depends(get_x, x))) { return x; }\nPLUGIN(life);')
        wait_for(lambda: events(server, "plugins_refused"))
        assert "per_worker 'get_x' of plugin 'life' failed on core" in server.log() and "it returned NULL" in server.log()
        assert Client(server).get("/table").json["text"] == "a table of one"
        build(plugins, "life", life("two", 'if (1) http_fail(r, 500, "not today");'))
        wait_for(lambda: len(events(server, "plugins_refused")) == 2)
        assert "failed on core 0: not today" in server.log()
        assert Client(server).get("/table").json["text"] == "a table of one"
        assert not [line for line in events(server, "it_ends") if "version=two" in line]


TASKS = """
static atomic_int told;
TASK(tell, (i64, number)) {
    timestamp now = timestamp_now();
    (void)now;
    if (a->number % 1000 == 7)
        http_fail(r, 500, "a seventh");
    atomic_fetch_add(&told, 1);
    log_info(r, "told", "number=%d", (int)a->number);
}
TASK(wait, (i64, number)) {
    db_conn *nothing = NULL;
    (void)nothing;
    password_hash(r, S("something that takes a while"));
    log_info(r, "waited", "number=%d", (int)a->number);
}
POST("/tell", tell_all, Empty, (query(i64, count), query(i64, from))) {
    for (i64 i = 0; i < count; i++)
        spawn(r, tell, .number = from + i);
    return NULL;
}
POST("/wait", wait_all, Empty, (query(i64, count))) {
    for (i64 i = 0; i < count; i++)
        spawn(r, wait, .number = i);
    return NULL;
}
static void unloaded(leat_host *h) { (void)h; }
PLUGIN(tasks, .on_unload = unloaded);
"""


# promise 49
def test_ten_thousand_tasks_are_run_before_a_server_ends(plugins):
    build(plugins, "tasks", TASKS)
    server = Server("--plugins", str(plugins), workers=2, bench=False, LOG_FORMAT="text", PASSWORD_MEMORY_KIB=8, PASSWORD_PASSES=1)
    try:
        client = Client(server)
        for k in range(10):
            assert client.post(f"/tell?count=1000&from={k * 1000}", body=b"").status == 204
        assert client.post("/wait?count=60", body=b"").status == 204
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    finally:
        server.stop()
    failed = len(events(server, "work_failed"))
    dropped = sum(int(match[1]) for line in server.lines if (match := re.search(r"log_(?:dropped|lost).*?(\d+)", line)))
    told = {int(re.search(r"number=(\d+)", line)[1]) for line in events(server, "told")}
    waited = len(events(server, "waited"))
    found = {"failed": failed, "told": len(told), "waited": waited, "dropped": dropped}
    assert failed + len(told) + waited + dropped >= 10060, found  # a line that the sink had no time for is counted
    assert dropped or found == {"failed": 10, "told": 9990, "waited": 60, "dropped": 0}, found


BLOCKING = """
#include <unistd.h>
GET("/blocks", blocks, Text, (query(i64, ms, .def = 200)), .blocking = true) {
    usleep((useconds_t)ms * 1000);
    return new (r, Text);
}
PLUGIN(blocking);
"""


# promise 47
def test_a_blocking_route_delays_nobody_else(plugins):
    build(plugins, "blocking", BLOCKING)
    with Server("--plugins", str(plugins), workers=1, bench=False) as server:
        from client import Wire, request_bytes
        busy = [Wire(server) for _ in range(20)]
        began = time.monotonic()
        for wire in busy:
            wire.send(request_bytes("GET", "/blocks"))
        took = []
        client = Client(server)
        while time.monotonic() - began < 0.15:
            start = time.monotonic()
            assert client.get("/health").status == 200
            took.append(time.monotonic() - start)
        assert len(took) > 10 and sorted(took)[len(took) // 2] < 0.02, took
        for wire in busy:
            assert wire.answer().status == 200
        assert time.monotonic() - began < 10 * 0.2, "they were not side by side"


def test_a_server_that_ends_waits_for_its_blocking_handlers(plugins):
    build(plugins, "blocking", BLOCKING)
    server = Server("--plugins", str(plugins), workers=2, bench=False)
    try:
        from client import Wire, request_bytes
        wire = Wire(server)
        wire.send(request_bytes("GET", "/blocks?ms=1500"))
        time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        assert wire.answer().status == 200
        assert server.wait() == 0
    finally:
        server.stop()
