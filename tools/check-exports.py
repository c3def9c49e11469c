#!/usr/bin/env python3
"""check-exports.py — every function and object that include/leat declares must be in the library, for plugins to find.

usage: check-exports.py INCLUDE_FOLDER LIBRARY COMPILER...
"""

import re
import subprocess
import sys

include, library, *compiler = sys.argv[1:]


def declarations():
    """The text of leat's own headers, preprocessed, without the bodies of functions."""
    text = subprocess.run(
        [*compiler, "-E", "-I", include, "-x", "c", "-"], input="#include <leat/leat.h>\n", text=True, capture_output=True, check=True
    ).stdout
    kept, is_ours = [], False
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            is_ours = "/leat/" in marker.group(1)
        elif is_ours and not line.startswith("#"):
            kept.append(line)
    depth, out = 0, []
    for character in "\n".join(kept):
        depth += character == "{"
        if depth == 0:
            out.append(character)
        depth -= character == "}"
        if character == "}" and depth == 0:
            out.append("{}")
    return "".join(out)


def without_attributes(statement):
    while True:
        at = statement.find("__attribute__")
        if at < 0:
            return statement
        end, depth = statement.index("(", at), 0
        while True:
            depth += {"(": 1, ")": -1}.get(statement[end], 0)
            end += 1
            if depth == 0:
                break
        statement = statement[:at] + statement[end:]


def declared():
    for statement in re.split(r";|(?<=\)) *\{\}", declarations()):
        is_weak = "weak" in statement
        statement = " ".join(without_attributes(statement).split())
        if is_weak or re.match(r"(typedef|static|inline|_Static_assert|struct \w+ \{\}$|enum|union)\b", statement):
            continue
        function = re.match(r"^[\w\s*]*?\b(\w+) ?\(", statement)
        data = re.match(r"^extern const [\w\s*]*?\b(\w+)(\[\])?$", statement)
        if function:
            yield function.group(1)
        elif data:
            yield data.group(1)


there = set(
    line.split()[-1].split("@")[0]
    for line in subprocess.run(["nm", "-D", "--defined-only", library], text=True, capture_output=True, check=True).stdout.splitlines()
)
wanted = sorted(set(declared()))
missing = [name for name in wanted if name not in there]
for name in missing:
    print(f"include/leat declares '{name}', which {library} does not export; is it in src/libleat.map?", file=sys.stderr)
if len(wanted) < 60:
    print(f"only {len(wanted)} declarations were found in {include}/leat: this check does not read them right", file=sys.stderr)
    sys.exit(1)
print(f"{len(wanted)} declarations, {len(missing)} missing")
sys.exit(1 if missing else 0)
