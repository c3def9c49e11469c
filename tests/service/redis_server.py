"""redis_server.py — a Redis of a test's own: on a socket or a port that nobody else knows, in bounded memory, without a file."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

from server import throw_away_folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """Starts on construction; stop() ends it, and start() begins an empty one at the same place."""

    def __init__(self, *arguments, tls=False, password=None):
        self.folder = throw_away_folder()
        self.path, self.port, self.is_tls, self.password = self.folder / "socket", None, tls, password
        self.arguments = ["--save", "", "--appendonly", "no", "--maxmemory", "64mb", "--dir", self.folder, "--unixsocket", self.path]
        if tls:
            self.make_certificate()
            self.port = free_port()
            self.arguments += ["--port", "0", "--tls-port", self.port, "--tls-auth-clients", "no", "--bind", "127.0.0.1",
                               "--tls-cert-file", self.folder / "cert.pem", "--tls-key-file", self.folder / "key.pem"]
        else:
            self.arguments += ["--port", "0"]
        if password:
            self.arguments += ["--requirepass", password]
        self.arguments += arguments
        self.start()

    @property
    def certificate(self):
        return self.folder / "cert.pem"

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem"],
                       check=True, capture_output=True)

    @property
    def url(self):
        word = f":{self.password}@" if self.password else ""
        return f"rediss://{word}localhost:{self.port}/3" if self.is_tls else f"unix://{word}{self.path}?db=3"

    def start(self):
        self.process = subprocess.Popen(["redis-server", *map(str, self.arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < end:
            try:
                if self.ask("PING") == "PONG":
                    return self
            except subprocess.CalledProcessError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not begin to serve")

    def ask(self, *words):
        """What redis-cli prints."""
        environment = dict(os.environ, REDISCLI_AUTH=self.password) if self.password else None
        return subprocess.run(["redis-cli", "-e", "-n", "3", "-s", str(self.path), *map(str, words)], check=True, capture_output=True,
                              text=True, timeout=20, env=environment).stdout.strip()

    def keys(self):
        return self.ask("KEYS", "*").split()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        pathlib.Path(self.path).unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
