"""`make refresh-images` against a registry on loopback: tokens for anybody, redirects, lists of images."""

import hashlib
import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from safe_io.errors import BadInput
from stacks.objects import refresh_images
from stacks.objects.images import FILE, images
from stacks.objects.refresh_images import RegistryProblem, refresh, refreshed

TODAY = date(2026, 12, 1)
FILE_TEXT = """\
# a comment that stays
checked: "2026-01-01"
read_from: hearsay
images:
  app: {{repository: {registry}/team/app, tag: "1", digest: "sha256:{old}"}}
"""


def index(*architectures):
    platforms = [{"os": "linux", "architecture": one} for one in architectures]
    return json.dumps({"manifests": [{"platform": one, "digest": "sha256:x"} for one in platforms]}).encode()


@pytest.fixture
def registry(monkeypatch):
    """A registry that gives anybody a token, and its pages by path."""
    monkeypatch.setattr(refresh_images, "SCHEME", "http")
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            if path == "/token":
                return self.answer(200, pages.get(path, json.dumps({"token": "anybody"}).encode()))
            if self.headers.get("Authorization") != "Bearer anybody":
                challenge = f'Bearer realm="http://{registry_name}/token",service="here",scope="pull"'
                return self.answer(401, b"", {"WWW-Authenticate": challenge})
            if path in pages and isinstance(pages[path], str):
                return self.answer(307, b"", {"Location": pages[path]})
            return self.answer(200, pages[path]) if path in pages else self.answer(404, b"")

        def answer(self, code, body, headers=None):
            self.send_response(code)
            for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry_name = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield registry_name, pages
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(registry, tmp_path):
    path = tmp_path / "images.yaml"
    path.write_text(FILE_TEXT.format(registry=registry[0], old=64 * "0"))
    return path


def test_digest_and_day_are_written_and_the_rest_stays(registry, file):
    registry[1]["/v2/team/app/manifests/1"] = "/moved"
    registry[1]["/moved"] = body = index("amd64", "arm64")
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert refresh(file, TODAY) == [f"app 1: sha256:{64 * '0'} -> {digest}"]
    text = file.read_text()
    assert text.startswith("# a comment that stays\n")
    assert 'checked: "2026-12-01"\nread_from: the registries\n' in text
    assert images(file)["app"].digest == digest
    assert refresh(file, TODAY) == []
    assert [path.name for path in file.parent.iterdir()] == ["images.yaml"]


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (None, "there is no such image or tag"),
        (index("amd64"), "has no image for arm64; it has: amd64"),
        (b'{"config": {}}', "is not a list of images for several processors"),
        (b"<html>", "is not a list of images for several processors"),
    ],
)
def test_what_is_no_image_for_all_changes_nothing(registry, file, page, message):
    if page is not None:
        registry[1]["/v2/team/app/manifests/1"] = page
    before = file.read_text()
    with pytest.raises(RegistryProblem, match=message):
        refresh(file, TODAY)
    assert file.read_text() == before


@pytest.mark.parametrize("answer", [b"[]", b"null", b"{}", b"<html>", b"", b'{"token"', b"[" * 100_000])
def test_a_token_of_another_shape_is_one_message(registry, file, answer):
    registry[1]["/token"] = answer
    with pytest.raises(RegistryProblem, match="gives no token"):
        refresh(file, TODAY)


def test_no_answer_is_one_message(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(refresh_images, "SCHEME", "http")
    path = tmp_path / "images.yaml"
    path.write_text(FILE_TEXT.format(registry="127.0.0.1:9", old=64 * "0"))
    monkeypatch.setattr(refresh_images.refresh, "__defaults__", (path, None))
    with pytest.raises(BadInput, match=r"no answer.*stays as it is"):
        refresh_images.main()
    assert path.read_text() == FILE_TEXT.format(registry="127.0.0.1:9", old=64 * "0")
    assert capsys.readouterr() == ("", "")


def test_the_shipped_file_can_be_refreshed():
    old = images(FILE)
    new = {name: f"sha256:{number:064x}" for number, name in enumerate(old)}
    text = refreshed(FILE.read_text(), old, new, TODAY)
    assert all(text.count(digest) == 1 for digest in new.values())
