"""postgres.py — a Postgres of the test's own, to be restarted, killed and asked at will."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from server import psql, throw_away_folder


def binaries():
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert folders, "there is no Postgres in /usr/lib/postgresql"
    return folders[-1]


def children_of(pid):
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(stat.parent.name)
        except OSError:
            pass
    return found


class Postgres:
    """A cluster on a unix socket, durable unless told otherwise; as root it runs as the user postgres."""

    def __init__(self, fsync=True):
        self.folder = throw_away_folder()
        self.data, self.log_file = self.folder / "data", self.folder / "log"
        self.as_user = []
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        self.run(binaries() / "initdb", "--no-sync", "-U", "app", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-D", self.data)
        settings = ["listen_addresses = ''", f"unix_socket_directories = '{self.folder}'", "max_connections = 50",
            f"fsync = {'on' if fsync else 'off'}"]
        with open(self.data / "postgresql.conf", "a") as file:
            file.write("\n".join(settings) + "\n")
        self.start()
        self.run("psql", "-X", "-q", "-h", self.folder, "-U", "app", "-d", "postgres", "-c", "CREATE DATABASE app")

    @property
    def url(self):
        return f"postgresql:///app?host={self.folder}&user=app"

    def run(self, *command, check=True):
        return subprocess.run([*self.as_user, *map(str, command)], cwd="/", check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, timeout=60)

    def start(self):
        result = self.run(binaries() / "pg_ctl", "-D", self.data, "-l", self.log_file, "-w", "-t", "50", "start", check=False)
        assert result.returncode == 0, f"Postgres does not start: {result.stdout}\n{self.log()[-2000:]}"

    def stop(self, mode="fast"):
        self.run(binaries() / "pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "50", "stop")

    def restart(self):
        self.stop()
        self.start()

    def kill(self):
        """kill -9 of the postmaster; its children notice and end."""
        pid = self.pid
        children = children_of(pid)
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 20
        while time.monotonic() < end and any(pathlib.Path(f"/proc/{child}").exists() for child in children):
            time.sleep(0.02)

    @property
    def pid(self):
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def sql(self, text):
        return psql(f"host={self.folder} user=app dbname=app", text)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def throw_away(self):
        self.run(binaries() / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
