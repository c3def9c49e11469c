"""upstream.py — other servers, as a plugin's calls meet them: good, slow, broken, huge, leading elsewhere, or gone amid an answer."""

import asyncio
import gzip
import json
import ssl
import threading
import time
import urllib.parse

THING = {"name": "wheel", "number": 3}


class Upstream:
    """A server on a thread of its own. Remembers what it was asked, and how many connections there were."""

    def __init__(self, host="127.0.0.1", certificate=None):
        self.host, self.certificate = host, certificate
        self.requests, self.connections, self.open, self.open_max, self.cut = [], 0, 0, 0, 0
        self.ready, self.loop = threading.Event(), None
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def url(self, path="/thing", **query):
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{host}:{self.port}{path}" + ("?" + urllib.parse.urlencode(query) if query else "")

    def forget(self):
        self.requests, self.connections, self.open_max, self.cut = [], 0, self.open, 0

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    async def serve(self):
        self.loop, self.stopped, context = asyncio.get_running_loop(), asyncio.Event(), None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
        server = await asyncio.start_server(self.converse, self.host, 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.stopped.wait()
        server.close()

    async def converse(self, reader, writer):
        self.connections += 1
        self.open += 1
        self.open_max = max(self.open, self.open_max)
        try:
            while await self.exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            writer.close()

    async def exchange(self, reader, writer):
        line = await reader.readline()
        if not line:
            return False
        method, target, _ = line.decode().split()
        fields = {}
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            fields[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.requests.append((method, target, fields, body))
        path, _, query = target.partition("?")
        options = dict(urllib.parse.parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape"))
        behave = getattr(self, "on_" + path.strip("/").replace("-", "_"), None)
        if behave is None:
            return await self.answer(writer, 404, b'{"detail":"Not Found"}')
        return await behave(reader, writer, options, (method, fields, body))

    async def answer(self, writer, status, body, kind="application/json", **fields):
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        return True

    async def wait_or_be_cut(self, reader, seconds):
        """True when the other side has gone meanwhile."""
        try:
            if not await asyncio.wait_for(reader.read(1), seconds):
                self.cut += 1
                return True
        except asyncio.TimeoutError:
            pass
        except ConnectionError:
            self.cut += 1
            return True
        return False

    # ---- what it does, by path

    async def on_thing(self, _reader, writer, _options, _request):
        return await self.answer(writer, 200, json.dumps(THING).encode())

    async def on_list(self, _reader, writer, _options, _request):
        return await self.answer(writer, 200, json.dumps([THING] * 3).encode())

    async def on_slow(self, reader, writer, options, _request):
        if await self.wait_or_be_cut(reader, float(options.get("ms", 100)) / 1000):
            return False
        return await self.answer(writer, 200, json.dumps(THING).encode())

    async def on_echo(self, _reader, writer, _options, request):
        method, fields, body = request
        said = {"method": method, "fields": fields, "body": body.decode("latin-1")}
        return await self.answer(writer, 200, json.dumps(said).encode())

    async def on_status(self, _reader, writer, options, _request):
        return await self.answer(writer, int(options["code"]), json.dumps(THING).encode())

    async def on_text(self, _reader, writer, options, _request):
        return await self.answer(writer, 200, options["body"].encode("utf-8", "surrogateescape"))

    async def on_nothing(self, _reader, writer, _options, _request):
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    async def on_chunks(self, _reader, writer, _options, _request):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in json.dumps(THING).encode():
            writer.write(b"1\r\n%c\r\n" % byte)
            await writer.drain()
        writer.write(b"0\r\nX-Trailer: yes\r\n\r\n")
        return True

    async def on_pieces(self, _reader, writer, _options, _request):
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" + b'{"name": "w", "number": 12}':
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        return True

    async def on_long(self, _reader, writer, options, _request):
        return await self.answer(writer, 200, b'{"name": "' + b"x" * int(options["bytes"]) + b'", "number": 1}')

    async def on_endless(self, _reader, writer, _options, _request):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
                await writer.drain()
        except ConnectionError:
            self.cut += 1
            raise

    async def on_endless_head(self, _reader, writer, _options, _request):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for number in range(1_000_000):
                writer.write(b"X-Field-%d: %s\r\n" % (number, b"x" * 1000))
                await writer.drain()
        except ConnectionError:
            self.cut += 1
            raise

    async def on_endless_hints(self, _reader, writer, _options, _request):
        try:
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100)
                await writer.drain()
        except ConnectionError:
            self.cut += 1
            raise

    async def on_bomb(self, _reader, writer, _options, _request):
        return await self.answer(writer, 200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")

    async def on_zipped(self, _reader, writer, _options, _request):
        return await self.answer(writer, 200, gzip.compress(json.dumps(THING).encode()), Content_Encoding="gzip")

    async def on_badly_zipped(self, _reader, writer, _options, _request):
        return await self.answer(writer, 200, b"this is no gzip at all", Content_Encoding="gzip")

    async def on_dies(self, _reader, writer, _options, _request):
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"name": "whe')
        await writer.drain()
        return False

    async def on_dies_at_once(self, _reader, _writer, _options, _request):
        return False

    async def on_junk(self, _reader, writer, _options, _request):
        writer.write(b"220 mail.example.org ESMTP\r\n")
        await writer.drain()
        return False

    async def on_old(self, _reader, writer, _options, _request):
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(THING).encode())
        await writer.drain()
        return False

    async def on_hangs(self, reader, _writer, _options, _request):
        await self.wait_or_be_cut(reader, 30)
        return False

    async def on_stalls(self, reader, writer, _options, _request):
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"name"')
        await writer.drain()
        await self.wait_or_be_cut(reader, 30)
        return False

    async def on_leads(self, _reader, writer, options, _request):
        return await self.answer(writer, int(options.get("code", 302)), b"", Location=options["to"])

    async def on_turns(self, _reader, writer, _options, _request):
        return await self.answer(writer, 302, b"", Location="/turns")


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
