"""test_settings.py — settings: where they come from, what is said of them, and what they make of every answer."""

import json
import re
import subprocess

import pytest

from client import Client
from server import ROOT, Server, clean_environment, program, throw_away_folder


@pytest.fixture
def folder():
    made = throw_away_folder()
    yield made
    subprocess.run(["rm", "-r", str(made)], check=True)


def leat_settings(folder, *arguments, **settings):
    return subprocess.run([program(), "settings", *arguments], cwd=folder, env=clean_environment(**settings), capture_output=True, text=True)


def names_of(text):
    return {match[1] for match in re.finditer(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)}


# promise 56
def test_the_committed_example_names_every_setting_there_is(folder):
    made, committed = names_of(leat_settings(folder).stdout), names_of((ROOT / ".env.example").read_text())
    assert len(made) > 60
    assert made == committed, "run `leat settings > .env.example` in the root of the sources"


def test_a_flag_wins_over_the_environment_that_over_env_and_that_over_the_file(folder):
    (folder / ".env").write_text("DRAIN_MS=3\nHEAD_MS=30\n")
    (folder / "more").write_text("DRAIN_MS=4\nHEAD_MS=40\nBODY_IDLE_MS=50\nKEEP_ALIVE_MS=60\n")
    result = leat_settings(folder, "--json", LEAT_CONFIG="more", DRAIN_MS=2, SECRET_KEY="x" * 40)
    assert result.returncode == 0, result.stderr
    settings = {setting["variable"]: setting for setting in json.loads(result.stdout)}
    assert [(settings[name]["value"], settings[name]["source"]) for name in ("DRAIN_MS", "HEAD_MS", "BODY_IDLE_MS")] == [
        ("2", "environment"), ("30", ".env"), ("50", "LEAT_CONFIG")]
    assert settings["SECRET_KEY"]["source"] == "environment" and settings["SECRET_KEY"]["value"] is None
    assert settings["USERS_ACCESS_TOKEN_EXPIRE_MINUTES"]["default"] == "30"
    assert "x" * 40 not in result.stdout


def test_names_that_are_nearly_a_setting_are_told_and_others_are_not(folder):
    (folder / ".env").write_text("DATABSE_URL=postgresql://somebody:secret@host/name\nMY_OWN_THING=1\nLOG_LEVEL_USERS=debug\n")
    result = leat_settings(folder)
    assert "DATABSE_URL in .env is no setting; did you mean DATABASE_URL?" in result.stderr
    assert "MY_OWN" not in result.stderr and "LOG_LEVEL_USERS" not in result.stderr and "secret@" not in result.stderr


def test_all_that_is_wrong_is_said_at_once_and_no_value_is_shown(folder):
    result = leat_settings(folder, PORT="99999", CORS_METHODS="GET,BREW", BACKEND_CORS_ORIGINS='["*"]', FRAME_OPTIONS="MAYBE",
                           USERS_ACCESS_TOKEN_EXPIRE_MINUTES="never")
    assert result.returncode == 1
    assert "PORT in the environment" in result.stderr and "USERS_ACCESS_TOKEN_EXPIRE_MINUTES in the environment" in result.stderr
    assert "FRAME_OPTIONS in the environment" in result.stderr
    result = leat_settings(folder, CORS_METHODS="GET,BREW", BACKEND_CORS_ORIGINS='["*"]', REFERRER_POLICY="a\nb")
    assert "CORS_METHODS: it holds what is no method" in result.stderr
    assert "BACKEND_CORS_ORIGINS: '*': any origin together with credentials" in result.stderr and "CORS_CREDENTIALS=off" in result.stderr
    assert "REFERRER_POLICY" in result.stderr and "line break" in result.stderr


SECURITY = ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")


def test_every_answer_tells_browsers_what_not_to_do(client, wire):
    for answer in (client.get("/health"), client.get("/nowhere"), client.get("/v1/users/me"), client.get("/docs"), client.post("/health", {}),
                   client.get("/json")):
        assert [answer.field(name) for name in SECURITY] == ["nosniff", "DENY", "no-referrer"], answer
        assert answer.field("Strict-Transport-Security") is None
    answer = wire(b"GET / HTTP/1.1\r\n\r\n").answer()
    assert answer.status == 400 and answer.field("X-Frame-Options") == "DENY"


def test_security_headers_are_settings():
    settings = {"HSTS_S": 31536000, "FRAME_OPTIONS": "SAMEORIGIN", "REFERRER_POLICY": "off", "CONTENT_SECURITY_POLICY": "default-src 'none'"}
    with Server(workers=1, bench=False, **settings) as server:
        answer = Client(server).get("/health")
        assert answer.field("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"
        assert answer.field("X-Frame-Options") == "SAMEORIGIN" and answer.field("Referrer-Policy") is None
        assert answer.field("Content-Security-Policy") == "default-src 'none'"
    with Server(workers=1, bench=False, SECURITY_HEADERS="off") as server:
        assert not any(Client(server).get("/health").field(name) for name in SECURITY)


def preflight(server, method="POST", headers=None, origin="https://a.example"):
    fields = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        fields["Access-Control-Request-Headers"] = headers
    return Client(server).options("/v1/users/me", headers=fields)


def test_cors_may_be_narrowed():
    settings = {"BACKEND_CORS_ORIGINS": '["https://a.example"]', "CORS_METHODS": "GET,POST", "CORS_HEADERS": "X-Key, X-Tenant", "CORS_MAX_AGE_S": 60}
    with Server(workers=1, bench=False, **settings) as server:
        answer = preflight(server, headers="x-key, content-type")
        assert answer.status == 200 and answer.field("Access-Control-Allow-Methods") == "GET,POST"
        assert answer.field("Access-Control-Allow-Headers") == "X-Key, X-Tenant" and answer.field("Access-Control-Max-Age") == "60"
        assert answer.field("Access-Control-Allow-Credentials") == "true"
        assert (preflight(server, method="DELETE").status, preflight(server, method="DELETE").body) == (400, b"Disallowed CORS method")
        assert preflight(server, headers="x-other").body == b"Disallowed CORS headers"
        assert preflight(server, origin="https://b.example").body == b"Disallowed CORS origin"


def test_any_origin_without_credentials():
    with Server(workers=1, bench=False, BACKEND_CORS_ORIGINS='["*"]', CORS_CREDENTIALS="off") as server:
        answer = Client(server).get("/health", headers={"Origin": "https://whoever.example"})
        assert answer.field("Access-Control-Allow-Origin") == "*" and answer.field("Access-Control-Allow-Credentials") is None
        assert preflight(server, origin="https://whoever.example").status == 200
        assert Client(server).get("/health").field("Access-Control-Allow-Origin") is None


def test_the_manual_and_the_help_say_the_same_defaults():
    usage = subprocess.run([program(), "run", "--help"], capture_output=True, text=True, check=True).stdout
    told = dict(re.findall(r"^  ([A-Z][A-Z0-9_]+) +(.*)$", usage, re.M))
    manual = re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", (ROOT / "docs/OPERATIONS.md").read_text(), re.M)
    named = []
    for names, defaults in ((re.findall(r"`(\w+)`", names), re.split(", ", defaults)) for names, defaults in manual):
        for at, name in enumerate(names):
            number = re.match(r"`?(\d+)\b", defaults[min(at, len(defaults) - 1)])
            named.append(name)
            assert not number or number[1] in re.findall(r"\d+", told.get(name, number[1])), (name, number[1], told[name])
    assert not set(told) - set(named), "each setting is in the manual"
