"""fastify — Fastify and node-postgres, as their documentation advises: schemas for bodies and answers, no logger, named statements."""

import subprocess
import sys

from servers import program, say

ROUTES = {"plaintext", "json", "users", "db", "queries", "updates", "fortunes", "cached"}


def missing(source):
    if not program("node") or not program("npm"):
        return "apt-get install nodejs npm"
    if not (source / "node_modules/fastify").is_dir():
        say("bench: installing Fastify beside its server.js")
        result = subprocess.run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"], cwd=source, stdout=sys.stderr)
        if result.returncode:
            return "npm ci failed in bench/peers/fastify"
    return None


def command(place):
    return ["node", place.source / "server.js"], {
        "NODE_ENV": "production", "PORT": str(place.port), "DATABASE_HOST": place.database["host"],
        "DATABASE_USER": place.database.get("user", "app"), "DATABASE_NAME": place.database.get("dbname", "app")}
