#!/usr/bin/env python3
"""test-check-abi.py — check-abi.py finds what would break a plugin, and tells it from what is only new.

usage: test-check-abi.py CHECK_ABI LIBRARY GOLDEN
"""

import pathlib
import re
import subprocess
import sys
import tempfile

check, library, golden = map(pathlib.Path, sys.argv[1:])
include = check.resolve().parents[1] / "include"


def said(change):
    """What the check says when the golden file were another."""
    with tempfile.TemporaryDirectory() as folder:
        other = pathlib.Path(folder, "other.abi")
        other.write_text(change(golden.read_text()))
        result = subprocess.run([sys.executable, check, "gcc", include, library, other], capture_output=True, text=True)
    return result.returncode, result.stderr


def line_of(name):
    return next(line for line in golden.read_text().splitlines() if line.startswith(name))


def without(name):
    return lambda text: text.replace(line_of(name) + "\n", "")


def replaced(name, pattern, new):
    return lambda text: text.replace(line_of(name), re.sub(pattern, new, line_of(name)))


CASES = [
    ("an offset that has changed", replaced("structure leat_route.status", r"at \d+", "at 4"), 1, "breaks plugins: gone or changed: structure leat_route.status"),
    ("a struct by value that has grown", replaced("structure str ", r"\d+ bytes", "8 bytes"), 1, "breaks plugins: gone or changed: structure str 8"),
    ("a value of an enum that has changed", replaced("enum leat_method LEAT_GET", r"= \d+", "= 9"), 1, "breaks plugins: gone or changed: enum leat_method"),
    ("a symbol that is gone", lambda text: text + "symbol lost_function since LEAT_1.0\n", 1, "breaks plugins: gone or changed: symbol lost_function"),
    ("a descriptor that has grown", replaced("structure leat_route ", r"\d+ bytes", "8 bytes"), 1, "not in the golden file: grown: structure leat_route"),
    ("a symbol that is new", without("symbol db_of "), 1, "not in the golden file: new: symbol db_of"),
    ("nothing", lambda text: text, 0, ""),
]
print(f"1..{len(CASES)}")
is_bad = False
for number, (title, change, code, words) in enumerate(CASES, 1):
    returned, text = said(change)
    is_right = returned == code and words in text and (("breaks" in words) == ("breaks plugins" in text))
    is_bad |= not is_right
    print(f"{'ok' if is_right else 'not ok'} {number} - {title} is told")
    for line in [] if is_right else text.splitlines():
        print(f"# {line}")
sys.exit(is_bad)
