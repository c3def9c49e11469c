#!/usr/bin/env python3
"""print-manual.py — the man pages and completions of a leat that was just built, into a folder of the build.

usage: print-manual.py LEAT FOLDER STAMP
"""

import pathlib
import re
import subprocess
import sys

leat, folder, stamp = sys.argv[1:]


def said(*arguments):
    return subprocess.run([leat, *arguments], capture_output=True, text=True, check=True).stdout


def put(path, text):
    path = pathlib.Path(folder, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


put("man1/leat.1", said("manual"))
for verb in re.findall(r"^  leat (\w+) ", said("--help"), re.MULTILINE):
    put(f"man1/leat-{verb}.1", said("manual", verb))
put("bash-completion/completions/leat", said("completion", "bash"))
put("zsh/site-functions/_leat", said("completion", "zsh"))
pathlib.Path(stamp).touch()
