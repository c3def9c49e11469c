"""measure.py — one run of a load on a server: what a request cost it, and what it cost Postgres."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time

import machine
from servers import LOAD_CORE, ROOT, SERVER_CORE, say

LOAD_GRACE_S = 60
SYSCALL_SECONDS, SYSCALL_REQUESTS_MIN, SYSCALL_REQUESTS_MAX = 0.5, 128, 50_000


class Failure(SystemExit):
    """A profile that cannot be measured, and why."""


class Bench:
    """What all runs have in common: where the load is, whose account and token the service's requests use, whose Postgres counts."""

    def __init__(self, build, folder, leat):
        self.build, self.folder, self.leat = build, folder, leat
        self.token = self.me = None
        self.has_said_excuse = False

    def request_of(self, profile):
        return profile.request("127.0.0.1", self.token, profile.path.replace("{me}", self.me or ""))

    def command(self, server, profile, *more):
        path = self.folder / "request"
        path.write_bytes(self.request_of(profile))
        command = ["taskset", "-c", str(LOAD_CORE), self.build / "bench/load", "--request", path, "--status", profile.status,
                   "--connections", profile.connections, "--pipeline", profile.pipeline, *more]
        if profile.is_churn:
            command.append("--churn")
        return [*map(str, command), server.address]

    def answer_of(self, server, profile):
        """One answer, head and all, as it is on the wire: nobody is measured answering nonsense."""
        with contextlib.closing(connected(server)) as line:
            line.sendall(self.request_of(profile))
            text = b""
            while b"\r\n\r\n" not in text:
                text += received(server, line)
            head, _, body = text.partition(b"\r\n\r\n")
            fields = dict(field.lower().split(b":", 1) for field in head.split(b"\r\n")[1:])
            while len(body) < int(fields.get(b"content-length", 0)):
                body += received(server, line)
        return int(head.split()[1]), head + b"\r\n\r\n" + body

    def check(self, server, profile):
        status, answer = self.answer_of(server, profile)
        if status != profile.status:
            raise Failure(f"bench: {server.name} answers {profile.method} {profile.path} with {status}:\n"
                             f"{answer[:500].decode(errors='replace')}\n{server.log()[-1000:]}")
        return answer

    def warm_up(self, server, profile, seconds):
        """As fast as it answers: how fast that was."""
        return self.finish(self.begin(server, profile, seconds, "--seconds", seconds), server, profile)["rate"]

    def begin(self, server, profile, seconds, *more):
        """The load at work; it is ended when it takes a minute longer than it should."""
        errors = open(self.folder / "load.errors", "w+")
        load = subprocess.Popen(self.command(server, profile, *more), stdout=subprocess.PIPE, stderr=errors, text=True)
        load.failure = lambda: (errors.seek(0), errors.read())[1] or "it was ended: it took too long"
        load.limit = threading.Timer(seconds + LOAD_GRACE_S, load.kill)
        load.limit.daemon = True
        load.limit.start()
        return load

    def finish(self, load, server, profile):
        """What the load saw, once it has ended."""
        text = load.stdout.read()
        if load.wait() or not text.strip():
            raise Failure(f"bench: the load on {server.name}, {profile.name}: {load.failure()}\n{server.log()[-2000:]}")
        load.limit.cancel()
        return json.loads(text.splitlines()[-1])

    def run(self, server, profile, seconds):
        """The costs of a request in that many seconds."""
        if hasattr(server, "run"):
            return server.run(self, profile, seconds)  # is its own load
        pids = server.pids()
        machine.pin(self.leat.postgres(), LOAD_CORE)
        memory_before = machine.memory_bytes(pids) if profile.idle else 0
        more = ["--seconds", seconds, "--warm-up", 0.2]
        more += ["--rate", profile.rate] if profile.rate else []
        more += ["--idle", profile.idle] if profile.idle else []
        load = self.begin(server, profile, seconds, *more)
        wait_for(load, "begin")
        before = self.costs(pids)
        wait_for(load, "end")
        after = self.costs(pids)
        memory = machine.memory_bytes(pids)
        seen = self.finish(load, server, profile)
        return figures(seen, before, after, memory, memory_before)

    def costs(self, pids):
        return {"server": machine.cpu_of(pids), "postgres": machine.cpu_of(self.leat.postgres()),
                "cores": [machine.core_time(core) for core in (SERVER_CORE, LOAD_CORE)]}

    def syscalls(self, server, profile, rate):
        """(system calls, ring enters) of the server for a request, in a short run of its own at that rate; (None, None) where nothing counts."""
        requests = round(min(max(rate * SYSCALL_SECONDS, SYSCALL_REQUESTS_MIN), SYSCALL_REQUESTS_MAX))
        with machine.SyscallCount(server.pids()) as count:
            seen = self.finish(self.begin(server, profile, 0, "--requests", requests), server, profile)
        if count.excuse and not self.has_said_excuse:
            self.has_said_excuse = True
            say(f"bench: system calls are not counted: {count.excuse}")
        return tuple(None if number is None else number / max(1, seen["requests"]) for number in (count.calls, count.enters))

    def wrk_rate(self, server, profile, seconds):
        """Requests/s as wrk drives it: the load that everybody knows, and that is the limit from some 140,000/s on."""
        (self.folder / "request").write_bytes(self.request_of(profile))
        command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{profile.connections}", f"-d{seconds:.0f}s", "-s",
                   ROOT / "bench/wrk/request.lua", f"http://{server.address}"]
        result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=seconds + LOAD_GRACE_S,
                                env=dict(os.environ, REQUEST=str(self.folder / "request"), PIPELINE=str(profile.pipeline)))
        match = re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)
        return float(match[1]) if match else None

    # ---- the service's accounts

    def make_accounts(self, count=20):
        """Accounts to list, and the token of the first."""
        for index in range(count):
            status, answer = self.ask("POST", "/v1/auth/register", {"email": f"bench-{index}@example.org", "first_name": "Ada",
                                                                  "last_name": "Lovelace", "password": "Correct-horse-9"})
            if status != 201:
                raise Failure(f"bench: an account cannot be made: {status} {answer}")
            self.me = self.me or answer["id"]
        status, answer = self.ask("POST", "/v1/auth/login", "username=bench-0%40example.org&password=Correct-horse-9")
        if status != 200:
            raise Failure(f"bench: no token: {status} {answer}")
        self.token = answer["access_token"]

    def ask(self, method, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.leat.port, timeout=30)
        is_json = not isinstance(body, str)
        connection.request(method, path, json.dumps(body) if is_json else body,
                           {"Content-Type": "application/json" if is_json else "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text)


def connected(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def received(server, line):
    data = line.recv(65536)
    if not data:
        raise Failure(f"bench: {server.name} closed the connection before its answer was whole\n{server.log()[-1000:]}")
    return data


def wait_for(load, word):
    """The load says when its measured time begins and ends."""
    line = load.stdout.readline()
    if line.strip() != word:
        load.wait()
        raise Failure(f"bench: the load says {line!r} instead of {word}: {load.failure()}")


def figures(seen, before, after, memory, memory_before):
    """What a run cost, from what its load saw; pgbench sees no more than its rate."""
    count, idle = max(1, seen["requests"]), seen.get("idle", 0)
    user, kernel = machine.cpu_between(before["server"], after["server"])
    postgres = sum(machine.cpu_between(before["postgres"], after["postgres"]))
    busy = [machine.busy_share(early, late) for early, late in zip(before["cores"], after["cores"])]
    return {"requests": seen["requests"], "seconds": seen["seconds"], "errors": seen.get("errors", 0), "first_error": seen.get("first_error", ""),
            "user_us": user / count, "kernel_us": kernel / count, "postgres_us": postgres / count, "latency_us": seen.get("latency_us"),
            "percentiles": seen.get("percentiles", []), "bytes_per_answer": seen.get("bytes_per_answer", 0),
            "load_cpu_us": seen.get("load_cpu_us", 0), "server_core_busy": busy[0], "load_core_busy": busy[1], "memory_bytes": memory,
            "idle_bytes": (memory - memory_before) / idle if idle else None, "idle_lost": idle - seen.get("idle_alive", 0)}


def together(runs):
    """The runs of one server in one profile: costs weighted by their requests, percentiles averaged."""
    total = max(1, sum(run["requests"] for run in runs))
    merged = {key: sum(run[key] * run["requests"] for run in runs) / total for key in
              ("user_us", "kernel_us", "postgres_us", "bytes_per_answer", "load_cpu_us", "server_core_busy", "load_core_busy")}
    merged["requests"] = sum(run["requests"] for run in runs)
    merged["errors"] = sum(run["errors"] + run["idle_lost"] for run in runs)
    merged["first_error"] = next((run["first_error"] for run in runs if run["first_error"]), "")
    merged["rate"] = merged["requests"] / sum(run["seconds"] for run in runs)
    merged["cpu_us"] = merged["user_us"] + merged["kernel_us"]
    merged["latency_us"] = runs[0]["latency_us"] and {key: sum(run["latency_us"][key] for run in runs) / len(runs) for key in runs[0]["latency_us"]}
    merged["percentiles"] = [[point[0], sum(run["percentiles"][index][1] for run in runs) / len(runs)]
                             for index, point in enumerate(runs[0]["percentiles"])]
    merged["memory_bytes"] = max(run["memory_bytes"] for run in runs)
    merged["idle_bytes"] = runs[0]["idle_bytes"]  # the first: later ones find memory that was taken for it
    merged["runs_cpu_us"] = [run["user_us"] + run["kernel_us"] for run in runs]
    return merged


class Progress:
    """A line on what is done now, how far it is, and how long it goes on."""

    def __init__(self, steps):
        self.steps, self.done, self.began = steps, 0, time.monotonic()

    def step(self, text):
        self.done += 1
        passed = time.monotonic() - self.began
        left = passed / max(1, self.done - 1) * (self.steps - self.done + 1) if self.done > 1 else 0
        say(f"[{self.done}/{self.steps}] {text}" + (f", about {left:.0f} s to go" if left else ""))
