"""test_tutorial.py — docs/PLUGINS.md as its reader follows it: the table, the code, the commands, on a server that is running already."""

import json
import re
import shutil
import subprocess
import time

from client import Client
from server import ROOT, Server, build_folder

PAGE = (ROOT / "docs/PLUGINS.md").read_text()
FLAGS = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]


def block(kind, holding):
    """The block of that kind that holds a text."""
    blocks = [match[1] for match in re.finditer(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if holding in match[1]]
    assert len(blocks) == 1, f"{len(blocks)} blocks of {kind} hold {holding!r}"
    return blocks[0]


def run(script, folder):
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


# promise 65
def test_the_tutorial_works_as_it_is_written(tmp_path):
    plugins = tmp_path / "built"
    plugins.mkdir()
    tmp_path.chmod(0o755)
    for file in (build_folder() / "plugins").glob("*.so"):
        shutil.copy(file, plugins)
    with Server("--plugins", str(plugins), bench=False) as server:
        run(block("sh", "CREATE TABLE notes"), server.folder)
        source = server.folder / "plugins/notes/notes.c"
        source.write_text(block("c", "PLUGIN(notes"))
        run(f"cc {' '.join(FLAGS)} {source} -o {plugins}/.notes && mv {plugins}/.notes {plugins}/notes.so", server.folder)
        client, end = Client(server), time.monotonic() + 15
        while client.get("/v1/notes").status != 401:
            assert time.monotonic() < end, server.log()
            time.sleep(0.05)
        commands = block("sh", "U=localhost:8000/v1").replace("localhost:8000", f"{server.host}:{server.port}")
        answers = [json.JSONDecoder().raw_decode(text)[0] for text in re.split(r"(?<=[}\]])(?=[{\[])", run(commands, server.folder))]
        user, note, notes, refusal = answers
        assert user["email"] == "me@example.org"
        assert note["text"] == "water the mill" and note["pinned"] is False
        assert notes == [note]
        assert refusal["detail"][0]["type"] == "greater_than_equal"
        paths = client.get("/openapi.json").json["paths"]
        assert {"/v1/notes", "/v1/notes/{note_id}"} <= set(paths)
