"""test_allocations.py — a request in steady state asks the heap for nothing."""

import contextlib
import json
import mmap
import struct
import threading

import pytest

from client import Client
from server import Server, build_folder

WARM_UP, COUNTED = 3000, 4000
NEW_USER = json.dumps({"email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace", "password": "Secure123"}).encode()

ROUTES = {
    "plaintext": ("GET", "/plaintext", None),
    "json": ("GET", "/json", None),
    "validated post": ("POST", "/users", NEW_USER),
    "row by id": ("GET", "/db", None),
}


@contextlib.contextmanager
def counting_server(folder, **settings):
    """A server of one worker, and how often it has asked the heap so far. On a busy machine links would be opened meanwhile, for what was slow."""
    page = folder / "calls"
    page.write_bytes(bytes(4096))
    preloaded = build_folder() / "tests/service/count_malloc.so"
    with open(page, "r+b") as file, mmap.mmap(file.fileno(), 4096) as calls:
        with Server(workers=1, LD_PRELOAD=preloaded, COUNT_MALLOC_FILE=page, DB_APART_LINKS_MAX="0", **settings) as server:
            yield server, lambda: struct.unpack_from("<Q", calls)[0]


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    with counting_server(tmp_path_factory.mktemp("count")) as both:
        yield both


def ask(server, method, path, body, times):
    client = Client(server)
    for _ in range(times):
        headers = {"Content-Type": "application/json"} if body else {}
        answer = client.request(method, path, body=body, headers=headers)
        assert answer.status in (200, 201), answer
    client.forget()


def ask_from_four(server, method, path, body, times):
    threads = [threading.Thread(target=ask, args=(server, method, path, body, times // 4)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_count_counts(counted):
    server, calls = counted
    assert calls() > 1000  # the start asked for something


@pytest.mark.parametrize("name", ROUTES)
def test_a_request_in_steady_state_asks_the_heap_for_nothing(counted, name):
    server, calls = counted
    ask_from_four(server, *ROUTES[name], WARM_UP)
    before = calls()
    ask_from_four(server, *ROUTES[name], COUNTED)
    asked = calls() - before
    # a few for the whole run (a connection's first, a timer of libpq's), none of them for each request
    assert asked < COUNTED / 100, f"{asked} calls of malloc for {COUNTED} requests"
