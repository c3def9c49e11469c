"""servers.py — what is measured: leat, the floor, and the peers, each begun here and ended here, on a core of its own."""

import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import types

import machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER_CORE, LOAD_CORE = 0, 1
START_S, STOP_S = 60, 20
CONNECTIONS_MAX = 16384


def say(text):
    print(text, file=sys.stderr, flush=True)


def end_on_signals():
    """SIGTERM ends what was begun here, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StartFailure(SystemExit):
    """Ends the program where nobody can do without the server."""


class Server:
    """A process on the server's core, and its address."""

    def __init__(self, name, command, folder, port=None, pattern=None, environment=None, cores=SERVER_CORE):
        self.name, self.folder, self.log_path = name, folder, folder / f"{name}.log"
        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(["taskset", "-c", str(cores), *map(str, command)], cwd=folder, stdout=log, stderr=log,
                                          stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
        try:
            self.port = port or int(self.wait_for_line(pattern)[1])
            self.wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def log(self):
        return self.log_path.read_text(errors="replace")

    def still_starting(self, end):
        if self.popen.poll() is not None or time.monotonic() > end:
            raise StartFailure(f"{self.name} does not start:\n{self.log()[-3000:]}")
        time.sleep(0.02)

    def wait_for_line(self, pattern):
        end = time.monotonic() + START_S
        while not (match := re.search(pattern, self.log())):
            self.still_starting(end)
        return match

    def wait_until_it_answers(self):
        end = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            self.still_starting(end)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def pids(self):
        return machine.processes_of(self.popen.pid)

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


@contextlib.contextmanager
def nudged(port):
    """Asks the server all the while it starts. valgrind 3.19 lets one thread run at a time, and does not know that io_uring_enter(2) waits: a
    core that has nothing to do would keep the others from ever starting it. One that answers uses up its time, and they get theirs."""
    is_over = threading.Event()

    def ask():
        while not is_over.wait(0.05):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as line:
                line.settimeout(5)
                line.sendall(b"GET /health/live HTTP/1.1\r\nHost: leat\r\n\r\n" * 400 + b"GET / HTTP/1.0\r\n\r\n")
                while line.recv(1 << 16):
                    pass

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield
    finally:
        is_over.set()
        asking.join()


def environment_of_leat():
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment["SECRET_KEY"] = "a-secret-of-the-benchmark-that-is-long-enough"
    environment["CONNECTIONS_MAX"] = str(CONNECTIONS_MAX)
    return environment


def environment_beside(leat):
    """For one on the same Postgres."""
    return dict(environment_of_leat(), DATABASE_URL=" ".join(f"{name}={value}" for name, value in leat.database.items()))


class Leat(Server):
    """leat with one worker and the plugins of the benchmarks, or those of `plugins`; with a Postgres of its own on the other core, or
    another leat's."""

    def __init__(self, build, folder, under=(), beside=None, plugins=(), workers=1, cores=SERVER_CORE, **settings):
        environment = environment_beside(beside) if beside else environment_of_leat()
        if under:
            environment["PLUGIN_LOAD_MS"] = "0"  # valgrind 3.19 knows no pidfd, by which a trial is waited for
        environment.update(settings)
        port = free_port() if under else 0
        which = [word for path in plugins for word in ("--plugins", path)] or ["--bench"]
        with nudged(port) if under else contextlib.nullcontext():
            super().__init__("leat", [*under, build / "src/cli/leat", "run", "--port", port, "--workers", workers, *which, "--production",
                                      "--var", folder / "var"],
                             folder, pattern=r"serving http://[\d.]+:(\d+)", environment=environment, cores=cores)
        if beside:
            self.database, self.postmaster = beside.database, beside.postmaster
        else:
            self.database = dict(re.findall(r"(host|user|dbname)=([^\s'\"]+)", self.log()))
            self.postmaster = int((folder / "var/pg/data/postmaster.pid").read_text().splitlines()[0])
        machine.pin(self.postgres(), LOAD_CORE)

    def postgres(self):
        return machine.processes_of(self.postmaster)

    def pids(self):
        beside = set(self.postgres())
        return [pid for pid in super().pids() if pid not in beside]


def start_floor(build, folder, request, answer):
    """The floor, which answers requests of that length with those bytes."""
    path = folder / "floor.answer"
    path.write_bytes(answer)
    return Server("floor", [build / "bench/floor", "0", len(request), path], folder, pattern=r"serving http://[\d.]+:(\d+)")


# ---- peers: a folder each below bench/peers, with a peer.py


def peer_modules():
    for path in sorted((ROOT / "bench/peers").glob("*/peer.py")):
        spec = importlib.util.spec_from_file_location(f"peer_{path.parent.name}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.NAME, module.FOLDER = path.parent.name, path.parent
        yield module


def program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def start_peer(module, folder, database):
    """Begins a peer; None, and a line that says what to install, where it is not on this machine."""
    missing = module.missing(module.FOLDER)
    if missing:
        say(f"bench: without {module.NAME}: {missing}")
        return None
    own = folder / module.NAME
    own.mkdir(exist_ok=True)
    own.chmod(0o755)
    place = types.SimpleNamespace(folder=own, source=module.FOLDER, port=free_port(), database=database, files=machine.files_max(),
                                  connections=CONNECTIONS_MAX, program=program)
    command, environment = module.command(place)
    try:
        server = Server(module.NAME, command, own, port=place.port, environment=dict(os.environ, **environment))
    except StartFailure as failure:
        say(f"bench: without {module.NAME}: {failure}")
        return None
    server.routes = module.ROUTES
    return server


def fill(place, name):
    """A template of the peer's folder, its capitals filled in, in the folder that is thrown away."""
    text = (place.source / name).read_text()
    for word, value in {"FOLDER": place.folder, "PORT": place.port, "FILES": place.files, "CONNECTIONS": place.connections}.items():
        text = re.sub(rf"\b{word}\b", str(value), text)
    (place.folder / name).write_text(text)
    return place.folder / name
