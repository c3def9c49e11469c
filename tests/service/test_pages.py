"""test_pages.py — /docs, /redoc and the document: named as the API is, moved and switched off by settings, compressed beforehand."""

import gzip
import re

import pytest

from client import Client
from server import SECRET, Server, build_folder

has_scripts = pytest.mark.skipif(not (build_folder() / "pages/redoc.standalone.js.gz").exists(), reason="tools/fetch-pages has not run")


def links(page):
    return re.findall(r'(?:src|href|spec-url)="(/[^"]*)"', page.body.decode())


# promises 1, 13
def test_pages_have_the_title_of_the_api_and_can_be_moved():
    with Server(API_TITLE='<Shop> & "Co"', DOCS_URL="/api/docs", REDOC_URL="/api/redoc", OPENAPI_URL="/api/openapi.json") as server:
        client = Client(server)
        docs, redoc = client.get("/api/docs"), client.get("/api/redoc")
        assert b"<title>&lt;Shop&gt; &amp; &quot;Co&quot; - Swagger UI</title>" in docs.body
        assert b"<title>&lt;Shop&gt; &amp; &quot;Co&quot; - ReDoc</title>" in redoc.body
        assert "/api/openapi.json" in links(redoc) and all(link.startswith("/api/") for link in links(docs) + links(redoc))
        assert b"url: '/api/openapi.json'" in client.get("/api/docs/files/start.js").body
        assert client.get("/api/openapi.json").json["info"]["title"] == '<Shop> & "Co"'
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/files/start.js"):
            assert client.get(path).status == 404
        for path in ("/api/docs/files/nothing.js", "/api/docs/files/swagger-ui-bundle.js.LICENSE.txt", "/api/docs/files/.."):
            assert client.get(path).status == 404


def test_one_page_may_be_off_and_the_other_has_its_scripts():
    with Server(DOCS_URL="off", REDOC_URL="/reference") as server:
        client = Client(server)
        assert client.get("/docs").status == 404
        page = client.get("/reference")
        assert "/reference/files/redoc.standalone.js" in links(page) and "/openapi.json" in links(page)
        assert client.get("/openapi.json").status == 200


def test_without_the_document_there_are_no_pages():
    with Server(OPENAPI_URL="off") as server:
        assert {Client(server).get(path).status for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_a_server_in_production_has_none_unless_it_is_asked_for():
    with Server("--production", SECRET_KEY=SECRET) as server:
        assert {Client(server).get(path).status for path in ("/docs", "/redoc", "/openapi.json")} == {404}
        assert Client(server).get("/health").status == 200
    with Server("--production", SECRET_KEY=SECRET, DOCS_URL="/docs") as server:
        client = Client(server)
        assert (client.get("/docs").status, client.get("/redoc").status, client.get("/openapi.json").status) == (200, 404, 200)


@pytest.mark.parametrize("url", ["docs", "/docs/", "/", "/a b", "/{name}", "/a'b", '/"'])
def test_what_is_no_path_is_refused(url):
    with Server(DOCS_URL=url, start=False) as server:
        server.start(wait=False)
        assert server.wait() == 1 and "DOCS_URL" in server.log()


@has_scripts
def test_scripts_are_sent_compressed_and_once():
    with Server() as server:
        client = Client(server)
        plain = client.get("/docs/files/swagger-ui-bundle.js")
        packed = client.get("/docs/files/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"})
        assert plain.status == 200 and plain.field("Content-Type") == "text/javascript; charset=utf-8"
        assert packed.field("Content-Encoding") == "gzip" and gzip.decompress(packed.body) == plain.body
        assert client.get("/docs/files/swagger-ui-bundle.js", headers={"If-None-Match": plain.field("ETag")}).status == 304
        assert packed.field("Vary") == "Accept-Encoding" and packed.field("Cache-Control") == "public, max-age=3600"
