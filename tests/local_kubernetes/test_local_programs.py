"""Where the programs of a local Kubernetes come from: a named folder, the cache, a download whose sum is pinned, or Go."""

import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_kubernetes import building, downloading, programs
from local_kubernetes.obtaining import obtain
from safe_io.errors import BadInput

PROGRAM = b"#!/bin/sh\nexit 0\n"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.delenv(programs.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def no_go(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def releases() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A server in the place of dl.k8s.io and github.com: its address, and what it answers by path."""
    answers: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = answers.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


@pytest.fixture
def pinned(releases, monkeypatch) -> dict[str, str]:
    """A table whose addresses are the server's; returns its sums."""
    base, answers = releases
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            entry = tarfile.TarInfo("etcd-v3.7.3/etcd")
            entry.size = len(PROGRAM)
            archive.addfile(entry, io.BytesIO(PROGRAM))
        answers["/etcd"] = file.getvalue()
    answers |= {f"/{name}": PROGRAM for name in programs.PARTS if name != "etcd"}
    sums = {f"{base}{path}": hashlib.sha256(content).hexdigest() for path, content in answers.items()}
    rows: dict[str, dict[str, str]] = {name: {"url": f"{base}/{name}"} for name in programs.PARTS}
    rows["etcd"]["member"] = "etcd-v{etcd}/etcd"
    table = {**programs.table(), "downloads": rows, "sha256": sums}
    monkeypatch.setattr(programs, "table", lambda: table)
    monkeypatch.setattr(downloading, "table", lambda: table)
    return sums


def folder_of(tmp_path: Path, *names: str) -> Path:
    for name in names:
        file = tmp_path / "named" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(PROGRAM)
        file.chmod(0o755)
    return tmp_path / "named"


def left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_named_folder_comes_first_and_says_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setenv(programs.VARIABLE, str(folder_of(tmp_path, "kube-apiserver", "etcd")))
    found = programs.find("1.36")
    assert found is not None
    assert found.path("etcd") == tmp_path / "named" / "etcd"
    with pytest.raises(BadInput, match=r"has no kube-scheduler\. `python -m local_kubernetes programs` gets them"):
        found.path("kube-scheduler")


def test_a_named_folder_without_an_api_server_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(programs.VARIABLE, str(folder_of(tmp_path, "etcd")))
    with pytest.raises(BadInput, match=r"KUBEBUILDER_ASSETS=.*has no kube-apiserver"):
        programs.find("1.36")


def test_nothing_is_found_before_anything_is_got():
    assert programs.find("1.36") is None


@pytest.mark.usefixtures("pinned", "no_go")
def test_a_download_with_pinned_sums_fills_the_cache_once(releases):
    said: list[str] = []
    found = obtain("1.36", said.append)
    assert [(found.folder / name).read_bytes() for name in programs.PARTS] == [PROGRAM] * len(programs.PARTS)
    assert all(os.access(found.folder / name, os.X_OK) for name in programs.PARTS)
    assert len(said) == len(programs.PARTS)
    releases[1].clear()  # nobody is asked again
    assert obtain("1.36", said.append) == found
    assert programs.find("1.36") == found


@pytest.mark.usefixtures("pinned", "no_go")
def test_another_sum_than_the_pinned_one_is_refused_and_leaves_nothing(tmp_path, releases):
    releases[1]["/kube-scheduler"] = b"something else"
    with pytest.raises(BadInput, match=r"/kube-scheduler: its SHA-256 is \w+, and \w+ is pinned\. It is not used"):
        obtain("1.36", lambda _: None)
    assert left(tmp_path) == []


@pytest.mark.usefixtures("pinned", "no_go")
def test_an_address_that_does_not_answer_is_one_line(tmp_path, releases):
    del releases[1]["/kwok"]
    with pytest.raises(BadInput, match=r"/kwok: cannot be downloaded: Not Found\."):
        obtain("1.36", lambda _: None)
    assert left(tmp_path) == []


@pytest.mark.usefixtures("no_go")
def test_what_has_no_pinned_sum_is_not_downloaded(pinned):
    pinned.clear()
    with pytest.raises(
        BadInput, match=r"Nothing was downloaded: programs.yaml has no SHA-256 of kube-apiserver.*Go is not installed"
    ):
        obtain("1.36", lambda _: None)


def test_go_builds_every_part_with_its_release(tmp_path, monkeypatch):
    log = tmp_path / "log"
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(f'#!/bin/sh\necho "$@" >> {log}\nwhile [ "$1" != -o ]; do shift; done\n: > "$2"\nchmod +x "$2"\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:{os.environ['PATH']}")
    found = obtain("1.37", lambda _: None)
    assert found.missing == ()
    kubernetes, etcd, kwok = log.read_text().splitlines()
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in kubernetes
    assert etcd.endswith("/etcd go.etcd.io/etcd/server/v3")
    assert kwok.endswith("/kwok sigs.k8s.io/kwok/cmd/kwok")


def test_a_build_that_fails_shows_the_message_of_go_and_leaves_nothing(tmp_path, monkeypatch):
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho 'disk quota exceeded' >&2\nexit 1\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:{os.environ['PATH']}")
    with pytest.raises(BadInput, match=r"(?s)go build \. failed:\ndisk quota exceeded"):
        obtain("1.36", lambda _: None)
    assert left(tmp_path) == []


def test_a_change_of_what_is_built_is_another_folder(monkeypatch):
    before = programs.cache_folder("1.36")
    assert before != programs.cache_folder("1.37")
    changed = {**programs.table()["versions"]["1.36"], "etcd": "3.7.4"}
    monkeypatch.setattr(programs, "releases", lambda _: changed)
    assert programs.cache_folder("1.36") != before


@pytest.mark.parametrize("minor", programs.minors())
def test_the_modules_build_the_releases_of_the_table(minor):
    release = programs.releases(minor)
    for module, package in (
        (f"kubernetes/{minor}", f"k8s.io/kubernetes v{release['kubernetes']}"),
        ("etcd", f"go.etcd.io/etcd/server/v3 v{release['etcd']}"),
        ("kwok", f"sigs.k8s.io/kwok v{release['kwok']}"),
    ):
        lines = (programs.BUILD / module / "go.mod").read_text().splitlines()
        required = [line.removesuffix(" // indirect").removeprefix("require").strip() for line in lines]
        assert package in required


def test_another_system_is_told_what_runs_there(monkeypatch):
    monkeypatch.setattr(programs.platform, "system", lambda: "Darwin")
    with pytest.raises(BadInput, match="released for Linux alone; this is Darwin"):
        programs.machine()


def test_a_process_that_was_slower_uses_what_the_other_one_built(tmp_path):
    goal = tmp_path / "goal"
    with building.filling(goal) as work:
        (work / "mine").touch()
        goal.mkdir()
        (goal / "theirs").touch()
    assert [path.name for path in goal.iterdir()] == ["theirs"]
