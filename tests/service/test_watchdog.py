"""test_watchdog.py — a handler that holds its core is named; a plugin that crashes is named, and kept out after three times."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from server import ROOT, Server, build_folder
from test_control import leat, plugins_of
from test_live import FLAGS, answer_of, wait_for

SOURCE = """
#include <leat/leat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
GET("/fine", fine, Response, ()) { return text(r, S("fine")); }
GET("/hold", hold, Response, ()) { usleep(600000); return text(r, S("held")); }
static __attribute__((noinline)) void write_there(volatile int *place) { *place = 1; }
GET("/segv", segv, Response, ()) { write_there((volatile int *)24); return text(r, S("")); }
GET("/abort", aborts, Response, ()) { abort(); }
GET("/nowhere", nowhere, Response, ()) { void (*volatile f)(void) = (void (*)(void))16; f(); return text(r, S("")); }
static __attribute__((noinline)) int deep(int n) { volatile char room[512]; room[n & 511] = 1; return n < 0 ? 0 : deep(n + 1) + room[3]; }
GET("/overflow", overflow, Response, ()) { return text(r, format(r, "%d", deep(1))); }
TASK(later, (i64, n)) { (void)a; write_there((volatile int *)32); }
GET("/task", tasks, Response, ()) { spawn(r, later, .n = 1); return text(r, S("spawned")); }
PLUGIN(shaky, .version = "1");
"""
asan = os.environ.get("ASAN_OPTIONS") is not None


@pytest.fixture(scope="module")
def shaky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shaky")
    (folder / "shaky.c").write_text(SOURCE)
    subprocess.run(["cc", *FLAGS, "-g", str(folder / "shaky.c"), "-o", str(folder / "shaky.so")], check=True)
    return folder / "shaky.so"


def line_of(word):
    return next(number for number, line in enumerate(SOURCE.splitlines(), 1) if word in line)


@pytest.fixture
def unwell(tmp_path, shaky):
    """Without the service's own plugins: it starts in a moment."""
    tmp_path.chmod(0o755)
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    shutil.copy(shaky, plugins)
    made = Server("--plugins", str(plugins), bench=False, folder=tmp_path, LOG_FORMAT="json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    made.plugins = plugins
    yield made
    made.stop()


def crash(server, path):
    """Asks for it, and gives the exit status."""
    with socket.create_connection((server.host, server.port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        try:
            while client.recv(1000):
                pass
        except OSError:
            pass
    return server.wait()


# promise n11
def test_a_handler_that_holds_its_core_is_named_and_counted(unwell):
    assert answer_of(unwell, "/hold").body == b"held"
    assert unwell.logged('"event":"core_released"')
    held = next(line for line in unwell.lines if '"event":"core_held"' in line)
    assert '"plugin":"shaky"' in held and '"route":"/hold"' in held and f'shaky.c:{line_of("/hold")}"' in held
    assert 100 <= int(re.search(r'"held_ms":(\d+)', held)[1]) < 600
    released = next(line for line in unwell.lines if '"event":"core_released"' in line)
    assert 500 < int(re.search(r'"held_ms":(\d+)', released)[1]) < 5000
    assert sum('"event":"core_held"' in line and "/hold" in line for line in unwell.lines) == 1, "once an incident"
    page = answer_of(unwell, "/metrics").body.decode()
    assert re.search(r'leat_core_held_total\{method="GET",route="/hold",handler="hold",at="[^"]*shaky.c:\d+",plugin="shaky"\} 1\n', page)
    assert re.search(r'leat_core_held_seconds_total\{[^}]*"/hold"[^}]*\} 0\.[5-9]', page)


@pytest.mark.parametrize("path, name, where", [("/segv", "SIGSEGV", "write_there+"), ("/abort", "SIGABRT", "abort"),
                                               ("/nowhere", "SIGSEGV", "nowhere__call+"), ("/overflow", "SIGSEGV", "deep+"),
                                               ("/task", "SIGSEGV", "write_there+")])
def test_a_plugin_that_crashes_is_named_with_its_route_and_the_way_there(unwell, path, name, where):
    status = crash(unwell, path)
    assert asan or status == -getattr(signal, name), f"it ended with {status}, not with its signal"
    at = line_of("TASK(later") if path == "/task" else line_of(f'"{path}"')
    what = "task later" if path == "/task" else f"GET {path}"
    told = next(line for line in unwell.words() if line.startswith("leat: error: crashed with"))
    assert f"crashed with {name}" in told and f"in plugin shaky, at {what} (" in told and f"shaky.c:{at})" in told
    assert any(re.match(r"  #\d+ ", line) and where in line for line in unwell.words()), unwell.log()
    report = next((unwell.folder / "var/crashes").glob("crash-*.txt")).read_text()
    assert f"signal={name}\n" in report and "plugin=shaky\n" in report and f"route={what}\n" in report and told in report


def test_after_three_crashes_in_a_row_a_plugin_is_kept_out_until_it_is_wanted(unwell):
    for _ in range(3):
        crash(unwell, "/segv")
        unwell.start()
    assert any("the plugin 'shaky' is in quarantine and not loaded: it crashed 3 times in a row" in line for line in unwell.lines)
    assert unwell.logged('"event":"plugin_quarantined"')
    assert answer_of(unwell, "/fine").status == 404 and answer_of(unwell, "/health/live").status == 200
    row = plugins_of(unwell)["shaky", "quarantined"]
    assert "SIGSEGV at GET /segv" in row["why"]
    assert 'leat_plugins{plugin="shaky",state="quarantined"} 1' in answer_of(unwell, "/metrics").body.decode()
    unwell.send_signal(signal.SIGTERM)
    assert unwell.wait() == 0
    unwell.start()
    assert answer_of(unwell, "/fine").status == 404, "the next start keeps it out as well"
    assert leat(unwell, "reload", "shaky")[0] == 0
    assert answer_of(unwell, "/fine").status == 200
    crash(unwell, "/segv")
    unwell.start()
    assert answer_of(unwell, "/fine").status == 200, "it has three again"


def test_another_file_ends_a_quarantine(unwell, shaky):
    for _ in range(3):
        crash(unwell, "/abort")
        unwell.start()
    assert answer_of(unwell, "/fine").status == 404
    shutil.copy(shaky, unwell.plugins / ".next")
    os.rename(unwell.plugins / ".next", unwell.plugins / "shaky.so")
    wait_for(lambda: answer_of(unwell, "/fine").status == 200)
    wait_for(lambda: not list((unwell.folder / "var/crashes").iterdir()))


def test_systemd_is_told_when_it_serves_when_it_lives_and_when_it_ends(tmp_path, shaky):
    path = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(20)
        tmp_path.chmod(0o755)
        with Server(bench=False, folder=tmp_path, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="400000",
                    DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as server:
            assert told.recv(100) == b"READY=1" and server.is_running()
            assert told.recv(100) == b"WATCHDOG=1" and told.recv(100) == b"WATCHDOG=1"
            server.send_signal(signal.SIGTERM)
            while (word := told.recv(100)) == b"WATCHDOG=1":
                pass
            assert word == b"STOPPING=1"
            assert server.wait() == 0
