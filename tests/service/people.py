"""people.py — accounts to act as."""

import itertools
import os
import urllib.parse

PASSWORD = "Correct-horse-9"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
count = itertools.count(1)


def new_email(name="someone"):
    return f"{name}.{os.getpid()}.{next(count)}@example.org"


def sign_in(client, email, password=PASSWORD):
    """The token."""
    form = urllib.parse.urlencode({"username": email, "password": password}).encode()
    answer = client.post("/v1/auth/login", body=form, headers=FORM, token=None)
    assert answer.status == 200, answer
    return answer.json["access_token"]


def register(client, email=None, password=PASSWORD, first_name="Ada", last_name="Lovelace"):
    document = {"email": email or new_email(), "first_name": first_name, "last_name": last_name, "password": password}
    answer = client.post("/v1/auth/register", document, token=None)
    assert answer.status == 201, answer
    return answer.json


class Person:
    """Someone with an account and a token, and a client that uses it."""

    def __init__(self, server, name="someone"):
        from client import Client

        self.user = register(Client(server), new_email(name), first_name=name.capitalize(), last_name="Example")
        self.id, self.email = self.user["id"], self.user["email"]
        self.token = sign_in(Client(server), self.email)
        self.client = Client(server, self.token)

    def post(self, title="A title", content="Some content", published=True):
        answer = self.client.post("/v1/posts", {"title": title, "content": content, "published": published})
        assert answer.status == 201, answer
        return answer.json
