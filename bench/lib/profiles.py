"""profiles.py — the loads: which request, over how many connections, and how what it costs us is bounded beside what it costs others."""

import dataclasses
import json
import typing

USER = json.dumps({"email": "ada.lovelace@example.org", "first_name": "Ada", "last_name": "Lovelace", "password": "correct-horse-9"},
                  separators=(",", ":"))
POST = json.dumps({"title": "On analytical engines", "content": "The engine weaves algebraic patterns, as the loom weaves leaves. " * 4},
                  separators=(",", ":"))
UPLOAD = ("--leat\r\nContent-Disposition: form-data; name=\"f\"; filename=\"page.txt\"\r\nContent-Type: text/plain\r\n\r\n"
          + "The engine weaves algebraic patterns, as the loom weaves leaves.\n" * 512 + "\r\n--leat--\r\n")


@dataclasses.dataclass(frozen=True)
class Profile:
    """A load. `route` is what a peer says it serves; `bounds` is what a figure of ours may be of another server's, at most: {server: share} of
    the CPU per request, {(figure, server): share} of another. ALL stands for every peer of the run."""

    name: str
    route: str
    path: str
    method: str = "GET"
    body: str = ""
    content_type: str = "application/json"
    status: int = 200
    has_token: bool = False
    connections: int = 64
    pipeline: int = 1
    idle: int = 0
    rate: int = 0
    load_share: float = 0  # an open loop at that share of what the server answers when it is asked as fast as it can
    has_calm: bool = False  # beside ourselves without the idle connections
    is_churn: bool = False
    is_quick: bool = False
    has_floor: bool = True
    peers: typing.Tuple[str, ...] = ()  # none: all that serve the route
    bounds: typing.Mapping[str, float] = dataclasses.field(default_factory=dict)

    def request(self, host, token=None, path=None):
        """The bytes of it."""
        body = self.body.encode()
        fields = [f"{self.method} {path or self.path} HTTP/1.1", f"Host: {host}"]
        if self.has_token and token:
            fields.append(f"Authorization: Bearer {token}")
        if body:
            fields += [f"Content-Type: {self.content_type}", f"Content-Length: {len(body)}"]
        if self.is_churn:
            fields.append("Connection: close")
        return "\r\n".join([*fields, "", ""]).encode() + body


PLAIN = dict(route="plaintext", path="/plaintext")
NATIVE_PEERS = ("nginx", "haproxy", "h2o")
ALL = "all peers"
CALM = "leat, none idle"
AHEAD = {ALL: 1.0, ("time for a request", ALL): 1.0}

# {me} is the id of the account that the token is of; what the bounds are for is in docs/PERFORMANCE.md
PROFILES = [
    Profile("plaintext c=1", connections=1, peers=("nginx",), **PLAIN),
    Profile("plaintext c=64", bounds={"floor": 1.10, "nginx": 0.83}, is_quick=True, **PLAIN),
    Profile("plaintext c=512", connections=512, bounds={"floor": 1.10, "nginx": 0.83}, peers=NATIVE_PEERS, **PLAIN),
    Profile("plaintext x16", pipeline=16, bounds={"floor": 1.41, ("time for a request", "nginx"): 0.1}, is_quick=True, **PLAIN),
    Profile("json", route="json", path="/json", bounds={"floor": 1.20}, is_quick=True),
    Profile("validated POST", route="users", path="/users", method="POST", body=USER, status=201,
            bounds={"floor": 1.9, "fastify": 0.25, "fastapi": 0.05}, is_quick=True),
    Profile("db", route="db", path="/db", has_floor=False, bounds={"fastify": 0.2, ("Postgres", "fastify"): 0.5}, is_quick=True),
    Profile("queries=20", route="queries", path="/queries?n=20", has_floor=False, bounds=AHEAD),
    Profile("updates=20", route="updates", path="/updates?n=20", has_floor=False, bounds=AHEAD),
    Profile("fortunes", route="fortunes", path="/fortunes", has_floor=False, bounds=AHEAD),
    Profile("cached route", route="kept", path="/cached"),
    Profile("cached-queries=20", route="cached", path="/cached-queries?n=20"),
    Profile("JWT, row by id", route="service", path="/v1/users/{me}", has_token=True, has_floor=False, bounds={"fastapi": 1 / 40}),
    Profile("list of 20", route="service", path="/v1/users?limit=20", has_token=True, has_floor=False, bounds={"fastapi": 1 / 40}),
    Profile("insert", route="service", path="/v1/posts", method="POST", body=POST, status=201, has_token=True, has_floor=False,
            bounds={"fastapi": 1 / 30}),
    Profile("login", route="login", path="/v1/auth/login", method="POST", has_floor=False, connections=8,
            body="username=bench-0%40example.org&password=Correct-horse-9", content_type="application/x-www-form-urlencoded"),
    Profile("upload of 32 KiB", route="upload", path="/upload/size", method="POST", body=UPLOAD, has_floor=False, connections=16,
            content_type="multipart/form-data; boundary=leat"),
    Profile("connection churn", is_churn=True, peers=NATIVE_PEERS, **PLAIN, has_floor=False),
    Profile("10,000 idle, 64 busy", idle=10_000, peers=("nginx",), has_calm=True, bounds={("p99", CALM): 1.3}, **PLAIN),
    Profile("20,000/s open loop", rate=20_000, peers=NATIVE_PEERS, has_floor=False, **PLAIN),
    Profile("half load, open loop", load_share=0.5, bounds={("p99.9", ALL): 1.0}, has_floor=False, **PLAIN),
]
