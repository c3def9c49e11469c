"""conftest.py — one real server for the session, and what most tests ask of it."""

import json
import resource
import sys

import pytest

from client import Client, Wire
from people import Person
from server import Server

ORIGINS = ["http://localhost:3000", "https://app.example.org"]


def pytest_configure(config):
    """Thousands of connections, and numbers of thousands of digits."""
    sys.set_int_max_str_digits(0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture(scope="session")
def server():
    """The server that most tests share: two workers, the bench plugins, origins for CORS, its own Postgres."""
    with Server(BACKEND_CORS_ORIGINS=json.dumps(ORIGINS)) as running:
        yield running
        status = running.stop()
        assert status == 0, f"the server ended with {status}; the end of its log:\n" + "\n".join(running.lines[-60:])


@pytest.fixture(autouse=True)
def server_lives(request):
    """No test may leave the shared server dead."""
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").check()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows the end of the server's log."""
    report = (yield).get_result()
    running = getattr(item, "funcargs", {}).get("server")
    if report.when == "call" and report.failed and isinstance(running, Server):
        report.sections.append(("the server's log, its end", "\n".join(running.lines[-25:])))


@pytest.fixture
def client(server):
    """Nobody in particular."""
    made = Client(server)
    yield made
    made.forget()


@pytest.fixture
def wire(server):
    """Makes connections, and closes them after the test."""
    wires = []

    def connect(data=b"", **options):
        wires.append(Wire(server, **options))
        return wires[-1].send(data)

    yield connect
    for made in wires:
        made.close()


@pytest.fixture(scope="session")
def ada(server):
    return Person(server, "ada")


@pytest.fixture(scope="session")
def bob(server):
    return Person(server, "bob")
