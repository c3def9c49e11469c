"""test_answers.py — files, streams and events over HTTP: what is sent, to whom, how slowly, and what is left when they go."""

import gzip
import json
import os
import re
import signal
import time

import pytest

from client import Client, Closed, Wire, request_bytes
from server import Server, build_folder, throw_away_folder

LARGE = 64 << 20
ROOM = 10 if "ASAN_OPTIONS" in os.environ else 1  # AddressSanitizer keeps what was freed
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
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), ANSWERS_FOLDER=folder / "files", WRITE_STALL_MS=3000,
                REQUEST_MS=3000, EVENTS_HEARTBEAT_MS=300, REQUEST_LOG="on") as running:
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
        head, last = b"", b""
        while b"\r\n\r\n" not in head:
            head += wire.socket.recv(chunk)
        head, _, last = head.partition(b"\r\n\r\n")
        status, got = int(head[9:12]), len(last)
        while data := wire.socket.recv(chunk):
            last, got = data, got + len(data)
        return status, got, last


def test_a_gibibyte_is_sent_within_64_mebibytes(server, folder):
    huge = folder / "files/huge.bin"
    with open(huge, "wb") as file:
        file.truncate(1 << 30)
    status, got, _ = download(server, "/answers/files/huge.bin")
    assert (status, got) == (200, 1 << 30)
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{server.pid}/status").read())[1])
    assert peak < ROOM * 64 << 10
    huge.unlink()


def test_a_large_file_costs_no_memory_and_blocks_nobody(server, client):
    before = server.rss_bytes()
    with Wire(server, rcvbuf=65536) as slow:
        slow.send(request_bytes("GET", "/answers/files/large.bin"))
        slow.more()
        status, got, last = download(server, "/answers/files/large.bin")
        assert (status, got, last[-4:]) == (200, LARGE, (LARGE // 65536 - 1).to_bytes(4, "big"))
        assert client.get("/health").status == 200
    assert server.rss_bytes() - before < ROOM * 16 << 20


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
        time.sleep(6)
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


# ---- pieces


def counts(client):
    return client.get("/answers/counts").json


def wait_until(what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return what()


def begin(server, target, method="GET", version="1.1", **options):
    """A connection on which the answer's head has come; the head."""
    wire = Wire(server, **options)
    wire.send(f"{method} {target} HTTP/{version}\r\nHost: a\r\n\r\n")
    return wire, wire.head()


def test_pieces_come_in_chunks_and_the_connection_goes_on(server):
    with Wire(server) as wire:
        for count in (0, 1, 3, 5000):
            answer = wire.send(request_bytes("GET", f"/answers/pieces?count={count}")).answer()
            assert (answer.status, answer.body) == (200, b"x" * 10 * count)
            assert answer.field("Transfer-Encoding") == "chunked" and answer.field("Content-Length") is None
        assert wire.send(request_bytes("GET", "/health")).answer().status == 200


def test_pieces_leave_while_the_handler_waits(server):
    wire, head = begin(server, "/answers/pieces?count=3&pause_ms=400")
    with wire:
        began = time.monotonic()
        assert wire.chunk() == b"x" * 10
        assert time.monotonic() - began < 0.35
        assert wire.chunk() + wire.chunk() == b"x" * 20
        assert time.monotonic() - began > 0.3
        assert wire.chunk() == b""


def test_a_piece_of_any_size_arrives_whole(server):
    with Wire(server) as wire:
        for size in (1, 245, 246, 247, 32767, 32768, 32769, 1_000_000):
            answer = wire.send(request_bytes("GET", f"/answers/pieces?count=2&bytes={size}")).answer()
            assert answer.body == b"x" * 2 * size


def test_formatted_pieces_of_any_length_arrive(client):
    answer = client.get("/answers/formatted?count=2000")
    assert answer.body == b"".join(b"%d,%s\n" % (n, b"0" * max(n, 1)) for n in range(2000))
    assert (answer.field("Content-Type"), answer.field("X-Set")) == ("text/csv", "yes")


def test_a_client_of_http_1_0_gets_bytes_up_to_the_end(server):
    wire, head = begin(server, "/answers/pieces?count=3", version="1.0")
    with wire:
        assert "Connection: close" in head and "Transfer-Encoding" not in head and "Content-Length" not in head
        while wire.more():
            pass
        assert wire.bytes == b"x" * 30


def test_head_of_a_stream_has_no_body_and_leaves_the_handler(server, client):
    before = counts(client)
    for path in ("/answers/endless", "/answers/ticks", "/answers/pieces?count=1", "/answers/rows?count=5"):
        with Wire(server) as wire:
            answer = wire.send(request_bytes("HEAD", path)).answer("HEAD")
            assert answer.status == 200 and answer.field("Transfer-Encoding") == "chunked"
            assert wire.send(request_bytes("GET", "/health")).answer().status == 200
    assert wait_until(lambda: counts(client)["live"] == before["live"])
    assert counts(client)["ok"] == before["ok"] + 2


def test_a_failure_before_the_first_piece_is_an_answer(client):
    answer = client.get("/answers/breaks?behind=0")
    assert answer.status == 409 and answer.detail == "Broken"


@pytest.mark.parametrize("behind", [2, 3])
def test_a_failure_behind_the_head_cuts_the_body_short(server, behind):
    wire, head = begin(server, f"/answers/breaks?behind={behind}")
    with wire:
        assert head.startswith("HTTP/1.1 200")
        assert [wire.chunk() for _ in range(behind)] == [b"good\n"] * behind
        with pytest.raises((Closed, ConnectionResetError)):
            wire.chunk()
    assert server.logged("answer_cut")


def test_a_failure_is_no_success_to_a_client_of_http_1_0(server):
    with Wire(server) as wire:
        wire.send("GET /answers/breaks?behind=2 HTTP/1.0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while wire.more():
                pass


def test_a_client_that_leaves_cancels_the_handler(server, client):
    for path in ("/answers/endless", "/answers/endless?pause_ms=100", "/answers/ticks"):
        before = counts(client)
        wire, _ = begin(server, path)
        assert counts(client)["live"] == before["live"] + 1
        wire.close()
        assert wait_until(lambda: counts(client)["live"] == before["live"]), path
        assert counts(client)["cancelled"] == before["cancelled"] + 1


def test_a_client_that_closes_its_side_reads_on(server, client):
    before = counts(client)
    for path in ("/answers/pieces?count=5&pause_ms=150", "/answers/ticks?count=5&pause_ms=150"):
        with Wire(server) as wire:
            wire.send(request_bytes("GET", path)).socket.shutdown(1)
            body = wire.answer().body
            assert body == b"x" * 50 or body.count(b"event: tick") == 5, body
            assert wire.ends()
    assert wait_until(lambda: counts(client)["live"] == before["live"]) and counts(client)["ok"] == before["ok"] + 1


def test_events_with_nothing_to_say_notice_at_once_that_their_client_left(folder):
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), ANSWERS_FOLDER=folder / "files",
                EVENTS_HEARTBEAT_MS=60_000) as quiet:
        client = Client(quiet)
        wire, _ = begin(quiet, "/answers/waits")
        assert counts(client)["live"] == 1
        wire.close()
        assert wait_until(lambda: counts(client)["live"] == 0)
        assert quiet.stop() == 0


@pytest.mark.parametrize("path", ["/answers/waits/on/time?ms=700", "/answers/waits/on/postgres?ms=700"])
def test_a_client_that_closes_its_side_gets_an_answer_that_takes_its_time(server, path):
    with Wire(server) as wire:
        wire.send(request_bytes("GET", path) * 2).socket.shutdown(1)
        for _ in range(2):
            answer = wire.answer()
            assert answer.status == 100  # which shows whether it reads
            assert wire.answer().status == 200
        assert wire.ends()


@pytest.mark.parametrize("path", ["/answers/waits/on/time?ms=30000", "/answers/waits/on/postgres?ms=30000"])
def test_a_client_that_closes_cancels_what_its_handler_waits_for(server, client, path):
    before = counts(client)
    wire = Wire(server).send(request_bytes("GET", path))
    assert wait_until(lambda: counts(client)["live"] == before["live"] + 1)
    wire.close()  # an end, not a reset
    assert wait_until(lambda: counts(client)["live"] == before["live"])
    assert counts(client)["cancelled"] == before["cancelled"] + 1


def test_a_slow_client_holds_the_writer_back(server, client):
    memory, before = server.rss_bytes(), counts(client)
    wires = [begin(server, "/answers/endless", rcvbuf=4096)[0] for _ in range(40)]
    time.sleep(1)
    assert counts(client)["live"] == before["live"] + 40
    assert server.rss_bytes() - memory < ROOM * 24 << 20
    for wire in wires:
        wire.close()
    assert wait_until(lambda: counts(client)["live"] == before["live"])


def test_a_client_that_takes_nothing_is_cut(server, client):
    before = counts(client)
    wire, _ = begin(server, "/answers/endless", rcvbuf=4096)
    with wire:
        assert wait_until(lambda: counts(client)["live"] == before["live"], 20)
        assert counts(client)["cancelled"] == before["cancelled"] + 1


def test_a_stream_lives_longer_than_a_request_may_as_long_as_it_goes_on(server):
    wire, _ = begin(server, "/answers/pieces?count=5&pause_ms=900")  # REQUEST_MS is 3000
    with wire:
        assert b"".join(iter(wire.chunk, b"")) == b"x" * 50


def test_a_stream_that_does_not_go_on_is_cut_at_its_deadline(server):
    began = time.monotonic()
    wire, _ = begin(server, "/answers/stuck")
    with wire:
        assert wire.chunk() == b"begun"
        with pytest.raises((Closed, ConnectionResetError)):
            wire.chunk()
    assert time.monotonic() - began < 10


def test_faults_of_a_handler_are_a_500_and_a_line(server, client):
    assert client.get("/answers/twice").status == 500
    assert client.get("/answers/nothing?begun=false").status == 500
    empty = client.get("/answers/nothing?begun=true")
    assert (empty.status, empty.body) == (200, b"")
    assert server.logged("no_answer")


def test_a_transaction_ends_where_the_stream_begins(server, client):
    assert client.post("/answers/committed?again=false").body == b"onetwo"
    wire, _ = begin(server, "/answers/committed?again=true", method="POST")
    with wire:
        assert wire.chunk() == b"one"
        with pytest.raises((Closed, ConnectionResetError)):
            wire.chunk()
    assert server.logged("query_behind_commit")


# ---- events and lines


def events_of(text):
    """As a browser reads them (WHATWG HTML, section 9.2.6): (event, data, last id)."""
    found, event, data, last_id = [], "", [], ""
    for line in re.split("\r\n|\n|\r", text):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append((event or "message", "\n".join(data), last_id))
            event, data = "", []
        elif field == "event":
            event = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
    return found


def test_events_are_what_a_browser_reads(client):
    answer = client.get("/answers/ticks?count=3&pause_ms=0")
    assert answer.field("Content-Type") == "text/event-stream" and answer.field("Cache-Control") == "no-store"
    assert events_of(answer.body.decode()) == [("tick", f'{{"id":{n},"title":"tick"}}', str(n)) for n in range(3)]


@pytest.mark.parametrize("data, read", [("one", "one"), ("a%0Ab", "a\nb"), ("a%0D%0Ab%0Dc%0A", "a\nb\nc\n"), ("", ""), ("%20x", " x"), ("data:%20y", "data: y"), ("%0A", "\n")])
def test_data_of_any_lines_arrives_as_it_was(client, data, read):
    answer = client.get(f"/answers/event?data={data}")
    assert events_of(answer.body.decode()) == [("message", read, "")]
    assert b"retry: 1500\n" in answer.body and b": bye\n: now\n" in answer.body


def test_no_field_of_an_event_becomes_another(client):
    answer = client.get("/answers/event?event=a%0Adata:%20forged&id=7%0D%0Aevent:%20forged&data=x")
    assert events_of(answer.body.decode()) == [("a", "x", "7")]


def test_an_event_without_data_is_none(client):
    assert events_of(client.get("/answers/event?event=a").body.decode()) == []


def test_lines_are_json_each(client):
    answer = client.get("/answers/rows?count=3000")
    assert answer.field("Content-Type") == "application/jsonl"
    assert [json.loads(line) for line in answer.body.splitlines()] == [{"id": n, "title": 'a "title"'} for n in range(3000)]


def test_events_that_have_nothing_to_say_send_comments(server):
    wire, _ = begin(server, "/answers/waits")
    with wire:
        for _ in range(3):
            assert wire.chunk() == b":\n\n"


def test_a_thousand_clients_each_get_their_events(server, client):
    before, memory = counts(client), server.rss_bytes()
    wires = []
    for _ in range(1000):
        wires.append(Wire(server, timeout=60))
        wires[-1].send(request_bytes("GET", "/answers/ticks?pause_ms=200"))
    for wire in wires:
        wire.head()
    assert counts(client)["live"] == before["live"] + 1000
    for number in range(3):
        for wire in wires:
            while not (chunk := wire.chunk()).startswith(b"event"):
                assert chunk == b":\n\n"
            assert b'data: {"id":%d,' % number in chunk
    assert (server.rss_bytes() - memory) / 1000 < ROOM * 64 << 10
    for wire in wires:
        wire.close()
    assert wait_until(lambda: counts(client)["live"] <= before["live"], 30)  # what was left of another test may have ended as well


def test_events_end_when_the_server_does(folder):
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), ANSWERS_FOLDER=folder / "files", DRAIN_MS=20000) as server:
        wire, _ = begin(server, "/answers/waits")
        other, _ = begin(server, "/answers/pieces?count=3&pause_ms=300")
        with wire, other:
            began = time.monotonic()
            server.send_signal(signal.SIGTERM)
            assert wire.chunk() == b"" and wire.ends()
            assert b"".join(iter(other.chunk, b"")) == b"x" * 30  # what has an end is let come to it
            assert server.wait() == 0
            assert time.monotonic() - began < 15


def test_a_stream_is_of_the_generation_it_began_with(folder, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    tmp_path.chmod(0o755)
    source = build_folder() / "tests/service/plugins/answers.so"
    (plugins / "answers.so").write_bytes(source.read_bytes())
    with Server("--plugins", str(plugins), ANSWERS_FOLDER=folder / "files") as server:
        wire, _ = begin(server, "/answers/ticks?pause_ms=50")
        with wire:
            wire.chunk()
            (plugins / "answers.so").unlink()
            assert wait_until(lambda: Client(server).get("/answers/counts").status == 404)
            for _ in range(5):
                assert b"data:" in wire.chunk()


# promise 46
def test_sleeping_takes_its_time_and_no_more_than_the_deadline(client):
    assert 90 <= client.get("/answers/sleep?ms=100").json["ms"] < 900
    assert client.get("/answers/sleep?ms=-5").status == 200
    began = time.monotonic()
    assert client.get("/answers/sleep?ms=60000").status == 504
    assert time.monotonic() - began < 8


def test_streams_are_in_the_figures(server, client):
    wire, _ = begin(server, "/answers/ticks")
    with wire:
        metrics = client.get("/metrics").body.decode()
        live = sum(int(match) for match in re.findall(r'leat_streams\{core="\d+"\} (\d+)', metrics))
        assert live >= 1


# ---- values, redirects, cookies, conditions


@pytest.mark.parametrize("text", ['{"a":[1,2.50,null]}', "[]", '"x"', "12", "null"])
def test_a_json_value_is_answered_as_it_is(client, text):
    answer = client.get("/answers/value?json=" + "".join(f"%{byte:02X}" for byte in text.encode()))
    assert answer.body.decode() == text and answer.field("Content-Type") == "application/json"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_has_its_status_and_place(client, status):
    answer = client.get(f"/answers/redirect?status={status}&to=/a%20b/%C3%A9%3Fx=%2541%26y")
    assert (answer.status, answer.field("Location")) == (status, "/a%20b/%C3%A9?x=%41&y")


@pytest.mark.parametrize("query", ["status=304&to=/", "status=200&to=/"])
def test_what_is_no_redirect_is_a_500(client, query):
    answer = client.get("/answers/redirect?" + query)
    assert answer.status == 500 and answer.field("X") is None


def test_a_line_break_in_a_redirects_target_is_encoded(client):
    answer = client.get("/answers/redirect?status=307&to=/%0D%0AX:%20y")
    assert answer.status == 307 and answer.field("X") is None
    assert answer.field("Location") == "/%0D%0AX:%20y"


@pytest.mark.parametrize("kind, line", [
    ("session", "session=abc; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"),
    ("plain", "theme=dark; Path=/app; Domain=example.org; SameSite=Lax"),
    ("drop", "session=; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; SameSite=Lax"),
    ("a.b-c", "echo=a.b-c; Path=/; SameSite=Lax"),
])
def test_cookies_are_put_with_their_attributes(client, kind, line):
    assert client.get("/answers/cookies?kind=" + kind).fields_of("Set-Cookie") == [line]


@pytest.mark.parametrize("kind", ["none", "host"])
def test_a_cookie_that_a_browser_would_not_take_is_a_500(server, client, kind):
    answer = client.get("/answers/cookies?kind=" + kind)
    assert answer.status == 500 and not answer.fields_of("Set-Cookie")
    assert server.logged("bad_header")


@pytest.mark.parametrize("kind", ["a;b", "a%20b", "a%0D%0Ab", "a,b", "%C3%A9", "a%22b", "a%5Cb"])
def test_a_value_of_the_clients_that_no_cookie_can_hold_is_a_422(client, kind):
    answer = client.get("/answers/cookies?kind=" + kind)
    assert answer.status == 422 and not answer.fields_of("Set-Cookie")
    assert answer.json["detail"][0]["loc"] == ["query", "kind"] and "b" not in answer.json["detail"][0].get("input", "")


def test_what_the_client_knows_is_not_made_again(client):
    first = client.get("/answers/versioned")
    tag = first.field("ETag")
    assert first.field("Last-Modified") == "Tue, 14 Nov 2023 22:13:20 GMT"
    known = client.get("/answers/versioned", headers={"If-None-Match": tag})
    assert known.status == 304 and known.field("ETag") == tag
    assert client.get("/answers/versioned", headers={"If-Modified-Since": first.field("Last-Modified")}).status == 304
    stale = client.request("PUT", "/answers/versioned", headers={"If-Match": '"v0"'})
    assert stale.status == 412 and stale.detail == "Precondition Failed"
    assert client.request("PUT", "/answers/versioned", headers={"If-Match": tag}).status == 204
    assert client.request("PUT", "/answers/versioned", headers={"If-Match": tag}).status == 412
    assert client.get("/answers/versioned", headers={"If-None-Match": tag}).status == 200


# ---- compressed


def test_long_json_is_compressed_for_those_who_take_it(client):
    plain = client.get("/answers/long?words=500")
    assert plain.field("Content-Encoding") is None and plain.field("Vary") == "Accept-Encoding"
    packed = client.get("/answers/long?words=500", headers={"Accept-Encoding": "gzip"})
    assert (packed.field("Content-Encoding"), packed.field("Vary")) == ("gzip", "Accept-Encoding")
    assert gzip.decompress(packed.body) == plain.body and len(packed.body) * 3 < len(plain.body)
    best = client.get("/answers/long?words=500", headers={"Accept-Encoding": "gzip, deflate, br"})
    assert best.field("Content-Encoding") == "br" and len(best.body) * 3 < len(plain.body)
    told = client.head("/answers/long?words=500", headers={"Accept-Encoding": "gzip"})
    assert told.field("Content-Length") == str(len(packed.body)) and told.field("Content-Encoding") == "gzip"


@pytest.mark.parametrize("query, coding, varies", [
    ("bytes=1024", "gzip", True), ("bytes=1023", None, False), ("bytes=1048576", "gzip", True), ("bytes=1048577", None, False),
    ("bytes=5000&kind=1", None, False), ("bytes=5000&kind=2", None, False), ("bytes=5000&kind=3", "zstd", False), ("bytes=5000&kind=4", None, False),
])
def test_what_is_worth_it_is_compressed(client, query, coding, varies):
    answer = client.get("/answers/body?" + query, headers={"Accept-Encoding": "gzip"})
    assert answer.field("Content-Encoding") == coding
    assert (answer.field("Vary") == "Accept-Encoding") == varies
    body = gzip.decompress(answer.body) if coding == "gzip" else answer.body
    assert body == b"b" * int(re.search(r"bytes=(\d+)", query)[1])


def test_a_tag_is_another_in_another_coding_and_known_again(client):
    plain = client.get("/answers/versioned?bytes=5000")
    packed = client.get("/answers/versioned?bytes=5000", headers={"Accept-Encoding": "gzip"})
    assert packed.field("ETag") == plain.field("ETag")[:-1] + '-gzip"'
    assert gzip.decompress(packed.body) == plain.body == b"v" * 5000
    known = client.get("/answers/versioned?bytes=5000", headers={"If-None-Match": packed.field("ETag"), "Accept-Encoding": "gzip"})
    assert known.status == 304
    assert client.request("PUT", "/answers/versioned", headers={"If-Match": packed.field("ETag")}).status == 204


def test_compression_may_be_switched_off_and_a_wrong_setting_is_refused(folder):
    with Server("--plugins", str(build_folder() / "tests/service/plugins"), COMPRESSION="off") as server:
        answer = Client(server).get("/answers/long?words=500", headers={"Accept-Encoding": "gzip"})
        assert answer.field("Content-Encoding") is None and answer.field("Vary") is None
    with Server(COMPRESSION="zip", start=False) as server:
        server.start(wait=False)
        assert server.wait() == 1 and "COMPRESSION" in server.log()


# ---- documented


def test_the_document_says_what_each_kind_of_answer_is(client):
    paths = client.get("/openapi.json").json["paths"]
    files = paths["/answers/files/{name}"]["get"]["responses"]
    assert {"200", "206", "304", "404", "412", "416"} <= set(files)
    assert files["206"]["headers"]["Content-Range"] and list(files["200"]["content"]) == ["application/octet-stream"]
    assert files["416"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorResponse"}
    assert list(paths["/answers/ticks"]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]
    lines = paths["/answers/rows"]["get"]["responses"]["200"]["content"]["application/jsonl"]
    assert lines["x-itemSchema"] == {"$ref": "#/components/schemas/Row"}
    assert list(paths["/answers/pieces"]["get"]["responses"]["200"]["content"]) == ["*/*"]
    produced = lambda path, status="200": paths["/answers" + path]["get"]["responses"][status].get("content", {})
    assert produced("/cookies") == {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    assert produced("/versioned") == {"text/plain": {"schema": {"type": "string"}}, "application/x-v+json": {"schema": {}}}
    assert list(produced("/formatted")) == ["text/csv"]
    assert list(produced("/another")) == list(produced("/another", "206")) == ["text/plain"]
    assert produced("/redirect", "307") == {}
