#!/usr/bin/env python3
"""check-floors.py — the house rules that a machine can check: prints TAP, a case for each, and the lines that break it.

A file may include its own floor, the floors on its line below, <leat/...>, and the system. Built-ins eat the same food as guests: handlers
and plugins include <leat/...> and the C library alone, public headers the C library alone (test.h cmocka as well). The ring's and
Postgres' own headers stay on their floors. Every file says in its first line what it is, none is long, none has notes of work left undone.
"""

import pathlib
import re
import subprocess
import sys

FLOORS = {
    "include/leat": "",
    "src/base": "base",
    "src/engine": "engine base",
    "src/schema": "schema base",
    "src/http": "http base engine",
    "src/db": "db base engine schema",
    "src/auth": "auth base engine",
    "src/outbound": "outbound base engine",
    "src/outbound": "outbound base engine",
    "src/cache": "cache base engine",
    "src/app": "app base engine schema http db auth outbound cache",
    "src/host": "host base engine schema http db cache app",
    "src/cli": "cli base engine schema http db auth outbound cache app host",
    "src/testing": "testing base engine schema http db auth outbound cache app host",
    "handlers": "",
    "plugins": "",
    "bench/plugins": "",
    "bench/middleware": "",
}
OF_ONE_FLOOR = {
    r"liburing.*": ["src/engine"],
    r"llhttp\.h": ["src/http"],
    r"(libpq-fe|libpq/.*)\.h": ["src/db"],
    r"argon2\.h": ["src/auth"],
    r"curl/.*\.h": ["src/outbound"],
    r"(zlib|brotli/.*)\.h": ["src/http"],
}
LINES_MAX = 700
C_LIBRARY = set(
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef "
    "stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype".split()
)
POSIX = set("dirent dlfcn fcntl netdb poll pthread sched semaphore strings syslog termios unistd".split())
ONLY_THE_C_LIBRARY = {"include/leat": C_LIBRARY} | dict.fromkeys(["handlers", "plugins", "bench/plugins", "bench/middleware"], C_LIBRARY | POSIX)
OF_ONE_FILE = {"include/leat/test.h": {"cmocka"}}  # a test's author includes it alone, and has cmocka
SOURCES = "*.[chS]"
TEXTS = {"", ".S", ".build", ".c", ".h", ".js", ".md", ".py", ".sh", ".sql"}
NOT_OURS = re.compile(r"(build[^/]*|var|\.git|\.cache)/|(.*/)?(node_modules|__pycache__)/")
UNDONE = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")  # in pieces: this file is searched too
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def includes_of(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def headers_of_plugin(root, folder, path):
    """Those of the libraries that a plugin says it is linked with: a line `library header` each in its file `libraries`."""
    listed = path.parent / "libraries"
    if folder != "plugins" or not listed.exists():
        return set()
    return {header for line in listed.read_text().splitlines() for header in line.split()[1:]}


def problem_of(root, path, folder, floors, quote, name):
    """Why this include is refused; None where it is fine."""
    if quote == "<":
        if name.startswith("leat/"):
            return None if (root / "include" / name).exists() else "there is no such public header"
        if name in headers_of_plugin(root, folder, path):
            return None
        for pattern, homes in OF_ONE_FLOOR.items():
            if re.fullmatch(pattern, name) and folder not in homes:
                return f"belongs to {homes[0]} alone"
        allowed = ONLY_THE_C_LIBRARY.get(folder)
        if allowed is not None and name.removesuffix(".h") not in allowed | OF_ONE_FILE.get(str(path.relative_to(root)), set()):
            return f"{folder} includes <leat/...> and the C library alone"
        return None
    if (path.parent / name).exists():
        return None if (path.parent / name).resolve().is_relative_to(root / folder) else "leads out of its floor"
    floor = name.partition("/")[0]
    if floor not in floors:
        return f"{folder} may not look at {floor}" if (root / "src" / floor).is_dir() else "there is no such file"
    return None if (root / "src" / name).exists() else "there is no such file"


def sources_of(root, folder):
    return sorted((root / folder).rglob(SOURCES))


def check_floor(root, folder, floors):
    problems = []
    for path in sources_of(root, folder):
        for number, quote, name in includes_of(path):
            problem = problem_of(root, path, folder, floors, quote, name)
            if problem:
                problems.append(f"{path.relative_to(root)}:{number}: error: {name}: {problem}")
    return problems


def check_first_lines(root):
    """Each file begins by saying in a sentence what it is."""
    problems = []
    for folder in FLOORS:
        for path in sources_of(root, folder):
            first = path.read_text(errors="replace").partition("\n")[0]
            if not re.match(rf"(//|/\*) {re.escape(path.name)} — \S", first):
                problems.append(f"{path.relative_to(root)}:1: error: begins with `// {path.name} — one sentence.`")
    return problems


def check_lengths(root):
    problems = []
    for folder in FLOORS:
        for path in sources_of(root, folder):
            count = len(path.read_text(errors="replace").splitlines())
            if count >= LINES_MAX:
                problems.append(f"{path.relative_to(root)}:{LINES_MAX}: error: {count} lines, of fewer than {LINES_MAX}: split it")
    return problems


def texts_of(root):
    """What is under version control; in a tree without that, what was not built or installed."""
    git = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"]
    listed = subprocess.run(git, capture_output=True, text=True).stdout.split("\0") if (root / ".git").exists() else []
    names = [name for name in listed if name] or [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    return [root / name for name in names if not NOT_OURS.match(name) and (root / name).is_file() and (root / name).suffix in TEXTS]


def check_undone(root):
    problems = []
    for path in texts_of(root):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = UNDONE.search(line)
            if match:
                problems.append(f"{path.relative_to(root)}:{number}: error: {match[1]}: do it, or take it out")
    return problems


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    cases = [(f"{folder} looks downwards only", check_floor(root, folder, set(floors.split()))) for folder, floors in FLOORS.items()]
    cases.append(("every file says in its first line what it is", check_first_lines(root)))
    cases.append((f"every file is shorter than {LINES_MAX} lines", check_lengths(root)))
    cases.append(("no work is left undone", check_undone(root)))
    print(f"1..{len(cases)}")
    for number, (name, problems) in enumerate(cases, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in cases) else 0


sys.exit(main())
