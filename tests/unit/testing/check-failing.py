#!/usr/bin/env python3
"""check-failing.py — a program whose TESTs must all fail: each at a line of its own, with the words that stand above it.

usage: check-failing.py SOURCE PROGRAM

`// says: words` above a TEST: they are on its standard error. Each is run alone.
"""

import os
import pathlib
import re
import subprocess
import sys

source, program = sys.argv[1:]
text = pathlib.Path(source).read_text()
wanted = [(match[2], match[1], text.count("\n", 0, match.start(2)) + 1) for match in re.finditer(r"// says: (.*)\nTEST\((\w+)\)", text)]
assert wanted and len(wanted) == len(re.findall(r"^TEST\(", text, re.MULTILINE)), "a TEST does not say what it says"
print(f"1..{len(wanted)}")
failed = 0
for number, (name, words, line) in enumerate(wanted, 1):
    environment = os.environ | {"CMOCKA_MESSAGE_OUTPUT": "tap", "LEAT_TEST_ONLY": name}
    result = subprocess.run([program], capture_output=True, text=True, errors="replace", env=environment)
    place = re.search(rf"^not ok 1 - {name}\n# .*failing\.c:(\d+): error: Failure!", result.stdout, re.MULTILINE)
    good = result.returncode != 0 and place is not None and line <= int(place[1]) <= line + 4 and words in result.stderr
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    for said in (result.stdout + result.stderr).splitlines() if not good else []:
        print(f"# {said}")
sys.exit(failed != 0)
