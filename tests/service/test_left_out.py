"""test_left_out.py — a plugin's file that is wrong is left out by name, while it serves and when it starts, and everybody else goes on."""

import json
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

from client import Client
from server import Server, program
from test_control import leat, plugins_of
from test_live import FLAGS, answer_of, wait_for

NO_DATABASE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
HEAD = "#include <leat/leat.h>\n#include <stdlib.h>\n#include <unistd.h>\n"
asan = "ASAN_OPTIONS" in os.environ


def page(path, words, name=None):
    return f'GET("{path}", {name or "get_" + re.sub("[^a-z0-9]", "_", path)}, Response, ()) {{ return text(r, S("{words}")); }}\n'


def plugin(folder, name, *code, file=None, options=""):
    """Compiles PLUGIN(name) of that code; as a package manager puts it there: whole, under its name at once."""
    folder.mkdir(exist_ok=True)
    source = folder / f".{name}.c"
    source.write_text(HEAD + "".join(code) + f"PLUGIN({name}{options});\n")
    beside = folder / ".coming"
    subprocess.run(["cc", *FLAGS, str(source), "-o", str(beside)], check=True)
    os.rename(beside, folder / f"{file or name}.so")
    return folder / f"{file or name}.so"


class World:
    """A server without a database on a folder of its own; `made` is where plugins are made before they are put there."""

    def __init__(self, folder):
        folder.chmod(0o755)
        self.folder, self.plugins, self.made = folder, folder / "plugins", folder / "made"
        self.plugins.mkdir()
        self.made.mkdir()
        self.server = None

    def start(self, wait=True, **settings):
        self.server = Server("--plugins", str(self.plugins), bench=False, folder=self.folder, start=False, PLUGIN_LOAD_MS="3000", LOG_FORMAT=settings.pop("LOG_FORMAT", "text"),
                             PLUGIN_RETRY_S=settings.pop("PLUGIN_RETRY_S", "0"), **{**NO_DATABASE, **settings})
        self.server.start(wait=wait)
        return self.server

    def stop(self):
        assert self.server.stop() == 0

    def make(self, name, *code, file=None, options=""):
        return plugin(self.made, name, *code, file=file, options=options)

    def put(self, *files):
        """All at once, as far as anybody can tell: the server looks only when it was quiet for a while."""
        for file in files:
            shutil.copy(file, self.plugins / ".next")
            os.rename(self.plugins / ".next", self.plugins / file.name)

    def get(self, path):
        answer = answer_of(self.server, path)
        return answer.body.decode() if answer.status == 200 else answer.status

    def leat(self, *arguments):
        return leat(self.server, *arguments)

    def refused(self):
        return {name: row["why"] for (name, state), row in plugins_of(self.server).items() if state == "refused"}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    if made.server:
        made.server.stop()


# ---- while it serves


def test_of_three_files_the_bad_one_is_left_out_and_the_others_are_live(world):
    server = world.start()
    world.put(world.make("one", page("/one", "1")), world.make("two", page("/two", "2")))
    (world.plugins / "bad.so").write_text("no plugin\n")
    status, out, error = world.leat("reload")
    assert status == 1 and "bad.so: error: is a text file and no shared object; build it" in error
    assert "serves, after" in out and "without the files that are named above" in out
    assert world.get("/one") == "1" and world.get("/two") == "2"
    assert list(world.refused()) == ["bad"] and "is a text file" in world.refused()["bad"]
    status, out, _ = world.leat("plugins")
    assert status == 3 and re.search(r"^bad .* refused .*bad\.so$", out, re.MULTILINE) and "is a text file" in out
    metrics = world.get("/metrics")
    assert 'leat_plugins{plugin="bad",state="refused"} 1' in metrics
    assert re.search(r'leat_plugin_left_out\{plugin="bad",state="refused",reason="is a text file and no shared object; build it[^"]*"\} 1', metrics)
    assert server.logged("plugin_left_out")
    line = next(line for line in server.lines if "plugin_left_out" in line)
    assert "bad.so" in line and "serves=nothing" in line and "is a text file" in line
    (world.plugins / "bad.so").unlink()
    assert world.leat("reload")[0] == 0 and world.leat("plugins")[0] == 0
    assert "leat_plugin_left_out{" not in world.get("/metrics")


def test_a_version_that_is_wrong_leaves_the_one_before_and_lets_others_load(world):
    world.put(world.make("one", page("/one", "1")))
    world.start()
    world.put(world.make("one", page("/one", "2"), "SETTINGS(Needs, (str, must_be_set));\n"), world.make("two", page("/two", "2")))
    status, _, error = world.leat("reload")
    assert status == 1 and "ONE_MUST_BE_SET: Field required" in error, error
    assert world.get("/one") == "1" and world.get("/two") == "2"
    states = {key for key in plugins_of(world.server) if key[0] in ("one", "two")}
    assert states == {("one", "serving"), ("one", "refused"), ("two", "serving")}
    world.put(world.make("one", page("/one", "3")))
    wait_for(lambda: world.get("/one") == "3")
    assert not world.refused()


def test_a_good_one_that_becomes_bad_and_good_again_never_stops_serving(world):
    world.put(world.make("one", page("/one", "1")), world.make("two", page("/two", "a")))
    world.start()
    for number, broken in enumerate(("text", "folder", "link", "writable", "unreadable"), 2):
        target = world.plugins / "one.so"
        target.unlink()
        if broken == "text":
            target.write_text("mending")
        elif broken == "folder":
            target.mkdir()
        elif broken == "link":
            target.symlink_to("/nowhere/at/all")
        elif broken == "writable":
            shutil.copy(world.made / "one.so", target)
            target.chmod(0o666)
        else:
            os.mkfifo(target)
        world.put(world.make("two", page("/two", broken)))
        status, _, error = world.leat("reload")
        assert status == 1 and "one.so: error: " in error
        assert world.get("/one") == str(number - 1) and world.get("/two") == broken
        assert list(world.refused()) == ["one"]
        shutil.rmtree(target) if broken == "folder" else target.unlink()
        world.put(world.make("one", page("/one", str(number))))
        assert world.leat("reload")[0] == 0
        assert world.get("/one") == str(number) and not world.refused()


def test_all_that_crash_where_they_are_tried_are_left_out_and_the_rest_is_not(world):
    world.put(world.make("steady", page("/steady", "s")))
    world.start()
    load = "static int load(leat_host *h) {{ (void)h; {} return 0; }}\n"
    world.put(world.make("a_bad", page("/a", "a"), load.format("abort();"), options=", .on_load = load"),
              world.make("good", page("/good", "g")),
              world.make("m_bad", page("/m", "m"), "__attribute__((constructor)) static void c(void) { *(volatile int *)8 = 1; }\n"),
              world.make("z_bad", page("/z", "z"), load.format("exit(0);"), options=", .on_load = load"))
    status, _, error = world.leat("reload")
    assert status == 1
    assert re.search(r"a_bad.so: error: crashed with SIGABRT in on_load", error) and "m_bad.so: error: crashed with" in error
    assert "z_bad.so: error: ended the process with status 0 in on_load" in error
    assert world.get("/good") == "g" and world.get("/steady") == "s" and sorted(world.refused()) == ["a_bad", "m_bad", "z_bad"]


def test_a_hook_of_the_cores_that_crashes_is_refused_before_anything_is_published(world):
    world.put(world.make("one", page("/one", "1")))
    world.start()
    hook = "static int core(leat_host *h, unsigned core) { (void)h; if (core == 1) *(volatile int *)8 = 1; return 0; }\n"
    world.put(world.make("one", page("/one", "2"), hook, options=", .on_worker = core"))
    status, _, error = world.leat("reload")
    assert status == 1 and re.search(r"one.so: error: crashed with SIG\w+ in on_worker, in a process of its own", error), error
    assert world.get("/one") == "1" and world.server.is_running()
    refuses = hook.replace("*(volatile int *)8 = 1", "return -12")
    world.put(world.make("one", page("/one", "3"), refuses, options=", .on_worker = core"), world.make("two", page("/two", "2")))
    status, _, error = world.leat("reload")
    assert status == 1 and "on_worker of 'one' refused core 1 with -12" in error, error
    assert world.get("/one") == "1" and world.get("/two") == "2"


# ---- who is to blame


@pytest.mark.parametrize("newcomer", ["a_new", "z_new"])
def test_of_two_that_clash_the_one_that_served_stays_and_the_newcomer_is_blamed(world, newcomer):
    world.put(world.make("middle", page("/same", "first", "here_first")))
    world.start()
    world.put(world.make(newcomer, page("/same", "second", "here_second"), page("/other", "o")), world.make("more", page("/more", "m")))
    status, _, error = world.leat("reload")
    assert status == 1
    assert re.search(rf"\.{newcomer}\.c:4: error: GET /same is served already, by 'here_first' of plugin 'middle' \(\S*\.middle\.c:4\)", error), error
    assert world.get("/same") == "first" and world.get("/more") == "m" and world.get("/other") == 404
    assert list(world.refused()) == [newcomer]


def test_a_place_that_one_held_who_is_left_out_himself_is_another_ones(world):
    world.put(world.make("a", page("/one", "a")), world.make("b", page("/one", "b", "one_of_b"), page("/two", "b", "two_of_b")),
              world.make("c", page("/two", "c", "two_of_c")))
    world.start()
    assert list(world.refused()) == ["b"]
    assert world.get("/one") == "a" and world.get("/two") == "c"


def test_of_two_of_one_name_the_file_that_served_stays(world):
    world.put(world.make("one", page("/one", "1"), file="m_one"))
    world.start()
    world.put(world.make("one", page("/one", "2"), file="a_one"))
    status, _, error = world.leat("reload")
    assert status == 1 and "a_one.so: error: is named 'one' as " in error and "m_one.so is; remove one of the two" in error
    assert world.get("/one") == "1"
    (world.plugins / "m_one.so").unlink()
    wait_for(lambda: world.get("/one") == "2")
    assert not world.refused()


NUMBERS = "PROVIDE(get_number, i64, ()) { (void)r; return 7; }\n"
READER = 'IMPORT(get_number, i64, "numbers");\nGET("/number", number, Response, (depends(get_number, n))) { return text(r, format(r, "%ld", (long)n)); }\n'


def test_an_import_is_bound_anew_when_its_provider_is_replaced(world):
    world.put(world.make("numbers", NUMBERS), world.make("reader", READER))
    world.start()
    assert world.get("/number") == "7"
    world.put(world.make("numbers", NUMBERS.replace("7", "8")))
    wait_for(lambda: world.get("/number") == "8")


def test_a_provider_of_another_type_is_refused_unless_those_who_import_it_come_along(world):
    world.put(world.make("numbers", NUMBERS), world.make("reader", READER))
    world.start()
    other = NUMBERS.replace("i64", "i32").replace("7", "8")
    world.put(world.make("numbers", other))
    status, _, error = world.leat("reload")
    assert status == 1 and "'get_number' is i64 (8 bytes) here but i32 (4 bytes) in plugin 'numbers'" in error
    assert list(world.refused()) == ["numbers"] and world.get("/number") == "7"
    world.put(world.make("reader", READER.replace("IMPORT(get_number, i64", "IMPORT(get_number, i32")))
    assert world.leat("reload")[0] == 0
    assert world.get("/number") == "8" and not world.refused()


def test_what_imports_one_that_is_left_out_is_left_out_with_it(world):
    world.start()
    (world.plugins / "numbers.so").write_text("no plugin")
    world.put(world.make("reader", READER), world.make("one", page("/one", "1")),
              world.make("reads_reader", page("/far", "f"), options=', .requires = (const char *const[]){"reader", NULL}'))
    status, _, error = world.leat("reload")
    assert status == 1
    assert re.search(r"reader.so: error: 'reader' imports from the plugin 'numbers', which is left out itself \(\S*numbers.so\)", error), error
    assert re.search(r"reads_reader.so: error: 'reads_reader' requires the plugin 'reader', which is left out itself", error), error
    assert sorted(world.refused()) == ["numbers", "reader", "reads_reader"] and world.get("/one") == "1"
    (world.plugins / "numbers.so").unlink()
    world.put(world.make("numbers", NUMBERS))
    wait_for(lambda: world.get("/number") == "7" and world.get("/far") == "f")
    assert not world.refused()


def test_providers_in_a_circle_across_files_leave_out_what_is_in_it(world):
    world.put(world.make("one", page("/one", "1")))
    world.start()
    circle = ('IMPORT(get_{1}, i64, "{1}s");\nPROVIDE(get_{0}, i64, (depends(get_{1}, x))) {{ (void)r; return x; }}\n'
              'GET("/{0}", page_{0}, Response, (depends(get_{0}, x))) {{ return text(r, format(r, "%ld", (long)x)); }}\n')
    world.put(world.make("as", circle.format("a", "b")), world.make("bs", circle.format("b", "a")), world.make("two", page("/two", "2")))
    status, _, error = world.leat("reload")
    assert status == 1 and "providers depend on each other: " in error and world.get("/one") == "1" and world.get("/two") == "2", error
    assert sorted(world.refused()) == ["as", "bs"]


def test_plugins_that_require_one_another_in_a_circle_are_left_out(world):
    world.put(world.make("one", page("/one", "1")))
    world.start()
    requires = ', .requires = (const char *const[]){{"{}", NULL}}'
    world.put(world.make("ca", page("/ca", "1"), options=requires.format("cb")), world.make("cb", page("/cb", "1"), options=requires.format("ca")),
              world.make("two", page("/two", "2")))
    status, _, error = world.leat("reload")
    assert status == 1 and "in a circle: ca -> cb -> ca" in error and world.get("/two") == "2"
    assert sorted(world.refused()) == ["ca", "cb"]


def test_one_that_is_removed_while_others_need_it_goes_on_and_says_so(world):
    numbers = world.make("numbers", NUMBERS)
    world.put(numbers, world.make("reader", READER))
    world.start()
    (world.plugins / "numbers.so").unlink()
    wait_for(lambda: world.refused())
    why = world.refused()["numbers"]
    assert "numbers.so: error: is gone, and 'reader' imports from 'numbers': it goes on serving until the server is started again" in why
    assert world.get("/number") == "7" and world.leat("plugins")[0] == 3
    assert 'leat_plugin_left_out{plugin="numbers",state="refused",reason="is gone, and \'reader\' imports' in world.get("/metrics")
    world.put(world.make("one", page("/one", "1")))
    wait_for(lambda: world.get("/one") == "1"), "others are loaded all the same"
    assert list(world.refused()) == ["numbers"]
    world.put(numbers)
    wait_for(lambda: not world.refused())
    (world.plugins / "numbers.so").unlink()
    (world.plugins / "reader.so").unlink()
    wait_for(lambda: world.get("/number") == 404)
    assert not world.refused() and ("numbers", "serving") not in plugins_of(world.server)


def test_by_name_it_is_told_of_that_plugin_alone(world):
    world.put(world.make("one", page("/one", "1")))
    world.start()
    (world.plugins / "bad.so").write_text("no plugin")
    assert world.leat("reload", "one")[0] == 0, "its own is well"
    assert world.leat("reload", "bad")[0] == 1
    assert world.leat("unload", "one")[0] == 0 and world.get("/one") == 404
    assert world.leat("reload", "one")[0] == 0 and world.get("/one") == "1"


# ---- when it starts


def stage(code="", options="", name="bad"):
    return lambda world: world.put(world.make(name, page("/bad", "b"), code, options=options))


LOAD = "static int load(leat_host *h) { (void)h; return -2; }\n"
CORE = "static int core(leat_host *h, unsigned core) { (void)h; return core ? -12 : 0; }\n"
AT_START = {
    "a text": (lambda world: (world.plugins / "bad.so").write_text("no plugin"), "is a text file"),
    "a link to nowhere": (lambda world: (world.plugins / "bad.so").symlink_to("/nowhere/at/all"), "cannot be opened"),
    "a setting": (stage("SETTINGS(Needs, (str, must_be_set));\n"), "BAD_MUST_BE_SET: Field required"),
    "a route that is taken": (stage(page("/one", "mine", "mine"), name="z_bad"), "GET /one is served already, by 'get__one' of plugin 'one'"),
    "a route of the server's": (stage(page("/health", "mine", "mine")), "GET /health is served already, by 'health' of plugin 'leat'"),
    "an import of a stranger": (stage('IMPORT(get_nobody, uuid, "nobody");\n'), "'get_nobody' is imported from plugin 'nobody', which is not loaded"),
    "a stranger it requires": (stage(options=', .requires = (const char *const[]){"nobody", NULL}'), "requires the plugin 'nobody', which is in none"),
    "migrations that are nowhere": (stage(options=', .migrations = "no/such"'), "its migrations 'no/such' are neither in"),
    "a parameter twice": (stage('GET("/s/{a}/{a}", twice, Response, (path(i64, a))) { return text(r, format(r, "%ld", (long)a)); }\n'),
                          "has the parameter {a} twice; give each a name of its own"),
    "a cache of less than nothing": (stage('GET("/k", kept, Response, (), .cache_s = -5) { return text(r, S("k")); }\n'), ".cache_s is -5, and it is a number of seconds from 1"),
    "on_load": (stage(LOAD, ", .on_load = load"), "on_load of 'bad' refused with -2"),
    "a crash in on_load": (stage(LOAD.replace("return -2", "abort(); return 0"), ", .on_load = load"),
                           "bad.so: error: crashed with SIGABRT in on_load, in a process of its own in which new plugins are tried; mend it"),
    "an on_load that hangs": (stage(LOAD.replace("return -2", "for (;;) pause()"), ", .on_load = load"),
                              "bad.so: error: has not come back within 3000 ms (PLUGIN_LOAD_MS) in on_load"),
    "an on_load that exits": (stage(LOAD.replace("return -2", "exit(0)"), ", .on_load = load"), "bad.so: error: ended the process with status 0 in on_load"),
    "a crash in a constructor": (stage("__attribute__((constructor)) static void c(void) { abort(); }\n"), "crashed with SIGABRT while it was loaded, in a constructor"),
    "a crash in on_worker": (stage(CORE.replace("return core", "if (core == 1) abort(); return 0; return core"), ", .on_worker = core"), "crashed with SIGABRT in on_worker"),
    "on_worker": (stage(CORE, ", .on_worker = core"), "on_worker of 'bad' refused core 1 with -12"),
    "ON_START": (stage('ON_START(begin, ()) { http_fail(r, 500, "not today"); }\n'), "ON_START 'begin' of plugin 'bad' failed on core 0: not today"),
    "a value per core": (stage('SCHEMA(T, (str, t));\nPROVIDE(get_x, T *, (), .per_worker = true) { (void)r; return NULL; }\n'
                               'GET("/t", t, T, (depends(get_x, x))) { return x; }\n'), "per_worker 'get_x' of plugin 'bad' failed on core"),
}


@pytest.mark.parametrize("what", AT_START)
def test_a_start_leaves_out_the_bad_one_and_strictly_it_refuses(world, what):
    make, words = AT_START[what]
    world.put(world.make("one", page("/one", "1"), "static int n; static int up(leat_host *h) { (void)h; n++; return 0; }\n", options=", .on_load = up"))
    make(world)
    server = world.start()
    assert world.get("/one") == "1" and world.get("/bad") == 404
    assert any(words in line and "error: " in line for line in server.lines), server.log()
    assert server.logged("plugin_left_out") and server.logged("1 plugin is left out"), server.log()
    assert len(world.refused()) == 1 and words in next(iter(world.refused().values()))
    assert world.leat("plugins")[0] == 3 and "leat_plugin_left_out{" in world.get("/metrics")
    world.put(world.make("two", page("/two", "2")))
    wait_for(lambda: world.get("/two") == "2")
    assert len(world.refused()) == 1
    server.send_signal(15)
    assert server.wait() == 0
    server = world.start(wait=False, STRICT_PLUGINS="true")
    assert server.wait() == 1 and words in server.log()


def test_what_a_start_came_through_with_is_not_tried_again_and_is_when_it_did_not(world):
    """on_load writes a letter each time it runs; in a process of its own it does as well."""
    seen, held = world.folder / "seen", world.folder / "held"
    load = (f'static int load(leat_host *h) {{ (void)h; FILE *out = fopen("{seen}", "a"); if (out) {{ fputc(\'x\', out); fclose(out); }}\n'
            f'    if (access("{held}", F_OK) == 0) abort(); return 0; }}\n')
    world.put(world.make("one", "#include <stdio.h>\n", page("/one", "1"), load, options=", .on_load = load"))

    def times():
        count = len(seen.read_text()) if seen.exists() else 0
        seen.unlink(missing_ok=True)
        return count

    world.start()
    assert world.get("/one") == "1" and times() == 2
    world.stop()
    world.start()
    assert world.get("/one") == "1" and times() == 1
    world.stop()
    held.touch()
    server = world.start(wait=False)
    assert server.wait() != 0 and times() == 1, "it is known, and takes the start with it once"
    world.start()
    assert world.get("/one") == 404 and "crashed with SIGABRT in on_load" in world.refused()["one"] and times() == 1
    held.unlink()
    assert world.leat("reload")[0] == 0 and world.get("/one") == "1"


def test_one_that_does_not_come_back_is_tried_again_when_its_own_file_changes_or_somebody_asks(world):
    """For everybody else's sake: a hang would hold each load for PLUGIN_LOAD_MS."""
    seen = world.folder / "seen"
    load = f'static int load(leat_host *h) {{ (void)h; FILE *out = fopen("{seen}", "a"); if (out) {{ fputc(\'x\', out); fclose(out); }} abort(); return 0; }}\n'
    world.put(world.make("bad", "#include <stdio.h>\n", page("/bad", "b"), load, options=", .on_load = load"))
    server = world.start()
    for name in "one", "two":
        world.put(world.make(name, page(f"/{name}", name)))
        wait_for(lambda: world.get(f"/{name}") == name)
        assert seen.read_text() == "x" and "crashed with SIGABRT in on_load" in world.refused()["bad"]
    server.send_signal(1)
    wait_for(lambda: seen.read_text() == "xx")
    assert world.leat("reload")[0] == 1 and seen.read_text() == "xxx"
    assert world.leat("reload", "bad")[0] == 1 and seen.read_text() == "xxxx"
    world.put(world.make("bad", page("/bad", "b")))
    wait_for(lambda: world.get("/bad") == "b")
    assert not world.refused() and seen.read_text() == "xxxx"


def test_a_plugin_whose_newer_version_is_refused_can_be_unloaded_and_rolled_back(world):
    for words in "1", "2":
        world.put(world.make("one", page("/one", words)))
        world.start() if words == "1" else wait_for(lambda: world.get("/one") == "2")
    (world.plugins / "one.so").write_text("no plugin")
    assert world.leat("reload")[0] == 1 and world.get("/one") == "2"
    assert world.leat("rollback", "one")[0] == 0 and world.get("/one") == "1"
    assert world.leat("unload", "one")[0] == 0 and world.get("/one") == 404 and not world.refused()
    assert world.leat("reload")[1] == "nothing has changed\n", "it stays out"
    assert world.leat("reload", "one")[0] == 1 and ("one", "unloaded") in plugins_of(world.server)
    world.put(world.make("one", page("/one", "3")))
    wait_for(lambda: world.get("/one") == "3")


def test_strictly_a_reload_is_all_or_nothing(world):
    world.put(world.make("one", page("/one", "1")))
    world.start(STRICT_PLUGINS="true")
    (world.plugins / "bad.so").write_text("no plugin")
    world.put(world.make("two", page("/two", "2")))
    status, _, error = world.leat("reload")
    assert status == 1 and "is a text file" in error and world.get("/two") == 404 and world.get("/one") == "1"
    assert "bad" in world.refused()


def test_one_that_refuses_to_begin_is_tried_again_until_it_does(world):
    flag = world.folder / "open"
    begin = f'ON_START(begin, ()) {{ if (access("{flag}", F_OK)) http_fail(r, 500, "the shop is closed"); }}\n'
    world.put(world.make("shop", page("/shop", "s"), begin), world.make("one", page("/one", "1")))
    server = world.start(PLUGIN_RETRY_S="1")
    assert world.get("/one") == "1" and world.get("/shop") == 404 and "the shop is closed" in world.refused()["shop"]
    time.sleep(2.5)
    told = sum("plugins_refused" in line or "plugin_left_out" in line for line in server.lines)
    flag.write_text("")
    wait_for(lambda: world.get("/shop") == "s", seconds=20)
    assert not world.refused() and told == 1, server.log()


def test_the_server_says_that_it_is_degraded_and_is_ready_all_the_same(tmp_path):
    plugins = tmp_path / "plugins"
    tmp_path.chmod(0o755)
    plugins.mkdir()
    (plugins / "bad.so").write_text("no plugin")
    with Server("--plugins", str(plugins), bench=False) as server:
        wait_for(lambda: answer_of(server, "/health/ready").status == 200)
        wait_for(lambda: answer_of(server, "/health/ready").json == {"status": "degraded"})  # of two cores one may have its database later
        (plugins / "bad.so").unlink()
        wait_for(lambda: answer_of(server, "/health/ready").json == {"status": "ok"})


def test_a_check_of_a_folder_with_a_bad_one_fails(world):
    (world.plugins / "bad.so").write_text("no plugin")
    world.put(world.make("one", page("/one", "1")))
    done = subprocess.run([program(), "check", "--plugins", str(world.plugins), "--var", str(world.folder / "var")],
                          cwd=world.folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "is a text file" in done.stdout + done.stderr


# ---- settings that are named


@pytest.mark.parametrize("setting, value, words", [
    ("OPENAPI_URL", "/health", r"leat: error: OPENAPI_URL: GET /health is served already, by 'health' of plugin 'leat' \(\S*health.c:\d+\); choose another path"),
    ("DOCS_URL", "/health", r"leat: error: DOCS_URL: GET /health is served already, by 'health'"),
    ("CONTENT_SECURITY_POLICY", "default-src " + "a" * 400, r"leat: error: CONTENT_SECURITY_POLICY: with it the security headers together have \d+ bytes, and \d+ is the most"),
    ("CONTENT_SECURITY_POLICY", "a\tb", r"leat: error: CONTENT_SECURITY_POLICY: it holds a line break or another control character"),
])
def test_a_setting_that_is_wrong_is_named(world, setting, value, words):
    server = world.start(wait=False, **{setting: value})
    assert server.wait() == 1 and re.search(words, server.log()), server.log()


# ---- the watchdog


def test_a_periodic_job_that_holds_its_core_is_named(world):
    world.put(world.make("jobs", "EVERY(sweep, 1, ()) { (void)r; usleep(300000); }\n"))
    server = world.start(LOG_FORMAT="json")
    assert server.logged('"event":"core_held"', 20)
    line = next(line for line in server.lines if '"event":"core_held"' in line)
    assert '"plugin":"jobs"' in line and '"method":"EVERY"' in line and '"handler":"sweep"' in line and ".jobs.c:4" in line
    wait_for(lambda: re.search(r'leat_core_held_total\{method="EVERY",route="",handler="sweep"', world.get("/metrics")))


# ---- a generation that does not end


def test_a_generation_that_is_held_names_what_holds_it(world):
    slow = 'GET("/slow", slow, Response, ()) { sleep_ms(r, 4000); return text(r, S("s")); }\n'
    world.put(world.make("one", slow))
    world.start()
    thread = threading.Thread(target=lambda: world.get("/slow"))
    thread.start()
    wait_for(lambda: plugins_of(world.server)["one", "serving"]["requests"] == 1)
    world.put(world.make("one", page("/one", "2")))
    wait_for(lambda: ("one", "draining") in plugins_of(world.server))
    row = plugins_of(world.server)["one", "draining"]
    assert "held by GET /slow" in row["why"] and row["held_by"][0]["kind"] == "route" and row["held_by"][0]["handler"] == "slow"
    thread.join()


# ---- while requests flow


def test_no_request_fails_while_everything_is_done_wrong(world):
    world.put(world.make("steady", page("/steady", "s")), world.make("one", page("/one", "1")), world.make("numbers", NUMBERS), world.make("reader", READER))
    server = world.start()
    ending, wrong, count = threading.Event(), [], [0]

    def ask():
        client = Client(server)
        while not ending.is_set():
            for path in ("/steady", "/one", "/number"):
                try:
                    answer = client.get(path)
                except Exception as error:  # noqa: BLE001 (whatever it is, it is wrong)
                    wrong.append((path, repr(error)))
                    return
                count[0] += 1
                if answer.status != 200:
                    wrong.append((path, answer.status))
        client.forget()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        target = world.plugins / "one.so"
        bad = world.make("thief", page("/steady", "stolen"))
        for number in range(3):
            target.write_bytes(b"\x7fELF garbage" * 50)
            world.put(bad)
            world.leat("reload")
            (world.plugins / "numbers.so").unlink()
            target.unlink()
            target.mkdir()
            world.leat("reload")
            target.rmdir()
            target.symlink_to(world.plugins / "nothing.so")
            world.put(world.make("numbers", NUMBERS.replace("i64", "i32")))
            world.leat("reload")
            mended = world.make("one", page("/one", f"v{number}")), world.make("numbers", NUMBERS)
            target.unlink()
            world.put(*mended)
            world.leat("reload")
            wait_for(lambda: world.get("/one") == f"v{number}")
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    if wrong:
        raise AssertionError(f"{wrong[:5]} of {count[0]}\n{server.log()}")
    assert count[0] > 100
    assert list(world.refused()) == ["thief"] and "GET /steady is served already" in world.refused()["thief"]
    server.check()


# ---- with a database


def test_what_postgres_refuses_is_its_plugins_alone(tmp_path):
    """A migration that fails, and SQL that does not fit: each leaves its plugin out, and others load, also at the next start."""
    plugins, made = tmp_path / "plugins", tmp_path / "made"
    tmp_path.chmod(0o755)
    plugins.mkdir()
    made.mkdir()
    for name, sql in (("bad_one", "CREATE TABLE bad_one (id bigint);\nSELEKT 1;\n"), ("fine", "CREATE TABLE fine (id bigint);\n")):
        (made / f"migrations_{name}").mkdir()
        (made / f"migrations_{name}/0001_begin.up.sql").write_text(sql)

    def put(name, code, migrations=False):
        options = f', .migrations = "{made}/migrations_{name}"' if migrations else ""
        file = plugin(made, name, page(f"/{name}", name, f"say_{name}"), code, options=options)
        shutil.copy(file, plugins / ".next")
        os.rename(plugins / ".next", plugins / file.name)

    count = 'GET("/count_{0}", count_{0}, Response, (depends(get_db, db))) {{ return text(r, format(r, "%ld", (long)db_value(db, i64, "SELECT count(*) FROM {0}"))); }}\n'
    with Server("--plugins", str(plugins), bench=False, folder=tmp_path, LOG_FORMAT="text", start=False) as server:
        server.start()
        put("bad_one", count.format("bad_one"), True)
        put("fine", count.format("fine"), True)
        put("lost", count.format("no_such_table"))
        status, _, error = leat(server, "reload")
        assert status == 1 and "0001_begin.up.sql:2" in error and "no_such_table" in error, error
        assert answer_of(server, "/fine").status == 200 and answer_of(server, "/count_fine").body == b"0"
        assert answer_of(server, "/bad_one").status == 404 and answer_of(server, "/lost").status == 404
        refused = {name: row["why"] for (name, state), row in plugins_of(server).items() if state == "refused"}
        assert sorted(refused) == ["bad_one", "lost"] and "SELEKT" in refused["bad_one"] and ".lost.c:5" in refused["lost"], refused
        (plugins / "bad_one.so").unlink()
        wait_for(lambda: ("bad_one", "refused") not in plugins_of(server))
        server.send_signal(15)
        assert server.wait() == 0
        server.start()
        assert answer_of(server, "/count_fine").body == b"0" and answer_of(server, "/lost").status == 404
        assert ("lost", "refused") in plugins_of(server)
