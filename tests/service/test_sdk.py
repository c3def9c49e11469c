"""test_sdk.py — leat as it is installed: a plugin of one file, projects from `leat new` for meson and CMake, and `leat dev` on one of them."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from client import Client
from server import ROOT, SECRET, build_folder, clean_environment, throw_away_folder

ONE_FILE = """#include <leat/leat.h>
SCHEMA(Greeting, (str, text));
GET("/hello/{name}", hello, Greeting, (path(str, name))) {
    Greeting *greeting = new (r, Greeting);
    greeting->text = format(r, "hello, %.*s", (int)name.len, name.ptr);
    return greeting;
}
PLUGIN(hello);
"""


class Installed:
    """What `meson install` put below a folder that is thrown away."""

    def __init__(self, root):
        self.root = root
        subprocess.run(["meson", "install", "-C", build_folder(), "--no-rebuild", "--quiet", "--destdir", root], check=True,
                       capture_output=True, timeout=120)
        self.prefix = root / "usr/local"
        self.leat = self.prefix / "bin/leat"
        [self.pc] = root.rglob("leat.pc")
        self.environment = {
            **clean_environment(SECRET_KEY=SECRET),
            "PATH": f"{self.prefix / 'bin'}:{os.environ['PATH']}",
            "PKG_CONFIG_PATH": str(self.pc.parent),
            "PKG_CONFIG_SYSROOT_DIR": str(root),  # the prefix is not where it says it is
            "LD_LIBRARY_PATH": str(self.pc.parent.parent),
        }

    def run(self, *arguments, cwd, code=0, timeout=300):
        result = subprocess.run(list(map(str, arguments)), cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=timeout)
        assert result.returncode == code, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result.stdout + result.stderr


class Running:
    """A `leat` of an installed prefix that serves, with the lines that it has said."""

    def __init__(self, installed, *arguments, cwd):
        self.lines = []
        self.process = subprocess.Popen([str(installed.leat), *arguments], cwd=cwd, env=installed.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.reader = threading.Thread(target=lambda: self.lines.extend(line for line in self.process.stdout), daemon=True)
        self.reader.start()
        self.host, self.port = re.search(r"http://(\S+):(\d+)", self.wait_for("serving http://")).groups()
        self.port = int(self.port)

    def wait_for(self, text, after=0, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.lines[after:]:
                if text in line:
                    return line
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} in:\n" + "".join(self.lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise


def browse(server, path):
    """Status and text of what a browser is shown; client.py expects errors in JSON."""
    request = urllib.request.Request(f"http://{server.host}:{server.port}{path}", headers={"Accept": "text/html,*/*"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture(scope="module")
def installed():
    return Installed(throw_away_folder())


@pytest.fixture
def folder():
    return throw_away_folder()


def test_a_plugin_of_one_file_builds_with_what_pkg_config_says(installed, folder):
    (folder / "hello.c").write_text(ONE_FILE)
    installed.run("sh", "-ec", "mkdir plugins && cc $(pkg-config --cflags --libs leat) -shared hello.c -o plugins/hello.so", cwd=folder)
    with Running(installed, "run", "--port", "0", "--workers", "1", "--plugins", "plugins", cwd=folder) as server:
        assert Client(server).get("/hello/you").json == {"text": "hello, you"}
        assert Client(server).get("/docs/files/swagger-ui-bundle.js").status == 200


def test_a_function_that_leat_does_not_have_is_refused_by_the_linker(installed, folder):
    (folder / "lost.c").write_text(ONE_FILE.replace("format(r", "formatt(r").replace("#include <leat/leat.h>",
                                                                                     "#include <leat/leat.h>\nstr formatt(req *, const char *, ...);"))
    said = installed.run("sh", "-c", "cc $(pkg-config --cflags --libs leat) -shared lost.c -o lost.so", cwd=folder, code=1)
    assert "undefined reference to `formatt'" in said


# promise 57
@pytest.mark.parametrize("flags", [[], ["--table"]], ids=["plain", "table"])
def test_a_new_project_builds_and_passes_its_tests_at_once(installed, folder, flags):
    installed.run("leat", "new", "orders", *flags, cwd=folder)
    said = installed.run("leat", "test", cwd=folder / "orders")
    assert re.search(r"^Ok: +1", said, re.MULTILINE) and re.search(r"^Fail: +0", said, re.MULTILINE), said
    assert re.search(r"\d subtests passed", said), said


# promise 61
def test_coverage_of_a_plugin_is_told(installed, folder):
    installed.run("leat", "new", "orders", cwd=folder)
    said = installed.run("leat", "test", "--coverage", cwd=folder / "orders")
    assert re.search(r"^orders\.c +\d+ +\d+ +\d+%", said, re.MULTILINE), said


def test_a_new_project_builds_with_cmake(installed, folder):
    installed.run("leat", "new", "parcels", "--table", "--cmake", cwd=folder)
    assert "100% tests passed" in installed.run("leat", "test", cwd=folder / "parcels")


def test_each_verb_has_a_man_page_and_completion_knows_it(installed, folder):
    verbs = re.findall(r"^  leat (\w+) ", installed.run("leat", "--help", cwd=folder), re.MULTILINE)
    assert len(verbs) > 10
    for verb in verbs:
        page = (installed.prefix / f"share/man/man1/leat-{verb}.1").read_text()
        for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "EXIT STATUS"):
            assert f".SH {part}\n" in page, (verb, part)
    script = f"""source {installed.prefix}/share/bash-completion/completions/leat
COMP_WORDS=(leat op) COMP_CWORD=1; _leat; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(leat run --po) COMP_CWORD=2; _leat; echo "${{COMPREPLY[@]}}\""""
    assert installed.run("bash", "-c", script, cwd=folder).split() == ["openapi", "--port"]


def test_plugins_can_be_parts_of_the_program(folder):
    """-Dstatic_plugins=true: one file that needs no libleat and no folder of plugins."""
    build = folder / "build"
    for command in (["meson", "setup", build, ROOT, "-Dtests=false", "-Dstatic_plugins=true"], ["ninja", "-C", build, "src/cli/leat"]):
        result = subprocess.run(command, capture_output=True, text=True, timeout=400)
        assert result.returncode == 0, result.stdout + result.stderr
    program = folder / "leat"
    (build / "src/cli/leat").rename(program)
    assert "libleat" not in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    listed = subprocess.run([program, "routes", "--json"], cwd=folder, capture_output=True, text=True, check=True, env=clean_environment())
    routes = {(route["plugin"], route["path"]) for route in json.loads(listed.stdout)}
    assert {("users", "/v1/users/me"), ("posts", "/v1/posts"), ("leat", "/health")} <= routes


def test_new_refuses_a_name_and_a_folder_that_is_there(installed, folder):
    assert "cannot be a plugin's name" in installed.run("leat", "new", "My-Orders", cwd=folder, code=2)
    installed.run("leat", "new", "orders", cwd=folder)
    assert "nothing was written" in installed.run("leat", "new", "orders", cwd=folder, code=1)
    assert "no checkout of leat" in installed.run("leat", "build", cwd=folder, code=2)


# promise 63
def test_dev_serves_builds_what_is_saved_and_shows_what_the_compiler_says(installed, folder):
    installed.run("leat", "new", "greetings", cwd=folder)
    project = folder / "greetings"
    source = project / "greetings.c"
    text = source.read_text()
    with Running(installed, "dev", "--port", "0", "--workers", "1", cwd=project) as server:
        client = Client(server)
        assert client.get("/v1/greetings/ada").json == {"text": "hello, ada"}
        assert client.get("/v1/users/me").status == 401  # the installed plugins serve beside it

        said = len(server.lines)
        source.write_text(text.replace("hello, %.*s", "good morning, %.*s"))
        server.wait_for("built in", said)
        end = time.monotonic() + 20
        while client.get("/v1/greetings/ada").json != {"text": "good morning, ada"}:
            assert time.monotonic() < end, "".join(server.lines)
            time.sleep(0.05)

        said = len(server.lines)
        source.write_text(text.replace("return greeting;", "return greeting"))
        server.wait_for("the build failed", said)
        assert "greetings.c:" in "".join(server.lines[said:])
        status, page = browse(server, "/v1/greetings/ada")
        assert status == 500 and "The build failed" in page and "greetings.c:" in page
        assert client.get("/v1/greetings/ada").json == {"text": "good morning, ada"}

        said = len(server.lines)
        source.write_text(text)
        server.wait_for("built in", said)
        assert browse(server, "/v1/greetings/ada")[0] == 200
    assert server.process.returncode == 0


def dockerfile():
    """Its instructions: a list of (word, rest), lines put together."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_has_every_library_that_an_installed_server_loads(installed):
    runs = [rest for word, rest in dockerfile() if word == "RUN"]
    packages = set(re.findall(r"(?<=\s)[a-z0-9][a-z0-9.+-]+(?=\s)", runs[1].split("--no-install-recommends")[1].split("&&")[0] + " "))
    objects = [installed.leat, installed.pc.parent.parent / "libleat.so.1", *(installed.prefix / "lib/leat").rglob("*.so")]
    needed = set()
    for path in objects:
        needed |= set(re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True).stdout))
    found = dict(re.findall(r"^\t(\S+) => (\S+)", subprocess.run(["ldd", *objects], capture_output=True, text=True,
                                                               env=installed.environment).stdout, re.MULTILINE))
    assert len(needed) > 8
    for library in sorted(needed - {"libleat.so.1", "libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}):
        owner = subprocess.run(["dpkg", "-S", os.path.realpath(found[library])], capture_output=True, text=True).stdout
        owner = owner or subprocess.run(["dpkg", "-S", found[library]], capture_output=True, text=True, check=True).stdout
        package = owner.split(":")[0]
        assert package in packages or package in ("libgcc-s1", "libstdc++6"), f"{library} is in {package}, which the image does not install"


# promise 64
def test_the_image_serves_on_8000_as_a_user_without_rights_and_makes_no_key(installed, folder):
    steps = dict(dockerfile()[-8:])
    assert steps["USER"] == "1000" and steps["EXPOSE"] == "8000"
    command = json.loads(steps["CMD"])
    assert command[:3] == ["leat", "run", "--production"] and command[-4:] == ["--host", "0.0.0.0", "--port", "8000"]
    del installed.environment["SECRET_KEY"]
    try:
        assert "SECRET_KEY is not set" in installed.run(*command[:-1], "0", cwd=folder, code=1)
    finally:
        installed.environment["SECRET_KEY"] = SECRET
    profile = json.loads((ROOT / "deploy/seccomp.json").read_text())
    assert not [name for rule in profile["syscalls"] for name in rule["names"] if name.startswith("io_uring")]


@pytest.mark.parametrize("flags", [[], ["--cmake"]], ids=["meson", "cmake"])
def test_a_projects_own_build_is_what_verbs_see_in_its_folder(installed, folder, flags):
    installed.run("leat", "new", "parcels", "--table", *flags, cwd=folder)
    project = folder / "parcels"
    said = installed.run("leat", "routes", cwd=project)
    assert "the project of this folder is not built: build/ is not there; `leat build` makes it" in said
    installed.run("leat", "build", cwd=project)
    routes = json.loads(installed.run("leat", "routes", "--json", cwd=project))
    own = [route for route in routes if route["plugin"] == "parcels"]
    assert {route["path"] for route in own} >= {"/v1/parcels"} and all(route["file"].endswith("parcels.c") for route in own), own
    assert "users" in {route["plugin"] for route in routes}, "the installed plugins are there as well: they may be imported from"
    installed.run("leat", "check", cwd=project)
    source = project / "parcels.c"
    source.write_text(source.read_text().replace('if (!db_exec(db, "DELETE', 'db_exec(db, "UPDATE parcels SET id = id");\n    if (!db_exec(db, "DELETE'))
    installed.run("leat", "build", cwd=project)
    assert re.search(r"parcels\.c:\d+: error: .* writes here", installed.run("leat", "check", cwd=project, code=1))
    assert not (project / "var").exists()
    commands = json.loads((project / "build/compile_commands.json").read_text())
    assert any(command["file"].endswith("parcels.c") and "-I" in (command.get("command") or " ".join(command["arguments"])) for command in commands)
