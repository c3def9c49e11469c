#!/usr/bin/env python3
"""test-check-abi.py — check-abi.py finds what would break a plugin, of today's version or of an earlier one, and tells it from what is only new.

usage: test-check-abi.py CHECK_ABI LIBRARY GOLDEN_FOLDER
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

check, library, goldens = map(pathlib.Path, sys.argv[1:])
include = check.resolve().parents[1] / "include"
VERSION = "{}.{}".format(*(re.search(rf"#define LEAT_ABI_{part} (\d+)", (include / "leat/values.h").read_text())[1]
                           for part in ("MAJOR", "MINOR")))
golden = goldens / f"leat-{VERSION}.abi"


def said(change, name):
    """What the check says when a golden file, or a header that is frozen, were another."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(goldens, folder, dirs_exist_ok=True)
        other = pathlib.Path(folder, name)
        other.write_text(change(other.read_text()))
        result = subprocess.run([sys.executable, check, "gcc", include, library, folder], capture_output=True, text=True)
    return result.returncode, result.stderr


def line_of(name):
    return next(line for line in golden.read_text().splitlines() if line.startswith(name))


def without(name):
    return lambda text: text.replace(line_of(name) + "\n", "")


def replaced(name, pattern, new):
    return lambda text: text.replace(line_of(name), re.sub(pattern, new, line_of(name)))


def changed(pattern, new):
    return lambda text: re.sub(pattern, new, text, count=1)


NOW, THEN = golden.name, "leat-1.0.abi"
BREAKS_NOW, BREAKS_THEN, NEW = f"breaks plugins of this {VERSION}: ", "breaks plugins of 1.0: ", f"compatible, but not in {NOW}: "
CASES = [
    ("an offset that has changed", NOW, replaced("structure leat_route.status", r"at \d+", "at 4"), 1,
     BREAKS_NOW + "gone or changed: structure leat_route.status"),
    ("a struct by value that has grown", NOW, replaced("structure str ", r"\d+ bytes", "8 bytes"), 1,
     BREAKS_NOW + "gone or changed: structure str 8"),
    ("one of an array that has grown", NOW, replaced("structure leat_param ", r"\d+ bytes", "8 bytes"), 1,
     BREAKS_NOW + "gone or changed: structure leat_param 8"),
    ("a value of an enum that has changed", NOW, replaced("enum leat_method LEAT_GET", r"= \d+", "= 9"), 1,
     BREAKS_NOW + "gone or changed: enum leat_method"),
    ("a symbol that is gone", NOW, lambda text: text + f"symbol lost_function since LEAT_{VERSION}\n", 1,
     BREAKS_NOW + "gone or changed: symbol lost_function"),
    ("a member in what was padding of a struct that is no item", NOW, without("structure leat_cookie.same_site"), 1,
     BREAKS_NOW + "in what was padding, which is not zero there: structure leat_cookie.same_site"),
    ("a descriptor that has grown", NOW, replaced("structure leat_route ", r"\d+ bytes", "8 bytes"), 1, NEW + "grown: structure leat_route"),
    ("a symbol that is new", NOW, without("symbol db_of "), 1, NEW + "new: symbol db_of"),
    ("what is new since 1.0", THEN, without("symbol db_of "), 0, ""),
    ("a descriptor that has grown since 1.0", THEN, replaced("structure leat_plugin ", r"\d+ bytes", "8 bytes"), 1, "are not those of leat-1.0.abi"),
    ("an offset that has changed since 1.0", THEN, replaced("structure leat_route.status", r"at \d+", "at 4"), 1,
     BREAKS_THEN + "gone or changed: structure leat_route.status"),
    ("a symbol that is gone since 1.0", THEN, lambda text: text + "symbol lost_function since LEAT_1.0\n", 1,
     BREAKS_THEN + "gone or changed: symbol lost_function"),
    ("a header of 1.0 that has changed", "1.0/leat/route.h", changed(r"LEAT_IN_BODY = 1", "LEAT_IN_BODY = 2"), 1, "are not those of leat-1.0.abi"),
    ("nothing", NOW, lambda text: text, 0, ""),
]
print(f"1..{len(CASES)}")
is_bad = False
for number, (title, name, change, code, words) in enumerate(CASES, 1):
    returned, text = said(change, name)
    is_right = returned == code and words in text and (("breaks" in words) == ("breaks plugins" in text))
    is_bad |= not is_right
    print(f"{'ok' if is_right else 'not ok'} {number} - {title} is told")
    for line in [] if is_right else text.splitlines():
        print(f"# {line}")
sys.exit(is_bad)
