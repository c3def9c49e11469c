#!/usr/bin/env python3
"""count-tests.py — sums every single test case of meson's and pytest's results in a folder.

Reads NAME.xml (JUnit) and, where meson wrote it, NAME.json beside it: a program that dies in the middle reports only the cases before,
and what meson thinks of the program as a whole is in the latter. A suite that ran nothing is a failure: a test that cannot run must not
look like one that passed.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


class Counts:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def count_suite(suite, complain):
    """The cases of one <testsuite>."""
    counts = Counts()
    for case in suite.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
            complain(f"{suite.get('name')}: {case.get('name')} failed")
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def broken_programs(path):
    """The names of programs that meson does not call passed, from its log of one JSON object a line."""
    if not path.exists():
        return {}
    tests = (json.loads(line) for line in path.read_text(errors="replace").splitlines() if line.strip())
    return {test["name"]: test["result"] for test in tests if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")}


def count_file(path, complain):
    counts = Counts()
    broken = broken_programs(path.with_suffix(".json"))
    explained = set()
    ran_something = False
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        of_suite = count_suite(suite, complain)
        ran_something = True
        name = suite.get("name", "")
        if of_suite.passed + of_suite.failed + of_suite.skipped == 0:
            complain(f"{name or path.stem}: ran no test")
            of_suite.failed += 1
        if of_suite.failed:
            explained.update(program for program in broken if program.split(" / ")[-1] in name or any(
                program.split(" / ")[-1] == case.get("name") for case in suite.iter("testcase")))
        counts.add(of_suite)
    for program, result in broken.items():
        if program not in explained:
            complain(f"{program}: {result.lower()}, though none of its cases failed")
            counts.failed += 1
    if not ran_something:
        complain(f"{path.stem}: ran no test")
        counts.failed += 1
    return counts


def main():
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.xml"))
    total = Counts()
    lines = []
    for path in paths:
        of_file = count_file(path, lambda text: print(f"  {text}"))
        lines.append(f"{path.stem}: {of_file}")
        total.add(of_file)
    if not paths:
        print("no suite ran a test")
        total.failed += 1
    for line in lines:
        print(line)
    print(total)
    return 1 if total.failed else 0


sys.exit(main())
