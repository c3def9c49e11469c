#!/usr/bin/env python3
"""check-format.py — every C file begins with its name and a sentence, and stands as clang-format writes it: prints TAP, two cases a folder.

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


def nameless(root, sources):
    """Files that do not begin with what they are, or with another's name."""
    for path in sources:
        first = (root / path).read_text().split("\n", 1)[0]
        if not first.startswith(f"// {path.name} — "):
            yield f"{path}: begins with '{first}', and wants '// {path.name} — what it is.'"


def main():
    root, clang_format = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    cases = []
    for folder in FOLDERS:
        sources = sources_of(root, folder)
        cases.append((f"{folder} stands as clang-format writes it", problems_of(root, clang_format, sources)))
        cases.append((f"each file of {folder} begins with what it is", list(nameless(root, sources))))
    print(f"1..{len(cases)}")
    for number, (title, problems) in enumerate(cases, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {title}")
        for problem in problems:
            print(f"# {problem}")
    return any(problems for _, problems in cases)


sys.exit(main())
