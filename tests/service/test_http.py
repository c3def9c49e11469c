"""test_http.py — HTTP/1.1 down to its bytes: what must be answered, what must be refused, and that nothing in between is possible."""

import json
import random
import re
import socket
import time

import pytest

from client import Closed, Wire, request_bytes
from people import FORM, PASSWORD

GET = b"GET /health HTTP/1.1\r\nHost: a.example\r\n\r\n"
MARK = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"


def echo(body, *fields):
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST /echo HTTP/1.1\r\nHost: a.example\r\n" + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks, trailer=b"", path=b"/echo", fields=b""):
    text = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"POST " + path + b" HTTP/1.1\r\nHost: a.example\r\n" + fields + b"Transfer-Encoding: chunked\r\n\r\n" + text + b"0\r\n" + trailer + b"\r\n"


def head_of(*lines, first=b"GET /health HTTP/1.1", host=True):
    return first + b"\r\n" + (b"Host: a.example\r\n" if host else b"") + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def is_refused(wire, data, *statuses):
    """One answer with one of the statuses, which says that it closes, and then the end: what came behind is not looked at."""
    line = wire(data + MARK)
    answer = line.answer()
    assert answer.status in statuses, answer
    assert (answer.field("Connection") or "").lower() == "close", answer.head
    assert answer.json["detail"]
    assert line.ends(), "the connection stays open after an error of its framing"
    return answer


def is_served(wire, data, status=200, method="GET"):
    """An answer, and a connection that serves on."""
    line = wire(data)
    answer = line.answer(method)
    assert answer.status == status, answer
    assert not answer.closes
    assert line.send(GET).answer().json["status"] == "ok"
    return answer


# ---- the request line


@pytest.mark.parametrize("line", [b"GET /health HTTP/0.9", b"GET /health HTTP/2.0", b"GET /health HTTP/3.0", b"GET /health HTTP/2.1"])
def test_another_major_version_is_a_505(wire, line):
    is_refused(wire, head_of(first=line), 505)


@pytest.mark.parametrize("line", [b"GET /health", b"GET", b"GET /health ", b"GET  HTTP/1.1"])
def test_a_request_line_without_a_version_is_refused(wire, line):
    is_refused(wire, head_of(first=line), 400, 505)


@pytest.mark.parametrize("line", [
    b"GET  /health HTTP/1.1", b"GET /health  HTTP/1.1", b"GET\t/health HTTP/1.1", b"GET /health\tHTTP/1.1", b"GET /health HTTP/1.1 ",
    b" GET /health HTTP/1.1", b"GET /health HTTP/1.1 x",
    b"GET /a b HTTP/1.1", b"GET /health http/1.1", b"GET /health HTTP/1,1", b"GET /health HTTP/11", b"GET /health HTTP/1.",
    b"GET /health HTTP/.1", b"GET /health HTTP 1.1",
    b"GET /health HTTP/1.1.1", b"PRI * HTTP/2.0", b"GET /health XTTP/1.1", b"GET\x00 /health HTTP/1.1", b"GET health HTTP/1.1",
    b"GET /he\x00alth HTTP/1.1",
    b"GET /he\x0balth HTTP/1.1",
    b"GET /health\r HTTP/1.1", b"G\xc3\x89T /health HTTP/1.1", b"/health HTTP/1.1", b"GET /health HTTP/1.1\x00", b"GET /health HTTP/1.10",
    b"GET /he\x7falth HTTP/1.1"])
def test_a_request_line_that_is_none_is_refused(wire, line):
    is_refused(wire, head_of(first=line), 400, 501, 505)


@pytest.mark.parametrize("method", [b"FROB", b"PROPFIND", b"TRACE", b"LINK", b"M-SEARCH", b"get", b"Get", b"GETT", b"QUERY", b"PURGE",
    b"X" * 100])
def test_an_unknown_method_is_a_501(wire, method):
    answer = wire(head_of(first=method + b" /health HTTP/1.1")).answer()
    assert answer.status == 501, answer


def test_connect_opens_no_tunnel(wire):
    line = wire(head_of(first=b"CONNECT a.example:443 HTTP/1.1") + MARK)
    answer = line.answer()
    assert answer.status in (400, 404, 405, 501), answer
    assert line.ends()


@pytest.mark.parametrize("before", [b"\r\n", b"\r\n\r\n"])
def test_empty_lines_before_a_request_are_ignored(wire, before):
    is_served(wire, before + GET)


@pytest.mark.parametrize("target, status", [
    (b"http://a.example/health", 200), (b"http://other.example:8080/health?x", 200), (b"HTTP://a.example/health", 200), (b"/health?", 200),
    (b"/health?a=b&c", 200), (b"/health?/?%zz", 200),
    (b"/%68ealth", 200), (b"/%68%65%61%6c%74%68", 200), (b"/%48ealth", 404), (b"/v1%2Fposts", 200), (b"/v1%2fposts?limit=1", 200),
    (b"/nothing", 404), (b"/" + b"a" * 4000, 404),
    (b"/%E6%97%A5", 404), (b"/a;b=c", 404), (b"/!$&'()*+,;=:@-._~", 404), (b"/a//b", 404), (b"/v1/posts?limit=1&a=" + b"x" * 4000, 200)])
def test_a_target_is_decoded_before_it_is_routed(wire, target, status):
    is_served(wire, head_of(first=b"GET " + target + b" HTTP/1.1"), status)


@pytest.mark.parametrize("target", [b"/%", b"/%zz", b"/%4", b"/health%00", b"/%ff", b"/%c0%af", b"/health%0d%0aX:%20y", b"/./health",
    b"/x/../health", b"/..", b"/%2e%2e/health", b"/\xc3\xa9", b"/\xff",
                                    b"/[x]", b"/{x}", b"/|", b"/^", b"/`", b"/\"", b"/<x>", b"/\\", b"*", b"http://", b"http:///health",
                                    b"//", b"?", b"https://a.example/health", b"ftp://a.example/health",
                                    b"/health#x", b"a.example:80", b"mailto:x"])
def test_an_odd_target_is_answered_and_reveals_nothing(wire, target):
    line = wire(head_of(first=b"GET " + target + b" HTTP/1.1"))
    answer = line.answer()
    assert answer.status in (200, 307, 400, 404), answer
    assert b"X: y" not in answer.head
    if answer.status == 200:
        assert answer.json["status"] == "ok"


def test_options_of_the_server_itself_is_answered(wire):
    answer = wire(head_of(first=b"OPTIONS * HTTP/1.1")).answer()
    assert answer.status == 204 and answer.field("Allow") == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert wire(head_of(first=b"GET * HTTP/1.1")).answer().status == 400


@pytest.mark.parametrize("bytes_of_target", [8192, 8300, 9000, 20_000, 100_000, 3_000_000])
def test_a_target_that_is_too_long_is_a_414(wire, bytes_of_target):
    line = wire()
    try:
        line.send(b"GET /" + b"a" * bytes_of_target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    except ConnectionError:
        pass
    answer = line.answer()
    assert answer.status == 414 and answer.closes, answer


def test_a_target_just_within_the_limit_is_a_404(wire):
    is_served(wire, head_of(first=b"GET /" + b"a" * 8100 + b" HTTP/1.1"), 404)


def test_a_long_method_does_not_fill_the_memory(wire):
    line = wire()
    try:
        line.send(b"A" * 3_000_000)
    except ConnectionError:
        pass
    assert line.answer().status in (400, 414, 501)


# ---- Host


@pytest.mark.parametrize("lines", [
    [], [b"Host: a.example", b"Host: b.example"], [b"Host: a.example", b"Host: a.example"], [b"Host: a.example", b"host: a.example"],
    [b"HOST: a.example", b"X: y", b"hOST: a.example"],
    [b"Host: a.example", b"Host:"]])
def test_none_or_a_second_host_is_a_400(wire, lines):
    is_refused(wire, head_of(*lines, host=False), 400)


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a@b", b"user:pw@a.example", b"[::1", b"::1]", b"a:b", b"a:80:80", b"a,b", b"a?b",
    b"a#b", b"a\\b", b"a\"b", b"http://a", b"a:99999999", b"a:-1", b"a:8 0",
                                  b"[", b":", b"[::1]x", b"a\tb", b"<a>", b"a%zz"])
def test_a_host_that_is_none_is_a_400(wire, host):
    is_refused(wire, head_of(b"Host: " + host, host=False), 400)


@pytest.mark.parametrize("host", [b"a.example", b"a.example:80", b"127.0.0.1", b"127.0.0.1:8000", b"[::1]", b"[::1]:8000",
    b"[2001:db8::1]:1", b"localhost", b"xn--bcher-kva.example", b"a_b.example", b"A.EXAMPLE",
                                  b"a.example.", b"a-b.example:65535"])
def test_a_host_may_be_written_so(wire, host):
    is_served(wire, head_of(b"Host: " + host, host=False))


# ---- fields


@pytest.mark.parametrize("lines", [
    [b"X: a", b" folded"], [b"X: a", b"\tfolded"], [b"X : a"], [b"X\t: a"], [b" X: a"], [b": a"], [b"X"], [b"X Y: a"], [b"X(: a"],
    [b"X\x00: a"], [b"X: a\x00b"], [b"X: a\rb"], [b"X: a\nb: c"],
    [b"X: \x01"], [b"X: a\x0bb"], [b"X: a\x7fb"], [b"X\xe9: a"], [b"\x7fX: a"], [b"X\": a"], [b"X/Y: a"], [b"X: a\r"], [b"[X]: a"],
    [b"X: a\x1fb"]])
def test_a_field_that_is_none_is_a_400(wire, lines):
    is_refused(wire, head_of(*lines), 400)


@pytest.mark.parametrize("data", [
    b"GET /health HTTP/1.1\nHost: a.example\n\n", b"GET /health HTTP/1.1\r\nHost: a.example\n\r\n",
    b"GET /health HTTP/1.1\nHost: a.example\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: a.example\r\n\n",
    b"GET /health HTTP/1.1\rHost: a.example\r\r", b"GET /health HTTP/1.1\r\nHost: a.example\r\nX: y\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a.example\r\r\n\r\n", b"GET /health HTTP/1.1\r\n Host: a.example\r\n\r\n",
    b"GET /health HTTP/1.1\r\n\tHost: a.example\r\n\r\n", b"\n\nGET /health HTTP/1.1\nHost: a.example\n\n",
    b"\rGET /health HTTP/1.1\r\nHost: a.example\r\n\r\n"])
def test_lines_that_do_not_end_in_crlf_are_refused(wire, data):
    is_refused(wire, data, 400, 501, 505)


@pytest.mark.parametrize("lines", [[b"X:a"], [b"X:"], [b"X:    "], [b"X:\t a \t"], [b"X: \xc3\xa9\xff"], [b"X: " + b"a" * 8000],
    [b"!#$%&'*+-.^_`|~0aZ: x"], [b"X: a", b"X: b"], [b"Cookie: " + b"a=b; " * 500]])
def test_a_field_may_be_written_so(wire, lines):
    is_served(wire, head_of(*lines))


def test_a_hundred_fields_are_read_and_one_more_is_a_431(wire):
    is_served(wire, head_of(*[b"X-%d: y" % index for index in range(99)]))
    assert is_refused(wire, head_of(*[b"X-%d: y" % index for index in range(100)]), 431)


@pytest.mark.parametrize("lines", [[b"X: " + b"a" * 33_000], [b"X-%d: " % index + b"a" * 1000 for index in range(40)],
    [b"X" * 40_000 + b": y"], [b"X: " + b"a" * 2_000_000], [b"X-%d: y" % index for index in range(5000)]],
                         ids=["one value", "forty", "one name", "two megabytes", "many"])
def test_too_many_bytes_of_fields_are_a_431(wire, lines):
    line = wire()
    try:
        line.send(head_of(*lines))
    except ConnectionError:
        pass
    answer = line.answer()
    assert answer.status == 431 and answer.closes, answer


def test_thirty_thousand_bytes_of_fields_are_read(wire):
    is_served(wire, head_of(*[b"X-%d: " % index + b"a" * 990 for index in range(30)]))


# ---- how long a body is: every way in which two readers could differ


@pytest.mark.parametrize("lines", [
    [b"Content-Length: 5", b"Transfer-Encoding: chunked"], [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
    [b"Transfer-Encoding: chunked", b"Content-Length: 0"],
    [b"Content-Length: 5", b"Content-Length: 5"], [b"Content-Length: 5", b"Content-Length: 6"],
    [b"Content-Length: 5", b"content-length: 0"], [b"Content-Length: 5, 5"], [b"Content-Length: 5,6"],
    [b"Content-Length:"], [b"Content-Length: "], [b"Content-Length: +5"], [b"Content-Length: -5"], [b"Content-Length: -0"],
    [b"Content-Length: 0x5"], [b"Content-Length: 5a"], [b"Content-Length: 5 5"],
    [b"Content-Length: 5.0"], [b"Content-Length: \"5\""], [b"Content-Length : 5"], [b"Content-Length: 5\x00"], [b"Content-Length: 5;"],
    [b"Content-Length: \x0b5"], [b"Content-Length: 1e1"], [b"Content-Length: \xb2"],
    [b"Content_Length: 5", b"Content-Length: 5", b"Content-Length: 4"], [b" Content-Length: 5"], [b"X: y", b" Content-Length: 5"]])
def test_a_length_that_could_be_read_in_two_ways_is_a_400(wire, lines):
    is_refused(wire, head_of(*lines, first=b"POST /echo HTTP/1.1") + b"0\r\n\r\n", 400)


@pytest.mark.parametrize("value", [b"frob, chunked", b"gzip, chunked", b"deflate", b"gzip", b"identity", b"frob", b"xchunked", b"chunkedx",
    b"gzip,chunked"])
def test_an_unknown_coding_is_a_501(wire, value):
    is_refused(wire, head_of(b"Transfer-Encoding: " + value, first=b"POST /echo HTTP/1.1") + b"0\r\n\r\n", 501)


@pytest.mark.parametrize("lines", [
    [b"Transfer-Encoding: chunked, chunked"], [b"Transfer-Encoding: chunked, gzip"], [b"Transfer-Encoding: chunked, identity"],
    [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"], [b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"],
    [b"Transfer-Encoding: \x0bchunked"], [b"Transfer-Encoding: chunked\x00"],
    [b"Transfer-Encoding : chunked"], [b"Transfer-Encoding: \"chunked\""], [b"Transfer-Encoding: chunked;q=1"], [b"Transfer-Encoding:"],
    [b"Transfer-Encoding: ,"], [b"Transfer_Encoding: chunked", b"Transfer-Encoding: x"],
    [b"Transfer-Encoding:", b" chunked"], [b"X: y\rTransfer-Encoding: chunked"], [b"Transfer-Encoding: ch\xd5\xb8nked"]])
def test_a_coding_that_could_be_read_in_two_ways_is_refused(wire, lines):
    is_refused(wire, head_of(*lines, first=b"POST /echo HTTP/1.1") + b"0\r\n\r\n", 400, 501)


@pytest.mark.parametrize("value", [b"chunked", b"Chunked", b"CHUNKED", b"  chunked \t"])
def test_chunked_may_be_written_so(wire, value):
    assert is_served(wire, head_of(b"Transfer-Encoding: " + value, first=b"POST /echo HTTP/1.1") + b"3\r\nabc\r\n0\r\n\r\n").body == b"abc"


def test_transfer_encoding_in_http_1_0_ends_the_connection(wire):
    line = wire(head_of(b"Transfer-Encoding: chunked", b"Connection: keep-alive",
        first=b"POST /echo HTTP/1.0") + b"3\r\nabc\r\n0\r\n\r\n" + MARK)
    answer = line.answer()
    assert answer.status in (200, 400), answer
    assert line.ends()


@pytest.mark.parametrize("body", [
    b"x\r\nabc\r\n0\r\n\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"-3\r\nabc\r\n0\r\n\r\n", b"+3\r\nabc\r\n0\r\n\r\n", b" 3\r\nabc\r\n0\r\n\r\n",
    b"3 \r\nabc\r\n0\r\n\r\n", b"\r\nabc\r\n0\r\n\r\n", b"3\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\n0\r\n\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nab\r\n0\r\n\r\n", b"3\rabc\r\n0\r\n\r\n", b"3;\x00\r\nabc\r\n0\r\n\r\n",
    b"3,3\r\nabc\r\n0\r\n\r\n", b"3\r\nabc0\r\n\r\n", b"\xb23\r\nabc\r\n0\r\n\r\n",
    b"3;a\nb\r\nabc\r\n0\r\n\r\n", b"3\r\n\r\nabc\r\n0\r\n\r\n", b"1_0\r\nabc\r\n0\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\n X: y\r\n\r\n",
    b"0\r\nX: y\n\r\n", b"0\r\n\x00: y\r\n\r\n", b"3.0\r\nabc\r\n0\r\n\r\n"])
def test_a_chunk_that_is_none_is_a_400(wire, body):
    is_refused(wire, head_of(b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1") + body, 400)


@pytest.mark.parametrize("size", [b"fffffffffffffffff", b"10000000000000000", b"FFFFFFFFFFFFFFFF", b"8000000000000000",
    b"7fffffffffffffff", b"100001", b"0" * 5000 + b"3", b"f" * 5000])
def test_a_chunk_that_is_too_large_is_refused_before_it_is_read(wire, size):
    is_refused(wire, head_of(b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1") + size + b"\r\n", 400, 413)


def test_an_extension_of_a_chunk_is_ignored_and_too_much_of_it_is_a_413(wire):
    head = head_of(b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1")
    assert is_served(wire, head + b'3;a;b=c;d="e"\r\nabc\r\n0;x\r\n\r\n').body == b"abc"
    assert is_served(wire, head + b"3;a=" + b"x" * 4000 + b"\r\nabc\r\n0\r\n\r\n").body == b"abc"
    is_refused(wire, head + b"3;a=" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n", 413)
    is_refused(wire, head + b"".join(b"1;a=" + b"x" * 100 + b"\r\nz\r\n" for _ in range(60)) + b"0\r\n\r\n", 413)


def test_trailers_are_read_and_change_nothing_and_too_many_are_a_431(wire):
    answer = is_served(wire, chunked(b"abc",
        trailer=b"X-Sum: 1\r\nContent-Length: 99\r\nTransfer-Encoding: gzip\r\nHost: b\r\nAuthorization: Bearer x\r\n"))
    assert answer.body == b"abc"
    assert is_served(wire, chunked(b"abc", trailer=b"X: " + b"y" * 7000 + b"\r\n")).body == b"abc"
    is_refused(wire, chunked(b"abc", trailer=b"X: " + b"y" * 9000 + b"\r\n"), 431)
    is_refused(wire, chunked(b"abc", trailer=b"".join(b"X-%d: y\r\n" % index for index in range(2000))), 431)


# ---- bodies

MEBIBYTE = 1_048_576


@pytest.mark.parametrize("body", [b"", b"x", b"\x00", bytes(range(256)) * 40, b"\r\n\r\n" * 100, GET * 10, b"0\r\n\r\n", b"x" * 4095,
    b"x" * 4096, b"x" * 4097, b"x" * 65536, random.Random(1).randbytes(300_001), b"y" * MEBIBYTE],
                         ids=lambda body: str(len(body)))
def test_a_body_is_echoed_byte_for_byte(wire, body):
    assert is_served(wire, echo(body)).body == body
    assert is_served(wire, echo(body, b"Content-Type: application/x-nobody-knows")).body == body
    pieces = [body[at:at + 5000] for at in range(0, len(body), 5000)]
    assert is_served(wire, chunked(*pieces)).body == body


@pytest.mark.parametrize("length", [MEBIBYTE + 1, 10 * MEBIBYTE, 2**31, 2**32, 2**32 + 5, 2**63 - 1])
def test_a_body_over_the_limit_is_a_413_before_it_is_sent(wire, length):
    line = wire(head_of(b"Content-Length: %d" % length, first=b"POST /echo HTTP/1.1"))
    began = time.monotonic()
    answer = line.answer()
    assert answer.status == 413 and time.monotonic() - began < 2
    assert answer.closes and line.ends()


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**64, 2**64 + 5, 10**30, 10**300])
def test_a_length_beyond_64_bits_is_refused(wire, length):
    is_refused(wire, head_of(b"Content-Length: %d" % length, first=b"POST /echo HTTP/1.1") + b"abcde", 400, 413)


def test_leading_zeros_of_a_length_do_not_matter(wire):
    assert is_served(wire, head_of(b"Content-Length: 0005", first=b"POST /echo HTTP/1.1") + b"abcde").body == b"abcde"


def test_chunks_over_the_limit_are_a_413_while_they_come(wire):
    line = wire(head_of(b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1"))
    try:
        for _ in range(40):
            line.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    except ConnectionError:
        pass
    answer = line.answer()
    assert answer.status == 413 and answer.closes


def test_the_answer_to_a_large_body_that_is_refused_can_be_read(wire):
    """The server must not reset the connection under the answer while the client still sends."""
    read = 0
    for _ in range(10):
        line = wire()
        try:
            line.send(head_of(b"Content-Length: %d" % (4 * MEBIBYTE), first=b"POST /echo HTTP/1.1") + b"x" * MEBIBYTE)
            time.sleep(0.02)
            line.send(b"x" * MEBIBYTE)
        except ConnectionError:
            pass
        try:
            assert line.answer().status == 413
            read += 1
        except (ConnectionError, Closed):
            pass
    assert read >= 8, f"only {read} of 10 answers arrived"


@pytest.mark.parametrize("method, path", [(b"GET", b"/health"), (b"DELETE", b"/v1/posts/x"), (b"GET", b"/v1/posts"), (b"HEAD", b"/health"),
    (b"OPTIONS", b"/health"), (b"GET", b"/nothing"), (b"PUT", b"/health")])
@pytest.mark.parametrize("body", [b"", b"abc", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"x" * 50_000])
def test_a_body_where_none_is_wanted_is_read_and_dropped(wire, method, path, body):
    for data in (head_of(b"Content-Length: %d" % len(body), first=method + b" " + path + b" HTTP/1.1") + body,
                 head_of(b"Transfer-Encoding: chunked", first=method + b" " + path + b" HTTP/1.1") + (b"%x\r\n%s\r\n" % (len(body), body)
                 if body else b"") + b"0\r\n\r\n"):
        line = wire(data + GET)
        first = line.answer(method.decode())
        assert first.status in (200, 204, 401, 404, 405), first
        if not first.closes:
            assert line.answer().json["status"] == "ok"
        assert line.is_silent() or line.ends()


def test_a_long_body_in_chunks_that_is_not_wanted_does_not_end_the_connection(wire):
    """Or the answer before it says so: the next request would be lost."""
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    for method, path in ((b"POST", b"/v1/posts"), (b"OPTIONS", b"/v1/posts"), (b"POST", b"/nowhere")):
        line = wire(head_of(b"Transfer-Encoding: chunked", first=method + b" " + path + b" HTTP/1.1"))
        line.send(chunk * 40 + b"0\r\n\r\n" + GET)
        first = line.answer(method.decode())
        assert first.status in (204, 401, 404), first
        assert not first.closes
        assert line.answer().json["status"] == "ok"


# ---- Expect


def expecting(first, *lines, value=b"100-continue"):
    return head_of(b"Expect: " + value, *lines, first=first)


def test_a_body_that_will_be_read_is_asked_for(wire):
    for value in (b"100-continue", b"100-Continue"):
        line = wire(expecting(b"POST /echo HTTP/1.1", b"Content-Length: 5", value=value))
        assert line.answer().status == 100
        assert line.is_silent()
        answer = line.send(b"hello").answer()
        assert (answer.status, answer.body) == (200, b"hello")
        assert line.send(GET).answer().status == 200


def test_a_chunked_body_is_asked_for_as_well(wire):
    line = wire(expecting(b"POST /echo HTTP/1.1", b"Transfer-Encoding: chunked"))
    assert line.answer().status == 100
    assert line.send(b"3\r\nabc\r\n0\r\n\r\n").answer().body == b"abc"


def test_a_body_that_comes_along_is_read_whether_or_not_it_is_asked_for(wire):
    line = wire(expecting(b"POST /echo HTTP/1.1", b"Content-Length: 5") + b"hello" + GET)
    answer = line.answer()
    if answer.status == 100:
        answer = line.answer()
    assert answer.body == b"hello"
    assert line.answer().json["status"] == "ok"


@pytest.mark.parametrize("first, lines, status", [
    (b"POST /echo HTTP/1.1", [b"Content-Length: 2000000"], 413), (b"POST /nothing HTTP/1.1", [b"Content-Length: 5"], 404),
    (b"PUT /health HTTP/1.1", [b"Content-Length: 5"], 405),
    (b"POST /v1/posts HTTP/1.1", [b"Content-Length: 5", b"Content-Type: application/json"], 401),
    (b"POST /v1/posts HTTP/1.1", [b"Transfer-Encoding: chunked"], 401)])
def test_a_body_that_will_not_be_read_is_not_asked_for(wire, first, lines, status):
    line = wire(expecting(first, *lines))
    answer = line.answer()
    assert answer.status == status, answer


def test_another_expectation_is_a_417(wire):
    answer = wire(expecting(b"POST /echo HTTP/1.1", b"Content-Length: 5", value=b"200-maybe") + b"hello").answer()
    assert answer.status == 417, answer


def test_http_1_0_is_never_told_to_continue(wire):
    line = wire(expecting(b"POST /echo HTTP/1.0", b"Content-Length: 5"))
    assert line.is_silent()
    assert line.send(b"hello").answer().body == b"hello"


def test_no_body_is_not_asked_for(wire):
    assert wire(expecting(b"GET /health HTTP/1.1")).answer().status == 200
    assert wire(expecting(b"POST /echo HTTP/1.1", b"Content-Length: 0")).answer().status == 200


# ---- connections


def test_a_connection_is_kept(wire):
    line = wire()
    for _ in range(50):
        answer = line.send(GET).answer()
        assert answer.status == 200 and not answer.closes


@pytest.mark.parametrize("value", [b"close", b"Close", b"CLOSE", b"foo, close", b"close, foo", b"keep-alive, close", b"\tclose "])
def test_a_connection_is_closed_when_asked(wire, value):
    line = wire(head_of(b"Connection: " + value) + MARK)
    answer = line.answer()
    assert answer.status == 200 and answer.field("Connection") == "close"
    assert line.ends()


def test_a_connection_of_http_1_0_is_closed_unless_kept(wire):
    line = wire(b"GET /health HTTP/1.0\r\n\r\n")
    assert line.answer().status == 200 and line.ends()
    line = wire(b"GET /health HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
    answer = line.answer()
    assert answer.status == 200 and (answer.field("Connection") or "").lower() == "keep-alive"
    assert line.send(b"GET /health HTTP/1.0\r\n\r\n").answer().status == 200
    assert line.ends()


def test_http_1_0_needs_no_host(wire):
    assert wire(b"GET /v1/posts HTTP/1.0\r\n\r\n").answer().status == 200


def test_errors_of_the_service_keep_the_connection(wire):
    line = wire()
    for target, status in ((b"/nothing", 404), (b"/v1/users/me", 401), (b"/v1/posts?limit=x", 422), (b"/v1/posts/x", 422),
            (b"/v1/auth/login", 405)):
        answer = line.send(head_of(first=b"GET " + target + b" HTTP/1.1")).answer()
        assert answer.status == status and not answer.closes


@pytest.mark.parametrize("lines", [[b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: x"],
    [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"],
                                   [b"Upgrade: TLS/1.2", b"Connection: upgrade"]])
def test_an_offer_to_upgrade_is_ignored(wire, lines):
    line = wire(head_of(*lines) + GET)
    assert line.answer().json["status"] == "ok"
    assert line.answer().json["status"] == "ok"
    body = head_of(*lines, b"Content-Length: 5", first=b"POST /echo HTTP/1.1") + b"hello" + GET
    line = wire(body)
    assert line.answer().body == b"hello" and line.answer().status == 200


def test_a_client_that_has_said_all_it_wants_still_gets_its_answers(wire):
    line = wire(GET + echo(b"abc") + GET)
    line.socket.shutdown(socket.SHUT_WR)
    assert [line.answer().status for _ in range(3)] == [200, 200, 200]
    assert line.ends()


def test_half_a_request_and_the_end_is_no_request(wire):
    for data in (b"GET /hea", GET[:-2], echo(b"abc")[:-1], b"", b"\r\n"):
        line = wire(data)
        line.socket.shutdown(socket.SHUT_WR)
        try:
            assert line.answer().status == 400
        except Closed:
            pass
        assert line.ends()


def test_clients_that_vanish_leave_nothing_behind(server, wire):
    before = server.open_files()
    for data in (b"", GET[:10], GET, echo(b"x" * 1000)[:-10], chunked(b"x" * 1000)[:-20], GET * 50):
        for _ in range(20):
            line = Wire(server)
            line.send(data)
            line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            line.close()
    end = time.monotonic() + 5
    while server.open_files() > before + 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert server.open_files() <= before + 2
    assert wire(GET).answer().status == 200


# ---- pipelines


def test_sixty_four_requests_at_once_are_answered_in_their_order(wire):
    line = wire(b"".join(echo(b"number %d" % index) for index in range(64)))
    assert [line.answer().body for _ in range(64)] == [b"number %d" % index for index in range(64)]
    assert line.is_silent()


def test_a_slow_request_does_not_let_a_later_answer_pass(wire, ada):
    form = f"username={ada.email}&password={PASSWORD}".replace("@", "%40").encode()
    data, expected = b"", []
    for index in range(8):
        data += request_bytes("POST", "/v1/auth/login", form, headers=FORM) + echo(b"%d" % index) + request_bytes("GET",
            "/v1/posts?limit=1")
        data += request_bytes("GET", "/nothing") + request_bytes("GET", "/v1/users/me", token=ada.token)
        expected += [200, 200, 200, 404, 200]
    line = wire(data)
    answers = [line.answer() for _ in expected]
    assert [answer.status for answer in answers] == expected
    for index in range(8):
        login, number, posts, _, me = answers[index * 5:index * 5 + 5]
        assert "access_token" in login.json and number.body == b"%d" % index and "pagination" in posts.json and me.json["id"] == ada.id


def test_a_thousand_requests_at_once_are_answered_in_their_order(wire):
    data = b"".join(echo(b"%d" % index) for index in range(1000))
    line = wire()
    line.socket.settimeout(30)
    answered = 0
    for at in range(0, len(data), 1777):
        line.send(data[at:at + 1777])
    for index in range(1000):
        assert line.answer().body == b"%d" % index
        answered += 1
    assert answered == 1000


def test_what_comes_behind_an_error_is_not_answered(wire):
    line = wire(GET + b"NONSENSE\r\n\r\n" + GET)
    assert line.answer().status == 200
    assert line.answer().status in (400, 501, 505)
    assert line.ends()


# ---- requests in pieces

PIECES = [
    (GET, [b'"status"']),
    (echo(b"hello, world"), [b"hello, world"]),
    (chunked(b"hello", b", ", b"world", trailer=b"X: y\r\n"), [b"hello, world"]),
    (echo(b"one") + GET + chunked(b"two"), [b"one", b'"status"', b"two"]),
    (head_of(b"X-Long: " + b"a" * 300, b"Connection: close"), [b'"status"']),
]


@pytest.mark.parametrize("data, parts", PIECES, ids=["get", "length", "chunked", "three", "close"])
def test_a_request_may_be_cut_at_every_byte(server, data, parts):
    wires = []
    for cut in range(1, len(data)):
        wires.append(Wire(server))
        wires[-1].send(data[:cut])
    time.sleep(0.1)
    for cut, line in enumerate(wires, 1):
        line.send(data[cut:])
    for cut, line in enumerate(wires, 1):
        for part in parts:
            answer = line.answer()
            assert answer.status == 200 and part in answer.body, (cut, answer)
        line.close()


@pytest.mark.parametrize("data, parts", PIECES, ids=["get", "length", "chunked", "three", "close"])
def test_a_request_may_come_a_byte_at_a_time(wire, data, parts):
    line = wire()
    for index in range(len(data)):
        line.send(data[index:index + 1])
        time.sleep(0.0005)
    for part in parts:
        answer = line.answer()
        assert answer.status == 200 and part in answer.body


def test_a_broken_request_is_refused_wherever_it_is_cut(server):
    data = head_of(b"Content-Length: 3", b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1") + b"0\r\n\r\n"
    wires = []
    for cut in range(1, len(data)):
        wires.append(Wire(server))
        wires[-1].send(data[:cut])
    time.sleep(0.1)
    for cut, line in enumerate(wires, 1):
        try:
            line.send(data[cut:])
        except ConnectionError:
            pass
        try:
            assert line.answer().status == 400, cut
        except ConnectionResetError:
            pass
        line.close()


def test_chunks_may_be_cut_anywhere(wire):
    chance = random.Random(20261120)
    for _ in range(25):
        body = chance.randbytes(chance.randrange(1, 30_000))
        data, at = b"", 0
        while at < len(body):
            size = chance.choice((1, 2, 3, 15, 16, 17, 255, 256, 4096, chance.randrange(1, 6000)))
            piece = body[at:at + size]
            data += (b"%x" if chance.random() < 0.5 else b"%04X") % len(piece) + b"\r\n" + piece + b"\r\n"
            at += size
        data = head_of(b"Transfer-Encoding: chunked", first=b"POST /echo HTTP/1.1") + data + b"0\r\n\r\n"
        line, at = wire(), 0
        while at < len(data):
            size = chance.choice((1, 7, 100, 1460, 4096, 9000))
            line.send(data[at:at + size])
            at += size
        assert line.answer().body == body


# ---- what every answer has; client.py looks at Date and Content-Length of each


def test_the_date_moves_with_the_clock(wire):
    line = wire()
    dates = set()
    end = time.monotonic() + 2.3
    while time.monotonic() < end:
        dates.add(line.send(GET).answer().field("Date"))
        time.sleep(0.05)
    assert len(dates) in (2, 3, 4)


@pytest.mark.parametrize("data, status", [
    (head_of(first=b"GET /nothing HTTP/1.1"), 404), (head_of(first=b"PUT /health HTTP/1.1"), 405), (head_of(host=False), 400),
    (head_of(first=b"FROB /x HTTP/1.1"), 501),
    (head_of(b"Content-Length: 9999999", first=b"POST /echo HTTP/1.1"), 413), (head_of(first=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    (head_of(b"X: " + b"a" * 40_000), 431),
    (head_of(first=b"GET /health HTTP/2.0"), 505), (head_of(b"Transfer-Encoding: x", first=b"POST /echo HTTP/1.1"), 501),
    (head_of(b"Expect: x", first=b"POST /echo HTTP/1.1"), 417)])
def test_an_error_is_a_json_detail_with_a_date_and_a_length(wire, data, status):
    answer = wire(data).answer()
    assert answer.status == status
    assert answer.field("Content-Type") == "application/json" and isinstance(json.loads(answer.body)["detail"], str)


def test_the_content_type_of_json_is_plain(wire):
    assert wire(GET).answer().field("Content-Type") == "application/json"


def test_no_answer_names_the_software_it_runs_on(wire):
    answer = wire(GET).answer()
    assert not re.search(r"\d+\.\d+\.\d+", answer.field("Server") or "")


# ---- the bench routes


def test_plaintext_and_json_are_as_techempower_wants_them(wire):
    answer = wire(head_of(first=b"GET /plaintext HTTP/1.1")).answer()
    assert answer.body == b"Hello, World!" and answer.field("Content-Type").startswith("text/plain")
    answer = wire(head_of(first=b"GET /json HTTP/1.1")).answer()
    assert answer.json == {"message": "Hello, World!"}


def test_the_bench_user_is_validated_and_answered(client):
    document = {"email": "a@example.org", "first_name": "A", "last_name": "B", "password": "long-enough"}
    answer = client.post("/users", document)
    assert answer.status == 201 and set(answer.json) == {"id", "email", "first_name", "last_name"}
    answer = client.post("/users", {**document, "first_name": "x" * 51, "password": "short"})
    assert [(problem["type"], problem["loc"]) for problem in answer.detail] == [("string_too_long", ["body", "first_name"]),
        ("string_too_short", ["body", "password"])]
    assert b'"short"' not in answer.body


def test_db_and_queries_answer_rows_of_the_world(client):
    row = client.get("/db").json
    assert set(row) == {"id", "randomNumber"} and 1 <= row["id"] <= 10_000 and 1 <= row["randomNumber"] <= 10_000
    for text, count in (("1", 1), ("20", 20), ("500", 500), ("501", 500), ("0", 1), ("-5", 1), ("abc", 1), ("", 1)):
        for path in ("/queries?n=", "/cached-queries?n="):
            rows = client.get(path + text)
            assert rows.status == 200, rows
            assert len(rows.json) == count and all(set(one) == {"id", "randomNumber"} for one in rows.json), (path, text)
    assert len(client.get("/queries").json) == 1


def test_updates_are_kept(server, client):
    rows = client.get("/updates?n=20").json
    assert len(rows) == 20
    stored = dict(server.sql("SELECT id, randomnumber FROM world WHERE id IN (" + ",".join(str(row["id"]) for row in rows) + ")"))
    last = {str(row["id"]): str(row["randomNumber"]) for row in rows}
    assert stored == last


def test_fortunes_are_sorted_and_escaped(client):
    answer = client.get("/fortunes")
    assert answer.status == 200 and answer.field("Content-Type").lower().replace(" ", "") == "text/html;charset=utf-8"
    page = answer.body.decode()
    assert "&lt;script&gt;alert(" in page and "<script>" not in page and "フレームワークのベンチマーク" in page
    assert "Additional fortune added at request time." in page
    messages = re.findall(r"<tr><td>\d+</td><td>(.*?)</td></tr>", page)
    assert len(messages) == 13
