"""fastapi — FastAPI on uvicorn, uvloop and httptools; asyncpg for the database, SQLAlchemy for the service's routes; all from Debian.

One worker without an access log, response models where FastAPI's tutorial has them, asyncpg's pool of ten, SQLAlchemy's async session
as a dependency: what their documentation advises. Debian 12's versions (0.92 with Pydantic 1): newer ones are some percent faster.
"""

import subprocess

ROUTES = {"plaintext", "json", "users", "db", "queries", "updates", "fortunes", "service"}
PYTHON = "/usr/bin/python3"  # Debian's own: the packages are its


def missing(_):
    modules = "fastapi, uvicorn, uvloop, httptools, asyncpg, sqlalchemy, jwt"
    is_there = subprocess.run([PYTHON, "-c", f"import {modules}"], capture_output=True).returncode == 0
    return None if is_there else "apt-get install " + " ".join(f"python3-{name}" for name in modules.split(", "))


def command(place):
    command = [PYTHON, "-B", "-m", "uvicorn", "server:app", "--app-dir", place.source, "--host", "127.0.0.1", "--port", place.port,
               "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--backlog", "4096"]
    return command, {"DATABASE_HOST": place.database["host"], "DATABASE_USER": place.database.get("user", "app"),
                     "DATABASE_NAME": place.database.get("dbname", "app"), "SECRET_KEY": "a-secret-of-the-benchmark-that-is-long-enough"}
