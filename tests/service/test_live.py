"""test_live.py — plugins that come, change and go while the server serves: no request fails, a wrong one changes nothing."""

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
REPLACEMENTS = 40


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
    for count in range(REPLACEMENTS):
        before = generations(live)
        put(live, versions["two" if count % 2 == 0 else "one"])
        wait_for(lambda: generations(live) != before)
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
