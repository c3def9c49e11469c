"""test_answers.py — files, streams and events over HTTP: what is sent, to whom, how slowly, and what is left when they go."""

import os
import re
import time

import pytest

from client import Client, Wire, request_bytes
from server import Server, build_folder, throw_away_folder

LARGE = 64 << 20
TEXT = b"0123456789" * 10


@pytest.fixture(scope="module")
def folder():
    made = throw_away_folder()
    (made / "secret.txt").write_text("not for everybody")
    inside = made / "files"
    (inside / "sub").mkdir(parents=True)
    (inside / "text.txt").write_bytes(TEXT)
    (inside / "empty.json").write_bytes(b"")
    (inside / "index.html").write_text("<h1>index</h1>")
    (inside / "sub/index.html").write_text("<h1>sub</h1>")
    (inside / "ä b.txt").write_text("umlaut")
    (inside / "page.js").write_text("plain")
    (inside / "page.js.br").write_bytes(b"brotli")
    (inside / "page.js.gz").write_bytes(b"gzip")
    (inside / "out.txt").symlink_to(made / "secret.txt")
    (inside / "in.txt").symlink_to("text.txt")
    (inside / "forbidden.txt").write_text("no")
    (inside / "forbidden.txt").chmod(0)
    os.mkfifo(inside / "fifo")
    with open(inside / "large.bin", "wb") as file:
        for number in range(LARGE // 65536):
            file.write(number.to_bytes(4, "big") * 16384)
    for path in inside.iterdir():
        if path.is_file() and not path.is_symlink():
            os.utime(path, (1_700_000_000, 1_700_000_000))
    yield made


@pytest.fixture(scope="module")
def server(folder):
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), ANSWERS_FOLDER=folder / "files", WRITE_STALL_MS=2000,
                REQUEST_MS=3000, REQUEST_LOG="on") as running:
        yield running
        assert running.stop() == 0, "\n".join(running.lines[-40:])


@pytest.fixture
def client(server):
    made = Client(server)
    yield made
    made.forget()


# ---- files


def test_a_file_says_what_it_is(client):
    answer = client.get("/answers/files/text.txt")
    assert (answer.status, answer.body) == (200, TEXT)
    assert answer.field("Content-Type") == "text/plain; charset=utf-8"
    assert answer.field("Accept-Ranges") == "bytes"
    assert answer.field("Last-Modified") == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert re.fullmatch(r'"[0-9a-f]+-64-[0-9a-f]+"', answer.field("ETag"))
    assert answer.field("Cache-Control") is None
    empty = client.get("/answers/files/empty.json")
    assert (empty.status, empty.body, empty.field("Content-Type")) == (200, b"", "application/json")
    assert client.get("/answers/files/%C3%A4%20b.txt").body == b"umlaut"


def test_head_of_a_file_is_its_head(client):
    told, sent = client.head("/answers/files/text.txt"), client.get("/answers/files/text.txt")
    assert told.status == 200 and told.body == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges"):
        assert told.field(name) == sent.field(name), name
    assert client.head("/answers/files/text.txt", headers={"Range": "bytes=0-1"}).status == 200


def test_an_index_stands_for_its_folder(client):
    assert client.get("/answers/files/").body == b"<h1>index</h1>"
    assert client.get("/answers/files/sub/").body == b"<h1>sub</h1>"
    assert client.get("/answers/files/sub").status == 404


@pytest.mark.parametrize("path", ["../secret.txt", "%2e%2e/secret.txt", "sub/../../secret.txt", "sub/%2e%2e/%2e%2e/secret.txt", "/etc/passwd",
                                  "%2Fetc%2Fpasswd", "out.txt", "fifo", "sub", "absent", "./text.txt", "sub//index.html", "text.txt/", "..%5Csecret.txt",
                                  "proc/self/exe", "text.txt%20", "a" * 5000, "..", ".", "%2e"])
def test_nothing_leads_out_of_the_folder(client, path):
    answer = client.get("/answers/files/" + path)
    assert answer.status == 404, path
    assert answer.detail == "Not Found" and b"secret" not in answer.body


def test_a_nul_in_a_path_is_refused(client):
    assert client.get("/answers/files/text.txt%00.png").status == 400


def test_a_link_that_stays_within_is_followed(client):
    assert client.get("/answers/files/in.txt").body == TEXT


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_not_there(client):
    assert client.get("/answers/files/forbidden.txt").status == 404


def test_a_folder_that_is_missing_is_a_404_and_a_line_in_the_log(server, client):
    assert client.get("/answers/lost").status == 404
    assert server.logged("no_folder")


@pytest.mark.parametrize("asked, said, body", [("0-0", "0-0", b"0"), ("5-14", "5-14", TEXT[5:15]), ("95-", "95-99", TEXT[95:]), ("-3", "97-99", TEXT[-3:]),
                                               ("-1000", "0-99", TEXT), ("90-1000", "90-99", TEXT[90:]), ("0-0,200-", "0-0", b"0")])
def test_a_range_is_a_206(client, asked, said, body):
    answer = client.get("/answers/files/text.txt", headers={"Range": "bytes=" + asked})
    assert (answer.status, answer.body) == (206, body)
    assert answer.field("Content-Range") == f"bytes {said}/100"
    assert answer.field("Content-Type") == "text/plain; charset=utf-8"


def test_several_ranges_are_parts(client):
    answer = client.get("/answers/files/text.txt", headers={"Range": "bytes=10-12, 0-0, -2"})
    assert answer.status == 206 and answer.field("Content-Range") is None
    boundary = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{24})", answer.field("Content-Type"))[1]
    first, *parts, last = answer.body.split(b"--" + boundary.encode())
    assert (first, last) == (b"", b"--\r\n")
    heads_and_bodies = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n") for part in parts]
    assert [body for _, body in heads_and_bodies] == [TEXT[10:13], TEXT[:1], TEXT[-2:]]
    assert heads_and_bodies[0][0] == b"Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 10-12/100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_that_is_not_there_is_a_416(client, asked):
    answer = client.get("/answers/files/text.txt", headers={"Range": asked})
    assert answer.status == 416 and answer.field("Content-Range") == "bytes */100"
    assert answer.detail == "Range Not Satisfiable"


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=x", "lines=1-2", "bytes=", "bytes=" + ",".join(f"{n}-{n}" for n in range(17)), "bytes=0-,0-,0-"])
def test_a_range_that_is_none_is_ignored(client, asked):
    answer = client.get("/answers/files/text.txt", headers={"Range": asked})
    assert (answer.status, answer.body) == (200, TEXT)


def test_conditions_are_judged(client):
    path, fresh = "/answers/files/text.txt", client.get("/answers/files/text.txt")
    tag, date = fresh.field("ETag"), fresh.field("Last-Modified")
    known = client.get(path, headers={"If-None-Match": tag})
    assert known.status == 304 and known.field("ETag") == tag and known.field("Last-Modified") == date
    assert client.get(path, headers={"If-None-Match": f'"x", W/{tag}'}).status == 304
    assert client.head(path, headers={"If-None-Match": tag}).status == 304
    assert client.get(path, headers={"If-None-Match": '"x"', "If-Modified-Since": date}).status == 200
    assert client.get(path, headers={"If-Modified-Since": date}).status == 304
    assert client.get(path, headers={"If-Modified-Since": "Tue, 14 Nov 2023 22:13:19 GMT"}).status == 200
    refused = client.get(path, headers={"If-Match": '"x"'})
    assert refused.status == 412 and refused.detail == "Precondition Failed"
    assert client.get(path, headers={"If-Unmodified-Since": "Tue, 14 Nov 2023 22:13:19 GMT"}).status == 412
    assert client.get(path, headers={"If-Match": tag, "Range": "bytes=0-1"}).status == 206
    assert client.get(path, headers={"If-Range": tag, "Range": "bytes=0-1"}).status == 206
    assert client.get(path, headers={"If-Range": date, "Range": "bytes=0-1"}).status == 206
    assert client.get(path, headers={"If-Range": '"x"', "Range": "bytes=0-1"}).status == 200


def test_a_file_that_changes_has_another_tag(client, folder):
    file = folder / "files/changing.txt"
    file.write_text("one")
    first = client.get("/answers/files/changing.txt").field("ETag")
    time.sleep(0.02)
    file.write_text("two")
    assert client.get("/answers/files/changing.txt", headers={"If-None-Match": first}).body == b"two"


def test_what_was_compressed_beforehand_is_sent_to_those_who_take_it(client):
    for accepted, body, coding in [("gzip, br", b"brotli", "br"), ("gzip", b"gzip", "gzip"), ("br;q=0", b"plain", None), (None, b"plain", None)]:
        answer = client.get("/answers/cached/page.js", headers={"Accept-Encoding": accepted} if accepted else {})
        assert (answer.body, answer.field("Content-Encoding")) == (body, coding)
        assert answer.field("Vary") == "Accept-Encoding" and answer.field("Cache-Control") == "public, max-age=60"
        assert answer.field("Content-Type") == "text/javascript; charset=utf-8"
    assert client.get("/answers/cached/text.txt", headers={"Accept-Encoding": "br"}).body == TEXT


def test_a_name_to_save_it_under_is_said_safely(client):
    answer = client.get("/answers/saved/text.txt?as=%C3%A4%22%0D%0AX:%20y.txt")
    assert answer.field("Content-Disposition") == "attachment; filename=\"____X: y.txt\"; filename*=UTF-8''%C3%A4%22__X%3A%20y.txt"
    assert answer.field("X") is None


def test_another_status_is_no_place_for_ranges_and_conditions(client):
    answer = client.get("/answers/another", headers={"Range": "bytes=0-1", "If-None-Match": "*"})
    assert (answer.status, answer.body) == (203, TEXT)


def download(server, target, chunk=1 << 20):
    """The status and the length of a body that is not kept."""
    with Wire(server, timeout=60) as wire:
        wire.send(request_bytes("GET", target, headers={"Connection": "close"}))
        got, last = 0, b""
        while data := wire.socket.recv(chunk):
            if not got:
                last, got = data, len(data) - data.index(b"\r\n\r\n") - 4
                status = int(data[9:12])
            else:
                last, got = data, got + len(data)
        return status, got, last


def test_a_large_file_costs_no_memory_and_blocks_nobody(server, client):
    before = server.rss_bytes()
    with Wire(server, rcvbuf=65536) as slow:
        slow.send(request_bytes("GET", "/answers/files/large.bin"))
        slow.more()
        status, got, last = download(server, "/answers/files/large.bin")
        assert (status, got, last[-4:]) == (200, LARGE, (LARGE // 65536 - 1).to_bytes(4, "big"))
        assert client.get("/health").status == 200
    assert server.rss_bytes() - before < 16 << 20


def test_a_client_that_leaves_a_download_leaves_nothing_open(server, client):
    client.get("/answers/files/text.txt")
    before = server.open_files()
    for _ in range(20):
        with Wire(server, rcvbuf=4096) as wire:
            wire.send(request_bytes("GET", "/answers/files/large.bin"))
            wire.more()
    end = time.monotonic() + 10
    while server.open_files() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert server.open_files() <= before


def test_a_client_that_does_not_read_is_cut(server):
    with Wire(server, rcvbuf=4096, timeout=30) as wire:
        wire.send(request_bytes("GET", "/answers/files/large.bin"))
        time.sleep(5)
        got = 0
        try:
            while (more := wire.more()):
                got += more
                wire.bytes = b""
        except ConnectionResetError:
            pass
        assert got < LARGE


def test_requests_behind_a_file_are_answered_in_their_order(server):
    with Wire(server) as wire:
        wire.send(request_bytes("GET", "/answers/files/text.txt") * 3 + request_bytes("GET", "/health"))
        assert [wire.answer().body for _ in range(3)] == [TEXT] * 3
        assert wire.answer().json["status"] == "ok"
