"""nginx — answers a constant by `return`, the least it can do: one worker, no log, connections kept, as its documentation advises."""

from servers import fill, program

ROUTES = {"plaintext", "json"}


def missing(_):
    return None if program("nginx") else "apt-get install nginx-light"


def command(place):
    return [program("nginx"), "-p", place.folder, "-c", fill(place, "nginx.conf"), "-e", place.folder / "error.log"], {}
