"""test_control.py — the running server as an operator sees it: what its plugins are at, changed and asked by the command."""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import threading
import time

import pytest

import tokens
from client import Client
from server import SECRET, Server, clean_environment, program
from test_live import answer_of, build, live, put, versions, wait_for  # noqa: F401 (fixtures)


def leat(server, *arguments, var=True, **settings):
    """The command, on that server: exit status, what it printed, what it complained of."""
    where = ["--var", str(server.folder / "var")] if var else []
    done = subprocess.run([program(), *arguments, *where], cwd=server.folder, env=clean_environment(**settings), capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def plugins_of(server, *arguments):
    status, out, error = leat(server, "plugins", *arguments, "--json")
    assert status in (0, 3), error
    return {(row["name"], row["state"]): row for row in json.loads(out)["plugins"]}


def test_plugins_are_told_with_their_versions_and_routes(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    rows = plugins_of(live)
    row = rows["live", "serving"]
    assert row["version"] == "one" and row["routes"] == 2 and row["file"].endswith("live.so") and row["generation"] == 2
    assert {name for name, _ in rows} >= {"leat", "users", "posts", "live"}
    status, out, _ = leat(live, "plugins")
    assert status == 0 and f"process {live.pid}" in out and re.search(r"^live +one ", out, re.MULTILINE)


def test_a_replaced_plugin_is_rolled_back_and_forth(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    status, _, error = leat(live, "rollback", "live")
    assert status == 1 and "has not been replaced" in error
    put(live, versions["two"])
    wait_for(lambda: answer_of(live).json["version"] == "two")
    assert leat(live, "rollback", "live")[0] == 0
    assert answer_of(live).json["version"] == "one"
    assert leat(live, "reload")[1] == "nothing has changed\n", "what was rolled back stays so"
    assert "rolled back by hand" in plugins_of(live)["live", "serving"]["why"]
    assert leat(live, "rollback", "live")[0] == 0
    assert answer_of(live).json["version"] == "two"
    assert leat(live, "rollback", "live")[0] == 0
    assert leat(live, "reload", "live")[0] == 0
    assert answer_of(live).json["version"] == "two", "a reload takes the file's own"


def test_an_unloaded_plugin_stays_out_until_it_is_wanted(live, versions):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    assert leat(live, "unload", "live")[0] == 0
    assert answer_of(live).status == 404 and "/version" not in answer_of(live, "/openapi.json").json["paths"]
    assert ("live", "unloaded") in plugins_of(live)
    assert 'leat_plugins{plugin="live",state="unloaded"} 1' in answer_of(live, "/metrics").body.decode()
    assert leat(live, "reload", "live")[0] == 0
    assert answer_of(live).status == 200
    assert leat(live, "unload", "live")[0] == 0
    put(live, versions["two"])
    wait_for(lambda: answer_of(live).status == 200)
    assert answer_of(live).json["version"] == "two", "another file is loaded"


def test_what_others_require_is_not_unloaded(live):
    status, _, error = leat(live, "unload", "users")
    assert status == 1 and "'posts' requires the plugin 'users'" in error and "unload 'posts' first" in error
    assert answer_of(live, "/v1/posts").status == 200
    assert ("users", "serving") in plugins_of(live)


def test_a_reload_tells_why_it_was_refused_and_plugins_tell_it_later(live, versions, tmp_path):
    put(live, versions["one"])
    wait_for(lambda: answer_of(live).status == 200)
    bad = build(tmp_path, "bad", 'GET("/health", mine, Response, ()) { return text(r, S("mine")); }')
    shutil.copy(bad, live.plugins / "live.so")
    status, _, error = leat(live, "reload")
    assert status == 1 and "GET /health is served already" in error and "what served before goes on" in error
    status, out, _ = leat(live, "plugins")
    assert status == 3 and "refused" in out and "GET /health is served already" in out
    page = answer_of(live, "/metrics").body.decode()
    assert 'leat_plugins{plugin="live",state="refused"} 1' in page and 'leat_plugins{plugin="live",state="serving"} 1' in page
    put(live, versions["two"])
    wait_for(lambda: answer_of(live).json["version"] == "two")
    assert ("live", "refused") not in plugins_of(live)


def test_a_reload_by_name_runs_the_plugin_anew(live, tmp_path):
    counting = build(tmp_path, "counting", 'static int count; GET("/count", count_up, Response, ()) { return text(r, format(r, "%d", ++count)); }')
    put(live, counting)
    wait_for(lambda: answer_of(live, "/count").status == 200)
    before = int(answer_of(live, "/count").body)
    assert before > 1
    assert leat(live, "reload")[0] == 0 and int(answer_of(live, "/count").body) == before + 1
    assert leat(live, "reload", "live")[0] == 0 and int(answer_of(live, "/count").body) == 1


def test_a_generation_that_drains_says_what_holds_it(live, versions, tmp_path):
    slow = build(tmp_path, "slow", 'GET("/slow", slow, Version, (depends(get_db, db))) {'
                 ' Version *v = new(r, Version); v->answer = db_value(db, i64, "SELECT 7::bigint FROM pg_sleep(3)");'
                 ' v->version = S(VERSION); return v; }')
    put(live, slow)
    wait_for(lambda: answer_of(live).status == 200)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer_of(live, "/slow")))
    thread.start()
    wait_for(lambda: plugins_of(live)["live", "serving"]["requests"] == 1)
    put(live, versions["two"])
    wait_for(lambda: ("live", "draining") in plugins_of(live))
    row = plugins_of(live)["live", "draining"]
    holder = row["held_by"][0]
    assert row["version"] == "slow" and row["requests"] == 1
    assert holder["route"] == "/slow" and holder["handler"] == "slow" and holder["at"].split(":")[0].endswith("slow.c")
    assert "held by GET /slow" in row["why"] and holder["longest_ms"] > 0
    thread.join()
    assert answers[0].json["version"] == "slow"
    wait_for(lambda: ("live", "draining") not in plugins_of(live))


def test_the_socket_is_nobody_elses(live):
    run = live.folder / "var/run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in run.iterdir()] == [0o600]


def test_of_several_servers_on_one_folder_one_is_named(tmp_path):
    folder = tmp_path
    folder.chmod(0o755)
    with Server(bench=False, folder=folder) as first, Server(bench=False, folder=folder) as second:
        status, _, error = leat(first, "plugins")
        assert status == 1 and f"--pid {first.pid}" in error and f"--pid {second.pid}" in error
        for server in (first, second):
            status, out, _ = leat(server, "plugins", "--pid", str(server.pid), "--json")
            assert status == 0 and json.loads(out)["pid"] == server.pid
        assert "no server 1 runs" in leat(first, "plugins", "--pid", "1")[2]
        assert leat(first, "plugins", "--pid", "x")[0] == 1


def test_without_a_server_it_is_said_how_to_find_one(tmp_path):
    done = subprocess.run([program(), "plugins"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 1 and "no server runs on the folder var; name its folder with --var" in done.stderr


def test_a_server_that_was_killed_is_not_found(tmp_path):
    tmp_path.chmod(0o755)
    server = Server(bench=False, folder=tmp_path)
    server.kill()
    try:
        status, _, error = leat(server, "plugins")
        assert status == 1 and "no server runs" in error
        server.start()
        assert leat(server, "plugins")[0] == 0
        assert len(list((tmp_path / "var/run").iterdir())) == 1
    finally:
        server.stop()


def test_a_token_is_good_where_the_server_is(live):
    client = Client(live)
    body = {"email": "op@example.org", "first_name": "O", "last_name": "P", "password": "Secure123"}
    user = client.post("/v1/auth/register", body).json
    status, out, _ = leat(live, "token", "--sub", user["id"], "--minutes", "2", SECRET_KEY=SECRET)
    assert status == 0
    claims = tokens.decode(out.strip())[1]
    assert claims["sub"] == user["id"] and claims["exp"] - claims["iat"] == 120
    client.token = out.strip()
    assert client.get("/v1/users/me").json["id"] == user["id"]
    made = json.loads(leat(live, "token", "--sub", "x", "--json", SECRET_KEY=SECRET)[1])
    assert made["token_type"] == "bearer" and made["expires_in"] == 1800
    assert leat(live, "token", "--sub", "x", "--minutes", "0")[0] == 2
    assert leat(live, "token")[0] == 2


def test_a_token_of_a_development_server_is_signed_with_its_own_key(tmp_path):
    tmp_path.chmod(0o755)
    with Server(bench=False, folder=tmp_path, SECRET_KEY=None) as server:
        token = leat(server, "token", "--sub", "somebody")[1].strip()
        key = (tmp_path / "var/secret_key").read_text().strip()
        assert token.endswith(tokens.sign(token.rpartition(".")[0], key))


@pytest.mark.parametrize("verb", ["plugins", "reload", "unload", "rollback", "token"])
def test_every_verb_helps(verb, tmp_path):
    done = subprocess.run([program(), verb, "--help"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True)
    assert done.returncode == 0 and "Examples:" in done.stdout and f"usage: leat {verb}" in done.stdout


def test_garbage_on_the_socket_is_answered_and_harms_nobody(live):
    import socket
    path = next((live.folder / "var/run").iterdir())
    for line in (b"\n", b"{}\n", b'{"verb": "no such"}\n', b"\xff\xfe\n", b'{"verb": 7}\n', b"[" * 2000 + b"\n"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(line)
            assert json.loads(client.makefile().read())["error"]
    assert answer_of(live, "/health").status == 200


def test_a_var_that_is_a_file_is_refused_once_and_rightly(tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run([program(), "run", "--port", "0", "--var", "file"], cwd=tmp_path, env=clean_environment(), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr == "file: error: this folder cannot be made: Not a directory; name another with --var\n"


def test_a_key_is_told_of_only_by_a_server_that_starts(tmp_path):
    done = subprocess.run([program(), "run", "--port", "99999", "--var", "var"], cwd=tmp_path, env=clean_environment(), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 1 and "--port" in done.stderr and "key" not in done.stderr


def test_the_version_names_the_compiler(tmp_path):
    out = subprocess.run([program(), "--version"], capture_output=True, text=True).stdout
    assert "built with gcc " in out or "built with Clang" in out or "clang" in out.lower()
