#!/usr/bin/env python3
"""list-tests.py — prints every test_*.c below a folder, one a line, so that meson can tell whether one was forgotten."""

import pathlib
import sys

root = pathlib.Path(sys.argv[1])
for path in sorted(root.rglob("test_*.c")):
    print(path.relative_to(root))
