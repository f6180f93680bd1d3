"""The servers of the samples: they answer in both families of addresses, whichever the cluster has."""

import http.server
import socket
import threading
import urllib.request
from typing import Any

import pytest
import yaml

from tests.support.environments import ROOT

PROGRAMS = {
    "web": ("web/base/server.yaml", "server.py"),
    "extension": ("extension/base/controller.yaml", "controller.py"),
}


def server_of(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server class of a sample's program, which is not started."""
    monkeypatch.setenv("NAMESPACE", "here")
    path, file = PROGRAMS[name]
    (source,) = [
        item["data"][file]
        for item in yaml.safe_load_all((ROOT / "workloads" / path).read_text())
        if item["kind"] == "ConfigMap"
    ]
    scope: dict[str, Any] = {"__name__": "sample"}
    exec(compile(source.split("\nserver = ")[0], file, "exec"), scope)  # noqa: S102 - it is ours
    return scope["Server"]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(("bound", "called"), [("::1", "[::1]"), ("::ffff:127.0.0.1", "127.0.0.1")])
def test_it_answers_in_both_families(name: str, bound: str, called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = server_of(name, monkeypatch)((bound, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        with urllib.request.urlopen(f"http://{called}:{server.server_address[1]}/", timeout=5) as answer:
            assert answer.status == 204
    finally:
        server.shutdown()
        server.server_close()
