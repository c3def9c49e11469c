"""test_migrations.py — leat db, queries, check and openapi --diff as an author meets them: a plugin that changes, and a database of its own."""

import itertools
import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from postgres import Postgres
from server import ROOT, Server, clean_environment, program, psql

numbers = itertools.count(1)
FLAGS = ["-shared", "-fPIC", "-O2", "-fvisibility=hidden", f"-I{ROOT / 'include'}"]
TABLE = """#include <leat/leat.h>
ENUM(Size, small, large);
TABLE(Crate, "crates",
    (i64,       id,      .primary_key = true, .server_default = "GENERATED ALWAYS AS IDENTITY"),
    (str,       label,   .max_length = 40, .unique = true),
    (Size,      size,    .server_default = "'small'"),
COLUMNS
    (timestamp, made_at, .server_default = "now()"));
INDEX(Crate, crates_made_at_idx, made_at);
REST
PLUGIN(shop, .prefix = "/v1", .migrations = "migrations/shop");
"""
ROUTES = """
SCHEMA(CrateIn, (str, label, .max_length = 40));
POST("/crates", add_crate, Empty, (body(CrateIn, in), depends(get_DB, db)), .status = 204) {
    db_exec(db, "INSERT INTO crates (label) VALUES ($1)", in->label);
    db_exec(db, "UPDATE crates SET size = 'large' WHERE label <> $1", in->label);
    return NULL;
}
"""


@pytest.fixture(scope="module")
def postgres():
    made = Postgres(fsync=False)
    yield made
    made.throw_away()


class Shop:
    """A project with one plugin, and a database for it alone."""

    def __init__(self, folder, postgres, name):
        self.folder, self.postgres, self.name = folder, postgres, name
        self.url = postgres.url.replace("/app?", f"/{name}?")
        psql(postgres.url, f"CREATE DATABASE {name}")
        (folder / "plugins").mkdir()

    def declare(self, columns="", rest=""):
        source = self.folder / "shop.c"
        source.write_text(TABLE.replace("COLUMNS", columns).replace("REST", rest))
        subprocess.run(["cc", *FLAGS, "shop.c", "-o", "plugins/shop.so"], cwd=self.folder, check=True)
        return self

    def command(self, *arguments):
        return [program(), *arguments, "--plugins", str(self.folder / "plugins"), "--var", str(self.folder / "var")]

    def environment(self, **settings):
        return clean_environment(**{"DATABASE_URL": self.url, **settings})

    def start(self, *arguments, **settings):
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment(**settings), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments, status=0, **settings):
        result = subprocess.run(self.command(*arguments), cwd=self.folder, env=self.environment(**settings), stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=60)
        assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def sql(self, text):
        return psql(self.url, text)

    def files(self):
        return sorted(path.name for path in (self.folder / "migrations/shop").iterdir())

    def newest(self, kind="up"):
        return self.folder / "migrations/shop" / [name for name in self.files() if name.endswith(f".{kind}.sql")][-1]

    def draft(self, name, *arguments):
        self.run("db", "new", "shop", name, *arguments)
        return self.newest().read_text()


@pytest.fixture
def shop(tmp_path, postgres):
    tmp_path.chmod(0o755)
    return Shop(tmp_path, postgres, f"shop_{next(numbers)}").declare()


@pytest.fixture
def made(shop):
    """With its first migration drafted and applied."""
    shop.draft("create_crates")
    shop.run("db", "up")
    return shop


# ---- an author's way


# promises 41, n2
def test_a_plugin_without_a_migration_drafts_its_first_and_is_clean(shop):
    text = shop.draft("create_crates")
    assert re.fullmatch(r"\d{14}_create_crates\.up\.sql", shop.newest().name)
    assert "CREATE TABLE crates (" in text and "CHECK (size IN ('small', 'large'))" in text
    assert shop.newest("down").read_text().rstrip().endswith("DROP TABLE crates;")
    assert "1 migrations are pending" in shop.run("db", "check", status=3).stderr
    assert "create_crates applied in" in shop.run("db", "up").stdout
    assert shop.run("db", "check").stdout == "1 tables are as they are declared\n"
    assert "nothing to draft" in shop.run("db", "new", "shop", "nothing", status=1).stderr


# promise 43
def test_a_change_is_told_at_its_line_drafted_and_undone(made):
    made.declare('(i32, weight, .server_default = "0", .index = true),')
    found = made.run("db", "check", status=4).stderr
    assert re.search(r"^shop\.c:\d+: error: crates\.weight is declared, and not in the database$", found, re.MULTILINE)
    listed = json.loads(made.run("db", "check", "--json", status=4).stdout)
    assert {"plugin": "shop", "table": "crates", "drops": False}.items() <= listed[0].items()
    made.draft("add_weight")
    made.run("db", "up")
    made.run("db", "check")
    made.run("db", "down", "shop")
    assert made.sql("SELECT count(*) FROM information_schema.columns WHERE table_name = 'crates'") == [["4"]]
    made.run("db", "redo", "shop")


def test_a_draft_keeps_what_nobody_said_to_drop(made):
    made.sql("ALTER TABLE crates ADD old text")
    made.declare("(str, colour, .nullable = true, .max_length = 9),")
    result = made.run("db", "new", "shop", "colour")
    assert "--drop makes them statements" in result.stderr
    assert "-- ALTER TABLE crates DROP COLUMN old;" in made.newest().read_text()
    made.run("db", "up")
    assert "crates.old is in the database, and not declared" in made.run("db", "check", status=4).stderr
    assert "\nALTER TABLE crates DROP COLUMN old;" in made.draft("drop_old", "--drop")
    made.run("db", "up")
    made.run("db", "check")


def test_a_rename_is_hinted_at_and_taken_from_a_flag(made):
    made.sql("INSERT INTO crates (label) VALUES ('tea')")
    source = (made.folder / "shop.c").read_text().replace("label,", "title,")
    (made.folder / "shop.c").write_text(source)
    subprocess.run(["cc", *FLAGS, "shop.c", "-o", "plugins/shop.so"], cwd=made.folder, check=True)
    result = made.run("db", "new", "shop", "wrong", "--sql")
    assert "--rename crates.label:title" in result.stderr
    made.draft("title", "--rename", "crates.label:title")
    made.run("db", "up")
    made.run("db", "check")
    assert made.sql("SELECT title FROM crates") == [["tea"]]


def test_a_rename_is_asked_about_on_a_terminal(made):
    made.sql("INSERT INTO crates (label) VALUES ('tea')")
    source = (made.folder / "shop.c").read_text().replace("label,", "title,")
    (made.folder / "shop.c").write_text(source)
    subprocess.run(["cc", *FLAGS, "shop.c", "-o", "plugins/shop.so"], cwd=made.folder, check=True)
    master, terminal = pty.openpty()
    process = subprocess.Popen(made.command("db", "new", "shop", "title"), cwd=made.folder, env=made.environment(), stdin=terminal,
                               stdout=terminal, stderr=terminal)
    os.close(terminal)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(master, 4096)
    os.write(master, b"y\n")
    try:
        while os.read(master, 4096):
            pass
    except OSError:
        pass
    assert process.wait(30) == 0
    assert b"crates.title is declared and new, label is gone: was it renamed?" in said
    made.run("db", "up")
    assert made.sql("SELECT title FROM crates") == [["tea"]]


def test_an_empty_file_needs_no_database(shop):
    shop.run("db", "new", "shop", "by_hand", "--empty", DATABASE_URL="postgresql:///nowhere?host=/nonexistent")
    shop.run("db", "new", "shop", "again", "--empty", DATABASE_URL="postgresql:///nowhere?host=/nonexistent")
    names = shop.files()
    assert len(names) == 4 and names[0] < names[2] and len({name[:14] for name in names}) == 2


def test_a_change_that_rows_are_in_the_way_of_is_said_before_it_is_applied(made):
    made.sql("INSERT INTO crates (label) VALUES ('tea')")
    made.declare("(str, owner),")
    assert 'column "owner" of relation "crates" contains null values' in made.run("db", "new", "shop", "owner").stderr
    assert "-- Postgres refused this draft when it was tried" in made.newest().read_text()


def test_declarations_that_cannot_be_are_refused_at_their_lines(made):
    made.declare(rest='TABLE(Again, "crates", (i64, id));\nSCHEMA(None, (i64, id));\nINDEX(None, none_idx, id);\n')
    found = made.run("db", "check", status=1).stderr
    assert re.search(r"^shop\.c:\d+: error: the table 'crates' is declared by shop\.c:\d+ already", found, re.MULTILINE)
    assert re.search(r"^shop\.c:\d+: error: this is about a SCHEMA, which has no table", found, re.MULTILINE)
    made.declare('(str, odd, .server_default = "nonsense()"),')
    found = made.run("db", "new", "shop", "odd", status=1).stderr
    assert re.search(r"^shop\.c:\d+: error: function nonsense\(\) does not exist \(SQLSTATE 42883\)", found, re.MULTILINE)


def test_the_plugins_that_ship_are_as_they_declare_and_their_sql_fits(tmp_path, postgres):
    tmp_path.chmod(0o755)
    shop = Shop(tmp_path, postgres, "shipped")
    shop.command = lambda *arguments: [program(), *arguments, "--bench", "--var", str(tmp_path / "var")]
    shop.run("db", "up")
    assert "are as they are declared" in shop.run("db", "check").stdout
    shop.run("check", "--db")
    shop.run("db", "reset", "--confirm", "shipped")
    assert "are as they are declared" in shop.run("db", "check").stdout


# ---- status, history, exit codes


def test_status_tells_a_script(made):
    made.run("db", "new", "shop", "more", "--empty")
    listed = json.loads(made.run("db", "status", "--json", status=3).stdout)
    assert [entry["state"] for entry in listed] == ["applied", "pending"]
    assert listed[1]["applied_at"] is None and listed[0]["file"].endswith("_create_crates.up.sql")
    made.run("db", "up", "--json")
    made.newest().write_text("-- changed\n")
    listed = json.loads(made.run("db", "status", "--json", status=1).stdout)
    assert [entry["state"] for entry in listed] == ["applied", "edited"]
    assert "was edited after it was applied" in made.run("db", "up", status=1).stderr
    assert [entry["name"][15:] for entry in json.loads(made.run("db", "history", "--json").stdout)] == ["create_crates", "more"]


def test_what_is_called_wrongly_says_how_it_is_called_rightly(made):
    assert "did you mean status" in made.run("db", "statuss", status=2).stderr
    assert "wants a plugin's name" in made.run("db", "down", status=2).stderr
    assert "no plugin 'shopp'" in made.run("db", "up", "shopp", status=1).stderr
    assert "a number from 1 on" in made.run("db", "down", "shop", "0", status=2).stderr
    assert "takes no 'more'" in made.run("db", "status", "shop", "more", status=2).stderr
    assert "wants a plugin and a name" in made.run("db", "new", "shop", "a/b", status=2).stderr
    assert "--to wants a whole number" in made.run("db", "up", "shop", "--to", "x", status=2).stderr
    assert "--sql is for" in made.run("db", "reset", "--sql", status=2).stderr
    for action in ("new", "up", "down", "redo", "status", "history", "check", "stamp", "reset"):
        assert re.search(rf"^  {action}\b", made.run("db", "--help").stdout, re.MULTILINE)


def test_reset_wants_the_name_of_the_database_and_never_production(made):
    made.sql("INSERT INTO crates (label) VALUES ('tea')")
    assert f"leat db reset --confirm {made.name}" in made.run("db", "reset", status=2).stderr
    made.run("db", "reset", "--confirm", "app", status=2)
    assert "this is --production" in made.run("db", "reset", "--confirm", made.name, "--production", status=2).stderr
    assert made.sql("SELECT count(*) FROM crates") == [["1"]]
    made.run("db", "reset", "--confirm", made.name)
    assert made.sql("SELECT count(*) FROM crates") == [["0"]]


def test_wait_waits_for_a_database_that_comes_later(tmp_path, postgres):
    tmp_path.chmod(0o755)
    shop = Shop(tmp_path, postgres, "comes_later").declare()
    shop.draft("create_crates")
    psql(postgres.url, "ALTER DATABASE comes_later RENAME TO not_yet")
    assert "no connection to the database" in shop.run("db", "up", status=1).stderr
    process = shop.start("db", "up", "--wait", "30")
    time.sleep(0.7)
    psql(postgres.url, "ALTER DATABASE not_yet RENAME TO comes_later")
    assert process.wait(30) == 0
    process.communicate()


# ---- together, and killed


def test_two_that_start_at_once_migrate_once(shop):
    shop.draft("create_crates")
    with shop.newest().open("a") as file:
        file.write("SELECT pg_sleep(0.3);\n")
    processes = [shop.start("db", "up") for _ in range(3)]
    said = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert sum("applied in" in out for out, _ in said) == 1
    assert shop.sql("SELECT count(*) FROM leat_migrations") == [["1"]]


def killed_at(shop, arguments, delay_s):
    process = shop.start(*arguments)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize(
    "arguments",
    [("up",), ("down", "shop", "2"), ("redo", "shop", "2"), ("stamp", "shop"), ("reset",), ("new", "shop", "n"), ("check",)],
    ids=lambda arguments: arguments[0])
def test_killed_anywhere_the_next_run_completes(shop, arguments):
    """At many moments; afterwards the rows are what is in the database, and the ordinary way goes on."""
    shop.draft("create_crates")
    shop.run("db", "new", "shop", "more", "--empty")
    shop.newest().write_text("CREATE TABLE more (id int);\nSELECT pg_sleep(0.02);\n")
    shop.newest("down").write_text("SELECT pg_sleep(0.02);\nDROP TABLE more;\n")
    shop.run("db", "new", "shop", "index", "--empty")
    shop.newest().write_text("-- no transaction\nCREATE INDEX CONCURRENTLY more_id_idx ON more (id);\n"
                             "CREATE INDEX CONCURRENTLY more_neg_idx ON more ((-id));\n")
    shop.newest("down").write_text("DROP INDEX more_id_idx, more_neg_idx;\n")
    full = ["db", *arguments, *(["--confirm", shop.name] if arguments[0] == "reset" else [])]
    shop.run("db", "up")
    for step in range(7):
        if arguments[0] in ("up", "stamp"):
            shop.run("db", "reset", "--confirm", shop.name)
            shop.run("db", "down", "shop", "3")
        killed_at(shop, full, 0.004 + step * 0.014)
        expect_consistent(shop)
        for name in shop.files():
            if name.split("_", 1)[1].startswith("n."):
                (shop.folder / "migrations/shop" / name).unlink()
        if arguments[0] == "stamp":
            shop.run("db", "stamp", "shop", "--to", "0")
        shop.run("db", "up", "--wait", "20")
        assert shop.sql("SELECT count(*) FROM leat_migrations") == [["3"]]
    assert shop.sql("SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'more'::regclass") == [["t"]]


def expect_consistent(shop):
    """Once the server has noticed: a row says that a file is applied where its table is there, unless only rows were written."""
    end = time.monotonic() + 20
    while shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leat migrate' AND datname = current_database()") != [["0"]]:
        assert time.monotonic() < end
        time.sleep(0.05)
    if shop.sql("SELECT to_regclass('leat_migrations') IS NULL") == [["t"]]:
        return
    rows = [row[0] for row in shop.sql("SELECT name FROM leat_migrations")]
    has = {name: shop.sql(f"SELECT to_regclass('{name}') IS NOT NULL") == [["t"]] for name in ("crates", "more")}
    if any("create_crates" in name for name in rows) != has["crates"]:
        assert len(rows) in (0, 3) and not has["crates"], "a stamp is all or nothing"
    for path in (shop.folder / "migrations/shop").glob("[0-9]*"):
        assert path.stat().st_size > 0, f"half a file: {path}"


# ---- queries, check, openapi --diff


# promise n3
def test_queries_tell_what_goes_in_and_comes_out(made):
    made.declare(rest=ROUTES.replace("get_DB", "get_tx"))
    listed = {query["text"]: query for query in json.loads(made.run("queries", "--json", "--db").stdout) if query["plugin"] == "shop"}
    insert = listed["INSERT INTO crates (label) VALUES ($1)"]
    assert insert["writes"] and insert["function"] == "add_crate" and insert["file"] == "shop.c"
    assert insert["parameters"] == [{"name": "$1", "c_type": "str", "type": "character varying"}]
    assert "shop.c:" in made.run("queries").stdout


def test_two_writes_that_are_not_one_are_refused(made):
    made.declare(rest=ROUTES.replace("get_DB", "get_db"))
    found = made.run("check", status=1).stderr
    assert re.search(r"^shop\.c:\d+: error: 'add_crate' writes here and at line \d+, each in a transaction of its own", found, re.MULTILINE)
    listed = json.loads(made.run("check", "--json", status=1).stdout)
    assert listed[0]["file"] == "shop.c" and listed[0]["level"] == "error" and listed[0]["line"] > 0
    made.declare(rest=ROUTES.replace("get_DB", "get_tx"))
    made.run("check", "--db")
    made.declare(rest='PROVIDE(twice, i64, (depends(get_db, db))) {\n    db_exec(db, "DELETE FROM crates");\n'
                      '    return db_exec(db, "WITH x AS (SELECT 1) INSERT INTO crates (label) SELECT \'tea\' FROM x");\n}\n')
    assert "'twice' writes here and at line" in made.run("check", status=1).stderr
    made.declare(rest=ROUTES.replace("get_DB", "get_read"))
    assert re.search(r"^shop\.c:\d+: error: 'add_crate' writes here, but get_read only reads", made.run("check", status=1).stderr, re.MULTILINE)
    made.declare(rest='PROVIDE(once, i64, (depends(get_db, db))) {\n    db_exec(db, "DELETE FROM crates");\n'
                      '    return db_exec(db, "SELECT \'update\' FROM crates FOR UPDATE");\n}\n')
    made.run("check", "--db")


def test_sql_that_does_not_fit_the_database_has_its_line(made):
    made.declare(rest='GET("/n", n, i64_list, (depends(get_db, db))) { db_exec(db, "DELETE FROM cratez"); return NULL; }\n')
    made.run("check")
    assert re.search(r'^shop\.c:\d+: error: relation "cratez" does not exist \(42P01\)', made.run("check", "--db", status=1).stderr, re.MULTILINE)


def test_a_plan_that_reads_a_whole_table_is_found(made):
    made.declare(rest='GET("/n", n, Empty, (query(str, s), depends(get_db, db))) {\n'
                      '    db_exec(db, "SELECT 1 FROM crates WHERE size = $1", s);\n    db_exec(db, "SELECT 1 FROM crates WHERE label = $1", s);\n'
                      '    return NULL;\n}\n')
    small = made.run("check", "--explain")
    assert small.stderr.count("note: no index serves this: it reads all of public.crates") == 1
    made.sql("INSERT INTO crates (label) SELECT n FROM generate_series(1, 3000) AS n; ANALYZE crates")
    found = made.run("check", "--explain", status=1).stderr
    assert len(re.findall(r"error: this reads all of public\.crates, some 3000 rows: no index serves it", found)) == 1
    made.run("check", "--explain", "--rows", "10000")


def test_what_breaks_a_client_is_found(made):
    made.declare(rest=ROUTES.replace("get_DB", "get_tx"))
    old = made.folder / "old.json"
    old.write_text(made.run("openapi").stdout)
    assert made.run("openapi", "--diff", "old.json").stderr == ""
    made.declare(rest=ROUTES.replace("get_DB", "get_tx").replace("40)", "20), (str, owner)"))
    found = made.run("openapi", "--diff", "old.json", status=3).stderr
    assert re.search(r"^shop\.c:\d+: error: POST /v1/crates: body\.label has maxLength 20, and had 40$", found, re.MULTILINE)
    assert "POST /v1/crates: body.owner is required, and is new" in found
    made.declare()
    assert "old.json: error: POST /v1/crates: is not served any more" in made.run("openapi", "--diff", "old.json", status=3).stderr
    assert json.loads(made.run("openapi", "--diff", "old.json", "--json", status=3).stdout)[0]["level"] == "error"
    made.run("openapi", "--diff", "nowhere.json", status=1)


def test_a_server_that_starts_beside_pending_migrations_says_so(shop):
    shop.draft("create_crates")
    server = Server("--plugins", str(shop.folder / "plugins"), bench=False, start=False, folder=shop.folder, DATABASE_URL=shop.url)
    server.start(wait=False)
    assert server.wait(20) > 0
    assert "apply them with `leat db up`" in server.log()
