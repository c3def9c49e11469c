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


# ---- leat top


@pytest.fixture(scope="module")
def busy():
    """A server that is asked something now and then, by a thread of the test's."""
    with Server(bench=False) as server:
        client = Client(server)
        client.get("/v1/posts")
        yield server
        client.forget()


def top(server, *arguments, **options):
    return Terminal("top", *arguments, "--var", str(server.folder / "var"), folder=server.folder, **options)


def ask(server, count=20):
    client = Client(server)
    for _ in range(count):
        assert client.get("/v1/posts").status == 200
    client.forget()


def wait_until_counted(terminal, server):
    """Its screen shows requests of the last second."""
    end = time.monotonic() + 30
    while not re.search(rb" [1-9]\d*\.\d  +\d[^\r\n]*posts +GET /v1/posts", terminal.said):
        assert time.monotonic() < end, terminal.said[-3000:].decode(errors="replace")
        ask(server)
        terminal.read(0.1)


def screens_of(said):
    """What stood on the terminal at each redraw: lists of lines, without what moves the cursor."""
    for screen in said.split(b"\x1b[H")[1:]:
        yield re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", screen.split(b"\x1b[J")[0]).decode().split("\r\n")


def test_top_shows_routes_and_queries_and_gives_the_terminal_back(busy):
    terminal = top(busy)
    before = termios.tcgetattr(terminal.fd)
    wait_until_counted(terminal, busy)
    assert b"posts.c:" in terminal.said and b"requests a second" in terminal.said and terminal.said.startswith(b"\x1b[?1049h")
    terminal.send(b"x")
    terminal.send(b"q")
    terminal.read(0.5)
    assert termios.tcgetattr(terminal.fd)[3] == before[3], "the terminal echoes lines again"
    assert terminal.wait() == 0
    assert terminal.said.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


@pytest.mark.parametrize("rows, columns", [(30, 120), (12, 40), (8, 20), (60, 200), (3, 10)])
def test_top_fits_its_terminal_and_follows_it_to_another_size(busy, rows, columns):
    terminal = top(busy)
    terminal.wait_for(b"requests a second")
    terminal.said = b""
    terminal.resize(rows, columns)
    terminal.wait_for(b"\x1b[2J", 10)
    terminal.read(1.5)
    terminal.send(b"q")
    assert terminal.wait() == 0
    last = list(screens_of(terminal.said.split(b"\x1b[2J", 1)[1]))[0]
    assert all(len(line) <= columns for line in last), last
    assert len(last) <= max(rows, 6), last


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, b"\x03"], ids=["SIGINT", "SIGTERM", "Ctrl-C"])
def test_top_ends_cleanly(busy, how):
    terminal = top(busy)
    terminal.wait_for(b"requests a second")
    terminal.send(how) if isinstance(how, bytes) else os.kill(terminal.pid, how)
    assert terminal.wait() == 0
    assert terminal.said.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


def test_top_says_what_is_wrong_on_the_terminal_it_gave_back(busy):
    terminal = Terminal("top", "--var", "nowhere", folder=busy.folder)
    assert terminal.wait() == 1
    said = terminal.said.split(b"\x1b[?1049l")[1]
    assert b"leat: error: " in said


def test_top_is_a_table_in_a_pipe_and_json_for_scripts(busy):
    where = ["--var", str(busy.folder / "var")]
    ask(busy)
    table = leat("top", "--once", *where, folder=busy.folder)
    assert table.returncode == 0 and "\x1b" not in table.stdout and "GET /v1/posts" in table.stdout, table.stderr
    one = leat("top", "--once", "--json", *where, folder=busy.folder)
    document = json.loads(one.stdout)
    assert document["pid"] == busy.pid and {"route", "query"} == {row["kind"] for row in document["rows"]}
    process = subprocess.Popen([program(), "top", "--json", *where], stdout=subprocess.PIPE, text=True, env=clean_environment())
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0 and all(line["seconds"] > 0.5 for line in lines)
    process.stdout.close()


# ---- help


# What is only looked at for flags that are not there: it wants a database elsewhere, a checkout, or does not end.
NOT_RUN = re.compile(r"postgresql://|^leat (run|dev|bench|build|test|rollback|unload)\b|git show|~/|leat db (new|down|up posts)|top( --json|$)")


def examples():
    for verb in ["", *verbs()]:
        said = subprocess.run([program(), *verb.split(), "--help"], capture_output=True, text=True, check=True).stdout
        for line in re.search(r"^Examples:\n((?:  .*\n)+)", said, re.MULTILINE)[1].splitlines():
            yield pytest.param(verb, line.strip(), said, id=line.strip())


def test_every_verb_has_examples():
    seen = {param.values[0] for param in examples()}
    assert seen == {"", *verbs()}


@pytest.mark.parametrize("verb, example, said", examples())
def test_an_example_of_the_help_works_as_it_stands(busy, verb, example, said):
    """Pasted into a shell in the folder of a server that runs; what cannot be run here names no flag that the verb has not."""
    if NOT_RUN.search(example):
        known = set(re.findall(r"--[a-z-]+", said.split("Flags:")[1])) if "Flags:" in said else set()
        own = re.search(rf"leat {verb}\b([^|&>]*)", example)[1] if verb else ""
        assert set(re.findall(r"(?<= )--[a-z-]+", own.split(" -- ")[0])) <= known | {"--port", "--workers"}
        return
    if "jq" in example and not shutil.which("jq"):
        example = re.sub(r"jq .*", "cat", example)
    commands = busy.folder / "commands"
    if not commands.exists():
        commands.mkdir()
        os.symlink(os.path.abspath(program()), commands / "leat")
    client = Client(busy)
    account = {"email": f"help.{time.monotonic_ns()}@example.org", "first_name": "A", "last_name": "B", "password": "Secure123"}
    identity = client.post("/v1/auth/register", account).json["id"]
    client.forget()
    environment = {**clean_environment(SECRET_KEY=SECRET, ID=identity, TERM="dumb"), "PATH": f"{commands}:{os.environ['PATH']}"}
    here = busy.folder if verb != "new" else throw_away_folder()
    done = subprocess.run(["bash", "-c", example.replace("localhost:8000", f"{busy.host}:{busy.port}")], cwd=here, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    expected = (0, 1, 3) if verb == "doctor" else (0, 2) if example == "leat" else (0,)
    assert done.returncode in expected, f"{example}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert done.stdout or ">" in example or verb in ("completion", "reload"), f"{example} says nothing"
    if "--json" in example and "jq" not in example:
        [json.loads(line) for line in [done.stdout.split("\n{")[-1]] if line.startswith("{")]


# ---- completion


def complete(shell_script, *words):
    """What bash offers for the last of these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"source {shell_script}\nCOMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}\n_leat leat '{words[-1]}' '{words[-2]}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


def test_bash_completes_verbs_and_the_flags_of_each(folder):
    script = folder / "leat.bash"
    script.write_text(leat("completion", "bash", folder=folder).stdout)
    assert subprocess.run(["bash", "-n", script], capture_output=True).returncode == 0
    assert set(complete(script, "leat", "")) == {*verbs(), "help"}
    assert set(complete(script, "leat", "ro")) == {"rollback", "routes"}
    for verb in verbs():
        said = leat(verb, "--help", folder=folder).stdout
        flags = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said.split("Flags:")[1].split("Settings,")[0], re.MULTILINE)) if "Flags:" in said else set()
        assert set(complete(script, "leat", verb, "--")) == flags | {"--help"}, verb
    assert complete(script, "leat", "nonsense", "--") == []
    assert set(complete(script, "leat", "db", "sta")) == {"status", "stamp"}
    assert set(complete(script, "leat", "completion", "")) == {"bash", "zsh", "--help"}


def test_bash_completes_in_a_terminal(folder):
    """A real, interactive bash with a Tab."""
    (folder / "rc").write_text(f"PATH={os.path.dirname(os.path.abspath(program()))}:$PATH\nPS1='$ '\nsource <(leat completion bash)\n")
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execvpe("bash", ["bash", "--rcfile", str(folder / "rc"), "-i"], clean_environment(TERM="dumb"))
        finally:
            os._exit(127)
    said, end, typed = b"", time.monotonic() + 30, False
    try:
        while b"leat completion" not in said and time.monotonic() < end:
            if select.select([fd], [], [], 0.2)[0]:
                said += os.read(fd, 4096)
            if not typed and b"$ " in said:
                os.write(fd, b"leat comple\t")
                typed = True
        assert b"leat completion" in said, said
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)


def test_the_completion_for_zsh_is_what_zsh_reads(folder):
    text = leat("completion", "zsh", folder=folder).stdout
    assert text.startswith("#compdef leat\n")
    for verb in verbs():
        assert f"            '{verb}:" in text and re.search(rf"^        {verb}\) _arguments", text, re.MULTILINE), verb
    (folder / "_leat").write_text(text)
    checker = ["zsh", "-n"] if shutil.which("zsh") else ["bash", "-n"]  # they agree on all that it is made of
    assert subprocess.run([*checker, folder / "_leat"], capture_output=True, text=True).stderr == ""
