#!/usr/bin/env python3
"""check-refusals.py — sources that the compiler must refuse, each with the words of its first line; and controls that it must take.

usage: check-refusals.py FOLDER INCLUDE COMPILER...

`// name.c — error: words` is refused with these words at a line of its own; `// name.c — compiles: why` is taken without a warning.
"""

import pathlib
import re
import subprocess
import sys

FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]


def problem_of(path, include, compiler):
    match = re.match(rf"// {re.escape(path.name)} — (error|compiles): (.*)\n", path.read_text())
    if not match:
        return "its first line does not say what becomes of it"
    result = subprocess.run([*compiler, *FLAGS, f"-I{include}", str(path)], capture_output=True, text=True)
    if match[1] == "compiles":
        return result.stderr
    if result.returncode == 0:
        return f"it was taken; wanted: {match[2]}"
    said = [line for line in result.stderr.splitlines() if f"{path.name}:" in line and "error:" in line and match[2] in line]
    return "" if said else f"refused, but not so: {match[2]}\n{result.stderr}"


folder, include, *compiler = sys.argv[1:]
paths = sorted(pathlib.Path(folder).glob("*.c"))
print(f"1..{len(paths)}")
problems = [problem_of(path, include, compiler) for path in paths]
for number, (path, problem) in enumerate(zip(paths, problems), 1):
    print(f"{'not ok' if problem else 'ok'} {number} - {path.stem}")
    for line in problem.splitlines():
        print(f"# {line}")
sys.exit(any(problems) or not paths)
