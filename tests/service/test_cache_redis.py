"""test_cache_redis.py — cached answers that several servers share through a Redis, which may be slow, wrong or away."""

import itertools

import threading
import time

import pytest

from client import Client
from redis_server import Redis
from server import Server

PATIENT = {"REDIS_MS": 2000}  # this machine may be busy
keys = itertools.count(1)


@pytest.fixture(scope="module")
def redis():
    with Redis() as running:
        yield running


@pytest.fixture(scope="module")
def two(redis):
    """Two servers, as on two machines."""
    with Server(REDIS_URL=redis.url, **PATIENT) as one, Server(REDIS_URL=redis.url, **PATIENT) as other:
        wait_until_shared(one, other)
        yield one, other
        assert one.stop() == 0 and other.stop() == 0


def fresh_item():
    return f"/caching/items/{200000 + next(keys)}"


def wait_until(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def ask_every_core(server, target):
    """Answers of both cores: connections until each has answered."""
    answers = {}
    wait_until(lambda: len(answers) == 2 or answers.update(ask_anew(server, target)))
    return list(answers.values())


def ask_anew(server, target):
    client = Client(server)
    answer = client.get(target)
    client.forget()
    return {answer.field("X-Request-ID")[:12]: answer}


def wait_until_shared(one, other):
    """Every core of both has a connection that asks and one that listens."""
    for maker in (one, other):
        for _ in range(8):
            def is_shared():
                target = fresh_item()
                Client(maker).get(target)
                found = ask_every_core(one, target) + ask_every_core(other, target)
                return all(answer.field("X-Cache") == "HIT" for answer in found)
            wait_until(is_shared)


# promise 50
def test_what_one_server_made_the_other_gives(two):
    one, other = two
    target = fresh_item()
    made = Client(one).get(target)
    assert made.field("X-Cache") == "MISS"
    for answer in ask_every_core(one, target) + ask_every_core(other, target):
        assert answer.field("X-Cache") == "HIT" and answer.body == made.body and answer.field("ETag") == made.field("ETag")
        assert answer.field("Content-Type") == "application/json" and answer.field("Cache-Control") == "max-age=60"


def test_an_answer_ages_wherever_it_was_made(two):
    one, other = two
    target = fresh_item()
    Client(one).get(target)
    time.sleep(1.2)
    assert int(Client(other).get(target).field("Age")) >= 1


def test_a_tag_is_forgotten_on_every_core_of_both(two):
    one, other = two
    for forgetter in (one, other, one, other):
        item = 300000 + next(keys)
        target = f"/caching/items/{item}"
        before = {answer.json["number"] for answer in ask_every_core(one, target) + ask_every_core(other, target)}
        assert len(before) == 1
        assert Client(forgetter).post(f"/caching/forget/item:{item}").status == 204
        here = ask_every_core(forgetter, target)
        wait_until(lambda: not before & {answer.json["number"] for answer in ask_every_core(one, target) + ask_every_core(other, target)}, 3)
        assert not before & {answer.json["number"] for answer in here}


def test_what_was_begun_before_it_was_forgotten_elsewhere_is_not_shared(two):
    one, other = two
    target = f"/caching/slow/shared-{next(keys)}"
    answers = []
    making = threading.Thread(target=lambda: answers.append(Client(one).get(target)))
    making.start()
    time.sleep(0.25)
    assert Client(other).post("/caching/forget/slow").status == 204
    making.join()
    later = Client(other).get(target)
    assert answers[0].status == later.status == 200 and later.field("X-Cache") == "MISS"
    assert Client(one).get(target).json["number"] != answers[0].json["number"]


def test_credentials_are_no_part_of_what_redis_shows(two, redis):
    one, _ = two
    from people import Person
    person = Person(one, f"shared-{next(keys)}")
    assert Client(one, person.token).get("/caching/me").status == 200
    assert all(person.token not in key for key in redis.keys())


def test_entries_and_tags_end_by_themselves(two, redis):
    one, _ = two
    Client(one).get(fresh_item())
    Client(one).post("/caching/forget/items")
    for key in redis.keys():
        life = int(redis.ask("TTL", key))
        assert key.startswith("leat:") and (life > 0 or key == "leat:clock"), (key, life)


def test_what_others_wrote_there_is_not_believed(two, redis):
    one, other = two
    target = fresh_item()
    made = Client(one).get(target)
    shared = [key for key in redis.keys() if key.startswith("leat:a:")]
    for number, key in enumerate(shared):
        if number % 3 == 0:
            redis.ask("SET", key, "rubbish" * 20, "EX", 60)
        elif number % 3 == 1:
            redis.ask("SETRANGE", key, 4 + number % 60, "\x7f\x7f\x7f")
        else:
            redis.ask("DEL", key)
            redis.ask("LPUSH", key, "x")
    with Server(REDIS_URL=redis.url, **PATIENT) as third:
        answer = Client(third).get(target)
        assert answer.status == 200 and answer.json["id"] == made.json["id"]
        for _ in range(20):
            assert Client(third).get(fresh_item()).status == 200
    redis.ask("FLUSHDB")


def test_apps_of_another_prefix_share_nothing(redis):
    with Server(REDIS_URL=redis.url, CACHE_PREFIX="a", workers=1, **PATIENT) as one, \
            Server(REDIS_URL=redis.url, CACHE_PREFIX="b", workers=1, **PATIENT) as other:
        target = fresh_item()
        assert Client(one).get(target).field("X-Cache") == Client(other).get(target).field("X-Cache") == "MISS"


def test_redis_alone_keeps_what_cores_do_not(redis):
    with Server(REDIS_URL=redis.url, CACHE_BYTES=0, workers=1, **PATIENT) as server:
        client, target = Client(server), fresh_item()
        wait_until(lambda: client.get(target).field("X-Cache") == "HIT")


def test_with_tls_a_password_and_a_database():
    with Redis(tls=True, password="a secret: of/redis@") as redis:
        url = f"rediss://:a%20secret%3A%20of%2Fredis%40@localhost:{redis.port}/3"
        with Server(REDIS_URL=url, SSL_CERT_FILE=redis.certificate, workers=1, **PATIENT) as one:
            target = fresh_item()
            wait_until(lambda: Client(one).get(fresh_item()).status == 200 and redis.keys())
            made = Client(one).get(target)
            with Server(REDIS_URL=url, SSL_CERT_FILE=redis.certificate, workers=1, **PATIENT) as other:
                other_client = Client(other)
                wait_until(lambda: other_client.get(target).json == made.json or not other_client.post("/caching/forget/items"), 5)
                large = "/caching/large?bytes=400000"
                assert Client(one).get(large).body == other_client.get(large).body
                assert Client(one).post("/caching/forget/items").status == 204
            assert "secret" not in one.log() and one.stop() == 0


@pytest.mark.parametrize("what", ["password", "certificate", "nobody"])
def test_a_redis_that_cannot_be_had_is_said_once_and_costs_nothing(what):
    with Redis(tls=what == "certificate", password="right") as redis:
        url = {"password": redis.url.replace("right", "wrong"), "certificate": redis.url,
               "nobody": "redis://:right@127.0.0.1:1/0"}[what]
        with Server(REDIS_URL=url, LOG_FORMAT="text") as server:
            client = Client(server)
            assert client.get("/cached").status == client.get("/cached").status == 200
            assert server.logged("redis_unreachable")
            time.sleep(1)
            said = [line for line in server.lines if "redis_" in line]
            assert len(said) == 1, said
            assert "right" not in server.log() and "wrong" not in server.log().replace("WRONGPASS", "")
            assert client.get("/health/ready").status == 200
            assert server.stop() == 0


@pytest.mark.parametrize("url", ["http://x", "redis://", "redis://h:99999", "redis://h:x", "redis://h/x", "unix://relative", "redis://[::1",
                                 "redis://:hidden%2@h", "redis://h?x=hidden"])
def test_a_url_that_is_none_is_refused_without_being_shown(url):
    server = Server(REDIS_URL=url, start=False)
    server.start(wait=False)
    try:
        assert server.wait() == 1
    finally:
        server.kill()
    assert "REDIS_URL" in server.log() and "hidden" not in server.log()
    server.throw_away()


def test_a_redis_that_hangs_holds_nobody_up():
    with Redis() as redis, Server(REDIS_URL=redis.url, REDIS_MS=20, workers=1, LOG_FORMAT="text") as server:
        client = Client(server)
        wait_until(lambda: client.get(fresh_item()).status == 200 and redis.keys())
        redis.freeze()
        began = time.monotonic()
        for _ in range(100):
            answer = client.get(fresh_item())
            assert answer.status == 200 and answer.field("X-Cache") == "MISS"
        assert client.post("/caching/forget/items").status == 204
        assert time.monotonic() - began < 5
        assert server.logged("redis_unreachable", 10)
        redis.thaw()
        assert server.logged("redis_reachable", 20)
        wait_until(lambda: client.get(fresh_item()).status == 200 and len(redis.keys()) > 1)
        assert server.stop() == 0


def test_what_was_forgotten_while_redis_was_away_is_told_when_it_is_back():
    with Redis() as redis, Server(REDIS_URL=redis.url, workers=1, **PATIENT) as one, Server(REDIS_URL=redis.url, workers=1, **PATIENT) as other:
        target = "/caching/items/1"
        clients = [Client(one), Client(other)]
        wait_until(lambda: len({client.get(target).json["number"] for client in clients}) == 1 or not clients[0].post("/caching/forget/items"))
        before = clients[0].get(target).json["number"]
        redis.freeze()
        for line in ("redis_unreachable",):
            clients[0].post("/caching/forget/item:1")
            assert one.logged(line, 20)
        clients[0].post("/caching/forget/item:1")
        redis.thaw()
        wait_until(lambda: clients[1].get(target).json["number"] != before)
        assert clients[0].get(target).json["number"] != before


def test_a_redis_that_is_killed_and_comes_back_makes_no_error():
    with Redis() as redis, Server(REDIS_URL=redis.url, REDIS_MS=50, LOG_FORMAT="text") as server:
        stop, failures, count = threading.Event(), [], itertools.count()

        def ask(number):
            client = Client(server)
            while not stop.is_set():
                answer = client.get(f"/caching/items/{next(count) % 300}")
                if answer.status != 200:
                    failures.append(answer)
                if next(count) % 20 == number and client.post(f"/caching/forget/item:{next(count) % 300}").status != 204:
                    failures.append("forget")
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.7)
            redis.stop()
            time.sleep(0.7)
            redis.start()
        assert server.logged("redis_reachable", 20)
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures, failures[:3]
        client = Client(server)
        wait_until(lambda: client.get(fresh_item()).status == 200 and redis.keys())
        files = server.open_files()
        time.sleep(0.5)
        assert server.open_files() <= files + 2
        assert server.stop() == 0


def test_a_full_redis_is_a_cache_of_each_core():
    with Redis("--maxmemory", "2mb", "--maxmemory-policy", "noeviction") as redis, \
            Server(REDIS_URL=redis.url, workers=1, **PATIENT) as server:
        client = Client(server)
        for size in range(60000, 60100):
            assert client.get(f"/caching/large?bytes={size}").status == 200
        assert client.get("/caching/large?bytes=60050").field("X-Cache") == "HIT"
        assert client.post("/caching/forget/items").status == 204
        assert server.stop() == 0


def test_a_server_ends_while_it_connects():
    with Server(REDIS_URL="redis://192.0.2.1:6379", workers=1) as server:  # nobody answers there (RFC 5737)
        assert Client(server).get("/cached").status == 200
        assert server.stop() == 0



def test_a_value_that_one_server_keeps_the_other_has(two):
    one, other = two
    target = f"/caching/values/{next(keys)}"
    made = Client(one).get(target).json
    assert Client(other).get(target).json == made
    assert Client(other).post("/caching/forget/values").status == 204
    again = Client(other).get(target).json
    assert again != made
    wait_until(lambda: Client(one).get(target).json == again)
