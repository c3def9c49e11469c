#!/usr/bin/env python3
"""check-format.py — every C file stands as clang-format writes it: prints TAP, a case a folder, and the lines that do not.

usage: check-format.py ROOT CLANG_FORMAT
"""

import pathlib
import subprocess
import sys

FOLDERS = ["include", "src", "handlers", "plugins", "bench", "tests"]


def sources_of(root, folder):
    return sorted(path.relative_to(root) for path in (root / folder).rglob("*.[ch]") if "node_modules" not in path.parts)


def problems_of(root, clang_format, sources):
    if not sources:
        return ["there is no C file: this check looks in the wrong place"]
    result = subprocess.run([clang_format, "--dry-run", "--Werror", *sources], cwd=root, capture_output=True, text=True)
    return result.stderr.splitlines() if result.returncode else []


def main():
    root, clang_format = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    print(f"1..{len(FOLDERS)}")
    is_bad = False
    for number, folder in enumerate(FOLDERS, 1):
        problems = problems_of(root, clang_format, sources_of(root, folder))
        print(f"{'not ok' if problems else 'ok'} {number} - {folder} stands as clang-format writes it")
        for problem in problems:
            print(f"# {problem}")
        is_bad |= bool(problems)
    return is_bad


sys.exit(main())
