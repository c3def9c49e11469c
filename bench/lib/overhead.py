"""overhead.py — a server with metrics and middleware, one with neither, and what a request takes of each; what a cached route takes."""

import contextlib
import dataclasses

import callgrind
import measure
import servers
from profiles import PROFILES
from servers import say

JSON = next(profile for profile in PROFILES if profile.name == "json")
CACHED = next(profile for profile in PROFILES if profile.name == "cached route")
SHORT, LONG = 320, 1920
OFF = {"METRICS": "off"}
CPU_MAX, CACHED_MAX = 1.03, 1.2
ON_INSTRUCTIONS_MAX = 950  # of metrics and both hooks: what was reached, and a tenth


def on(build):
    """Every plugin, and bench/middleware around them."""
    return {"LEAT_PLUGINS": f"{build / 'plugins'},{build / 'bench/middleware'}"}


@contextlib.contextmanager
def started(build, name, folder, beside=None, under=(), **settings):
    """A server of its own; `beside`: on the Postgres of that one."""
    own = folder / name
    own.mkdir()
    own.chmod(0o755)
    leat = servers.Leat(build, own, under=under, beside=beside, **settings)
    try:
        yield leat
    finally:
        leat.stop()


@contextlib.contextmanager
def servers_on_and_off(build, folder):
    """(as it is, off, on), side by side: one that is not asked costs nothing."""
    with started(build, "plain", folder) as plain, started(build, "off", folder, plain, **OFF) as off, \
            started(build, "on", folder, plain, **on(build)) as with_all:
        yield plain, off, with_all


def count(build, name, folder, beside, profiles, **settings):
    """Instructions of a request, of each profile: the difference of a long run and a short one, on one connection."""
    counter = callgrind.Callgrind(folder / f"{name}.out")
    with started(build, name, folder, beside, counter.under, **settings) as leat:
        counter.pid = leat.popen.pid
        bench = measure.Bench(build, folder / name, leat)
        return [count_one(counter, bench, profile) for profile in profiles]


def count_one(counter, bench, profile):
    def ask(requests):
        lonely = dataclasses.replace(profile, connections=1)
        seen = bench.finish(bench.begin(bench.leat, lonely, 0, "--requests", requests), bench.leat, profile)
        if seen["errors"]:
            raise SystemExit(f"overhead: {profile.name}: {seen['errors_by_kind']}: {seen['first_error']}")

    say(f"overhead: instructions, {profile.name}")
    ask(SHORT)
    short, long = (callgrind.totals(counter.count(lambda: ask(requests))) for requests in (SHORT, LONG))
    return (long - short) / (LONG - SHORT)


def instructions(build, folder, stack, beside=None):
    """Of /json with nothing on, with metrics, with metrics and middleware; of a cached route."""
    beside = beside or stack.enter_context(started(build, "beside", folder))
    off, = count(build, "callgrind-off", folder, beside, [JSON], **OFF)
    plain, cached = count(build, "callgrind-plain", folder, beside, [JSON, CACHED])
    with_all, = count(build, "callgrind-on", folder, beside, [JSON], **on(build))
    return {"off": off, "plain": plain, "on": with_all, "cached": cached}


def tell_instructions(found):
    print(f"/json: {found['off']:.0f} instructions with neither, {found['plain'] - found['off']:+.0f} with metrics, "
          f"{found['on'] - found['plain']:+.0f} with middleware; a cached route: {found['cached']:.0f}")
    more, cached = found["on"] - found["off"], found["cached"] / found["plain"]
    for what, value, bound in (("metrics and middleware", more, ON_INSTRUCTIONS_MAX), ("a cached route over /json", cached, CACHED_MAX)):
        print(f"{what}: {value:.4g}; bound {bound:g}: {'met' if value <= bound else 'NOT MET'}")
    return more <= ON_INSTRUCTIONS_MAX and cached <= CACHED_MAX
