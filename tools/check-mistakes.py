#!/usr/bin/env python3
"""check-mistakes.py — what authors get wrong must be refused with a first error at their own line, by each compiler.

usage: check-mistakes.py MISTAKES INCLUDE COMPILER...

Each compiler is one word. The mistakes are told apart as their file says; the preamble on its own must compile without a warning.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = ["-std=gnu17", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror"]


def compile_text(compiler, include, text):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "mistake.c")
        source.write_text(text)
        return subprocess.run([compiler, *FLAGS, "-I", include, "-c", source, "-o", f"{folder}/mistake.o"], capture_output=True, text=True)


def problem_of(compiler, include, preamble, words, source):
    text = preamble + source + "PLUGIN(mistake);\n"
    here = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("// here")]
    if len(here) != 1:
        return "no line, or more than one, ends in `// here`"
    result = compile_text(compiler, include, text)
    if result.returncode == 0:
        return "it was taken"
    first = next(line for line in result.stderr.splitlines() if "error:" in line)
    at = re.match(r".*mistake\.c:(\d+):", first)
    if not at or int(at[1]) != here[0]:
        return f"wanted the first error at line {here[0]}\n{result.stderr}"
    return "" if any(word in first for word in words.split("|")) else f"wanted: {words}\n{first}"


def main(path, include, compilers):
    head, *parts = re.split(r"^== ", pathlib.Path(path).read_text(), flags=re.MULTILINE)
    preamble = re.sub(r"^# .*\n|^#\n", "", head, flags=re.MULTILINE)
    mistakes = [re.match(r"(\w+): (.*)\n((?:.|\n)*)", part).groups() for part in parts]
    print(f"1..{len(compilers) * (len(mistakes) + 1)}")
    number, is_bad = 0, len(mistakes) < 20
    for compiler in compilers:
        control = compile_text(compiler, include, preamble + "PLUGIN(mistake);\n")
        results = [("the preamble compiles", control.stderr)]
        results += [(name, problem_of(compiler, include, preamble, words, source)) for name, words, source in mistakes]
        for name, problem in results:
            number += 1
            is_bad |= bool(problem)
            print(f"{'not ok' if problem else 'ok'} {number} - {compiler}: {name}")
            for line in problem.splitlines():
                print(f"# {line}")
    return is_bad


sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
