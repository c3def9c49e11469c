"""test_domains.py — the further plugins that ship: transform, aggregate, predict and notify, over HTTP."""

import json
import time

import pytest

from client import Client
from server import Server
from test_outbound import NO_DATABASE
from upstream import Upstream, wait_for


class Services(Upstream):
    """Three services in one, each as late as `late_ms` says."""

    late_ms = 100

    async def tell(self, reader, writer, document):
        if await self.wait_or_be_cut(reader, self.late_ms / 1000):
            return False
        return await self.answer(writer, 200, json.dumps(document).encode())

    async def on_user(self, reader, writer, *_):
        return await self.tell(reader, writer, {"name": "Ada"})

    async def on_orders(self, reader, writer, *_):
        return await self.tell(reader, writer, {"open": 2})

    async def on_payments(self, reader, writer, *_):
        return await self.tell(reader, writer, {"due_cents": 995})


@pytest.fixture
def services():
    with Services() as running:
        yield running


def aggregate_settings(services):
    return {f"AGGREGATE_{name}_URL": services.url("/" + name.lower()) for name in ("USER", "ORDERS", "PAYMENTS")}


# ---- aggregate

def test_three_services_of_100_ms_are_answered_in_under_130(services):
    settings = aggregate_settings(services)
    with Server(bench=False, workers=1, OUTBOUND_ALLOW="127.0.0.1", DATABASE_URL=NO_DATABASE, **settings) as server:
        client, best = Client(server), 10
        for _ in range(6):
            began = time.monotonic()
            answer = client.get("/v1/aggregated", token="ticket")
            best = min(best, time.monotonic() - began)
            assert answer.json == {"user": {"name": "Ada"}, "orders": {"open": 2}, "payments": {"due_cents": 995}}
        assert 0.1 <= best < 0.130, f"{best * 1000:.0f} ms"
        assert {fields["authorization"] for _, _, fields, _ in services.requests} == {"Bearer ticket"}
        assert services.connections == 3


def test_without_its_services_aggregate_says_so_and_the_server_serves(client):
    answer = client.get("/v1/aggregated")
    assert (answer.status, answer.detail) == (503, "Not set up") and answer.field("Retry-After") == "60"


def test_services_that_may_not_be_called_are_a_502(services):
    with Server(bench=False, workers=1, DATABASE_URL=NO_DATABASE, **aggregate_settings(services)) as server:
        assert Client(server).get("/v1/aggregated").status == 502
        assert not services.connections
        assert wait_for(lambda: "OUTBOUND_ALLOW does not name it" in server.log())


# ---- transform and predict

# promise 12
def test_points_have_a_mean(client):
    answer = client.post("/v1/transform", [{"x": 1, "y": 2}, {"x": 3, "y": 5}])
    assert answer.json == {"count": 2, "mean_x": 2.0, "mean_y": 3.5}
    assert client.post("/v1/transform", [{"x": 1, "y": 2}] * 10_001).status == 422


# promise 53
def test_predictions_are_the_same_on_every_core_and_in_a_batch(server):
    site = {"head_m": 3, "flow_m3_s": 0.5, "diameter_m": 2.7}
    clients = [Client(server) for _ in range(8)]
    powers = {client.post("/v1/predict", site).json["power_kw"] for client in clients}
    assert len(powers) == 1 and 11 < powers.pop() < 13.5
    batch = clients[0].post("/v1/predict/batch", [site] * 1000).json
    assert len(batch) == 1000 and batch[0] == batch[-1] == clients[0].post("/v1/predict", site).json


# ---- notify

# promise 12
def test_a_welcome_is_written_once_after_the_answer(server, client, ada):
    for _ in range(3):
        answer = client.post("/v1/notify", {"kind": "welcome"}, token=ada.token)
        assert answer.status == 202, answer
    assert wait_for(lambda: client.get("/v1/notify", token=ada.token).json)
    notices = client.get("/v1/notify", token=ada.token).json
    assert [notice["kind"] for notice in notices] == ["welcome"] and notices[0]["recipient"] == ada.email
    assert server.sql(f"SELECT count(*) FROM outbox WHERE recipient = '{ada.email}'") == [["1"]]
    assert client.get("/v1/notify").status == 401
