#!/usr/bin/env python3
"""list-plugin-tests.py — prints the tests of every plugin, one a line, "name:file": tests/<plugin>/test_*.c for each plugin of a folder.

usage: list-plugin-tests.py PLUGINS TESTS [--with NAME]

The name is <plugin>_<file>. With `--with NAME` only the programs that have it in their name or in the name of one of their TESTs, names alone.
"""

import pathlib
import re
import sys

plugins, tests = (pathlib.Path(argument) for argument in sys.argv[1:3])
wanted = sys.argv[4] if sys.argv[3:4] == ["--with"] else None
has_it = re.compile(rf"\bTEST\(\w*{re.escape(wanted or '')}")
for name in sorted({path.stem for path in plugins.iterdir() if path.is_dir() or path.suffix == ".c"}):
    for path in sorted((tests / name).glob("test_*.c")):
        program = f"{name}_{path.stem}"
        if wanted is None:
            print(f"{program}:{path.relative_to(tests)}")
        elif wanted in program or has_it.search(path.read_text(errors="replace")):
            print(program)
