"""test_uploads.py — files of forms and bodies in pieces, from a client that means well and from one that does not."""

import contextlib
import os
import random
import socket
import time

import pytest

from client import Client, Closed, Wire, request_bytes
from server import Server

BOUNDARY = "xyz"
TYPE = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
BIG = 1 << 30
MEMORY_BYTES_MAX = (512 if "ASAN_OPTIONS" in os.environ else 64) << 20  # AddressSanitizer keeps what was freed


def part(name, content, filename=None, content_type=None, disposition=None):
    head = disposition or f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
    lines = [f"Content-Disposition: {head}"] + ([f"Content-Type: {content_type}"] if content_type else [])
    content = content if isinstance(content, bytes) else content.encode()
    return f"--{BOUNDARY}\r\n".encode() + "".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape") + b"\r\n" + content + b"\r\n"


def form(*parts):
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send(client, target, *parts, **options):
    return client.post(target, body=form(*parts), headers=TYPE, **options)


def noise(bytes_):
    return random.Random(bytes_).randbytes(bytes_)


def temporary_files(server):
    """Descriptors of the server that are files without a name."""
    count = 0
    for fd in os.listdir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(OSError):
            count += "/uploads/#" in os.readlink(f"/proc/{server.pid}/fd/{fd}")
    return count


def expect_nothing_left(server, files_before, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end and (temporary_files(server) or server.open_files() > files_before):
        time.sleep(0.05)
    assert temporary_files(server) == 0
    assert server.open_files() <= files_before
    folder = server.folder / "var/uploads"
    assert not list(folder.iterdir())


@pytest.fixture(scope="module")
def own():
    """A server of our own, with limits that are quickly reached."""
    with Server(workers=1, UPLOAD_DISK_BYTES_MAX=4 << 20, UPLOAD_FILES_MAX=3, FORM_FIELDS_MAX=5, FORM_FILES_MAX=4, FORM_NAME_BYTES_MAX=50,
                FORM_PART_HEAD_BYTES_MAX=300, FORM_FIELD_BYTES_MAX=2048, BODY_IDLE_MS=700, REQUEST_MS=3000) as running:
        yield running
        assert running.stop() == 0, running.log()


# ---- what is meant

# promise 27
@pytest.mark.parametrize("size", [0, 1, 4095, 65535, 65536, 65537, 131072, 1_000_003])
def test_a_file_arrives_as_it_was_sent(client, size):
    content = noise(size)
    answer = send(client, "/upload", part("f", content, "a.bin", "application/x-noise"))
    assert answer.status == 200, answer
    assert answer.json == {"filename": "a.bin", "content_type": "application/x-noise", "size": size, "sum": sum(content)}


def test_content_that_looks_like_a_boundary_is_content(client):
    content = b"\r\n--xy\r\n--XYZ\r\n--\r\n\r\n-" + b"\r\n--xy" * 30000
    assert send(client, "/upload", part("f", content, "a")).json["sum"] == sum(content)


def test_a_form_brings_fields_and_files_in_any_order(client):
    for parts in ([part("note", "hi"), part("f", "abc", "a.txt")], [part("f", "abc", "a.txt"), part("note", "hi"), part("stars", "5")]):
        answer = send(client, "/upload/note", *parts)
        assert answer.json["file"]["size"] == 3 and answer.json["note"] == "hi"


def test_of_files_with_one_name_the_last_holds_or_all(client):
    parts = [part("f", "first", "1"), part("f", "second one", "2")]
    assert send(client, "/upload", *parts).json["filename"] == "2"
    answer = send(client, "/upload/many", *[part("fs", noise(70_000 * i), str(i)) for i in range(4)])
    assert [file["size"] for file in answer.json] == [0, 70_000, 140_000, 210_000]


def test_files_that_nobody_asked_for_are_let_pass(client, server):
    answer = send(client, "/upload", part("other", noise(300_000), "o"), part("f", "abc", "a"))
    assert answer.status == 200 and answer.json["size"] == 3


def test_what_a_browser_sends_where_nothing_was_chosen_is_no_file(client):
    empty = part("f", "", "", "application/octet-stream")
    assert send(client, "/upload", empty).detail[0]["type"] == "missing"
    assert send(client, "/upload/optional", empty).json["filename"] == "none"
    assert client.post("/upload/optional").status == 200


def test_a_file_can_be_had_as_a_whole(client):
    content = noise(500_000)
    assert send(client, "/upload/bytes", part("f", content, "a")).json == {"bytes": 500_000, "sum": sum(content), "pieces": 1}


def test_a_form_in_chunks_is_read_as_well(client):
    content = noise(200_000)
    body = form(part("f", content, "a"))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[i:i + 999] for i in range(0, len(body), 999))) + b"0\r\n\r\n"
    answer = client.request("POST", "/upload", body=chunks, headers={**TYPE, "Content-Length": None, "Transfer-Encoding": "chunked"})
    assert answer.json["sum"] == sum(content)


def test_a_connection_goes_on_after_an_upload(wire):
    upload = request_bytes("POST", "/upload", form(part("f", noise(100_000), "a")), headers=TYPE)
    connection = wire(upload + request_bytes("GET", "/health") + upload)
    assert [connection.answer("POST").status, connection.answer().status, connection.answer("POST").status] == [200, 200, 200]


# ---- in FastAPI's words

def test_a_file_that_is_missing_is_a_422(client):
    missing = {"type": "missing", "loc": ["body", "f"], "msg": "Field required", "input": None}
    assert send(client, "/upload", part("other", "x")).detail == [missing]
    assert client.post("/upload", {"f": 1}).detail == [missing]
    assert client.post("/upload", body=b"f2=1", headers={"Content-Type": "application/x-www-form-urlencoded"}).detail == [missing]


def test_text_in_the_place_of_a_file_is_a_422(client):
    (problem,) = send(client, "/upload", part("f", "text")).detail
    assert problem["msg"] == "Value error, Expected UploadFile, received: <class 'str'>" and problem["type"] == "value_error"


def test_all_that_is_wrong_is_told_at_once(client):
    answer = send(client, "/upload/note?limit=0", part("note", "x" * 81), part("stars", "six"))
    assert answer.status == 422
    assert [problem["loc"][-1] for problem in answer.detail] == ["limit", "note", "stars", "f"]


def test_a_file_of_another_type_or_too_long_is_a_422(client):
    (problem,) = send(client, "/upload/picture", part("picture", "x", "a.txt", "text/plain")).detail
    assert problem["type"] == "enum" and problem["loc"] == ["body", "picture", "content_type"] and problem["input"] == "text/plain"
    (problem,) = send(client, "/upload/picture", part("picture", noise(100_001), "a.png", "image/png")).detail
    assert problem["type"] == "bytes_too_long" and problem["ctx"] == {"max_length": 100_000}
    assert send(client, "/upload/picture", part("picture", noise(100_000), "a.png", "IMAGE/PNG; x=y")).status == 200


def test_too_few_and_too_many_files_are_a_422(client):
    (problem,) = send(client, "/upload/many", part("fs", "1", "1")).detail
    assert problem["type"] == "too_short" and problem["loc"] == ["body", "fs"]


# ---- who is asking, before what is sent

def test_a_bad_token_is_answered_before_a_gigabyte_is_sent(server, wire):
    head = request_bytes("POST", "/upload/judged", None, "bad", {**TYPE, "Content-Length": str(BIG)})
    answer = (connection := wire(head + part("f", b"x" * 1000, "a"))).answer("POST")
    assert answer.status == 401 and answer.closes
    assert connection.ends()


def test_what_is_known_to_be_wrong_is_told_before_a_gigabyte_is_sent(wire):
    connection = wire(request_bytes("POST", "/upload/note?limit=0", None, None, {**TYPE, "Content-Length": str(900 << 20)}))
    answer = connection.answer("POST")
    assert answer.status == 422 and answer.closes and [problem["loc"] for problem in answer.detail] == [["query", "limit"]]


@pytest.mark.parametrize("target", ["/upload/judged", "/json/judged"])
def test_nobody_is_told_to_go_on_before_he_is_judged(wire, target):
    headers = {**(TYPE if "upload" in target else {"Content-Type": "application/json"}), "Expect": "100-continue"}
    body = form(part("f", "abc", "a")) if "upload" in target else b'{"note": "x"}'
    head = request_bytes("POST", target, body, "bad", headers)[:-len(body)]
    answer = wire(head).answer("POST")
    assert answer.status == 401 and answer.closes
    connection = wire(head.replace(b"Bearer bad", b"Bearer good"))
    assert connection.answer("POST").status == 100
    assert connection.send(body).answer("POST").status == 200


def test_a_body_over_the_routes_limit_is_a_413_at_once(wire):
    answer = wire(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str((4 << 30) + 1)})).answer("POST")
    assert answer.status == 413 and answer.closes


# ---- what is not meant

BROKEN = {
    "nothing": b"",
    "no boundary in it": b"just text",
    "another boundary": form(part("f", "x", "a")).replace(b"xyz", b"abc"),
    "no end": form(part("f", "x", "a"))[:-8],
    "cut in the head": b"--xyz\r\nContent-Disposition: form-da",
    "LF alone": form(part("f", "x", "a")).replace(b"\r\n", b"\n"),
    "no name": form(part("", "x", disposition="form-data")),
    "an open quote": form(part("", "x", disposition='form-data; name="f; filename=a')),
    "a NUL in a name": form(part("f", "x", "a\0b")),
    "a line break in a name": form(part("f", "x", "a\rSet-Cookie: x=y")),
    "an encoded line break in a name": form(part("", "x", disposition="form-data; name=f; filename*=utf-8''a%0d%0aX-Y:%20z")),
    "a name that is no UTF-8": form(part("f", "x", "\udcff")),
    "no field name": b"--xyz\r\n: x\r\n\r\nx\r\n--xyz--\r\n",
    "a folded line": b"--xyz\r\nContent-Disposition: form-data;\r\n name=f\r\n\r\nx\r\n--xyz--\r\n",
    "a preamble without end": b"x" * 20000,
    "an epilogue without end": form(part("f", "x", "a")) + b"x" * 20000,
    "no text in a field": form(part("f", "x", "a"), part("note", b"\xff\xfe")),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_form_is_a_400(client, server, what):
    files = server.open_files()
    answer = client.post("/upload", body=BROKEN[what], headers=TYPE)
    assert answer.status == 400, answer
    client.forget()
    expect_nothing_left(server, files)


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_form_is_a_400_byte_by_byte(wire, what):
    body = BROKEN[what][:2000]
    connection = wire(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(len(body))}))
    with contextlib.suppress(ConnectionError):
        for i in range(len(body)):
            connection.send(body[i:i + 1])
    assert connection.answer("POST").status in (400, 200 if len(body) < len(BROKEN[what]) else 400)


@pytest.mark.parametrize("type_", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 71])
def test_a_form_without_a_boundary_is_a_400(client, type_):
    answer = client.post("/upload", body=form(part("f", "x", "a")), headers={"Content-Type": type_})
    assert answer.status == 400 and answer.detail == "Missing boundary in multipart."


@pytest.mark.parametrize("name,kept", [("../../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"),
                                       ("C:\\a\\b.txt", "b.txt"), ("..", ""), (".", ""), ("a/..", ""), ("a%2fb", "a%2fb"),
                                       ("<script>", "<script>"), ("ä" * 100, "ä" * 100)])
def test_a_file_name_is_never_a_path(client, name, kept):
    assert send(client, "/upload", part("f", "x", name)).json["filename"] == kept


def test_parts_names_heads_and_fields_have_limits(own):
    client = Client(own)
    assert send(client, "/upload", *[part("f", "", str(i)) for i in range(5)]).detail == "Too many files. Maximum number of files is 4."
    assert send(client, "/upload", *[part(str(i), "") for i in range(6)]).detail == "Too many fields. Maximum number of fields is 5."
    assert send(client, "/upload", part("f", "", "n" * 51)).detail.startswith("Name too long.")
    assert send(client, "/upload", part("f", "", "n", "x" * 300)).detail == "Part headers too large"
    assert send(client, "/upload/note", part("note", "n" * 2049)).detail == "Part exceeded maximum size of 2KB."
    assert send(client, "/upload/note", part("f", "x", "n"), part("note", "n" * 80)).status == 200


def test_a_thousand_parts_are_read_and_one_more_is_not(client):
    assert len(send(client, "/upload/many", *[part("fs", "x", "a")] * 1000).json) == 1000
    assert send(client, "/upload/many", *[part("fs", "x", "a")] * 1001).status == 400
    assert send(client, "/upload", *[part("x", "x")] * 1000, part("f", "x", "a")).status == 200


def test_a_thousand_long_files_do_not_take_the_memory(server, client):
    files, before = server.open_files(), server.rss_bytes()
    assert len(send(client, "/upload/many", *[part("fs", b"x" * 60_000, "a")] * 400).json) == 400
    client.forget()
    assert server.rss_bytes() - before < MEMORY_BYTES_MAX * 3 // 4
    expect_nothing_left(server, files)


# ---- disks, threads and clients that fail

def test_a_full_disk_is_a_507_and_leaves_nothing(own):
    client = Client(own)
    files = own.open_files()
    answer = send(client, "/upload", part("f", b"x" * (5 << 20), "a"))
    assert answer.status == 507 and answer.detail == "Insufficient Storage"
    assert own.logged("upload_failed") and own.logged("EDQUOT")
    client.forget()
    expect_nothing_left(own, files)
    assert send(client, "/upload", part("f", b"x" * (3 << 20), "a")).status == 200


def test_a_real_disk_that_is_full_is_a_507(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if os.system(f"mount -t tmpfs -o size=1m tmpfs {small} 2>/dev/null"):
        pytest.skip("no mount here")
    try:
        with Server(workers=1, UPLOAD_FOLDER=str(small)) as running:
            client = Client(running)
            for _ in range(3):
                assert send(client, "/upload", part("f", b"x" * (2 << 20), "a")).status == 507
                assert send(client, "/upload", part("f", b"x" * 800_000, "a")).status == 200
            assert running.logged("ENOSPC") and not list(small.iterdir())
            assert running.stop() == 0
    finally:
        os.system(f"umount {small}")


def test_more_temporary_files_than_allowed_are_a_503(own):
    client = Client(own)
    answer = send(client, "/upload/many", *[part("fs", b"x" * 70_000, str(i)) for i in range(4)])
    assert answer.status == 503 and answer.field("Retry-After")
    assert send(client, "/upload/many", *[part("fs", b"x" * 70_000, str(i)) for i in range(3)]).status == 200


def test_clients_that_leave_midway_leave_nothing(server):
    files = server.open_files()
    for i in range(30):
        with Wire(server) as connection:
            connection.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(10 << 20)}))
            connection.send(part("f", b"x" * (i * 20_000), "a"))
            if i % 2:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    expect_nothing_left(server, files)


def test_a_client_that_is_too_slow_is_a_408_and_leaves_nothing(own):
    files = own.open_files()
    with Wire(own) as connection:
        connection.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": "1000000"}) + part("f", b"x" * 200_000, "a"))
        assert connection.answer("POST").status == 408
    expect_nothing_left(own, files)


def test_a_slow_upload_outlives_the_requests_deadline(own):
    """Its time is the client's: 3 s are for the handler."""
    with Wire(own) as connection:
        body = form(part("f", b"x" * 90_000, "a"))
        connection.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(len(body))}))
        for i in range(10):
            connection.send(body[i * len(body) // 10:(i + 1) * len(body) // 10])
            time.sleep(0.4)
        assert connection.answer("POST").status == 200


def test_a_server_that_ends_lets_an_upload_finish_and_ends_clean():
    with Server(workers=1, DRAIN_MS=8000) as running:
        body = form(part("f", b"x" * 300_000, "a"))
        with Wire(running) as connection:
            connection.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(len(body))}) + body[:200_000])
            time.sleep(0.3)
            running.send_signal(15)
            time.sleep(0.3)
            connection.send(body[200_000:])
            assert connection.answer("POST").status == 200
        assert running.wait() == 0


def test_a_server_that_ends_cuts_an_upload_that_does_not():
    with Server(workers=1, DRAIN_MS=500) as running:
        with Wire(running) as connection:
            connection.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(10 << 20)}) + part("f", b"x" * 300_000, "a"))
            time.sleep(0.3)
            running.send_signal(15)
            assert running.wait() == 0


# ---- kept

def test_a_file_is_kept_beneath_its_folder_whole_or_not_at_all(server, client):
    folder = server.folder / "uploads"
    for size in (10, 300_000):
        content = noise(size)
        name = f"kept-{size}"
        assert send(client, f"/uploads/kept/{name}", part("f", content, "a")).json == {"is_new": True, "size": size}
        assert (folder / name).read_bytes() == content
        assert send(client, f"/uploads/kept/{name}", part("f", "other", "a")).json["is_new"] is False
        assert (folder / name).read_bytes() == content
        assert send(client, f"/uploads/kept/{name}?replace=true", part("f", noise(size + 1), "a")).json["is_new"] is True
        assert (folder / name).read_bytes() == noise(size + 1)
        assert client.delete(f"/uploads/kept/{name}").status == 204
        assert client.delete(f"/uploads/kept/{name}").status == 404
    assert not list(folder.iterdir())


def test_no_name_leads_out_of_the_folder(server, client):
    folder = server.folder / "uploads"
    folder.mkdir(exist_ok=True)
    (server.folder / "outside").mkdir(exist_ok=True)
    (server.folder / "outside/victim").write_text("mine")
    link = folder / "link"
    link.symlink_to(server.folder / "outside")
    try:
        for name in ["..%2Fx", "..%2Foutside%2Fvictim", "%2Fetc%2Fx", "a%2F..%2F..%2Fx", "link%2Fvictim", "link%2Fnew", ".", "..", "nowhere%2Fx",
                     "x%2F", "n" * 300, "link%2F..%2F..%2Fx"]:
            for query in ("", "?replace=true"):
                answer = send(client, f"/uploads/kept/{name}{query}", part("f", noise(70_000), "a"))
                assert answer.status in (400, 404, 307), (name, answer)
            assert client.delete(f"/uploads/kept/{name}").status in (400, 404, 307), name
        assert [entry.name for entry in folder.iterdir()] == ["link"]
        assert (server.folder / "outside/victim").read_text() == "mine" and len(list((server.folder / "outside").iterdir())) == 1
    finally:
        link.unlink()


def test_a_file_is_copied_where_the_folder_is_of_another_file_system():
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no other file system here")
    with Server(workers=1, UPLOAD_FOLDER="/dev/shm") as running:
        content = noise(3_000_000)
        assert send(Client(running), "/uploads/kept/x", part("f", content, "a")).json["is_new"] is True
        assert (running.folder / "uploads/x").read_bytes() == content
        assert running.stop() == 0


# ---- bodies in pieces

def test_a_body_in_pieces_is_the_body(client):
    content = noise(700_000)
    answer = client.post("/pieces", body=content)
    assert (answer.json["bytes"], answer.json["sum"]) == (700_000, sum(content)) and answer.json["pieces"] > 1
    assert client.post("/pieces/whole", body=content).json == {"bytes": 700_000, "sum": sum(content), "pieces": 1}
    assert client.post("/pieces").json["bytes"] == 0
    assert client.post("/pieces", body=b"x").json == {"bytes": 1, "sum": 120, "pieces": 1}


def test_what_a_handler_does_not_take_is_not_read(wire):
    connection = wire(request_bytes("POST", "/pieces/first", None, None, {"Content-Length": str(BIG)}) + b"x" * 100)
    answer = connection.answer("POST")
    assert answer.status == 200 and answer.closes


def test_broken_chunks_of_a_body_in_pieces_are_a_400(wire):
    connection = wire(request_bytes("POST", "/pieces", None, None, {"Transfer-Encoding": "chunked"}) + b"3\r\nabc\r\nX\r\n")
    answer = connection.answer("POST")
    assert answer.status == 400 and answer.closes


# ---- much

def send_sparse(server, target, bytes_, whole=True):
    """A form with a file of zeros; the answer and the highest memory of the server while it was sent."""
    start, end = part("f", b"", "big.bin", "application/octet-stream")[:-2], f"\r\n--{BOUNDARY}--\r\n".encode()
    zeros, highest = bytes(1 << 20), 0
    with Wire(server, timeout=120) as connection:
        connection.send(request_bytes("POST", target, None, None, {**TYPE, "Content-Length": str(len(start) + bytes_ + len(end))}) + start)
        for i in range(bytes_ >> 20):
            connection.send(zeros)
            if i % 16 == 0:
                highest = max(highest, server.rss_bytes())
        if not whole:
            return None, highest
        return connection.send(end).answer("POST"), highest


def test_a_gigabyte_goes_through_little_memory():
    with Server(workers=1, UPLOAD_FOLDER="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as running:
        before = running.rss_bytes()
        answer, highest = send_sparse(running, "/upload/size", BIG)
        assert answer.status == 200 and answer.json["bytes"] == BIG
        assert highest < MEMORY_BYTES_MAX and running.rss_bytes() < MEMORY_BYTES_MAX, (before, highest)
        assert temporary_files(running) == 0
        assert running.stop() == 0


def test_uploads_side_by_side_do_not_wait_for_each_other(server, client):
    """A client that sends nothing more keeps nobody from being served."""
    with Wire(server) as slow:
        slow.send(request_bytes("POST", "/upload", None, None, {**TYPE, "Content-Length": str(10 << 20)}) + part("f", b"x" * 200_000, "a"))
        for _ in range(5):
            assert send(client, "/upload", part("f", noise(200_000), "a")).status == 200
