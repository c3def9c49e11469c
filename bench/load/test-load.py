#!/usr/bin/env python3
"""test-load.py — the load finds what is wrong with answers, and counts what is right: prints TAP. usage: test-load.py LOAD FLOOR"""

import contextlib
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

LOAD, FLOOR = sys.argv[1:3]
GOOD = b"HTTP/1.1 200 OK\r\nServer: test\r\nContent-Length: 5\r\n\r\nHello"
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
RUN_S = 30


@contextlib.contextmanager
def server(answer, pieces=None, delay_s=0.0, stall_at=None, closes=False):
    """Answers each request with answer(n), whole or in pieces of so many bytes; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    count = [0]

    def serve(line):
        text = b""
        with line, contextlib.suppress(OSError):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while data := line.recv(65536):
                text += data
                while b"\r\n\r\n" in text:
                    text = text.partition(b"\r\n\r\n")[2]
                    count[0] += 1
                    if count[0] == stall_at:
                        continue
                    time.sleep(delay_s)
                    out = answer(count[0])
                    for start in range(0, len(out), pieces or len(out)):
                        line.sendall(out[start:start + (pieces or len(out))])
                    if closes:
                        return

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def load(port, *arguments):
    result = subprocess.run([LOAD, *map(str, arguments), f"127.0.0.1:{port}"], capture_output=True, text=True, timeout=RUN_S)
    assert result.returncode == 0, result.stderr
    begin, end, seen = result.stdout.splitlines()
    assert (begin, end) == ("begin", "end"), result.stdout
    return json.loads(seen)


def kinds(seen):
    return {kind: count for kind, count in seen["errors_by_kind"].items() if count}


def test_right_answers_are_counted_to_the_last_one():
    with server(lambda n: GOOD) as port:
        seen = load(port, "--requests", 500, "--connections", 7, "--length", 5, "--body", "Hel")
    assert (seen["requests"], seen["errors"], seen["bytes_per_answer"]) == (500, 0, len(GOOD)), seen


def test_a_pipeline_is_answered_whole():
    with server(lambda n: GOOD) as port:
        seen = load(port, "--requests", 1003, "--connections", 3, "--pipeline", 16, "--length", 5)
    assert (seen["requests"], seen["errors"]) == (1003, 0), seen


def test_answers_cut_anywhere_are_read():
    for pieces in (1, 2, 3, 7, 19):
        with server(lambda n: GOOD, pieces=pieces) as port:
            seen = load(port, "--requests", 30, "--connections", 1, "--body", "Hello", "--pipeline", 3)
        assert (seen["requests"], seen["errors"]) == (30, 0), (pieces, seen)


def test_answers_of_changing_length_are_read():
    with server(lambda n: b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (n * 137 % 9000, b"x" * (n * 137 % 9000))) as port:
        seen = load(port, "--requests", 200, "--connections", 2)
    assert (seen["requests"], seen["errors"]) == (200, 0), seen


def test_an_answer_of_204_has_no_length():
    with server(lambda n: b"HTTP/1.1 204 No Content\r\nServer: test\r\n\r\n") as port:
        seen = load(port, "--requests", 40, "--connections", 2, "--status", 204, "--pipeline", 4)
    assert (seen["requests"], seen["errors"]) == (40, 0), seen


def test_every_tenth_status_that_is_wrong_is_found():
    with server(lambda n: GOOD.replace(b"200", b"503") if n % 10 == 0 else GOOD) as port:
        seen = load(port, "--requests", 200, "--connections", 1)
    assert kinds(seen) == {"status": 20} and "503" in seen["first_error"], seen


def test_every_tenth_body_that_is_wrong_is_found():
    with server(lambda n: GOOD.replace(b"Hello", b"Hallo") if n % 10 == 0 else GOOD) as port:
        seen = load(port, "--requests", 200, "--connections", 1, "--body", "Hello")
    assert kinds(seen) == {"body": 20}, seen


def test_every_tenth_length_that_is_wrong_is_found():
    with server(lambda n: GOOD.replace(b"5\r\n", b"4\r\n").replace(b"Hello", b"Hell") if n % 10 == 0 else GOOD) as port:
        seen = load(port, "--requests", 200, "--connections", 1, "--length", 5)
    assert kinds(seen) == {"length": 20}, seen


def test_what_is_no_answer_is_broken():
    with server(lambda n: b"SSH-2.0 hello\r\n\r\n" if n == 5 else GOOD) as port:
        seen = load(port, "--requests", 20, "--connections", 1)
    assert kinds(seen)["broken"] == 1 and seen["requests"] == 20, seen


def test_an_answer_without_a_length_is_broken():
    with server(lambda n: b"HTTP/1.1 200 OK\r\nServer: test\r\n\r\n" if n == 5 else GOOD) as port:
        seen = load(port, "--requests", 20, "--connections", 1)
    assert kinds(seen)["broken"] == 1, seen


def test_more_answers_than_requests_are_broken():
    with server(lambda n: GOOD * 2 if n == 5 else GOOD) as port:
        seen = load(port, "--requests", 20, "--connections", 1)
    assert kinds(seen)["broken"] == 1, seen


def test_a_request_that_is_never_answered_is_counted():
    with server(lambda n: GOOD, stall_at=5) as port:
        seen = load(port, "--seconds", 0.3, "--connections", 2)
    assert kinds(seen) == {"unanswered": 1}, seen


def test_a_connection_that_is_closed_early_is_counted():
    with server(lambda n: GOOD, closes=True) as port:
        seen = load(port, "--requests", 20, "--connections", 1)
    assert kinds(seen)["closed"] >= 19 and seen["requests"] == 20, seen


def test_churn_has_a_connection_for_each_request():
    with server(lambda n: GOOD, closes=True) as port:
        seen = load(port, "--requests", 50, "--connections", 4, "--churn")
    assert (seen["requests"], seen["errors"]) == (50, 0), seen


def test_idle_connections_that_were_closed_are_seen():
    with server(lambda n: GOOD) as port:
        seen = load(port, "--requests", 20, "--connections", 1, "--idle", 10)
    assert (seen["idle"], seen["idle_alive"]) == (10, 10), seen
    with server(lambda n: GOOD if n > 10 else GOOD, closes=True) as port:
        seen = load(port, "--requests", 20, "--connections", 1, "--churn", "--idle", 10)
    assert (seen["idle"], seen["idle_alive"]) == (10, 0), seen


def test_an_open_loop_counts_the_wait_for_a_free_connection():
    """One connection, 20 ms an answer, asked 100 times a second: a closed loop sees 20 ms, an open one how the queue grows."""
    with server(lambda n: GOOD, delay_s=0.02) as port:
        closed = load(port, "--seconds", 0.5, "--connections", 1)
        opened = load(port, "--seconds", 0.5, "--connections", 1, "--rate", 100)
    assert closed["latency_us"]["p50"] < 60_000, closed
    assert opened["requests"] == 50 and opened["latency_us"]["max"] > 250_000, opened


def test_an_open_loop_keeps_its_rate():
    with server(lambda n: GOOD) as port:
        seen = load(port, "--seconds", 1, "--connections", 16, "--rate", 200, "--warm-up", 0.2)
    assert 198 <= seen["requests"] <= 202 and seen["errors"] == 0, seen


def test_the_floor_answers_each_request_once():
    with tempfile.TemporaryDirectory() as folder:
        request, answer = pathlib.Path(folder) / "request", pathlib.Path(folder) / "answer"
        request.write_bytes(REQUEST)
        answer.write_bytes(GOOD)
        floor = subprocess.Popen([FLOOR, "0", str(len(REQUEST)), answer], stdout=subprocess.PIPE, text=True)
        try:
            port = int(re.search(r":(\d+)$", floor.stdout.readline())[1])
            for pipeline in (1, 16, 256):
                seen = load(port, "--request", request, "--requests", 5003, "--connections", 30, "--pipeline", pipeline, "--body", "Hello")
                assert (seen["requests"], seen["errors"], seen["bytes_in"]) == (5003, 0, 5003 * len(GOOD)), seen
            seen = load(port, "--request", request, "--requests", 500, "--connections", 1, "--idle", 20)
            assert (seen["idle_alive"], seen["errors"]) == (20, 0), seen
        finally:
            floor.kill()
            floor.wait()
            floor.stdout.close()


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    print(f"1..{len(tests)}")
    is_bad = False
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {name}", flush=True)
        except (AssertionError, ValueError, KeyError, subprocess.TimeoutExpired) as problem:
            is_bad = True
            print(f"not ok {number} - {name}\n# {str(problem)[:1500]!r}", flush=True)
    return is_bad


if __name__ == "__main__":
    sys.exit(main())
