#!/usr/bin/env python3
"""list-tests.py — prints every test_*.c below a folder, one a line, so that meson can tell whether one was forgotten.

With `--with NAME` only the programs that have it in their own name or in the name of one of their tests, as meson knows them:
FLOOR_test_NAME.
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
paths = sorted(root.rglob("test_*.c"))
if sys.argv[2:3] == ["--with"]:
    wanted = sys.argv[3]
    of_name = re.escape(wanted.removeprefix("test_"))
    has_it = re.compile(rf"\b(static void test_|TEST\()\w*{of_name}")
    paths = [path for path in paths if wanted in path.stem or has_it.search(path.read_text(errors="replace"))]
    print("\n".join(f"{path.parent.name}_{path.stem}" for path in paths), end="\n" if paths else "")
else:
    for path in paths:
        print(path.relative_to(root))
