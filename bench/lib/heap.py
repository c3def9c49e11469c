"""heap.py — how often a request asks the heap for memory: counted by a library that is preloaded into a server of its own."""

import mmap
import os
import struct
import subprocess

import measure
import servers

WARM_UP, COUNTED = 3200, 4800
SOURCE = servers.ROOT / "tests/service/count_malloc.c"


class Heap:
    """A leat beside another's Postgres, whose calls of malloc and its like are counted in a page that is shared with it."""

    def __init__(self, build, folder, beside, token=None, me=None):
        own = folder / "heap"
        own.mkdir()
        own.chmod(0o755)
        library, page = own / "count_malloc.so", own / "calls"
        compiler = os.environ.get("CC", "cc").split()
        subprocess.run([*compiler, "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
        page.write_bytes(bytes(mmap.PAGESIZE))
        with open(page, "r+b") as file:
            self.calls = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.leat = servers.Leat(build, own, beside=beside, LD_PRELOAD=str(library), COUNT_MALLOC_FILE=str(page))
        self.bench = measure.Bench(build, own, self.leat)
        self.bench.token, self.bench.me = token, me

    def stop(self):
        self.leat.stop()

    def count(self):
        return struct.unpack_from("<Q", self.calls)[0]

    def ask(self, profile, requests):
        seen = self.bench.finish(self.bench.begin(self.leat, profile, 0, "--requests", requests), self.leat, profile)
        if seen["errors"]:
            raise measure.Failure(f"bench: {profile.name}: {seen['errors_by_kind']}: {seen['first_error']}")

    def per_request(self, profile, warm_up=WARM_UP, counted=COUNTED):
        """Calls for a request in steady state."""
        self.ask(profile, warm_up)
        before = self.count()
        self.ask(profile, counted)
        return (self.count() - before) / counted
