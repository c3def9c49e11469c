#!/usr/bin/env python3
"""check-promises.py — docs/PROMISES.md names a test for each promise, and each of these tests names the promise.

usage: check-promises.py ROOT

A row is `| number | promise | where | tests |`, tests as `file::name` between commas. The test has its number in the line above it:
`// promise 34` in C, `# promise 34` in Python; several between commas.
"""

import pathlib
import re
import sys

NUMBERS = [str(number) for number in range(1, 67)] + [f"n{number}" for number in range(1, 12)]


def rows(text):
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"n?\d+", cells[0]):
            yield cells[0], cells[3]


def numbers_above(path, name):
    """The promises that the lines right above a test name; None where there is no such test."""
    lines = path.read_text().splitlines()
    for at, line in enumerate(lines):
        if not re.match(rf"(def|TEST\(|static void|== ?)\s*{re.escape(name)}\b", line):
            continue
        numbers = set()
        if line.startswith("=="):  # a mistake: its source begins below
            named = re.match(r"// promises? ((?:n?\d+(?:, )?)+)", lines[at + 1])
            return set(named[1].split(", ")) if named else set()
        while at and re.match(r"(//|#|@|\s|\))", lines[at - 1]):
            at -= 1
            named = re.match(r"(?://|#) promises? ((?:n?\d+(?:, )?)+)", lines[at])
            numbers |= set(named[1].split(", ")) if named else set()
        return numbers
    return None


def problem_of(root, number, tests):
    for test in re.findall(r"`([^`]+)`", tests):
        file, _, name = test.partition("::")
        path = root / file
        found = numbers_above(path, name) if path.is_file() else None
        if found is None:
            return f"there is no test {test}"
        if number not in found:
            return f"{test} does not name promise {number} in the line above it"
    return "" if "::" in tests else "no test is named"


def main(root):
    table = dict(rows((root / "docs/PROMISES.md").read_text()))
    print(f"1..{len(NUMBERS)}")
    is_bad = False
    for count, number in enumerate(NUMBERS, 1):
        problem = problem_of(root, number, table[number]) if number in table else "it is not in the table"
        is_bad |= bool(problem)
        print(f"{'not ok' if problem else 'ok'} {count} - promise {number}" + (f"\n# {problem}" if problem else ""))
    return is_bad


sys.exit(main(pathlib.Path(sys.argv[1])))
