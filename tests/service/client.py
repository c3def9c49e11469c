"""client.py — HTTP/1.1 from the other end, down to the bytes, and strict about what an answer must be."""

import email.utils
import json
import re
import socket
import time

DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT")


class Closed(Exception):
    """The server closed the connection before a whole answer."""


class Answer:
    def __init__(self, status, reason, fields, body, version, head):
        self.status, self.reason, self.fields, self.body, self.version, self.head = status, reason, fields, body, version, head

    def field(self, name):
        """The field's value, None without one; a name that comes twice is a failure."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} stands {len(values)} times in\n{self.head.decode('latin-1')}"
        return values[0] if values else None

    def fields_of(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def json(self):
        assert (self.field("Content-Type") or "").split(";")[0] == "application/json", self
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json["detail"]

    @property
    def closes(self):
        said = (self.field("Connection") or "").lower()
        return said == "close" or (self.version == "HTTP/1.0" and said != "keep-alive")

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.body[:600]!r}>"


def check_answer(answer, method):
    """What every answer of ours is, whatever was asked."""
    assert answer.version == "HTTP/1.1", answer.head
    if answer.status < 200:
        return
    date = answer.field("Date")
    assert date and DATE.fullmatch(date), f"Date is {date!r}"
    assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 5, date
    length = answer.field("Content-Length")
    if answer.field("Transfer-Encoding") == "chunked":
        assert length is None, f"a length and chunks: {answer.head!r}"
    elif answer.status in (204, 304):
        assert length is None and not answer.body, f"{answer.status} with a body or its length: {answer.head!r}"
    else:
        assert length is not None and re.fullmatch(r"\d+", length), f"no Content-Length in {answer.head!r}"
        assert answer.field("Transfer-Encoding") is None
    if answer.status == 401:
        assert (answer.field("WWW-Authenticate") or "").split(" ")[0] == "Bearer", "401 without WWW-Authenticate: Bearer"
    if answer.status == 405:
        assert answer.field("Allow"), "405 without Allow"
    if answer.status == 503:
        assert answer.field("Retry-After"), "503 without Retry-After"
    if answer.status >= 400 and method != "HEAD":
        check_error(answer)


def check_error(answer):
    """{"detail": text}, or a list of problems with Pydantic's keys in its order."""
    if (answer.field("Content-Type") or "").startswith("text/plain"):
        assert answer.body in (b"Disallowed CORS origin", b"Disallowed CORS method", b"Disallowed CORS headers",
                               b"Disallowed CORS origin, method"), answer
        return
    document = answer.json
    assert list(document) == ["detail"], document
    if answer.status != 422:
        assert isinstance(document["detail"], str) and document["detail"], document
        return
    assert isinstance(document["detail"], list) and document["detail"], document
    for problem in document["detail"]:
        order = [key for key in ("type", "loc", "msg", "input", "ctx") if key in problem]
        assert list(problem) == order and order[:3] == ["type", "loc", "msg"], problem
        assert problem["loc"] and problem["loc"][0] in ("path", "query", "header", "cookie", "body"), problem


class Wire:
    """One connection, and nothing between the test and its bytes."""

    def __init__(self, server, timeout=15, checked=True, rcvbuf=None):
        self.server, self.checked = server, checked
        self.socket = socket.socket(socket.AF_INET6 if ":" in server.host else socket.AF_INET)
        self.socket.settimeout(timeout)
        if rcvbuf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return self

    def more(self):
        data = self.socket.recv(262144)
        self.bytes += data
        return len(data)

    def answer(self, method="GET"):
        """The next answer, 1xx included; Closed when the connection ends first."""
        while b"\r\n\r\n" not in self.bytes:
            if not self.more():
                raise Closed(f"closed after {self.bytes!r}")
        head, _, rest = self.bytes.partition(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"(HTTP/\d\.\d) (\d{3}) ?([^\r\n]*)", status_line)
        assert match, f"not a status line: {status_line!r}"
        fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name), f"not a field: {line!r}"
            fields.append((name, value.strip(" \t")))
        status = int(match[2])
        answer = Answer(status, match[3], fields, b"", match[1], head)
        length = 0
        if method != "HEAD" and answer.field("Transfer-Encoding") == "chunked":
            self.bytes = rest
            answer.body, rest = b"".join(iter(self.chunk, b"")), self.bytes
        elif method != "HEAD" and status >= 200 and status not in (204, 304):
            length = int(answer.field("Content-Length") or 0)
        while len(rest) < length:
            data = self.socket.recv(262144)
            if not data:
                raise Closed(f"closed in the body of {head!r}, {len(rest)} of {length} bytes")
            rest += data
        if answer.field("Transfer-Encoding") != "chunked":
            answer.body, rest = rest[:length], rest[length:]
        self.bytes = rest
        if self.checked:
            check_answer(answer, method)
        return answer

    def head(self):
        """The next answer's head alone; what follows of it is still to be read."""
        while b"\r\n\r\n" not in self.bytes:
            if not self.more():
                raise Closed(f"closed after {self.bytes!r}")
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def line(self):
        while b"\r\n" not in self.bytes:
            if not self.more():
                raise Closed(f"closed in a line, after {self.bytes!r}")
        line, _, self.bytes = self.bytes.partition(b"\r\n")
        return line

    def chunk(self):
        """The next chunk of a body, empty at its end; Closed when the connection ends first."""
        size = int(self.line(), 16)
        while len(self.bytes) < size + 2:
            if not self.more():
                raise Closed(f"closed in a chunk, after {self.bytes!r}")
        chunk, end, self.bytes = self.bytes[:size], self.bytes[size:size + 2], self.bytes[size + 2:]
        assert end == b"\r\n", f"a chunk of {size} bytes ends with {end!r}"
        return chunk

    def ends(self, seconds=5):
        """True when the server closes, cleanly or by a reset, without another byte."""
        assert not self.bytes, f"more than was asked for: {self.bytes!r}"
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(4096)
            assert not data, f"more than was asked for: {data!r}"
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def is_silent(self, seconds=0.15):
        """True when nothing comes, not even the end."""
        if self.bytes:
            return False
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(before)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def request_bytes(method, target, body=None, token=None, headers=(), host="leat.example"):
    """A request as a browser would write it; `headers` with a value of None takes one away."""
    fields = {"Host": host}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    if token is not None:
        fields["Authorization"] = f"Bearer {token}"
    extra = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in extra}
    lines = [f"{name}: {value}" for name, value in fields.items() if name.lower() not in names]
    lines += [f"{name}: {value}" for name, value in extra if value is not None]
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n"
    return head.encode("latin-1") + (body or b"")


class Client:
    """Asks and answers on one kept connection, made anew when it is gone. Not for several threads."""

    def __init__(self, server, token=None):
        self.server, self.token, self.wire = server, token, None

    def with_token(self, token):
        return Client(self.server, token)

    def request(self, method, target, document=..., *, body=None, headers=(), token=...):
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        if document is not ...:
            body = json.dumps(document).encode()
            headers.append(("Content-Type", "application/json"))
        data = request_bytes(method, target, body, self.token if token is ... else token, headers)
        fresh = self.wire is None
        try:
            answer = self.exchange(data, method)
        except (Closed, ConnectionError):
            self.forget()
            self.server.check()
            if fresh:
                raise
            answer = self.exchange(data, method)
        if answer.closes:
            self.forget()
        return answer

    def exchange(self, data, method):
        if self.wire is None:
            self.wire = Wire(self.server)
        try:
            self.wire.send(data)
        except ConnectionError:
            # refused before it was read whole: the answer may be there
            pass
        answer = self.wire.answer(method)
        while answer.status < 200:
            answer = self.wire.answer(method)
        return answer

    def forget(self):
        if self.wire:
            self.wire.close()
        self.wire = None

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def head(self, target, **options):
        return self.request("HEAD", target, **options)

    def post(self, target, document=..., **options):
        return self.request("POST", target, document, **options)

    def patch(self, target, document=..., **options):
        return self.request("PATCH", target, document, **options)

    def delete(self, target, **options):
        return self.request("DELETE", target, **options)

    def options(self, target, **options):
        return self.request("OPTIONS", target, **options)
