#!/usr/bin/env python3
"""list-plugins.py — prints every plugin below a folder, one a line, "name:file file": a folder with its .c files, or a .c file on its own.

A folder may name the libraries that it is linked with in a file `libraries`, one a line: as pkg-config or the linker knows it, and behind a
blank the header that it may include. They follow behind another colon.
"""

import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for path in sorted(root.iterdir()):
    if path.is_dir():
        sources = sorted(path.glob("*.c"))
        if sources:
            listed = path / "libraries"
            libraries = [line.split()[0] for line in listed.read_text().splitlines() if line.strip()] if listed.exists() else []
            line = f"{path.name}:{' '.join(str(source.relative_to(root)) for source in sources)}"
            print(line + (":" + " ".join(libraries) if libraries else ""))
    elif path.suffix == ".c":
        print(f"{path.stem}:{path.name}")
