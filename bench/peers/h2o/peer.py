"""h2o — answers a constant from a file of 13 bytes, whose descriptor and size it keeps: one thread, no log."""

from servers import fill, program

ROUTES = {"plaintext", "json"}


def missing(_):
    return None if program("h2o") else "apt-get install h2o"


def command(place):
    for name, text in {"plaintext": "Hello, World!", "json": '{"message":"Hello, World!"}'}.items():
        path = place.folder / "pages" / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_text(text)
    return [program("h2o"), "-m", "worker", "-c", fill(place, "h2o.conf")], {}
