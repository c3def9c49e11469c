"""test_command.py — the command as a stranger meets it: what is only looked at leaves nothing behind, help that holds, manuals, completion, `leat top`."""

import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import fcntl
import pytest

from client import Client
from server import SECRET, Server, clean_environment, program, throw_away_folder

READERS = [("routes",), ("routes", "--json"), ("check",), ("openapi",), ("queries",), ("settings",), ("settings", "--json"), ("doctor",),
           ("doctor", "--json"), ("plugins",), ("top", "--once"), ("version",), ("manual",), ("manual", "run"), ("completion", "bash"),
           ("completion", "zsh"), ("--help",), ("run", "--help")]


def verbs():
    said = subprocess.run([program(), "--help"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  leat (\w+) ", said.split("Examples:")[0], re.MULTILINE)


def leat(*arguments, folder, **settings):
    return subprocess.run([program(), *arguments], cwd=folder, env=clean_environment(**settings), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)


@pytest.fixture
def folder():
    made = throw_away_folder()
    yield made
    shutil.rmtree(made, ignore_errors=True)


# ---- nothing is left behind


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_a_verb_that_looks_leaves_nothing_behind(folder, arguments):
    (folder / "here").mkdir()
    (folder / "passing").mkdir()
    done = leat(*arguments, folder=folder / "here", TMPDIR=folder / "passing")
    assert done.returncode in (0, 1, 3), done.stderr
    assert os.listdir(folder / "here") == [] and os.listdir(folder / "passing") == [], "something was left behind"


def test_a_verb_that_looks_works_where_nothing_may_be_written(folder):
    (folder / "here").mkdir()
    (folder / "here").chmod(0o555)
    done = subprocess.run([program(), "routes"], cwd=folder / "here", env=clean_environment(), capture_output=True, text=True,
                          preexec_fn=None if os.geteuid() else lambda: os.setuid(65534))
    assert done.returncode == 0 and "/health" in done.stdout, done.stderr


def test_doctor_says_where_var_will_be_and_whether_it_can(folder):
    found = json.loads(leat("doctor", "--json", folder=folder).stdout)["findings"]
    [var] = [finding for finding in found if finding["what"] == "var"]
    assert var["judgement"] == "ok" and f"{folder}/var" in var["finding"]


# ---- a terminal


class Terminal:
    """A program on a terminal of its own, and what it has written there."""

    def __init__(self, *arguments, folder, rows=24, columns=100, **settings):
        path, environment = program(), clean_environment(TERM="xterm", **settings)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execve(path, [path, *arguments], environment)
            finally:
                os._exit(127)
        self.resize(rows, columns)
        self.said = b""

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], min(left, 0.2))[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    return self.said
                if not data:
                    return self.said
                self.said += data
        return self.said

    def wait_for(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < end, self.said[-3000:].decode(errors="replace")
            self.read(0.2)

    def send(self, data):
        os.write(self.fd, data)

    def wait(self, seconds=30):
        """The exit status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError("it does not end: " + self.said[-2000:].decode(errors="replace"))


# ---- the manual


def test_the_manual_is_read_on_a_terminal_and_is_troff_elsewhere(folder):
    assert leat("manual", "token", folder=folder).stdout.startswith('.TH LEAT\\-token 1')
    terminal = Terminal("manual", "token", folder=folder, MANPAGER="cat", MANROFFOPT="-c", GROFF_NO_SGR="1")
    assert terminal.wait() == 0
    said = re.sub(rb".\x08", b"", terminal.said)
    assert b".SH" not in said and b".TP" not in said, said
    assert b"LEAT-TOKEN" in said.upper() and b"whose token" in said
    terminal = Terminal("manual", "--troff", "token", folder=folder)
    assert terminal.wait() == 0 and b".SH NAME" in terminal.said


def test_without_man_the_manual_is_plain_text(folder):
    (folder / "bin").mkdir()
    for name in ("sh", "echo"):
        os.symlink(shutil.which(name), folder / "bin" / name)
    for arguments, words in ((("manual", "token"), b"whose token"), (("manual",), b"usage: leat VERB")):
        terminal = Terminal(*arguments, folder=folder, PATH=folder / "bin")
        assert terminal.wait() == 0
        assert words in terminal.said and b".SH" not in terminal.said


def test_every_page_is_troff_without_a_warning():
    groff = shutil.which("groff") or pytest.skip("there is no groff")
    for verb in ["", *verbs()]:
        page = subprocess.run([program(), "manual", *verb.split()], capture_output=True, check=True).stdout
        checked = subprocess.run([groff, "-man", "-ww", "-Tutf8", "-z"], input=page, capture_output=True)
        assert checked.returncode == 0 and not checked.stderr, (verb, checked.stderr.decode())
