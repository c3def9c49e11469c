"""haproxy — answers a constant by `http-request return`: one thread, no log, as its documentation advises for a benchmark."""

from servers import fill, program

ROUTES = {"plaintext", "json"}


def missing(_):
    return None if program("haproxy") else "apt-get install haproxy"


def command(place):
    return [program("haproxy"), "-db", "-f", fill(place, "haproxy.cfg")], {}
