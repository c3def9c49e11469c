"""test_budgets.py — .p99_budget_us beside a handler, judged by bench/budgets on what /metrics has seen."""

import subprocess
import sys

from client import Client
from server import ROOT, Server, build_folder, throw_away_folder

SOURCE = """#include <leat/leat.h>
SCHEMA(Done, (bool, done));
static Done *done(req *r) {
    Done *answer = new (r, Done);
    answer->done = true;
    return answer;
}
GET("/quick", quick, Done, (), .p99_budget_us = 30000000) {
    return done(r);
}
GET("/slow", slow, Done, (), .p99_budget_us = 2000) {
    sleep_ms(r, 5);
    return done(r);
}
GET("/rare", rare, Done, (), .p99_budget_us = 1) {
    return done(r);
}
PLUGIN(budgets);
"""
FLAGS = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]


def judge(url, plugins):
    command = [sys.executable, ROOT / "bench/budgets", "--url", url, "--build", build_folder(), "--plugins", plugins]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)


# promise n7
def test_a_route_that_is_slower_than_it_promises_is_named_at_its_line():
    plugins = throw_away_folder()
    (plugins / "budgets.c").write_text(SOURCE)
    subprocess.run(["cc", *FLAGS, plugins / "budgets.c", "-o", plugins / "budgets.so"], check=True)
    with Server("--plugins", str(plugins), bench=False, workers=1) as server:
        client, url = Client(server), f"http://{server.host}:{server.port}"
        for _ in range(150):
            client.get("/quick")
        before = judge(url, plugins)
        for _ in range(150):
            client.get("/slow")
        client.get("/rare")
        after = judge(url, plugins)
    assert before.returncode == 0, before.stdout + before.stderr
    assert after.returncode == 1, after.stdout + after.stderr
    [late] = [line for line in after.stdout.splitlines() if ": error: " in line]
    assert late.startswith(f"{plugins}/budgets.c:") and "GET /slow promises 2000 us at p99 and took" in late
    assert "GET /quick: p99" in after.stdout and "note: GET /rare was asked too rarely" in after.stdout
