#!/usr/bin/env python3
"""embed.py — files as C strings: prints a table of their names and texts.

usage: embed.py NAME HEADER FILE...
"""

import pathlib
import sys

name, header, *files = sys.argv[1:]
print(f'#include "{header}"\n\nconst struct {name} {name}s[] = {{')
for path in map(pathlib.Path, files):
    text = path.read_text().replace("\\", "\\\\").replace('"', '\\"')
    lines = "\n".join(f'     "{line}\\n"' for line in text.splitlines())
    print(f'    {{"{path.name}",\n{lines}}},')
print("    {0},\n};")
