"""node — node:http without anything on top: what every framework on it pays."""

from servers import program

ROUTES = {"plaintext", "json"}


def missing(_):
    return None if program("node") else "apt-get install nodejs"


def command(place):
    return ["node", place.source / "server.js"], {"PORT": str(place.port), "NODE_ENV": "production"}
