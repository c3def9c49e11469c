#!/usr/bin/env python3
"""check-floors.py — includes go downwards: prints TAP, a case for each floor, and says which line looks up.

A file may include its own floor, the floors on its line below, <leat/...>, and the system. Built-ins eat the same food as guests: handlers
and plugins include <leat/...> alone. The ring's and Postgres' own headers stay on their floors.
"""

import pathlib
import re
import sys

FLOORS = {
    "include/leat": "",
    "src/base": "base",
    "src/engine": "engine base",
    "src/schema": "schema base",
    "src/http": "http base engine",
    "src/db": "db base engine schema",
    "src/auth": "auth base engine",
    "src/app": "app base engine schema http db auth",
    "src/host": "host base engine schema http db app",
    "src/cli": "cli base engine schema http db auth app host",
    "handlers": "",
    "plugins": "",
    "bench/plugins": "",
}
OF_ONE_FLOOR = {
    r"liburing.*": ["src/engine"], r"llhttp\.h": ["src/http"], r"(libpq-fe|libpq/.*)\.h": ["src/db"], r"jwt\.h": ["src/auth"], r"argon2\.h": ["src/auth"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def includes_of(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def problem_of(root, path, folder, floors, quote, name):
    """Why this include is refused; None where it is fine."""
    if quote == "<":
        if name.startswith("leat/"):
            return None if (root / "include" / name).exists() else "there is no such public header"
        for pattern, homes in OF_ONE_FLOOR.items():
            if re.fullmatch(pattern, name) and folder not in homes:
                return f"belongs to {homes[0]} alone"
        return None
    if (path.parent / name).exists():
        inside = (path.parent / name).resolve().relative_to(root / folder)
        return None if inside else "leads out of its floor"
    floor = name.partition("/")[0]
    if floor not in floors:
        return f"{folder} may not look at {floor}" if (root / "src" / floor).is_dir() else "there is no such file"
    return None if (root / "src" / name).exists() else "there is no such file"


def check_floor(root, folder, floors):
    problems = []
    for path in sorted((root / folder).rglob("*.[ch]")):
        for number, quote, name in includes_of(path):
            problem = problem_of(root, path, folder, floors, quote, name)
            if problem:
                problems.append(f"{path.relative_to(root)}:{number}: error: {name}: {problem}")
    return problems


def check_first_lines(root):
    """Each file begins by saying in a sentence what it is."""
    problems = []
    for folder in FLOORS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            first = path.read_text(errors="replace").partition("\n")[0]
            if not re.match(rf"(//|/\*) {re.escape(path.name)} — \S", first):
                problems.append(f"{path.relative_to(root)}:1: error: begins with `// {path.name} — one sentence.`")
    return problems


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    cases = [(f"{folder} looks downwards only", check_floor(root, folder, set(floors.split()))) for folder, floors in FLOORS.items()]
    cases.append(("every file says in its first line what it is", check_first_lines(root)))
    print(f"1..{len(cases)}")
    for number, (name, problems) in enumerate(cases, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in cases) else 0


sys.exit(main())
