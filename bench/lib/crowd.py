"""crowd.py — plugins by the dozen: so many with so many routes each, written and compiled, to see what a crowd costs."""

import concurrent.futures
import hashlib
import os
import subprocess

from servers import ROOT

FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", "-ftls-model=initial-exec", f"-I{ROOT}/include"]
SHAPES = ("/c{plugin:03}/r{route:03}", "/c{plugin:03}/r{route:03}/{{id}}", "/c{plugin:03}/r{route:03}/{{id}}/rows/{{row}}")


def path_of(plugin, route):
    """A path that the last shape serves: as long whichever it is."""
    return f"/c{plugin:03}/r{route:03}/7/rows/8"


def source(plugin, routes):
    """Domains have lists, rows, and rows of rows: three shapes in turn, the last of them in the last route."""
    lines = [f"// crowd{plugin:03}.c — made by bench/lib/crowd.py.", "#include <leat/leat.h>", "", "SCHEMA(Answer, (i64, id), (i64, row));", ""]
    for route in range(routes):
        shape = (route + 1 - routes) % 3 - 1
        path = SHAPES[shape].format(plugin=plugin, route=route)
        parameters = ", ".join(f"path(i64, {name})" for name in ("id", "row") if f"{{{name}}}" in path)
        values = ", ".join(f".{name} = {name}" for name in ("id", "row") if f"{{{name}}}" in path)
        lines.append(f'GET("{path}", route{route}, Answer, ({parameters})) {{\n    Answer *answer = new (r, Answer);\n'
                     f"    *answer = (Answer){{{values}}};\n    return answer;\n}}\n")
    lines.append(f'PLUGIN(crowd{plugin:03}, .version = "1.0.0", .tag = "crowd");')
    return "\n".join(lines) + "\n"


def compile_one(folder, plugin, routes):
    path = folder / f"crowd{plugin:03}.c"
    path.write_text(source(plugin, routes))
    compiler = os.environ.get("CC", "cc").split()
    made = subprocess.run([*compiler, *FLAGS, path, "-o", path.with_suffix(".so")], capture_output=True, text=True)
    if made.returncode:
        raise SystemExit(f"bench: {path} does not compile:\n{made.stderr[:2000]}")


def make(build, plugins, routes):
    """The folder of them; made once, and again when the headers have changed."""
    headers = sorted((ROOT / "include/leat").glob("*.h"))
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in headers) + source(0, routes).encode()).hexdigest()
    folder = build / f"bench/crowd-{plugins}x{routes}"
    if (folder / "stamp").exists() and (folder / "stamp").read_text() == stamp:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda plugin: compile_one(folder, plugin, routes), range(plugins)))
    (folder / "stamp").write_text(stamp)
    return folder
