"""growth.py — does a request cost the same when there is more of everything, and how soon is the first one answered?

Each comparison is one of leat with itself, A B B A: connections, workers, routes, plugins. A request that is not known from before asks for
its route each time: it bears an Authorization, and no head that holds a secret is kept. What a start takes is timed from the outside, from
the program's begin to the first answer, with a Postgres that is up and migrated.
"""

import contextlib
import dataclasses
import os
import socket
import statistics
import subprocess
import time

import crowd
import machine
import measure
import servers
from profiles import Profile
from servers import LOAD_CORE, SERVER_CORE, say

CPU_AT_MOST = 1.10
START_MS_MAX, STARTS, START_LIMIT_S = 50, 9, 20
PLAIN = Profile("growth", route="plaintext", path="/plaintext")


@dataclasses.dataclass(frozen=True)
class Side:
    """A leat and how it is asked."""

    server: servers.Leat
    profile: Profile


def compare(bench, name, small, large, options):
    """How much more CPU a request costs on the large side."""
    runs = {"small": [], "large": []}
    sides = {"small": small, "large": large}
    bench.token = "of.nobody.here"
    for side in sides.values():
        bench.check(side.server, side.profile)
        bench.warm_up(side.server, side.profile, 0.3)
    for _ in range(options.rounds):
        for which in ("small", "large", "large", "small"):
            say(f"bench: growth, {name}: {which}")
            runs[which].append(bench.run(sides[which].server, sides[which].profile, options.seconds))
    cost = {which: measure.together(own) for which, own in runs.items()}
    ratio = cost["large"]["cpu_us"] / cost["small"]["cpu_us"]
    errors = sum(own["errors"] for own in cost.values())
    return {"name": name, "value": ratio, "unit": "x", "at_most": CPU_AT_MOST, "met": ratio <= CPU_AT_MOST and not errors,
            "detail": f"{cost['small']['cpu_us']:.2f} to {cost['large']['cpu_us']:.2f} µs a request" + (f"; {errors} WRONG ANSWERS" if errors else ""),
            "parts": {which: {key: own[key] for key in ("cpu_us", "user_us", "kernel_us", "rate")} for which, own in cost.items()}}


@contextlib.contextmanager
def leat_with(bench, name, **how):
    folder = bench.folder / name
    folder.mkdir()
    folder.chmod(0o755)
    leat = servers.Leat(bench.build, folder, beside=bench.leat, **how)
    try:
        yield leat
    finally:
        leat.stop()


def connections(bench, options):
    """Beside what the same costs the floor, which holds nothing of a connection but a number or two: that is the kernel's, and the caches'."""
    floor = servers.start_floor(bench.build, bench.folder, bench.request_of(PLAIN), bench.check(bench.leat, PLAIN))
    try:
        for pipeline in (1, 16):
            ours, floors = (compare(bench, f"64 to 5,000 connections, x{pipeline}",
                                    *(Side(server, dataclasses.replace(PLAIN, connections=count, pipeline=pipeline)) for count in (64, 5000)), options)
                            for server in (bench.leat, floor))
            yield dict(ours, detail=f"{ours['detail']}; the floor {floors['value']:.3g} x, {floors['detail']}")
    finally:
        floor.stop()


def workers(bench, options):
    """The second worker shares its core with the load, so both are driven at the same rate."""
    profile = dataclasses.replace(PLAIN, pipeline=16)
    with leat_with(bench, "two-workers", workers=2, cores=f"{SERVER_CORE},{LOAD_CORE}") as two:
        yield compare(bench, "1 to 2 workers", Side(bench.leat, profile), Side(two, profile), options)


def asking(plugin, route):
    return dataclasses.replace(PLAIN, path=crowd.path_of(plugin, route), has_token=True, pipeline=16)


def crowds(bench, options):
    folders = {size: crowd.make(bench.build, *size) for size in ((1, 10), (1, 1000), (100, 10))}
    with contextlib.ExitStack() as stack:
        few, routes, plugins = (stack.enter_context(leat_with(bench, f"crowd-{count}x{each}", plugins=[folder]))
                                for (count, each), folder in folders.items())
        small = Side(few, asking(0, 9))
        yield compare(bench, "10 to 1,000 routes", small, Side(routes, asking(0, 999)), options)
        yield compare(bench, "1 to 100 plugins", small, Side(plugins, asking(99, 9)), options)


# ---- start


def is_answered(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: leat\r\n\r\n")
        return line.recv(4096).startswith(b"HTTP/1.1 200")
    return False


def start_ms(bench, port):
    environment = servers.environment_beside(bench.leat)
    command = [bench.build / "src/cli/leat", "run", "--port", port, "--workers", os.cpu_count(), "--production", "--var", bench.folder / "start"]
    with open(bench.folder / "start.log", "wb") as log:
        began = time.monotonic()
        server = subprocess.Popen([*map(str, command)], cwd=bench.folder, stdout=log, stderr=log, env=environment, start_new_session=True)
        try:
            while not is_answered(port):
                if server.poll() is not None or time.monotonic() - began > START_LIMIT_S:
                    raise measure.Failure(f"bench: leat does not start:\n{(bench.folder / 'start.log').read_text()[-2000:]}")
                time.sleep(0.0005)
            return (time.monotonic() - began) * 1000
        finally:
            server.terminate()
            server.wait()


def start(bench):
    """With the plugins that ship, all workers, and a Postgres that is up."""
    port = servers.free_port()
    times = [start_ms(bench, port) for _ in range(STARTS)]
    median = statistics.median(times)
    return {"name": "start to first answer", "value": median, "unit": "ms", "at_most": START_MS_MAX, "met": median <= START_MS_MAX,
            "detail": f"{min(times):.0f} to {max(times):.0f} ms in {STARTS} starts", "parts": {}}


NAMES = ("start", "connections", "workers", "routes and plugins")


def wanted(options):
    """Of NAMES, those that --only and --quick leave."""
    if options.only:
        return [name for name in NAMES if any(text in f"growth: {name}" for text in options.only)]
    return ["start"] if options.quick else list(NAMES)


def checks(bench, options):
    """What was found, one by one; what cannot be measured is left out, and named."""
    made = {"start": lambda *_: [start(bench)], "connections": connections, "workers": workers, "routes and plugins": crowds}
    for name in wanted(options):
        say(f"bench: growth: {name}")
        try:
            yield from made[name](bench, options)
        except measure.Failure as failure:
            say(str(failure))
            options.failures.append(f"growth: {name}")
