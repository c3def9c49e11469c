"""tokens.py — JSON web tokens made by hand, so that they can be wrong in every way."""

import base64
import hashlib
import hmac
import json
import time

from server import SECRET


def encode(data):
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(text, secret=SECRET, digest=hashlib.sha256):
    return encode(hmac.new(secret.encode(), text.encode(), digest).digest())


def make(claims, header=None, secret=SECRET, digest=hashlib.sha256):
    """`claims` and `header` may be bytes, and are then taken as they are."""
    text = encode(header if header is not None else {"alg": "HS256", "typ": "JWT"}) + "." + encode(claims)
    return text + "." + sign(text, secret, digest)


def claims_of(person, **changes):
    """What a good token of that person says; a change to None takes a claim away."""
    claims = {"sub": person.id, "exp": int(time.time()) + 600, **changes}
    return {name: value for name, value in claims.items() if value is not None}


def decode(token):
    """Header and claims, unchecked."""
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in token.split(".")[:2]]
