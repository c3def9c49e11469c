"""test_cache.py — cached routes: what is answered from memory, what is not, for how long, and how it is forgotten."""

import concurrent.futures
import gzip
import itertools
import json
import pathlib
import shutil
import socket
import tempfile
import threading
import time

import pytest

from client import Client, Wire
from people import Person
from server import Server, build_folder

keys = itertools.count(1)


@pytest.fixture(scope="module")
def caching():
    """Two cores, each with a memory of its own."""
    with Server() as server:
        yield server
        assert server.stop() == 0, server.log()


@pytest.fixture
def asking(caching):
    """One connection: one core."""
    made = Client(caching)
    yield made
    made.forget()


def clients_of_both_cores(server):
    """Two clients, whose connections are of different cores: known by the ids that each core makes."""
    first = Client(server)
    prefix = first.get("/cached").field("X-Request-ID")[:12]
    for _ in range(200):
        second = Client(server)
        if second.get("/cached").field("X-Request-ID")[:12] != prefix:
            return first, second
        second.forget()
    raise AssertionError("no connection reached the other core")


def wait_until(condition, seconds=15):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def fresh_item():
    return f"/caching/items/{1000 + next(keys)}"


# ---- kept and given again


# promise 50
def test_a_second_request_is_answered_from_memory(asking):
    target = fresh_item()
    first, second = asking.get(target), asking.get(target)
    assert first.field("X-Cache") == "MISS" and second.field("X-Cache") == "HIT"
    assert first.body == second.body and first.status == second.status == 200
    assert first.field("Age") is None and second.field("Age") == "0"
    assert first.field("Cache-Control") == second.field("Cache-Control") == "max-age=60"
    assert first.field("Content-Type") == second.field("Content-Type") == "application/json"
    assert first.field("ETag") == second.field("ETag") and first.field("ETag").startswith('"')
    assert first.field("X-Request-ID") != second.field("X-Request-ID")


def test_an_id_that_the_client_gave_is_its_own(asking):
    target = fresh_item()
    for _ in range(3):
        assert asking.get(target, headers={"X-Request-ID": "mine"}).field("X-Request-ID") == "mine"


def test_head_is_answered_as_get_without_its_body(asking):
    target = fresh_item()
    first, second = asking.head(target), asking.head(target)
    assert first.field("X-Cache") == "MISS" and second.field("X-Cache") == "HIT"
    whole = asking.get(target)
    assert whole.field("X-Cache") == "HIT" and whole.field("Content-Length") == first.field("Content-Length") == str(len(whole.body))


def test_an_answer_ages_and_ends(asking):
    first = asking.get("/caching/short").json["number"]
    time.sleep(1.2)
    answer = asking.get("/caching/short")
    assert answer.field("X-Cache") == "MISS" and answer.json["number"] != first


def test_a_stale_answer_is_given_while_it_is_made_anew(asking):
    first = asking.get("/caching/stale").json["number"]
    time.sleep(1.2)
    stale = asking.get("/caching/stale")
    assert stale.field("X-Cache") == "STALE" and stale.json["number"] == first and int(stale.field("Age")) >= 1
    end = time.monotonic() + 5
    while time.monotonic() < end:
        answer = asking.get("/caching/stale")
        if answer.field("X-Cache") == "HIT":
            break
    assert answer.field("X-Cache") == "HIT" and answer.json["number"] == first + 1


# ---- the key


@pytest.mark.parametrize("one, other", [("?limit=5&tag=a", "?tag=a&limit=5"), ("?limit=5", "?limit=%35"), ("?limit=5", "?limit=5&utm=1"),
                                        ("?tag=a+b", "?tag=a%20b"), ("?tag=a&tag=b", "?tag=a&x=1&tag=b")])
def test_what_means_the_same_is_one_entry(asking, one, other):
    item = fresh_item()
    assert asking.get(item + one).field("X-Cache") == "MISS"
    assert asking.get(item + other).field("X-Cache") == "HIT"


@pytest.mark.parametrize("one, other", [("?limit=5", "?limit=6"), ("?tag=a&tag=b", "?tag=b&tag=a"), ("?tag=a&tag=b", "?tag=a,b"),
                                        ("?tag=a", ""), ("?tag=", ""), ("?tag=limit&limit=1", "?limit=1&tag=limi"),
                                        ("?tag=%01%01", "?tag=%01")])
def test_what_differs_is_another_entry(asking, one, other):
    item = fresh_item()
    assert asking.get(item + one).field("X-Cache") == "MISS"
    assert asking.get(item + other).field("X-Cache") == "MISS"


def test_another_parameter_of_the_path_is_another_entry(asking):
    one, other = asking.get(fresh_item()), asking.get(fresh_item())
    assert one.field("X-Cache") == other.field("X-Cache") == "MISS" and one.json["id"] != other.json["id"]


def test_a_query_model_takes_the_whole_query(asking):
    page = next(keys)
    assert asking.get(f"/caching/window?limit=3&page={page}").field("X-Cache") == "MISS"
    assert asking.get(f"/caching/window?page={page}&limit=3").field("X-Cache") == "HIT"
    assert asking.get(f"/caching/window?page={page}&limit=4").field("X-Cache") == "MISS"


def test_declared_headers_and_cookies_are_part_of_the_key(asking):
    def ask(**headers):
        return asking.get("/caching/language", headers=list((name.replace("_", "-"), value) for name, value in headers.items()))
    german = ask(Accept_Language="de", Cookie="theme=dark")
    assert german.field("X-Cache") == "MISS" and german.field("Content-Language") == "de"
    assert german.field("Vary") == "accept-language, Cookie"
    assert ask(Accept_Language="fr", Cookie="theme=dark").field("Content-Language") == "fr"
    assert ask(Accept_Language="de", Cookie="theme=light").field("X-Cache") == "MISS"
    again = ask(Accept_Language="de", Cookie="other=1; theme=dark", User_Agent="another")
    assert again.field("X-Cache") == "HIT" and again.body == german.body and again.field("Content-Language") == "de"


def test_bad_input_is_refused_as_ever(asking):
    item = fresh_item()
    assert asking.get(item).status == 200
    for target, status in [(item + "?limit=x", 422), (item + "?x=%ff", 400), ("/caching/items/x", 422), (item + "?limit=%ff", 400)]:
        for _ in range(2):
            answer = asking.get(target)
            assert answer.status == status and answer.field("X-Cache") in (None, "BYPASS") and answer.field("ETag") is None
    assert asking.get(item).field("X-Cache") == "HIT"


def test_a_key_that_is_too_long_is_answered_and_not_kept(caching, asking):
    with Server(REQUEST_LINE_BYTES_MAX=65536, FIELD_BYTES_MAX=1048576, workers=1) as server:
        long = Client(server)
        for _ in range(2):
            answer = long.get("/caching/plain?q=" + "x" * 30000)
            assert answer.status == 200 and answer.field("X-Cache") == "BYPASS"


def test_more_parameters_than_a_key_holds_are_answered_and_not_kept(asking):
    item = fresh_item()
    for _ in range(2):
        answer = asking.get(item + "?" + "&".join(f"a{n}={n}" for n in range(300)))
        assert answer.status == 200 and answer.field("X-Cache") == "BYPASS"


# ---- what is never kept


@pytest.mark.parametrize("target", ["/caching/cookie", "/caching/private", "/caching/undeclared"])
def test_what_is_for_one_client_is_not_kept(caching, asking, target):
    first, second = asking.get(target), asking.get(target)
    assert first.field("X-Cache") == second.field("X-Cache") == "BYPASS"
    assert first.json["number"] != second.json["number"]
    if target.endswith("undeclared"):
        assert caching.logged("cache_unfit") and "X-Undeclared" in caching.log()


def test_a_failure_is_not_kept(asking):
    for _ in range(2):
        answer = asking.get("/caching/items/404")
        assert answer.status == 404 and answer.detail == "No such item" and answer.field("X-Cache") is None


def test_an_answer_that_is_too_long_is_not_kept():
    with Server(CACHE_ENTRY_BYTES_MAX=10000, workers=1) as server:
        client = Client(server)
        for size, state in [(9000, "HIT"), (11000, "MISS")]:
            first, second = client.get(f"/caching/large?bytes={size}"), client.get(f"/caching/large?bytes={size}")
            assert first.field("X-Cache") == "MISS" and second.field("X-Cache") == state and first.body == second.body


def test_memory_is_bounded():
    # a sanitizer would keep what was freed
    with Server(CACHE_BYTES=4 << 20, workers=1, ASAN_OPTIONS="quarantine_size_mb=1:detect_odr_violation=0") as server:
        client = Client(server)
        for size in range(100000, 100200):
            assert client.get(f"/caching/large?bytes={size}").field("X-Cache") == "MISS"
        before = server.rss_bytes()
        for size in range(100200, 101000):
            assert client.get(f"/caching/large?bytes={size}").field("X-Cache") == "MISS"
        assert server.rss_bytes() - before < 16 << 20
        assert client.get("/caching/large?bytes=100999").field("X-Cache") == "HIT"
        assert client.get("/caching/large?bytes=100000").field("X-Cache") == "MISS"


def test_no_memory_keeps_nothing():
    with Server(CACHE_BYTES=0, workers=1) as server:
        client = Client(server)
        for _ in range(2):
            answer = client.get("/cached")
            assert answer.status == 200 and answer.field("X-Cache") == "MISS" and answer.field("ETag")


# ---- conditional requests


@pytest.mark.parametrize("field", ['{}', 'W/{}', '"x", {}', '"x" , W/{}, "y"', '*'])
def test_a_client_that_has_it_is_told_so(asking, field):
    target = fresh_item()
    tag = asking.get(target).field("ETag")
    answer = asking.get(target, headers={"If-None-Match": field.format(tag)})
    assert answer.status == 304 and answer.field("ETag") == tag and answer.field("Cache-Control") == "max-age=60"
    assert answer.field("Content-Type") is None and answer.field("X-Cache") == "HIT"
    assert asking.head(target, headers={"If-None-Match": field.format(tag)}).status == 304


@pytest.mark.parametrize("field", ['"x"', '{}x', 'x{}', '', '"*"'])
def test_a_client_that_has_another_gets_it(asking, field):
    target = fresh_item()
    tag = asking.get(target).field("ETag")
    assert asking.get(target, headers={"If-None-Match": field.format(tag.strip('"'))}).status == 200


def test_a_client_is_told_so_by_an_answer_that_was_just_made_too(asking):
    answer = asking.get("/caching/large?bytes=1001")
    assert asking.get("/caching/large?bytes=1001&x", headers={"If-None-Match": answer.field("ETag")}).status == 304


@pytest.mark.parametrize("control", ["no-cache", "no-store", "max-age=0", "only-if-cached", "max-age=x, ,"])
def test_what_a_client_asks_of_caches_is_not_looked_at(asking, control):
    """A stranger may not make the server work at will."""
    target = fresh_item()
    first = asking.get(target, headers={"Cache-Control": control, "Pragma": "no-cache"})
    second = asking.get(target, headers={"Cache-Control": control})
    assert (first.field("X-Cache"), second.field("X-Cache")) == ("MISS", "HIT") and first.body == second.body


def test_a_304_tells_what_the_whole_answer_would(asking):
    target = fresh_item()
    whole = asking.get(target)
    for ask in (asking.get, asking.head):
        answer = ask(target, headers={"If-None-Match": whole.field("ETag"), "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"})
        assert answer.status == 304 and answer.field("Age") == "0" and answer.field("Content-Length") is None and not answer.body
        assert answer.field("Cache-Control") == whole.field("Cache-Control") and answer.field("Vary") == whole.field("Vary")


# ---- credentials


def test_credentials_that_a_route_does_not_look_at_change_nothing(caching, asking):
    person, target = Person(caching, "cached-dora"), fresh_item()
    made = asking.get(target, token=person.token)
    assert made.field("X-Cache") == "MISS" and asking.get(target).body == made.body
    assert "public" not in made.field("Cache-Control")  # others on the way do not share what was asked for with credentials


def test_each_user_has_answers_of_their_own(caching, asking):
    ada, bob = Person(caching, "cached-ada"), Person(caching, "cached-bob")
    assert asking.get("/caching/me").status == 401
    for _ in range(3):
        for person in (ada, bob):
            answer = asking.get("/caching/me", token=person.token)
            assert answer.status == 200 and answer.json["of"] == str(person.id), answer
            assert answer.field("Cache-Control") == "private, max-age=60" and answer.field("Vary") == "Authorization"
    assert answer.field("X-Cache") == "HIT"


def test_credentials_are_checked_for_a_hit_too(caching, asking):
    person = Person(caching, "cached-carol")
    assert asking.get("/caching/me", token=person.token).field("X-Cache") == "MISS"
    assert asking.get("/caching/me", token=person.token).field("X-Cache") == "HIT"
    assert asking.get("/caching/me").status == 401
    assert asking.get("/caching/me", token=person.token + "x").status == 403


# ---- forgotten


def test_a_tag_is_forgotten_on_all_cores_before_the_answer(caching):
    one, other = clients_of_both_cores(caching)
    for _ in range(30):
        item = next(keys) + 50000
        target = f"/caching/items/{item}"
        before = {client.get(target).json["number"] for client in (one, other)}
        assert [client.get(target).field("X-Cache") for client in (one, other)] == ["HIT", "HIT"]
        assert one.post(f"/caching/forget/item:{item}").status == 204
        answers = [client.get(target) for client in (other, one)]
        assert all(answer.field("X-Cache") == "MISS" and answer.json["number"] not in before for answer in answers)


def test_a_tag_of_all_items_is_of_each(asking):
    one, other = fresh_item(), fresh_item()
    asking.get(one), asking.get(other), asking.get("/caching/plain")
    asking.post("/caching/forget/items")
    assert asking.get(one).field("X-Cache") == asking.get(other).field("X-Cache") == "MISS"
    assert asking.get("/caching/plain").field("X-Cache") == "HIT"


def test_what_was_begun_before_it_was_forgotten_is_not_kept(caching):
    key = f"forgotten-{next(keys)}"
    one, other = clients_of_both_cores(caching)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        making = pool.submit(one.get, f"/caching/slow/{key}")
        time.sleep(0.2)
        assert other.post("/caching/forget/slow").status == 204
        first = making.result()
    assert first.status == 200
    second = one.get(f"/caching/slow/{key}")
    assert second.field("X-Cache") == "MISS" and second.json["number"] != first.json["number"]


# ---- many at once


def leave(wire):
    """As a client that is gone: a reset, not an end."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wire.close()


def ask_together(server, count, target):
    """`count` connections that ask at the same time."""
    wires = [Wire(server) for _ in range(count)]
    for wire in wires:
        wire.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
    answers = [wire.answer() for wire in wires]
    for wire in wires:
        wire.close()
    return answers


def test_a_herd_makes_one_answer_a_core(caching):
    answers = ask_together(caching, 200, f"/caching/slow/herd-{next(keys)}")
    assert all(answer.status == 200 for answer in answers)
    made = {answer.json["number"] for answer in answers}
    misses = [answer for answer in answers if answer.field("X-Cache") == "MISS"]
    assert len(made) <= 2 and len(misses) == len(made)


def test_a_herd_behind_a_failure_is_answered_too(caching):
    answers = ask_together(caching, 8, f"/caching/slow/failing-{next(keys)}?fails=1")
    assert {answer.status for answer in answers} == {409}


def test_when_the_first_of_a_herd_leaves_another_makes_the_answer():
    with Server(workers=1) as server:
        target = f"/caching/slow/left-{next(keys)}"
        first = Wire(server).send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.15)
        others = [Wire(server).send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(20)]
        time.sleep(0.15)
        leave(first)
        answers = [wire.answer() for wire in others]
        assert all(answer.status == 200 for answer in answers)
        assert len({answer.json["number"] for answer in answers}) == 1
        assert sorted(answer.field("X-Cache") for answer in answers) == ["HIT"] * 19 + ["MISS"]


def test_herds_that_leave_harm_nobody():
    with Server(workers=1) as server:
        for round in range(3):
            wires = [Wire(server).send(f"GET /caching/slow/gone-{round % 2} HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(8)]
            time.sleep(0.1 + 0.1 * (round % 3))
            for wire in wires:
                leave(wire)
        assert Client(server).get("/caching/slow/gone-0").status == 200
        assert server.stop() == 0


def test_a_deadline_ends_waiting_too():
    with Server(workers=1, REQUEST_MS=300) as server:
        answers = ask_together(server, 10, "/caching/slow/late")
        assert {answer.status for answer in answers} == {504}


def test_pipelined_requests_are_answered_in_order(caching):
    with Wire(caching) as wire:
        items = [next(keys) + 90000 for _ in range(5)]
        for item in items * 3:
            wire.send(f"GET /caching/items/{item} HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = [wire.answer() for _ in items * 3]
    assert [answer.json["id"] for answer in answers] == items * 3
    assert [answer.field("X-Cache") for answer in answers] == ["MISS"] * 5 + ["HIT"] * 10


def test_a_request_that_comes_in_pieces_finds_the_same(caching, asking):
    target = fresh_item() + "?limit=7"
    assert asking.get(target).status == 200
    both = clients_of_both_cores(caching)
    for client in both:
        client.get(target)
        client.wire.send(f"GET {target} HTT")
        time.sleep(0.05)
        client.wire.send("P/1.1\r\nHost: x\r\n\r\n")
        assert client.wire.answer().field("X-Cache") == "HIT"


def test_many_threads_ask_and_forget(caching):
    """Nobody is answered with what was before a change that it has seen."""
    stop, failures = threading.Event(), []

    def ask_and_forget(number):
        client, item = Client(caching), 70000 + number
        while not stop.is_set():
            before = client.get(f"/caching/items/{item}").json["number"]
            client.post(f"/caching/forget/item:{item}")
            client.forget()  # the next connection may be of the other core
            after = client.get(f"/caching/items/{item}").json["number"]
            if after <= before:
                failures.append((item, before, after))
    threads = [threading.Thread(target=ask_and_forget, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


# ---- content codings


def test_a_long_answer_is_coded_once_and_kept_so(asking):
    target = f"/caching/large?bytes={5000 + next(keys)}"
    plain = asking.get(target)
    assert plain.field("Vary") == "Accept-Encoding" and plain.field("Content-Encoding") is None
    for coding, read in (("gzip", gzip.decompress), ("br", None)):
        for _ in range(2):
            coded = asking.get(target, headers={"Accept-Encoding": coding})
            assert coded.field("X-Cache") == "HIT" and coded.field("Content-Encoding") == coding and coded.field("Vary") == "Accept-Encoding"
            assert coded.field("ETag") == plain.field("ETag")[:-1] + f'-{coding}"' and len(coded.body) < len(plain.body)
            assert not read or read(coded.body) == plain.body
        assert asking.get(target, headers={"Accept-Encoding": coding, "If-None-Match": coded.field("ETag")}).status == 304
    assert asking.get(target).body == plain.body
    first = asking.get(f"/caching/large?bytes={9000 + next(keys)}", headers={"Accept-Encoding": "gzip"})
    assert first.field("X-Cache") == "MISS" and first.field("Content-Encoding") == "gzip" and len(gzip.decompress(first.body)) > 9000


def test_a_coded_answer_is_forgotten_with_the_other():
    with Server(COMPRESSION_BYTES_MIN=1, workers=1) as server:
        client = Client(server)
        for _ in range(3):
            numbers = {json.loads(gzip.decompress(client.get("/caching/listing", headers={"Accept-Encoding": "gzip"}).body))["number"]
                       for _ in range(2)}
            assert len(numbers) == 1 and numbers == {client.get("/caching/listing").json["number"]}
            client.post("/caching/forget/listing")


# ---- plugins that change, figures, documents


def test_a_new_build_of_a_plugin_is_not_answered_by_the_old_ones_answers():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        built = build_folder() / "bench/plugins"
        shutil.copy(built / "caching.so", folder)
        with Server("--plugins", name, bench=False, workers=1) as server:
            client = Client(server)
            client.get("/cached")
            assert client.get("/cached").field("X-Cache") == "HIT"
            shutil.copy(built / "echo.so", folder / "echo.so")
            wait_until(lambda: client.post("/echo", body=b"x").status == 200)
            assert client.get("/cached").field("X-Cache") == "HIT"  # it has not changed
            (folder / "new").write_bytes((built / "caching.so").read_bytes() + b"\0")
            (folder / "new").rename(folder / "caching.so")
            wait_until(lambda: client.get("/cached").field("X-Cache") == "MISS")
            assert client.get("/cached").field("X-Cache") == "HIT"


def test_figures_tell_how_it_goes(caching, asking):
    def figures(core):
        return {line.split("{")[0]: float(line.split()[-1]) for line in asking.get("/metrics").body.decode().splitlines()
                if line.startswith(("leat_cache_", "leat_redis_")) and f'core="{core}"' in line}
    before = {core: figures(core) for core in (0, 1)}
    target = fresh_item()
    for _ in range(4):
        asking.get(target)
    asking.get("/caching/cookie"), asking.post("/caching/forget/items")
    after = {core: figures(core) for core in (0, 1)}

    def grown(name):
        return sum(after[core][f"leat_cache_{name}"] - before[core][f"leat_cache_{name}"] for core in (0, 1))
    assert (grown("hits_total"), grown("misses_total"), grown("bypasses_total"), grown("forgets_total")) == (3, 2, 1, 2)
    assert grown("entries") == 1 and grown("bytes") > 0 and after[0]["leat_redis_ready"] == 0


def test_the_document_tells_of_it(asking):
    paths = asking.get("/openapi.json").json["paths"]
    cached, plain = (paths[path]["get"]["responses"] for path in ("/cached", "/json"))
    assert set(cached["200"]["headers"]) == {"ETag", "Cache-Control", "Age", "X-Cache"} and "304" in cached
    assert "304" not in plain and "headers" not in plain["200"]


def test_hooks_see_a_hit_and_may_refuse_it():
    with Server(workers=1) as server:
        client = Client(server)
        for _ in range(3):
            answer = client.get("/hooked/cached", headers={"X-Word": "open"})
            assert answer.status == 200 and answer.field("X-Seen") == "200" and len(answer.fields_of("X-Asked")) == 1
        assert answer.field("X-Cache") == "HIT" and answer.json["number"] == 1
        assert client.get("/hooked/cached").status == 403
        again = client.get("/hooked/cached", headers={"X-Word": "open", "If-None-Match": answer.field("ETag")})
        assert again.status == 304 and again.field("X-Seen") == "304"


# ---- values that handlers keep


def test_a_value_is_kept_and_forgotten(asking):
    target = f"/caching/values/v{next(keys)}"
    first = asking.get(target).json
    assert first["note"] is None and first["parts"][0]["weights"] == [0.5, -1e300, 3] and first["parts"][1] == {"name": "", "good": False, "weights": []}
    assert asking.get(target).json == first
    asking.post(f"/caching/forget/value:{target.rsplit('/')[-1]}")
    second = asking.get(target).json
    assert second["number"] > first["number"] and asking.get(target).json == second


def test_a_value_that_was_begun_before_it_was_forgotten_is_not_kept(caching):
    one, other = clients_of_both_cores(caching)
    target = f"/caching/values/s{next(keys)}"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        making = pool.submit(one.get, target + "?slow=true")
        time.sleep(0.2)
        assert other.post("/caching/forget/values").status == 204
        first = making.result().json
    assert one.get(target).json["number"] > first["number"]
