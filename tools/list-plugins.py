#!/usr/bin/env python3
"""list-plugins.py — prints every plugin below a folder, one a line, "name:file file": a folder with its .c files, or a .c file on its own."""

import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for path in sorted(root.iterdir()):
    if path.is_dir():
        sources = sorted(path.glob("*.c"))
        if sources:
            print(f"{path.name}:{' '.join(str(source.relative_to(root)) for source in sources)}")
    elif path.suffix == ".c":
        print(f"{path.stem}:{path.name}")
