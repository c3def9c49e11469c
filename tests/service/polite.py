"""polite.py — a client that asks one small thing after the other for some seconds, in a process of its own, and prints how long each took.

    polite.py HOST PORT SECONDS
"""

import json
import socket
import sys
import time

host, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
request = b"GET /health HTTP/1.1\r\nHost: polite\r\n\r\n"
took, failures = [], []
end = time.monotonic() + seconds
connection = None
while time.monotonic() < end:
    began = time.monotonic()
    try:
        if connection is None or len(took) % 10 == 0:
            if connection:
                connection.close()
            connection = socket.create_connection((host, port), timeout=10)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        answer = b""
        while not answer.endswith(b"}"):
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("closed")
            answer += data
        if not answer.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(answer[:60].decode("latin-1"))
    except OSError as error:
        failures.append(repr(error))
        connection = None
    took.append((time.monotonic() - began) * 1000)
    time.sleep(0.005)
took.sort()
print(json.dumps({"count": len(took), "p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)], "max_ms": took[-1],
    "failures": failures[:5], "failed": len(failures)}))
