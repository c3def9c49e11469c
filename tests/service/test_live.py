"""test_live.py — plugins that come, change and go while the server serves: no request fails, a wrong one changes nothing."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import threading
import time

import pytest

from client import Client
from server import ROOT, Server, build_folder

SOURCE = """
#include <leat/leat.h>
SCHEMA(Version, (str, version), (i64, answer));
GET("/version", version, Version, (depends(get_db, db))) {
    Version *v = new(r, Version);
    v->version = S(VERSION);
    v->answer = db_value(db, i64, "SELECT 42::bigint");
    return v;
}
GET("/quick", quick, Response, ()) { return text(r, S(VERSION)); }
EXTRA
PLUGIN(live, .version = VERSION);
"""
FLAGS = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]
asan = "ASAN_OPTIONS" in os.environ
REPLACEMENTS = 15 if asan else 100
FEW_REPLACEMENTS = 8 if asan else 20  # with every answer looked at
WARM_UP_REPLACEMENTS = 5 if asan else 30
MEMORY_BYTES_MAX = (256 if asan else 16) << 20  # AddressSanitizer keeps what was freed


def build(folder, version, extra=""):
    source = folder / f"{version}.c"
    source.write_text(SOURCE.replace("EXTRA", extra))
    target = folder / f"{version}.so"
    subprocess.run(["cc", *FLAGS, f'-DVERSION="{version}"', str(source), "-o", str(target)], check=True)
    return target


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    return {version: build(folder, version) for version in ("one", "two")}


@pytest.fixture
def live(tmp_path):
    """A server on a folder of plugins of its own, which may be changed."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    tmp_path.chmod(0o755)
    for file in (build_folder() / "plugins").glob("*.so"):
        shutil.copy(file, plugins)
    with Server("--plugins", str(plugins), bench=False) as server:
        server.plugins = plugins
        yield server


def put(server, file, name="live.so"):
    """As an editor or a package manager does: whole, under its name at once."""
    beside = server.plugins / ".coming"
    shutil.copy(file, beside)
    os.rename(beside, server.plugins / name)


def generations(server):
    return [int(match[1]) for line in list(server.lines) if (match := re.search(r"plugins_loaded.*?generation[\"=: ]+(\d+)", line))]


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def answer_of(server, path="/version"):
    client = Client(server)
    try:
        return client.get(path)
    finally:
        client.forget()


def test_a_plugin_that_is_dropped_in_is_live(live, versions):
    assert answer_of(live).status == 404
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    assert answer_of(live).json == {"version": "one", "answer": 42}
    assert "/version" in answer_of(live, "/openapi.json").json["paths"]


def test_a_plugin_that_is_copied_over_is_replaced(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    shutil.copy(versions["two"], live.plugins / "live.so")  # in place: the old bytes are written over
    wait_for(lambda: answer_of(live).json["version"] == "two")


def test_a_plugin_that_is_removed_takes_its_routes_with_it(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    (live.plugins / "live.so").unlink()
    wait_for(lambda: answer_of(live).status == 404)
    assert "/version" not in answer_of(live, "/openapi.json").json["paths"]
    assert answer_of(live, "/v1/posts").status == 200


WRONG = {
    "a text file": lambda folder: (folder / "bad.so").write_text("no plugin") and folder / "bad.so",
    "a route that is served already": lambda folder: build(folder, "bad", 'GET("/health", mine, Response, ()) { return text(r, S("mine")); }'),
    "SQL that does not type": lambda folder: build(
        folder, "bad", 'GET("/bad", bad, Version, (depends(get_db, db))) { return db_one(db, Version, "SELECT no_such FROM users"); }'),
    "an import that is not there": lambda folder: build(folder, "bad", 'IMPORT(get_nobody, uuid, "nobody");'),
    "a setting that is missing": lambda folder: build(folder, "bad", "SETTINGS(Needs, (str, must_be_set));"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_plugin_that_is_wrong_is_refused_and_the_one_before_serves_on(live, versions, tmp_path, what):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    put(live, WRONG[what](tmp_path))
    assert live.logged("plugins_refused", 10)
    assert any(": error: " in line for line in live.lines), live.log()
    assert answer_of(live).json == {"version": "one", "answer": 42}
    put(live, versions["two"])
    wait_for(lambda: answer_of(live).json["version"] == "two")


def test_a_head_that_was_seen_before_finds_the_new_version(live, versions):
    """The very same bytes, on one connection: what was found for them is of the generation before."""
    put(live, versions["one"])
    wait_for(lambda: answer_of(live, "/quick").status == 200)
    client = Client(live)
    for count in range(6):
        version = "two" if count % 2 == 0 else "one"
        assert {client.get("/quick").body for _ in range(20)} == {b"one" if version == "two" else b"two"}
        put(live, versions[version])
        wait_for(lambda: answer_of(live).json["version"] == version)
    client.forget()


# promise n1
def test_no_request_fails_while_a_plugin_is_replaced(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    ending, seen, failures = threading.Event(), set(), []

    def ask(path, read):
        client = Client(live)
        try:
            while not ending.is_set():
                answer = client.get(path)
                if answer.status != 200:
                    failures.append(answer)
                else:
                    seen.add(read(answer))
        except Exception as error:  # told below: a thread's own would be lost
            failures.append(error)
        client.forget()

    threads = [threading.Thread(target=ask, args=("/version", lambda answer: answer.json["version"])) for _ in range(4)]
    threads += [threading.Thread(target=ask, args=("/quick", lambda answer: answer.body.decode())) for _ in range(4)]
    for thread in threads:
        thread.start()
    replace(live, versions, FEW_REPLACEMENTS)
    ending.set()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert seen == {"one", "two"}
    check_nothing_is_left_of_old_generations(live)


def check_nothing_is_left_of_old_generations(server):
    copies = pathlib.Path(server.folder / "var/plugins")
    wait_for(lambda: len(list(copies.glob("live.*.so"))) == 1)
    mapped = {line.split()[-1] for line in pathlib.Path(f"/proc/{server.pid}/maps").read_text().splitlines() if "/plugins/live." in line}
    assert len(mapped) == 1, mapped


def test_a_request_that_has_begun_ends_on_the_plugin_it_began_with(live, versions, tmp_path):
    slow = build(tmp_path, "slow", 'GET("/slow", slow, Version, (depends(get_db, db))) {'
                 ' Version *v = new(r, Version); v->answer = db_value(db, i64, "SELECT 7::bigint FROM pg_sleep(1.5)");'
                 ' v->version = S(VERSION); return v; }')
    put(live, slow)
    wait_for(lambda: answer_of(live).status == 200)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer_of(live, "/slow")))
    thread.start()
    time.sleep(0.4)
    put(live, versions["two"])
    wait_for(lambda: answer_of(live).json["version"] == "two")
    assert not answers, "the slow request should still be under way"
    thread.join()
    assert answers[0].json == {"version": "slow", "answer": 7}
    check_nothing_is_left_of_old_generations(live)

STEADY = '#include <leat/leat.h>\nGET("/steady", steady, Response, ()) { return text(r, S("steady")); }\nPLUGIN(steady);\n'


def load(server, path, length, results, ending):
    """At full speed until `ending`: what each run of it saw. Both versions answer with as many bytes."""
    while not ending.is_set():
        done = subprocess.run([build_folder() / "bench/load", "--path", path, "--connections", "4", "--seconds", "2", "--length", str(length),
                               f"{server.host}:{server.port}"], capture_output=True, text=True, timeout=120)
        results.append(json.loads(done.stdout.splitlines()[-1]))


def size_of(server):
    wait_for(lambda: len({line.split()[-1] for line in maps_of(server) if "/plugins/live." in line}) == 1)
    return server.rss_bytes(), len(maps_of(server)), server.open_files()


def maps_of(server):
    return pathlib.Path(f"/proc/{server.pid}/maps").read_text().splitlines()


def replace(server, versions, count):
    for number in range(count):
        before = generations(server)
        put(server, versions["two" if number % 2 == 0 else "one"])
        wait_for(lambda: generations(server) != before, seconds=60)


@pytest.mark.skipif(not (build_folder() / "bench/load").exists(), reason="the load was not built")
def test_at_full_speed_nothing_fails_and_nothing_is_left_behind(live, versions, tmp_path):
    """Of two plugins one is replaced, over and over: every answer is right, and memory, mappings and descriptors are as before."""
    (tmp_path / "steady.c").write_text(STEADY)
    subprocess.run(["cc", *FLAGS, str(tmp_path / "steady.c"), "-o", str(tmp_path / "steady.so")], check=True)
    put(live, tmp_path / "steady.so", "steady.so")
    put(live, versions["one"])
    wait_for(lambda: answer_of(live, "/steady").status == 200 and answer_of(live).status == 200)
    results, quiet, ending, calm = [], [], threading.Event(), threading.Event()
    quiet_loads = [threading.Thread(target=load, args=(live, path, length, quiet, calm)) for path, length in (("/quick", 3), ("/steady", 6))]
    for thread in quiet_loads:
        thread.start()
    time.sleep(1)
    calm.set()
    for thread in quiet_loads:
        thread.join()
    threads = [threading.Thread(target=load, args=(live, path, length, results, ending)) for path, length in (("/quick", 3), ("/steady", 6))]
    for thread in threads:
        thread.start()
    replace(live, versions, WARM_UP_REPLACEMENTS)
    before = size_of(live)
    replace(live, versions, REPLACEMENTS - WARM_UP_REPLACEMENTS)
    ending.set()
    for thread in threads:
        thread.join()
    after = size_of(live)
    slowest_ms, quiet_ms = (max(result["latency_us"]["max"] for result in each) / 1000 for each in (results, quiet))
    requests = sum(result["requests"] for result in results)
    print(f"{REPLACEMENTS} replacements, {requests} requests, the slowest {slowest_ms:.1f} ms ({quiet_ms:.1f} ms without), "
          f"memory {before[0] >> 10} to {after[0] >> 10} KiB, mappings {before[1]} to {after[1]}, descriptors {before[2]} to {after[2]}")
    assert requests > 1000 and all(result["errors"] == 0 for result in results), [result["first_error"] for result in results]
    assert after[0] - before[0] < MEMORY_BYTES_MAX and abs(after[1] - before[1]) < 40 and abs(after[2] - before[2]) < 16
    assert slowest_ms < 3 * quiet_ms + 500, "bounds for a machine that has other things to do"
