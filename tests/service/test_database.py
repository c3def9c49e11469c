"""test_database.py — Postgres going away under load: no crash, no hang, no answer to the wrong request, no acknowledged write lost."""

import json
import random
import socket
import subprocess
import threading
import time

import pytest

import tokens
from client import Client, Closed, Wire, request_bytes
from people import Person, new_email, register
from postgres import Postgres
from server import SECRET, Server, clean_environment, program

BACK_S = 15
# short deadlines, so that the tests of what waits for one need not
DEADLINES = {"REQUEST_MS": 5000, "DB_STATEMENT_MS": 4000}
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'app'"


def migrate(url, folder):
    """What a person does before they start the server on a database of their own."""
    result = subprocess.run([program(), "db", "up"], cwd=folder, env=clean_environment(DATABASE_URL=url, SECRET_KEY=SECRET),
        capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.throw_away()


@pytest.fixture(scope="module")
def database_server(postgres):
    with Server(start=False, bench=False, DATABASE_URL=postgres.url, **DEADLINES) as made:
        migrate(postgres.url, made.folder)
        made.start()
        yield made


@pytest.fixture
def carol(database_server):
    return Person(database_server, "carol")


class Writers:
    """Threads that write posts with titles of their own and remember what was acknowledged; readers that check whose answer they got."""

    def __init__(self, server, person, writers=4, readers=3):
        self.server, self.person = server, person
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.begun, self.acknowledged, self.statuses, self.wrong = set(), set(), {}, []
        self.longest = 0.0
        self.threads = [threading.Thread(target=self.guard, args=(self.write, number)) for number in range(writers)]
        self.threads += [threading.Thread(target=self.guard, args=(self.read, number)) for number in range(readers)]

    def guard(self, work, number):
        while not self.stopping.is_set():
            try:
                with Wire(self.server, timeout=45) as wire:
                    while not self.stopping.is_set():
                        work(wire, number)
            except (Closed, ConnectionError) as error:
                with self.lock:
                    self.statuses["closed"] = self.statuses.get("closed", 0) + 1
                if not self.server.is_running():
                    return
                time.sleep(0.01)
            except (AssertionError, socket.timeout) as error:
                with self.lock:
                    self.wrong.append(repr(error)[:400])
                return

    def ask(self, wire, data, method):
        began = time.monotonic()
        answer = wire.send(data).answer(method)
        with self.lock:
            self.longest = max(self.longest, time.monotonic() - began)
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        assert answer.status in (200, 201, 503, 504), answer
        if answer.status >= 500:
            time.sleep(0.005)
        return answer

    def write(self, wire, number):
        title = f"{number}-{random.getrandbits(64):016x}"
        body = json.dumps({"title": title, "content": "x", "published": True}).encode()
        with self.lock:
            self.begun.add(title)
        answer = self.ask(wire, request_bytes("POST", "/v1/posts", body, self.person.token, {"Content-Type": "application/json"}), "POST")
        if answer.status == 201:
            assert answer.json["title"] == title, "an answer went to the wrong request"
            with self.lock:
                self.acknowledged.add(title)

    def read(self, wire, number):
        """Pipelines: an unknown id, the user, a list. Each answer must be its request's own."""
        wire.send(b"".join(request_bytes("GET", target, token=self.person.token) for target
            in ("/v1/users/me", "/v1/posts?limit=2", "/health")))
        me, posts, health = (wire.answer() for _ in range(3))
        for answer in (me, posts, health):
            with self.lock:
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            assert answer.status in (200, 503, 504), answer
        assert health.status == 200 and health.json["status"] == "ok"
        assert me.status != 200 or me.json["id"] == self.person.id, "an answer went to the wrong request"
        assert posts.status != 200 or "pagination" in posts.json, "an answer went to the wrong request"
        if me.status >= 500:
            time.sleep(0.005)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), "a request was never answered"

    def acknowledged_count(self):
        with self.lock:
            return len(self.acknowledged)

    def wait_for_writes(self, count=20, seconds=BACK_S):
        """Seconds until so many more writes were acknowledged."""
        began, before = time.monotonic(), self.acknowledged_count()
        while self.acknowledged_count() < before + count:
            self.server.check()
            assert not self.wrong, self.wrong
            assert time.monotonic() - began < seconds, f"no recovery in {seconds} s: {self.statuses}\n" + "\n".join(self.server.lines[-20:])
            time.sleep(0.02)
        return time.monotonic() - began


def check_writes(postgres, load):
    assert not load.wrong, load.wrong
    stored = [row[0] for row in postgres.sql(f"SELECT title FROM posts WHERE author_id = '{load.person.id}'")]
    assert len(stored) == len(set(stored)), "a write was kept twice"
    assert not load.acknowledged - set(stored), f"{len(load.acknowledged - set(stored))} acknowledged writes are lost"
    assert not set(stored) - load.begun


# promise 45
def test_a_database_of_ones_own_is_used_and_left_alone(database_server, carol, postgres):
    assert carol.client.get("/v1/users/me").status == 200
    assert postgres.sql(f"SELECT email FROM users WHERE id = '{carol.id}'") == [[carol.email]]
    assert not (database_server.folder / "var/pg").exists(), "a private Postgres was made though DATABASE_URL is set"


# promise 40
def test_backends_that_are_terminated_are_replaced(database_server, carol, postgres):
    with Writers(database_server, carol) as load:
        load.wait_for_writes()
        for _ in range(15):
            postgres.sql(TERMINATE)
            time.sleep(0.15)
        load.wait_for_writes(50, 10)
    database_server.check()
    check_writes(postgres, load)


def test_one_backend_that_is_terminated_at_a_time_is_replaced(database_server, carol, postgres):
    with Writers(database_server, carol) as load:
        load.wait_for_writes()
        for _ in range(25):
            postgres.sql(TERMINATE + " ORDER BY random() LIMIT 1")
            time.sleep(0.05)
        load.wait_for_writes(50, 10)
    check_writes(postgres, load)


def test_postgres_may_be_restarted_under_load(database_server, carol, postgres):
    with Writers(database_server, carol) as load:
        for _ in range(2):
            load.wait_for_writes()
            postgres.restart()
            assert load.wait_for_writes() < 8
    database_server.check()
    check_writes(postgres, load)


def test_postgres_may_be_killed_under_load(database_server, carol, postgres):
    with Writers(database_server, carol) as load:
        for _ in range(2):
            load.wait_for_writes()
            postgres.kill()
            time.sleep(0.5)
            postgres.start()
            assert load.wait_for_writes() < 8
    database_server.check()
    check_writes(postgres, load)


def test_without_a_database_the_rest_is_served_and_the_others_are_503(database_server, carol, postgres):
    postgres.stop("immediate")
    try:
        client = carol.client
        began = time.monotonic()
        answer = client.get("/v1/posts")
        assert answer.status in (503, 504), answer
        assert time.monotonic() - began < 7
        for _ in range(20):
            began = time.monotonic()
            assert client.get("/health").status == 200
            assert time.monotonic() - began < 0.5
        assert client.get("/nothing").status == 404
        assert client.get("/v1/posts?page=x").status == 422
        assert Client(database_server).get("/v1/users/me").status == 401
        assert b"postgres" not in answer.body.lower() and b"socket" not in answer.body.lower()
    finally:
        postgres.start()
    end = time.monotonic() + BACK_S
    while carol.client.get("/v1/posts").status != 200:
        assert time.monotonic() < end, "no recovery"
        time.sleep(0.1)


def test_a_query_waits_a_short_while_for_a_database_that_is_down(postgres):
    postgres.stop("immediate")
    try:
        with Server(bench=False, DATABASE_URL=postgres.url, DB_DOWN_WAIT_MS=700) as server:
            client = Client(server)
            for path in ("/v1/posts", "/v1/posts?page=2"):
                began = time.monotonic()
                answer = client.get(path)
                assert answer.status == 503, answer
                assert answer.field("Retry-After")
                assert 0.6 < time.monotonic() - began < 3
    finally:
        postgres.start()


def test_a_server_that_is_stopped_without_its_database_ends_in_time(postgres):
    with Server(start=False, bench=False, DATABASE_URL=postgres.url, **DEADLINES) as made:
        made.start()
        postgres.stop("immediate")
        try:
            time.sleep(0.3)
            began = time.monotonic()
            assert made.stop() == 0
            assert time.monotonic() - began < 10
        finally:
            postgres.start()


def test_a_server_starts_without_its_database_and_recovers(postgres):
    postgres.stop()
    started = False
    try:
        with Server(start=False, bench=False, DATABASE_URL=postgres.url, **DEADLINES) as made:
            made.start()
            client = Client(made)
            assert client.get("/health").status == 200
            assert client.get("/v1/posts").status in (503, 504)
            postgres.start()
            started = True
            end = time.monotonic() + BACK_S
            while client.get("/v1/posts").status != 200:
                assert time.monotonic() < end, "no recovery:\n" + made.log()
                time.sleep(0.1)
    finally:
        if not started:
            postgres.start()


# promise n6
def test_a_frozen_backend_holds_up_a_request_no_longer_than_its_deadline(database_server, carol, postgres):
    """A lock that nobody gives back: the request ends, and others are answered meanwhile."""
    post = carol.post()
    holder = subprocess.Popen(["psql", "-X", "-q", f"host={postgres.folder} user=app dbname=app"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
    try:
        holder.stdin.write(f"BEGIN; UPDATE posts SET title = 'held' WHERE id = '{post['id']}';\n")
        holder.stdin.flush()
        end = time.monotonic() + 10
        while postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") == [["0"]]:
            assert time.monotonic() < end
            time.sleep(0.05)
        answers = []

        def change():
            with Wire(database_server, timeout=60) as wire:
                body = b'{"title": "mine"}'
                answers.append(wire.send(request_bytes("PATCH", f"/v1/posts/{post['id']}", body, carol.token,
                    {"Content-Type": "application/json"})).answer())

        began = time.monotonic()
        thread = threading.Thread(target=change)
        thread.start()
        slow = 0
        while thread.is_alive() and time.monotonic() - began < 20:
            asked = time.monotonic()
            assert carol.client.get("/health").status == 200
            slow = max(slow, time.monotonic() - asked)
            time.sleep(0.1)
        assert answers and answers[0].status in (409, 503, 504), answers
        assert time.monotonic() - began < 10
        assert slow < 1
    finally:
        holder.kill()
        holder.wait()
    end = time.monotonic() + BACK_S
    while carol.client.patch(f"/v1/posts/{post['id']}", {"title": "mine"}).status != 200:
        assert time.monotonic() < end


def test_a_table_that_changes_its_type_under_a_prepared_statement_is_read_on(database_server, carol, postgres):
    """Every plan of every link goes stale; the answer stays right."""
    post = carol.post()
    postgres.sql("ALTER TABLE posts ADD COLUMN extra integer DEFAULT 5")
    try:
        for _ in range(20):
            assert Client(database_server).get(f"/v1/posts/{post['id']}").json == post
        postgres.sql("ALTER TABLE posts ALTER COLUMN title TYPE varchar(300)")
        for _ in range(20):
            answer = Client(database_server).get(f"/v1/posts/{post['id']}")
            assert answer.status == 200 and answer.json == post, answer
    finally:
        postgres.sql("ALTER TABLE posts DROP COLUMN extra")


def test_prepared_statements_that_are_gone_are_prepared_again(database_server, carol, postgres):
    """What a pooler does to a session: DISCARD ALL cannot be sent from outside, but every backend can be replaced."""
    for _ in range(3):
        postgres.sql(TERMINATE)
        end = time.monotonic() + BACK_S
        while carol.client.get("/v1/users/me").status != 200:
            assert time.monotonic() < end
            time.sleep(0.05)
    for _ in range(50):
        assert carol.client.get("/v1/users/me").status == 200


def statements_of(postgres, ask, times=20):
    """How many statements `times` calls of `ask` send, by Postgres' own log."""
    postgres.sql("ALTER SYSTEM SET log_statement = 'all'")
    postgres.sql("SELECT pg_reload_conf()")
    time.sleep(0.5)
    ask()
    before = len(postgres.log())
    for _ in range(times):
        ask()
    text = postgres.log()[before:]
    postgres.sql("ALTER SYSTEM RESET log_statement")
    postgres.sql("SELECT pg_reload_conf()")
    return sum(1 for line in text.splitlines() if "execute" in line and "LOG:" in line)


def test_a_user_by_id_with_a_token_costs_two_statements_at_most(database_server, carol, postgres):
    assert statements_of(postgres, lambda: carol.client.get(f"/v1/users/{carol.id}")) <= 2 * 20


def test_a_page_of_posts_costs_two_statements_at_most(database_server, carol, postgres):
    client = Client(database_server)
    assert 0 < statements_of(postgres, lambda: client.get("/v1/posts")) <= 2 * 20


def test_a_request_that_is_refused_by_its_input_costs_no_statement(database_server, carol, postgres):
    assert statements_of(postgres, lambda: Client(database_server).get("/v1/posts?page=x")) == 0
    assert statements_of(postgres, lambda: Client(database_server).get("/v1/users/me")) == 0


def test_a_registration_is_kept_when_the_server_is_killed(postgres):
    """An acknowledged write lives in Postgres, not in the server."""
    emails = []
    with Server(start=False, bench=False, DATABASE_URL=postgres.url, **DEADLINES) as made:
        made.start()
        client = Client(made)
        for _ in range(5):
            emails.append(register(client, new_email("killed"))["email"])
        made.kill()
    for email in emails:
        assert postgres.sql(f"SELECT count(*) FROM users WHERE email = '{email}'") == [["1"]]


def test_a_wrong_schema_is_refused_at_start_with_its_reason():
    """A database that nobody migrated: the server says what to do, and does not serve half a service."""
    empty = Postgres(fsync=False)
    try:
        with Server(start=False, bench=False, DATABASE_URL=empty.url) as made:
            made.start(wait=False)
            end = time.monotonic() + 20
            while time.monotonic() < end and made.is_running() and not made.answers.is_set():
                time.sleep(0.05)
            time.sleep(0.3)
            text = made.log()
            assert "leat db up" in text, text
    finally:
        empty.throw_away()
