#!/usr/bin/env python3
"""test-check-floors.py — the checker finds what is planted, names its line, and is content with what is right."""

import pathlib
import subprocess
import sys
import tempfile

CHECKER = sys.argv[1]
FILES = {
    "include/leat/leat.h": "// leat.h — everything.\n#include <stdint.h>\n",
    "src/base/arena.h": "// arena.h — memory.\n#include <leat/leat.h>\n",
    "src/engine/ring.c": '// ring.c — the ring.\n#include <liburing.h>\n#include "base/arena.h"\n',
    "src/engine/ring.h": "// ring.h — the ring.\n",
    "src/http/head.h": '// head.h — a head.\n#include "engine/ring.h"\n',
    "src/db/link.c": '// link.c — a link.\n#include <libpq-fe.h>\n#include "engine/ring.h"\n',
    "plugins/users/users.c": "// users.c — users.\n#include <leat/leat.h>\n#include <string.h>\n",
    "run": "#!/bin/sh\n",
}
UNDONE = "TO" + "DO"

# what is planted: a file's text, and the line that the checker says of it; None: nothing
PLANTED = {
    "a tree that follows the rules passes": ("src/base/list.h", "// list.h — a list.\n", None),
    "an include from a higher floor is refused": (
        "src/base/low.c", '// low.c — low.\n#include "engine/ring.h"\n',
        "src/base/low.c:2: error: engine/ring.h: src/base may not look at engine"),
    "an include from a sibling is refused": (
        "src/http/sly.c", '// sly.c — sly.\n\n#include "db/link.h"\n', "src/http/sly.c:3: error: db/link.h: src/http may not look at db"),
    "a way around by the parent folder is refused": (
        "src/http/up.c", '// up.c — up.\n#include "../db/link.c"\n', "src/http/up.c:2: error: ../db/link.c: leads out of its floor"),
    "a plugin that looks inside is refused": (
        "plugins/bad.c", '// bad.c — bad.\n#include "base/arena.h"\n',
        "plugins/bad.c:2: error: base/arena.h: plugins may not look at base"),
    "a plugin that includes a library is refused": (
        "plugins/bad.c", "// bad.c — bad.\n#include <jansson.h>\n",
        "plugins/bad.c:2: error: jansson.h: plugins includes <leat/...> and the C library alone"),
    "a public header that includes more than the C library is refused": (
        "include/leat/bad.h", "// bad.h — bad.\n#include <liburing.h>\n", "include/leat/bad.h:2: error: liburing.h: "),
    "liburing outside the engine is refused": (
        "src/app/ring.c", "// ring.c — a ring.\n#include <liburing.h>\n",
        "src/app/ring.c:2: error: liburing.h: belongs to src/engine alone"),
    "a header that does not exist is refused": (
        "src/app/gone.c", '// gone.c — gone.\n#include "base/gone.h"\n', "src/app/gone.c:2: error: base/gone.h: there is no such file"),
    "a file without its sentence is refused": (
        "src/app/mute.c", "int x;\n",
        "src/app/mute.c:1: error: begins with `// mute.c — one sentence.`"),
    "a file with another file's sentence is refused": ("src/app/copy.c", "// paste.c — pasted.\n", "src/app/copy.c:1: error: begins with"),
    "a file of 700 lines is refused": ("src/app/long.c", "// long.c — long.\n" + "\n" * 699, "src/app/long.c:700: error: 700 lines"),
    "a file of 699 lines passes": ("src/app/long.c", "// long.c — long.\n" + "\n" * 698, None),
    "a note of work undone is refused, wherever it is": ("docs/plan.md", f"# Plan\n\n{UNDONE}: all\n", f"docs/plan.md:3: error: {UNDONE}"),
    "a word that only contains such a note passes": ("src/app/name.c", f'// name.c — a name.\nchar t[] = "/tmp/{"X" * 6}";\n', None),
}


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check(name, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for other, content in FILES.items():
            write(root, other, content)
        write(root, name, text)
        return subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True)


print(f"1..{len(PLANTED)}")
failures = 0
for number, (sentence, (name, text, wanted)) in enumerate(PLANTED.items(), 1):
    result = check(name, text)
    errors = [line for line in result.stdout.splitlines() if ": error: " in line]
    if wanted is None:
        good = result.returncode == 0 and not errors
    else:
        good = result.returncode == 1 and len(errors) == 1 and errors[0].startswith(f"# {wanted}")
    failures += not good
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    if not good:
        print("\n".join(f"# {line}" for line in (result.stdout + result.stderr).splitlines()))
sys.exit(failures != 0)
