"""test_start.py — starting, refusing to start, and stopping: what a person at a terminal meets."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import tokens
from client import Client, Closed, Wire, request_bytes
from people import FORM, PASSWORD, Person, register, sign_in
from server import SECRET, Server, build_folder, program, stop_private_postgres, throw_away_folder


@pytest.fixture
def folder():
    made = throw_away_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


def refuses(*arguments, seconds=20, **settings):
    """The words of a server that does not start."""
    server = Server(*arguments, start=False, **settings)
    try:
        server.start(wait=False)
        status = server.wait(seconds)
        text = server.log()
        assert status > 0, f"exit status {status}:\n{text}"
        assert "serving http" not in text
        return text
    finally:
        server.kill()
        server.throw_away()


# ---- the first start


# promise 44
def test_a_first_start_makes_its_database_and_an_empty_service():
    with Server(bench=False) as server:
        assert server.host == "127.0.0.1"
        client = Client(server)
        assert client.get("/v1/posts").json == {"data": [], "pagination": {"page": 1, "limit": 20, "total": 0, "pages": 0}}
        person = Person(server)
        assert [user["id"] for user in person.client.get("/v1/users").json] == [person.id]
        assert server.sql("SELECT count(*) FROM users") == [["1"]]
        assert Client(server).get("/plaintext").status == 404, "the bench plugins are here without --bench"
        listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True).stdout if shutil.which("ss") else ""
        assert "postgres" not in listening or str(server.folder) not in listening


# promise 54
def test_a_second_start_is_quick_and_finds_what_was_kept(folder):
    server = Server(bench=False, folder=folder)
    person = Person(server)
    assert server.stop() == 0
    server.start()
    try:
        assert server.seconds_to_serve < 3
        assert person.client.get("/v1/users/me").json == person.user
        assert sign_in(Client(server), person.email)
    finally:
        assert server.stop() == 0


def test_stopping_the_server_stops_its_database():
    server = Server(bench=False)
    pid = int((server.folder / "var/pg/data/postmaster.pid").read_text().splitlines()[0])
    assert server.stop() == 0
    end = time.monotonic() + 5
    while pathlib.Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not pathlib.Path(f"/proc/{pid}").exists(), "Postgres still runs"


def test_a_server_that_was_killed_starts_again(folder):
    server = Server(bench=False, folder=folder)
    person = Person(server)
    server.kill()
    server.start()
    try:
        assert person.client.get("/v1/users/me").json == person.user
    finally:
        assert server.stop() == 0


def test_a_database_that_was_killed_is_recovered_at_the_next_start(folder):
    server = Server(bench=False, folder=folder)
    person = Person(server)
    pid = int((folder / "var/pg/data/postmaster.pid").read_text().splitlines()[0])
    server.kill()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    time.sleep(0.5)
    server.start()
    try:
        assert person.client.get("/v1/users/me").json == person.user
    finally:
        assert server.stop() == 0


def test_a_database_that_is_killed_while_it_serves_is_started_again(folder):
    """Our own one; nobody else would."""
    with Server(bench=False, folder=folder) as server:
        person = Person(server)
        postmaster = int((folder / "var/pg/data/postmaster.pid").read_text().splitlines()[0])
        children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
        for pid in [postmaster, *map(int, children)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        end = time.monotonic() + 20
        while True:
            answer = person.client.get("/v1/users/me")
            if answer.status == 200:
                break
            assert answer.status == 503 and time.monotonic() < end, answer
        assert answer.json == person.user
        assert server.logged("database_restarted")
        assert server.stop() == 0


def test_two_servers_share_one_database(folder):
    first = Server(bench=False, folder=folder)
    second = Server(bench=False, folder=folder)
    try:
        person = Person(first)
        assert Client(second, person.token).get("/v1/users/me").json == person.user
        assert first.stop() == 0
        for _ in range(5):
            assert Client(second, person.token).get("/v1/users/me").json == person.user
            time.sleep(0.2)
        assert second.stop() == 0
    finally:
        first.kill()
        second.kill()
        stop_private_postgres(folder / "var")


def test_two_servers_that_start_at_once_make_one_database(folder):
    servers = [Server(bench=False, folder=folder, start=False) for _ in range(2)]
    try:
        for server in servers:
            server.start(wait=False)
        for server in servers:
            server.wait_until_it_answers()
        person = Person(servers[0])
        assert Client(servers[1], person.token).get("/v1/users/me").json == person.user
    finally:
        for server in servers:
            server.stop()


# ---- where settings come from


def test_a_flag_wins_over_the_environment_and_that_over_the_file(folder):
    lines = ["# a comment", "HOST=127.0.0.3", f'SECRET_KEY="{SECRET}"', "", "ACCESS_TOKEN_EXPIRE_MINUTES=7"]
    lines.append("BACKEND_CORS_ORIGINS='[\"http://from.file\"]'")
    (folder / ".env").write_text("\n".join(lines) + "\n")
    with Server(bench=False, folder=folder, SECRET_KEY=None) as server:
        assert server.host == "127.0.0.3"
        person = Person(server)
        assert abs(tokens.decode(person.token)[1]["exp"] - time.time() - 7 * 60) < 30
        assert person.token.endswith(tokens.sign(person.token.rpartition(".")[0], SECRET))
        assert Client(server).get("/health",
            headers={"Origin": "http://from.file"}).field("Access-Control-Allow-Origin") == "http://from.file"
    with Server(bench=False, folder=folder, SECRET_KEY=None, HOST="127.0.0.4") as server:
        assert server.host == "127.0.0.4"
    with Server("--host", "127.0.0.5", bench=False, folder=folder, SECRET_KEY=None, HOST="127.0.0.4") as server:
        assert server.host == "127.0.0.5"


def test_the_port_comes_from_the_environment_too(folder):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(bench=False, folder=folder, start=False, PORT=port)
    at = server.arguments.index("--port")
    del server.arguments[at:at + 2]
    with server.start():
        assert server.port == port


def test_ipv6_is_served_and_shown_in_brackets():
    with Server("--host", "::1", bench=False) as server:
        assert server.host == "::1"
        assert any("http://[::1]:" in line for line in server.lines)
        assert Client(server).get("/health").status == 200


def test_without_a_secret_a_development_run_makes_one_and_keeps_it(folder):
    server = Server(bench=False, folder=folder, SECRET_KEY=None)
    person = Person(server)
    assert "SECRET_KEY" in server.log(), "it does not say that it made one"
    server.stop()
    server.start()
    try:
        assert person.client.get("/v1/users/me").json == person.user
        secrets = [path for path in (folder / "var").rglob("*") if path.is_file() and "pg" not
            in path.relative_to(folder / "var").parts[:1]]
        for path in secrets:
            assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) or path.stat().st_size < 32, f"others may read {path}"
            if 32 <= path.stat().st_size < 200:
                assert path.read_text(errors="replace").strip() not in server.log()
    finally:
        assert server.stop() == 0


# ---- refusals


def test_production_refuses_to_start_without_a_secret():
    assert "SECRET_KEY" in refuses("--production", SECRET_KEY=None)


def test_production_starts_with_one():
    with Server("--production", bench=False) as server:
        assert Client(server).get("/health").status == 200


# promise 35
@pytest.mark.parametrize("secret", ["short-secret-value", "x" * 31])
@pytest.mark.parametrize("flags", [[], ["--production"]])
def test_a_short_secret_is_refused_and_not_shown(secret, flags):
    text = refuses(*flags, SECRET_KEY=secret)
    assert "SECRET_KEY" in text and "32" in text
    assert secret not in text


def test_all_wrong_settings_are_said_at_once_by_their_names():
    text = refuses(SECRET_KEY="too-short-and-secret", ACCESS_TOKEN_EXPIRE_MINUTES="soon", BACKEND_CORS_ORIGINS="no-scheme.example",
        WORKERS="many", HOST="127.0.0.1")
    text_of_flags = refuses(SECRET_KEY="too-short-and-secret", ACCESS_TOKEN_EXPIRE_MINUTES="0", BACKEND_CORS_ORIGINS="[5]")
    for name in ("SECRET_KEY", "ACCESS_TOKEN_EXPIRE_MINUTES", "BACKEND_CORS_ORIGINS"):
        assert name in text, (name, text)
        assert name in text_of_flags, (name, text_of_flags)
    assert "too-short-and-secret" not in text + text_of_flags


@pytest.mark.parametrize("name, value", [("PORT", "abc"), ("PORT", "65536"), ("PORT", "-1"), ("WORKERS", "-1"), ("WORKERS", "many"),
    ("WORKERS", "100000"), ("HOST", "not a host"),
                                         ("BACKEND_CORS_ORIGINS", '["http://a.example"'), ("BACKEND_CORS_ORIGINS", '["*"]'),
                                         ("DATABASE_URL", "nonsense://x")])
def test_a_wrong_setting_is_refused_by_its_name(name, value):
    server = Server(bench=False, start=False, **{name: value})
    if name in ("PORT", "WORKERS"):
        at = server.arguments.index("--" + name.lower())
        del server.arguments[at:at + 2]
    try:
        server.start(wait=False)
        assert server.wait(20) > 0
        assert name in server.log(), server.log()
    finally:
        server.kill()
        server.throw_away()


@pytest.mark.parametrize("arguments", [["--port", "abc"], ["--port"], ["--workers", "x"], ["--nonsense"], ["--plugins"],
    ["--plugins", "/does/not/exist"], ["surplus"]])
def test_a_wrong_flag_is_refused_by_its_name(arguments):
    text = refuses(*arguments)
    name = arguments[0].removeprefix("--")
    assert name in text or name.upper() in text or arguments[-1] in text


def test_a_database_password_is_not_shown():
    text = ""
    with Server(bench=False, start=False, DATABASE_URL="postgresql://app:hunter2-secret@127.0.0.1:1/app") as server:
        server.start(wait=False)
        time.sleep(2)
        text = server.log()
    assert "hunter2-secret" not in text


def test_a_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = refuses("--port", str(port))
    assert str(port) in text and "use" in text


def test_a_port_that_another_server_of_ours_uses_is_said(server):
    text = refuses("--port", str(server.port))
    assert str(server.port) in text and "use" in text
    assert Client(server).get("/health").status == 200


def test_an_address_that_is_not_ours_is_said():
    assert "192.0.2.1" in refuses("--host", "192.0.2.1")


def test_help_and_an_unknown_verb_say_what_there_is():
    text = subprocess.run([program(), "--help"], capture_output=True, text=True, timeout=10)
    assert text.returncode == 0 and "run" in text.stdout
    text = subprocess.run([program(), "nonsense"], capture_output=True, text=True, timeout=10)
    assert text.returncode > 0 and "nonsense" in text.stderr


# ---- plugins that are none


def some_plugin():
    found = sorted((build_folder() / "plugins").rglob("*.so"))
    assert found, "there is no plugin in the build folder"
    return found[0]


def without_entry(path):
    source = path.with_suffix(".c")
    source.write_text("int nothing(void) { return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source], check=True)
    source.unlink()


def with_wrong_magic(path):
    source = path.with_suffix(".c")
    source.write_text("__attribute__((visibility(\"default\"))) const unsigned long leat_plugin_entry[64] = {0x1234567812345678};\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source], check=True)
    source.unlink()


def with_undefined_symbol(path):
    source = path.with_suffix(".c")
    source.write_text("extern int nobody_has_this(void);\nint use(void) { return nobody_has_this(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, source], check=True)
    source.unlink()


BROKEN = {
    "a text": lambda path: path.write_text("this is no plugin\n"),
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(some_plugin().read_bytes()[:3000]),
    "half": lambda path: path.write_bytes(some_plugin().read_bytes()[:some_plugin().stat().st_size // 2]),
    "zeros": lambda path: path.write_bytes(some_plugin().read_bytes()[:64] + bytes(20_000)),
    "no entry": without_entry,
    "wrong magic": with_wrong_magic,
    "undefined symbol": with_undefined_symbol,
    "a folder": lambda path: path.mkdir(),
    "a link to nowhere": lambda path: path.symlink_to("/does/not/exist.so"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_refused_with_a_sentence(folder, kind):
    plugins = folder / "plugins"
    plugins.mkdir(mode=0o755)
    BROKEN[kind](plugins / "broken.so")
    server = Server("--plugins", str(plugins), bench=False, start=False)
    try:
        server.start(wait=False)
        end = time.monotonic() + 20
        while server.is_running() and not server.answers.is_set() and time.monotonic() < end:
            time.sleep(0.02)
        status = server.process.poll()
        assert status is None or status > 0, f"exit status {status}:\n{server.log()}"
        assert server.logged("broken.so") or kind == "a folder", server.log()
        line = next((line for line in server.lines if "broken.so" in line), "")
        assert kind == "a folder" or len(line.split()) >= 4, line
        if status is None:
            assert Client(server).get("/health").status == 200
    finally:
        server.stop()


# ---- stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_requests_in_flight_are_answered(number):
    with Server(bench=True) as server:
        email = register(Client(server))["email"]
        form = f"username={email}&password={PASSWORD}".replace("@", "%40").encode()
        logins = [Wire(server, timeout=30) for _ in range(6)]
        uploads = [Wire(server, timeout=30) for _ in range(4)]
        idle = [Wire(server) for _ in range(20)]
        idle[0].send(request_bytes("GET", "/health")).answer()
        for wire in logins:
            wire.send(request_bytes("POST", "/v1/auth/login", form, headers=FORM))
        for wire in uploads:
            wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        time.sleep(0.02)
        server.send_signal(number)
        began = time.monotonic()
        for wire in uploads:
            time.sleep(0.05)
            wire.send(b"world")
        assert [wire.answer().status for wire in logins] == [200] * 6
        for wire in uploads:
            answer = wire.answer()
            assert (answer.status, answer.body) == (200, b"helloworld")
        for wire in idle:
            assert wire.ends(10)
        assert server.wait() == 0
        assert time.monotonic() - began < 15
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((server.host, server.port), timeout=2)


def test_a_stop_under_load_cuts_no_answer():
    """Every request that was sent before the end is answered whole, or its connection closes without a byte of an answer."""
    with Server(bench=True) as server:
        cut, answered, stopping = [], [0], threading.Event()

        def ask():
            try:
                with Wire(server, timeout=20) as wire:
                    while not stopping.is_set():
                        wire.send(request_bytes("POST", "/echo", b"x" * 20_000))
                        try:
                            assert len(wire.answer().body) == 20_000
                            answered[0] += 1
                        except Closed as closed:
                            if "in the body" in str(closed) or str(closed) != "closed after b''":
                                cut.append(str(closed)[:200])
                            return
            except ConnectionError:
                return

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        stopping.set()
        for thread in threads:
            thread.join(30)
        assert answered[0] > 50 and not cut, cut[:3]


def test_connections_that_never_finish_do_not_keep_a_server_from_stopping():
    with Server(bench=True, DRAIN_MS=1500) as server:
        slow = [Wire(server) for _ in range(10)]
        for index, wire in enumerate(slow):
            wire.send((b"GET /hea", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")[index % 2])
        server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert server.wait(45) == 0
        assert time.monotonic() - began < 10


def test_a_second_signal_stops_at_once():
    with Server(bench=True) as server:
        wire = Wire(server).send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        time.sleep(0.1)
        server.send_signal(signal.SIGINT)
        time.sleep(0.3)
        if server.is_running():
            server.send_signal(signal.SIGINT)
        began = time.monotonic()
        server.wait(20)
        assert time.monotonic() - began < 10
        wire.close()


def test_the_server_runs_as_a_user_without_rights(folder):
    if os.getuid() != 0:
        return
    account = pwd.getpwnam("nobody")
    os.chown(folder, account.pw_uid, account.pw_gid)
    reachable = all(parent.stat().st_mode & stat.S_IXOTH for parent in pathlib.Path(program()).resolve().parents)
    if not reachable:
        pytest.skip("the build folder is below a folder that others may not enter")
    under = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    with Server(bench=False, folder=folder, under=under) as server:
        Person(server)
    stop = folder / "var/pg/data/postmaster.pid"
    assert not stop.exists()
