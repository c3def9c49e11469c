"""test_broken.py — plugins that are wrong in every way we know: each is refused in a sentence that names cause and remedy, and what served goes on."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess

import pytest

from server import Server, build_folder
from test_control import leat
from test_live import FLAGS, answer_of, wait_for

CODE = '#include <leat/leat.h>\n#include <stdlib.h>\n#include <unistd.h>\n'
HOOK = CODE + "static int load(leat_host *h) {{ (void)h; {} return 0; }}\nPLUGIN(bad, .on_load = load);\n"


def compiled(code, *flags, link=("-shared",)):
    def make(target, scratch):
        source = scratch / "bad.c"
        source.write_text(code)
        subprocess.run(["cc", *[flag for flag in FLAGS if flag != "-shared"], *link, *flags, str(source), "-o", str(target)], check=True)
    return make


def built(name):
    return lambda target, _: shutil.copy(build_folder() / f"tests/plugins/{name}.so", target)


def written(data):
    return lambda target, _: target.write_bytes(data)


def changed(change):
    """A good one with a change to its bytes or to its file."""
    def make(target, scratch):
        built("older")(target, scratch)
        change(target)
    return make


def put_bytes(offset, data):
    def change(target):
        bytes_ = bytearray(target.read_bytes())
        bytes_[offset:offset + len(data)] = data
        target.write_bytes(bytes_)
    return change


GET = 'GET("/bad", bad, Response, {}) {{ {} }}\nPLUGIN(bad);\n'
BROKEN = {
    # the file
    "empty": (written(b""), r"is empty; copy it again"),
    "text": (written(b"no plugin\n"), r"is a text file and no shared object; build it"),
    "bytes": (written(bytes(range(256)) * 8), r"is no shared object .*; build it"),
    "cut in its header": (changed(lambda t: os.truncate(t, 40)), r"is truncated: .*; copy it again, whole"),
    "cut in the middle": (changed(lambda t: os.truncate(t, t.stat().st_size // 2)), r"is truncated: .*; copy it again, whole"),
    "cut at its end": (changed(lambda t: os.truncate(t, t.stat().st_size - 100)), r"is truncated: .*; copy it again, whole"),
    "of another machine": (changed(put_bytes(18, struct.pack("<H", 8))), r"is built for another architecture; build it on this kind"),
    "of 32 bits": (changed(put_bytes(4, b"\1")), r"is built for another architecture \(32 bits"),
    "damaged": (changed(put_bytes(54, struct.pack("<H", 7))), r"is damaged: .*; build it again"),
    "a program": (compiled("int main(void) { return 0; }", link=("-pie",)), r"is a program .*; link it with `cc -shared`"),
    "an object file": (compiled("int x;", "-c", link=()), r"is an object file that is not linked; link it"),
    "a folder": (lambda target, _: target.mkdir(), r"is no regular file; put the shared object itself here"),
    "a pipe": (lambda target, _: os.mkfifo(target), r"is no regular file; put the shared object itself here"),
    "a link to nowhere": (lambda target, _: target.symlink_to("/nowhere/at/all"), r"cannot be opened: No such file"),
    "writable by everybody": (changed(lambda t: t.chmod(0o666)), r"everybody may write it, .*; chmod o-w it"),
    "somebody else's": (changed(lambda t: os.chown(t, 65534, 65534)), r"belongs to user 65534, .*; chown it"),
    # what it is built of
    "no entry": (built("no_entry"), r"exports no leat_plugin_entry; write PLUGIN"),
    "no magic": (built("wrong_magic"), r"does not begin with leat's magic number; make it with PLUGIN"),
    "another major": (built("wrong_major"), r"is built for version \d+ of leat's plugin interface, .*; build it again"),
    "an option of later": (built("newer"), r"uses an option that this server does not know .*; update the server"),
    "a kind of later": (built("unknown_item"), r"a declaration of kind \d+ is unknown to this server .*; update the server"),
    "a function of later": (built("missing_symbol"), r"uses the function 'leat_of_a_later_version', which this server does not have; build it"),
    "a function of nobody": (compiled(CODE + GET.format("()", "extern int nobodys(void); return text(r, format(r, \"%d\", nobodys()));")),
                             r"uses the function 'nobodys', which neither this server .*; add the missing source file"),
    # what it says
    "a bad name": (built("bad_name"), r"its name is no name: .*; write PLUGIN\(orders"),
    "a bad prefix": (built("bad_prefix"), r"its .prefix does not begin with '/', or ends with one; write"),
    "a name that is taken": (compiled(CODE + "PLUGIN(posts);\n"), r"is named 'posts' as .*; remove one of the two"),
    "a setting that is not set": (built("bad_setting"), r"BAD_SETTING_API_KEY: Field required"),
    "requires a stranger": (built("requires_lost"), r"requires the plugin 'nowhere', which is in none .*; put it there"),
    "a route that is taken": (compiled(CODE + 'GET("/health", mine, Response, ()) { return text(r, S("")); }\nPLUGIN(bad);\n'),
                              r"bad.c:4: error: GET /health is served already, by 'health' of plugin 'leat'"),
    "an import of a stranger": (compiled(CODE + 'IMPORT(get_nobody, uuid, "nobody");\nPLUGIN(bad);\n'),
                                r"'get_nobody' is imported from plugin 'nobody', which is not loaded: put nobody.so"),
    "an import of another type": (compiled(CODE + 'IMPORT(get_current_user, i64, "users");\nPLUGIN(bad);\n'),
                                  r"'get_current_user' is i64 \(8 bytes\) here but uuid \(16 bytes\) in plugin 'users'"),
    "providers in a circle": (built("provider_circle"), r"provider_circle.c:\d+: error: "),
    "a path without its parameter": (built("lost_parameter"), r"lost_parameter.c:\d+: error: "),
    "migrations that are nowhere": (compiled(CODE + 'PLUGIN(bad, .migrations = "no/such/folder");\n'),
                                    r"its migrations 'no/such/folder' are neither .*; start in the project's folder"),
    # what Postgres says of it
    "SQL that does not parse": (compiled(CODE + GET.format("(depends(get_db, db))", 'db_value(db, i64, "SELEKT 1"); return text(r, S(""));')),
                                r"bad.c:4: error: .*syntax error"),
    "SQL that does not type": (compiled(CODE + GET.format("(depends(get_db, db))", 'db_value(db, i64, "SELECT email FROM users"); return text(r, S(""));')),
                               r"bad.c:4: error: .*i64"),
    "SQL of a table that is not there": (compiled(CODE + GET.format("(depends(get_db, db))", 'db_exec(db, "DELETE FROM no_such"); return text(r, S(""));')),
                                         r"bad.c:4: error: .*no_such"),
    # what it does
    "refuses in on_load": (built("failing_load"), r"on_load of 'failing_load' refused with -2: No such file"),
    "refuses a core": (built("failing_worker"), r"on_worker of 'failing_worker' refused core \d with -12"),
    "crashes in on_load": (compiled(HOOK.format("*(volatile int *)8 = 1;")), r"crashed with SIG\w+ in on_load, .*; mend it where it says"),
    "aborts in on_load": (compiled(HOOK.format("abort();")), r"crashed with SIGABRT in on_load, .*; mend it where it says"),
    "hangs in on_load": (compiled(HOOK.format("for (;;) pause();")), r"has not come back within 2000 ms \(PLUGIN_LOAD_MS\) in on_load, .*; what takes"),
    "exits in on_load": (compiled(HOOK.format("exit(3);")), r"ended the process with status 3 in on_load, .*; return a number"),
    "crashes in a constructor": (compiled(CODE + "__attribute__((constructor)) static void c(void) { *(volatile int *)8 = 1; }\nPLUGIN(bad);\n"),
                                 r"crashed with SIG\w+ while it was loaded, in a constructor, .*; mend it"),
    "crashes in on_unload": (compiled(CODE + "static void gone(leat_host *h) { (void)h; *(volatile int *)8 = 1; }\nPLUGIN(bad, .on_unload = gone);\n"),
                             r"crashed with SIG\w+ in on_unload, .*; mend it"),
}
assert len(BROKEN) >= 30


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    folder.chmod(0o755)
    plugins = folder / "plugins"
    plugins.mkdir()
    for file in (build_folder() / "plugins").glob("*.so"):
        if file.name in ("users.so", "posts.so"):
            shutil.copy(file, plugins)
    with Server("--plugins", str(plugins), bench=False, PLUGIN_LOAD_MS="2000") as made:
        made.plugins = plugins
        yield made
        assert made.stop() == 0


def remove(path):
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin_is_refused_by_name_and_what_served_goes_on(serving, tmp_path, what):
    if what == "somebody else's" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    make, words = BROKEN[what]
    target = serving.plugins / "bad.so"
    made = tmp_path / "made.so"
    make(made, tmp_path)
    os.rename(made, target)
    try:
        status, _, error = leat(serving, "reload")
        assert status == 1, error
        assert re.search(words, error), error
        assert answer_of(serving, "/v1/posts").status == 200
        assert leat(serving, "plugins")[0] == 3
    finally:
        remove(target)
    assert leat(serving, "reload")[0] == 0
    serving.check()


def test_a_file_that_may_not_be_read_is_refused(serving, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    target = serving.plugins / "bad.so"
    built("older")(target, tmp_path)
    target.chmod(0)
    try:
        assert "may not be read by the server; chmod u+r it" in leat(serving, "reload")[2]
    finally:
        target.unlink()


@pytest.mark.parametrize("mode, words", [(0o777, "everybody may write it, and its code would run as the server; chmod o-w it"),
                                         (0o775, "its group may write it, and its code would run as the server; chmod g-w it")])
def test_a_folder_that_others_may_write_is_refused(serving, mode, words):
    if mode == 0o775:
        os.chown(serving.plugins, -1, 65534) if os.geteuid() == 0 else pytest.skip("only root can give a folder to a group")
    serving.plugins.chmod(mode)
    try:
        status, _, error = leat(serving, "reload")
        assert status == 1 and words in error and answer_of(serving, "/v1/posts").status == 200
    finally:
        serving.plugins.chmod(0o755)
        os.chown(serving.plugins, -1, os.getegid())
    assert leat(serving, "reload")[0] == 0
