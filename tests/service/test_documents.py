"""test_documents.py — what others make of our document: three linters, a typed client, a browser on both pages."""

import json
import shutil
import subprocess

import pytest

from people import PASSWORD, Person
from server import ROOT, build_folder

SOURCE = ROOT / "tests/documents"


def run(*command, cwd, seconds=180):
    result = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=seconds)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def tools():
    """The npm packages, beside the build: installed once, by the lock file."""
    folder = build_folder() / "documents"
    folder.mkdir(exist_ok=True)
    for file in SOURCE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    lock, installed = SOURCE / "package-lock.json", folder / "node_modules/.installed"
    if not installed.exists() or installed.read_text() != lock.read_text():
        run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder, seconds=600)
        installed.write_text(lock.read_text())
    return folder


@pytest.fixture(scope="module")
def document(server, tools):
    from client import Client

    client = Client(server)
    path = tools / "openapi.json"
    path.write_text(json.dumps(client.get("/openapi.json").json, indent=1))
    client.forget()
    return path


# promise 11
def test_redocly_finds_nothing(tools, document):
    report = json.loads(run("node_modules/.bin/redocly", "lint", "--format=json", document, cwd=tools))
    assert report["problems"] == [], report


def test_spectral_finds_nothing(tools, document):
    run("node_modules/.bin/spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity=hint", document, cwd=tools)


def test_swagger_parser_finds_it_valid(tools, document):
    run("node", "check.mjs", document, cwd=tools)


def test_a_client_from_the_document_compiles_strictly_and_runs(server, tools, document):
    run("node_modules/.bin/openapi-typescript", document, "-o", "api.ts", cwd=tools)
    run("node_modules/.bin/tsc", "-p", ".", cwd=tools)
    assert run("node", "client.js", f"http://{server.host}:{server.port}", cwd=tools).strip() == "user 2"


# promise 13
def test_both_pages_work_in_a_browser(server, tools):
    person = Person(server, "browser")
    run("node", "pages.mjs", f"http://{server.host}:{server.port}", person.email, PASSWORD, tools, cwd=tools)


def test_the_command_prints_what_the_server_answers(server, document):
    printed = run(build_folder() / "src/cli/leat", "openapi", "--bench", "--var", server.folder / "var", cwd=ROOT)
    assert json.loads(printed) == json.loads(document.read_text())
