"""test_tutorial.py — docs/PLUGINS.md as its reader follows it: from an empty folder, with an installed leat, every command and every file in its order."""

import json
import re
import socket
import subprocess
import time

import pytest

from client import Client
from server import ROOT, throw_away_folder
from test_sdk import Installed, Running

PAGE = (ROOT / "docs/PLUGINS.md").read_text()
TEN_MINUTES_S = 600


def steps():
    """What a reader does, in order: ("sh", commands), ("c", file, text); as far as the page says that it is a path to follow."""
    path = PAGE[PAGE.index("## 1. "):PAGE.index("## In a checkout")]
    for match in re.finditer(r"^```(sh|c)\n(.*?)^```$", path, re.MULTILINE | re.DOTALL):
        kind, text = match.groups()
        yield (kind, text) if kind == "sh" else (kind, text, re.match(r"// (\S+) ", text)[1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Reader:
    """Two terminals: one that `leat dev` keeps, and one whose variables and folder stay from block to block."""

    def __init__(self, installed, folder):
        self.installed, self.folder, self.dev = installed, folder, None
        self.port = free_port()
        installed.environment["PORT"] = str(self.port)  # several tests may run on this machine
        self.state = folder / ".state"
        self.state.write_text("")

    def type(self, commands):
        """In the second terminal; what they say."""
        script = (f"source {self.state}; cd \"${{HERE:-{self.folder}}}\"\n" + commands.replace("localhost:8000", f"127.0.0.1:{self.port}") +
                  f"\nHERE=$PWD; declare -p HERE U T 2>/dev/null > {self.state} || true\n")
        result = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=self.installed.environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, f"{commands}\n{result.stdout}{result.stderr}"
        return result.stdout

    @property
    def project(self):
        return self.folder / "notes"

    def serve(self):
        self.dev = Running(self.installed, "dev", cwd=self.project)


@pytest.fixture(scope="module")
def reader():
    made = Reader(Installed(throw_away_folder()), throw_away_folder())
    yield made
    if made.dev:
        made.dev.__exit__()


def answers_in(text):
    """Every JSON value of a text, whatever stands between them."""
    decoder, at = json.JSONDecoder(), 0
    while match := re.compile(r"[{\[]").search(text, at):
        value, at = decoder.raw_decode(text, match.start())
        yield value


# promise 65
def test_the_guide_leads_from_an_empty_folder_to_a_plugin_that_serves(reader):
    began, said = time.monotonic(), []
    for step in steps():
        if step[0] == "c":
            path = reader.project / ("tests" if step[2].startswith("test_") else "") / step[2]
            assert path.exists(), f"{step[2]}: the guide changes a file that is there"
            lines = len(reader.dev.lines)
            path.write_text(step[1])
            reader.dev.wait_for("built in", lines)
            if step[2] == "notes.c":
                refusal = re.search(r"`(notes\.c:\d+: error: [^`]*)`", PAGE)[1]
                reader.dev.wait_for(refusal, lines)
                assert Client(reader.dev).get("/v1/notes").status == 200, "the version before goes on"
        elif step[1].strip() == "leat dev":
            reader.serve()
            assert reader.dev.port == reader.port
        else:
            if "/auth/register" in step[1]:
                wait_for_the_new_version(reader)
            said.append((step[1], reader.type(step[1])))
    assert time.monotonic() - began < TEN_MINUTES_S
    look_at(said)


def wait_for_the_new_version(reader):
    """`leat dev` applies what was drafted, and the server takes the plugin that it had refused."""
    client, end = Client(reader.dev), time.monotonic() + 60
    while client.get("/v1/notes").status != 401:
        assert time.monotonic() < end, "".join(reader.dev.lines)
        time.sleep(0.1)


def said_by(said, command):
    [output] = [output for commands, output in said if command in commands]
    return output


def look_at(said):
    """What the reader is told to see."""
    tests = [output for commands, output in said if "leat test" in commands]
    assert "6 subtests passed" in tests[0] and "3 subtests passed" in tests[1]
    made, notes, refused = answers_in(said_by(said, '{"title": ""}'))
    assert made["title"] == "water the mill" and notes == [made] and refused["detail"][0]["type"] == "string_too_short"
    assert "ADD COLUMN pinned boolean NOT NULL DEFAULT false" in said_by(said, "add_owner_and_pinned")
    user, corn, mine, stranger = answers_in(said_by(said, "/auth/register"))
    assert user["email"] == "me@example.org" and mine == [corn] and corn["pinned"] is True and stranger == {"detail": "Not authenticated"}
    looked = said_by(said, "leat check --db")
    assert re.search(r"GET +/v1/notes +list_notes +notes\.c:\d+", looked) and "are good" in looked and "0 pending" in looked
    assert "grind the corn" in looked
    assert "notes 0001_create_notes applied" in said_by(said, "cp build/notes.so")


def test_each_file_of_the_guide_is_one_that_leat_new_makes():
    names = [step[2] for step in steps() if step[0] == "c"]
    assert names == ["notes.c", "test_notes.c"]
