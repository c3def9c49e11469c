"""pgbench — the database's own floor: the same statements by Postgres' own load, pipelined and prepared, without a server between.

What it costs beside Postgres is what speaking to Postgres through libpq costs; what Postgres costs is the least that anybody's queries can.
"""

import contextlib
import re
import shutil
import subprocess
import time

import machine
import measure
from servers import LOAD_CORE, SERVER_CORE

CONNECTIONS, DEPTH = 2, 20
ROUTES = {"db": 1, "queries": DEPTH}  # statements for a request
SCRIPT = "\\startpipeline\n" + "\\set id random(1, 10000)\nSELECT id, randomnumber FROM world WHERE id = :id;\n" * DEPTH + "\\endpipeline\n"
LATE_S = 10


def missing():
    return None if shutil.which("pgbench") else "apt-get install postgresql"


class Pgbench:
    """As long as it is measured, on the server's core: two connections, as leat has, each with pipelines of twenty statements."""

    def __init__(self, folder, database):
        self.script = folder / "pgbench.sql"
        self.script.write_text(SCRIPT)
        self.command = ["taskset", "-c", str(SERVER_CORE), "pgbench", "--no-vacuum", "--protocol=prepared", "--progress=1", "--jobs=1",
                        f"--client={CONNECTIONS}", f"--file={self.script}", f"--host={database['host']}",
                        f"--username={database.get('user', 'app')}", database.get("dbname", "app")]

    def run(self, bench, profile, seconds):
        """Costs of as many statements as a request of the profile has; whole seconds, as its progress comes."""
        seconds = max(1, round(seconds))
        process = subprocess.Popen([*self.command, f"--time={seconds + LATE_S}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.next_progress(process)
            machine.pin(bench.leat.postgres(), LOAD_CORE)
            before, began = bench.costs([process.pid]), time.monotonic()
            progress = [self.next_progress(process) for _ in range(seconds)]
            after, passed = bench.costs([process.pid]), time.monotonic() - began
            memory = machine.memory_bytes([process.pid])
        finally:
            process.kill()
            with contextlib.suppress(Exception):
                process.communicate(timeout=LATE_S)
        requests = round(sum(progress) * DEPTH / ROUTES[profile.route])
        return measure.figures({"requests": requests, "seconds": passed}, before, after, memory, 0)

    @staticmethod
    def next_progress(process):
        """Pipelines of a second."""
        said = ""
        for line in process.stderr:
            said += line
            match = re.match(r"progress: ([\d.]+) s, ([\d.]+) tps", line)
            if match:
                return float(match[2])
        raise measure.Failure(f"bench: pgbench: {said[-1000:]}")
