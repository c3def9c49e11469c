#!/usr/bin/env python3
"""check-docs.py — compiles every C block of the documents, and looks for links that lead nowhere and settings that are not told.

usage: check-docs.py ROOT COMPILER...

Each block must compile without a warning. One that includes <leat/...> is a whole file; another one stands behind <leat/leat.h> and what its page
has before it in comments of HTML that begin with `c`: `<!-- c ... -->`, for what a reader need not see.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

FLAGS = ["-std=gnu17", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-Wno-unused-const-variable", "-Wno-unused-function"]


def documents(root):
    yield root / "README.md"
    yield from sorted((root / "docs").glob("*.md"))


def blocks(text):
    """Each fenced block of C with the number of its first line."""
    for match in re.finditer(r"^```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


def preamble(text, line):
    """What the comments for the compiler say above a line."""
    above = "\n".join(text.splitlines()[:line - 1])
    return "#include <leat/leat.h>\n" + "".join(re.findall(r"^<!-- c\n(.*?)^-->$", above, re.MULTILINE | re.DOTALL))


def compile_block(root, compiler, name, line, before, code):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "block.c"
        source.write_text(f'{before}#line {line} "{name}"\n{code}')
        result = subprocess.run([*compiler, *FLAGS, f"-I{root / 'include'}", "-c", str(source), "-o", f"{folder}/block.o"],
                                capture_output=True, text=True)
    return result.stderr if result.returncode else ""


def anchors(path):
    """What a link may have behind '#': the headings, as a forge writes them."""
    for heading in re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(path, text):
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^):]*))?\)", text):
        there = path.parent / target if target else path
        if not there.exists():
            yield f"{path.name}: points to {target}, which is not there"
        elif anchor and anchor not in anchors(there):
            yield f"{path.name}: points to {target}#{anchor}, and there is no such heading"


def untold_settings(root):
    """Settings of the server, as .env.example has them, that OPERATIONS says nothing of."""
    of_server = (root / ".env.example").read_text().split("# ---- the server\n")[1].split("\n# ---- ")[0]
    told = set(re.findall(r"`([A-Z0-9_]+)`", (root / "docs/OPERATIONS.md").read_text()))
    for name in re.findall(r"^#?([A-Z0-9_]+)=", of_server, re.MULTILINE):
        if name not in told:
            yield f"OPERATIONS.md: does not tell {name}"


def main(root, compiler):
    cases = [("docs/OPERATIONS.md: every setting is told", "\n".join(untold_settings(root)))]
    for path in documents(root):
        text = path.read_text()
        name = str(path.relative_to(root))
        problems = list(broken_links(path, text))
        cases.append((f"{name}: links", "\n".join(problems)))
        for line, code in blocks(text):
            is_whole = re.search(r"^#include <leat/", code, re.MULTILINE)
            before = "" if is_whole else preamble(text, line)
            cases.append((f"{name}:{line}: compiles", compile_block(root, compiler, name, line, before, code)))
    print(f"1..{len(cases)}")
    for number, (title, problem) in enumerate(cases, 1):
        print(f"{'not ok' if problem else 'ok'} {number} - {title}")
        for line in problem.splitlines():
            print(f"# {line}")
    return any(problem for _, problem in cases)


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
