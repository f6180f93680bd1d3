"""What answers is not AWS, or not as AWS answers: another shape, pages or bytes without end, nothing. Each ends in one line."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from responsibility import bounds
from responsibility.account import cluster_versions, price_list, waiting
from responsibility.account.answers import told
from responsibility.account.errors import AccountError
from responsibility.account.session import Account
from tests.responsibility.account.fake_eks import kubernetes, on_loopback, run

GOOD = kubernetes("1.36", "2026-06-02", "2027-08-02", "2028-08-02")
Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture(autouse=True)
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "kubernetes_versions.yaml"
    file.write_text(cluster_versions.FILE.read_text())
    monkeypatch.setattr(cluster_versions, "FILE", file)
    return file


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, home: Path, answer: Answer) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except OSError:
                self.close_connection = True  # who asked went away

        def log_message(self, *_: object) -> None:
            pass

    with on_loopback(monkeypatch, home, "EKS", Handler):
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield


def sent(body: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def refused(monkeypatch: pytest.MonkeyPatch, capsys: Any, file: Path) -> str:
    """Runs `refresh versions`, which must end with one line and leave the file alone."""
    before = file.read_text()
    assert run(monkeypatch, "refresh", "versions") == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n"), file.read_text()) == ("", 1, before)
    return str(printed.err)


SHAPES: dict[str, tuple[Any, str]] = {
    "null": (None, "what answered is not EKS"),
    "a list": ([], "what answered is not EKS"),
    "a text": ("x", "what answered is not EKS"),
    "the list is a mapping": ({"clusterVersions": {"a": 1}}, "is not EKS|clusterVersions.0: answered"),
    "items of another type": ({"clusterVersions": ["x"]}, "is not EKS|clusterVersions.0: answered"),
    "an item is null": ({"clusterVersions": [None]}, "clusterVersions.0: answered NoneType where AWS answers a structure"),
    "a member of another type": (
        {"clusterVersions": [{"clusterVersion": ["1.36"]}]},
        "clusterVersions.0.clusterVersion: answered list where AWS answers a string",
    ),
    "a day that is none": ({"clusterVersions": [{"releaseDate": "x"}]}, ""),
    "a day at the end of time": ({"clusterVersions": [{"releaseDate": 1e300}]}, ""),
    "a token that is not text": ({"clusterVersions": [], "nextToken": {"a": 1}}, ""),
    "no text": (b"\xff\xfe", "what answered is not EKS"),
    "nothing": (b"", "answered without clusterVersions"),
    "without the list": ({}, "answered without clusterVersions"),
    "null in the place of the list": ({"clusterVersions": None}, "answered without clusterVersions"),
    "no JSON": (b"{", "answered without clusterVersions"),
    "nested without end": (b"[" * 100_000, "what answered is not EKS"),
    "a number without end": (b'{"clusterVersions": 1' + b"0" * 9_999 + b"}", ""),
}  # fmt: skip


def test_answers_of_another_shape(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    body = b""
    with answering(monkeypatch, tmp_path, lambda handler: sent(body)(handler)):
        account = Account("refresh versions")
        for what, (answer, said) in SHAPES.items():
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            with pytest.raises(AccountError, match=f"^eks:DescribeClusterVersions in eu-west-1: .*({said})") as error:
                account.items("eks", "describe_cluster_versions", "clusterVersions")
            assert str(error.value).isprintable(), what
        body = b'{"clusterVersions": []}'
        assert account.items("eks", "describe_cluster_versions", "clusterVersions") == []


def test_an_answer_without_a_version_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Path, capsys: Any
) -> None:
    with answering(monkeypatch, tmp_path, sent(b'{"clusterVersions": []}')):
        assert "names no supported version" in refused(monkeypatch, capsys, catalog)


def test_pages_that_never_end_with_tokens_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Path, capsys: Any
) -> None:
    monkeypatch.setattr("responsibility.account.session.PAGES", bounds.Bound("pages", 7, "pages in an answer"))
    asked: list[str] = []

    def page(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        # Two tokens in turn: botocore notices one alone.
        sent(json.dumps({"clusterVersions": [], "nextToken": "ab"[len(asked) % 2]}).encode())(handler)

    with answering(monkeypatch, tmp_path, page):
        said = refused(monkeypatch, capsys, catalog)
    assert "eks:DescribeClusterVersions in eu-west-1: more than 7 pages in an answer (bound: pages)" in said
    assert len(asked) == 8


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000000")
    handler.end_headers()
    stop = threading.Event()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        stop.wait(0.02)


def silence(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.settimeout(5)
    handler.connection.recv(1)  # until who asked goes away


@pytest.mark.parametrize(
    ("answer", "said"), [(drip, "no complete answer in 0.5 s"), (silence, "Read timeout on endpoint")]
)
def test_an_endpoint_that_drips_or_is_silent(
    answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, catalog: Path, capsys: Any
) -> None:
    monkeypatch.setattr(waiting, "CALL", 0.5 if answer is drip else 60.0)
    monkeypatch.setattr("responsibility.account.session.SILENCE", 0.3)
    with answering(monkeypatch, tmp_path, answer):
        assert said in refused(monkeypatch, capsys, catalog)


def test_who_waits_is_told_and_can_stop() -> None:
    told_: list[str] = []
    never = threading.Event()
    stopped = threading.Event()
    wait = waiting.Wait("eks:ListClusters in eu-west-1", told_.append)
    wait._said -= 60

    def progress_then_stop(words: str) -> None:
        told_.append(words)
        stopped.set()

    wait._progress = progress_then_stop
    with pytest.raises(AccountError, match="was given up"):
        wait.for_(lambda: never.wait(5), stopped)
    never.set()
    assert told_ == ["eks:ListClusters in eu-west-1: no answer for 0 s, waiting on"]


def test_progress_is_for_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from responsibility.cli import output as cli_output

    cli_output.progress("1 of 3")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    cli_output.progress("1 of 3\x1b[2J")
    assert capsys.readouterr().err == "1 of 3\n"


def test_a_member_that_was_not_told_is_named() -> None:
    account = Account("audit", region="eu-west-1")
    shape = account._client("eks").meta.service_model.operation_model("DescribeCluster").output_shape
    answer = told({"cluster": {"name": "x", "version": None}}, shape, "eks:DescribeCluster:")
    assert answer["cluster"] == {"name": "x"}
    with pytest.raises(AccountError, match=r"^eks:DescribeCluster: cluster: answered without version"):
        answer["cluster"]["version"]


@pytest.mark.parametrize(
    "product", ["", "[]", "{}", '{"product": {}}', '{"product": {"attributes": {}}, "terms": []}', "[" * 100_000]
)
def test_products_of_another_shape(product: str) -> None:
    with pytest.raises(AccountError, match=r"^pricing:GetProducts: answered a product of another shape \("):
        price_list._item(product)


def test_a_good_answer_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    body = {"clusterVersions": [{**GOOD, "of a later version": [1]}], "nextToken": None}
    with answering(monkeypatch, tmp_path, sent(json.dumps(body, default=lambda day: day.timestamp()).encode())):
        assert run(monkeypatch, "refresh", "versions") == 0
    assert "checked" in capsys.readouterr().out


def test_what_botocore_decodes_is_taken_decoded() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("cloudformation")
    shape = model.operation_model("GetTemplate").output_shape
    answer = {"TemplateBody": {"Resources": {}}, "StagesAvailable": ["Original"]}
    assert told(answer, shape, "cloudformation:GetTemplate:") == answer
