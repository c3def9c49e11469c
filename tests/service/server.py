"""server.py — a real server in a process of its own, on a port of its own, with a folder that is thrown away."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "a-secret-of-the-tests-that-is-long-enough-0123456789"
START_S = 60


def build_folder():
    """Where the program was built: LEAT_BUILD, else the first of the usual folders that has it."""
    named = os.environ.get("LEAT_BUILD")
    folders = [pathlib.Path(named)] if named else [ROOT / "build-test", ROOT / "build"]
    for folder in folders:
        if (folder / "src/cli/leat").exists():
            return folder.resolve()
    raise RuntimeError("there is no src/cli/leat in " + " or ".join(map(str, folders)))


def program():
    return str(build_folder() / "src/cli/leat")


def throw_away_folder():
    """A folder that the user postgres may walk through as well."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="leat-test-"))
    folder.chmod(0o755)
    return folder


def clean_environment(**settings):
    """What a server sees of our environment: nothing that could be a setting."""
    kept = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "GCOV_PREFIX")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment.update({name: str(value) for name, value in settings.items() if value is not None})
    return environment


class Server:
    """Starts on construction unless told otherwise; stop() ends it and gives back its exit status."""

    def __init__(self, *arguments, folder=None, workers=2, bench=True, start=True, under=(), **settings):
        self.owns_folder = folder is None
        self.folder = folder or throw_away_folder()
        self.settings = {"SECRET_KEY": SECRET, **settings}
        self.under = list(under)
        self.arguments = ["--port", "0", "--workers", str(workers), "--var", str(self.folder / "var")]
        self.arguments += (["--bench"] if bench else []) + list(arguments)
        self.lines = []
        self.process = None
        self.host = self.port = None
        if start:
            self.start()

    def start(self, wait=True):
        self.lines = []
        self.answers = threading.Event()
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.under + [program(), "run", *self.arguments], cwd=self.folder, env=clean_environment(**self.settings),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        if wait:
            self.wait_until_it_answers()
        return self

    def read_log(self):
        for line in self.process.stdout:
            line = line.decode(errors="replace").rstrip("\n")
            self.lines.append(line)
            match = re.search(r"serving http://(\[[^]]*\]|[^:/\s]+):(\d+)", line)
            if match:
                self.host, self.port = match[1].strip("[]"), int(match[2])
                self.seconds_to_serve = time.monotonic() - self.began
                self.answers.set()

    def wait_until_it_answers(self):
        end = time.monotonic() + START_S
        while not self.answers.wait(0.02):
            if self.process.poll() is not None or time.monotonic() > end:
                self.reader.join(2)
                status, log = self.process.poll(), self.log()
                self.kill()
                raise AssertionError(f"the server did not begin to serve (exit status {status}); its log:\n{log}")

    def words(self):
        """What people are told, a line each: as it is, or out of the messages of LOG_FORMAT=json."""
        for line in list(self.lines):
            try:
                yield from str(json.loads(line).get("message", line)).split("\n")
            except (ValueError, AttributeError):
                yield line

    def log(self):
        return "\n".join(self.lines)

    def logged(self, text, seconds=5):
        """Waits for a line that holds `text`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if any(text in line for line in list(self.lines)):
                return True
            time.sleep(0.02)
        return False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def check(self):
        """Fails with the log when the server has died."""
        status = self.process.poll()
        if status is not None:
            self.reader.join(2)
            raise AssertionError(f"the server has died (exit status {status}); the end of its log:\n" + "\n".join(self.lines[-60:]))

    @property
    def pid(self):
        return self.process.pid

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=40):
        """The exit status."""
        status = self.process.wait(seconds)
        self.reader.join(2)
        return status

    def stop(self, number=signal.SIGTERM):
        """Ends the server as a person would, and throws its folder away."""
        status = None
        if self.is_running():
            self.send_signal(number)
            try:
                status = self.wait()
            except subprocess.TimeoutExpired:
                self.kill()
        elif self.process is not None:
            status = self.process.returncode
        self.throw_away()
        return status

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()
        self.reader.join(2)

    def throw_away(self):
        if self.owns_folder:
            stop_private_postgres(self.folder / "var")
            shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self):
        """How psql reaches the database; the server prints the command line."""
        for line in self.lines:
            match = re.search(r"""psql (?:-d )?(?:'([^']*)'|"([^"]*)"|(\S+))""", line)
            if match:
                return next(group for group in match.groups() if group)
        raise AssertionError("the server's log does not say how to look into its database:\n" + self.log())

    def sql(self, text):
        """Rows as lists of strings."""
        return psql(self.conninfo(), text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def psql(conninfo, text):
    result = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", conninfo, "-c", text],
                            capture_output=True, text=True, timeout=60)
    if result.returncode != 0:
        raise RuntimeError(result.stderr.strip())
    return [line.split("\x1f") for line in result.stdout.splitlines()]


def stop_private_postgres(var):
    """A server that was killed leaves its Postgres running."""
    try:
        pid = int((var / "pg/data/postmaster.pid").read_text().splitlines()[0])
        if "postgres" not in pathlib.Path(f"/proc/{pid}/comm").read_text():
            return
        os.kill(pid, signal.SIGINT)
        for _ in range(200):
            time.sleep(0.05)
            os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        pass
