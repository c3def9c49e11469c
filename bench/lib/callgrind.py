"""callgrind.py — how many instructions a request takes, or a piece of the server: counted, not timed, so that no neighbour is in it."""

import collections
import json
import pathlib
import re
import subprocess
import time

DUMP_S = 60


class Callgrind:
    """A leat that was begun under callgrind, its counting off until it is asked for."""

    COMMAND = ("valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-systime=no")

    def __init__(self, out):
        self.out, self.dumps = out, 0
        self.under = [*self.COMMAND, f"--callgrind-out-file={out}"]
        self.pid = None  # once it has been started

    def control(self, *words):
        subprocess.run(["callgrind_control", *words, str(self.pid)], check=True, capture_output=True, timeout=DUMP_S)

    def count(self, run):
        """The profile, as a file, of what the server does while `run` runs."""
        self.control("-i", "on")
        self.control("-z")
        run()
        self.control("-i", "off")
        self.control("-d")
        self.dumps += 1
        path = pathlib.Path(f"{self.out}.{self.dumps}")
        end = time.monotonic() + DUMP_S
        while not path.exists() or not re.search(r"^totals:", path.read_text(), re.MULTILINE):
            if time.monotonic() > end:
                raise SystemExit("bench: callgrind writes no profile")
            time.sleep(0.1)
        return path


def totals(path):
    return int(re.search(r"^totals: (\d+)", path.read_text(), re.MULTILINE)[1])


def by_file(path):
    """Instructions by source file, inlined code where it was written; what has no source is told by its function."""
    files, functions, costs = {}, {}, collections.Counter()
    file = function = None
    is_call = False

    def named(names, text):
        number, _, name = text.partition(" ")
        if name:
            names[number] = name
        return names[number]

    for line in path.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and key in ("fl", "fi", "fe"):
            file = named(files, value)
        elif equals and key == "fn":
            function = named(functions, value)
        elif equals and key in ("cfi", "cfl"):
            named(files, value)
        elif equals and key == "cfn":
            named(functions, value)
        elif equals and key == "calls":
            is_call = True
        elif line[:1] in "+-*0123456789" and len(line.split()) > 1:
            if not is_call:
                costs[file if file != "???" else function] += int(line.split()[1])
            is_call = False
    return costs


# ---- bench/micro

PIECE_COUNT, PIECE_S = 500, 120


def of_pieces(program, folder):
    """{piece: instructions of an operation}: bench/micro runs each in measure(), behind which callgrind dumps."""
    out = folder / "micro.out"
    command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measure", "--dump-after=measure",
               f"--callgrind-out-file={out}", program, "--core", "-1", "--count", PIECE_COUNT]
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=PIECE_S)
    if ran.returncode:
        raise SystemExit(f"bench: {program} fails under callgrind:\n{ran.stderr[-2000:]}")
    names = [piece["piece"] for piece in json.loads(ran.stdout)["pieces"]]
    return {name: totals(pathlib.Path(f"{out}.{index}")) / PIECE_COUNT for index, name in enumerate(names, 1)}
