"""stages.py — which part of the server a source file belongs to: the life of a request, from docs/ARCHITECTURE.md."""

STAGES = [
    ("parse", ("llhttp", "http/parser", "http/head", "http/framing", "http/request_line", "http/characters", "http/session_read",
               "http/body", "http/field", "plain_head", "charset", "mmintrin")),
    ("connection", ("http/session", "engine/conn", "engine/output", "engine/listener")),
    ("ring and loop", ("engine/ring", "engine/core", "engine/wheel", "liburing", "base/clock", "base/list", "barrier.h")),
    ("route", ("http/router", "http/target", "http/url", "app/dispatch", "app/cors", "app/snapshot")),
    ("coroutine", ("engine/coro",)),
    ("request", ("app/request", "app/task", "base/arena")),
    ("program", ("app/program", "app/endpoint", "app/values", "app/security", "app/failure")),
    ("JSON and schema", ("schema/",)),
    ("database", ("src/db/", "app/database")),
    ("handler", ("bench/plugins", "plugins/", "handlers/")),
    ("reply", ("app/reply", "http/answer", "http/date", "http/reason")),
    ("counting", ("observe", "figures")),
    ("memory", ("memcpy", "memmove", "memset", "memchr", "memcmp", "malloc", "free", "strlen", "_int_", "str-", "mem")),
]
REST = "the rest"


def stage_of(file):
    for stage, parts in STAGES:
        if any(part in file for part in parts):
            return stage
    return REST


def by_stage(costs):
    """Instructions by stage, in the order of STAGES, of what callgrind.by_file() found."""
    sums = dict.fromkeys([stage for stage, _ in STAGES] + [REST], 0)
    for file, cost in costs.items():
        sums[stage_of(file)] += cost
    return sums
