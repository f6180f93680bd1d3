"""The controller of workloads/extension, against an API server on loopback that knows just what it asks for."""

import json
import threading
import types
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.environments import ROOT

BASE = ROOT / "workloads/extension/base"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


class ApiServer(ThreadingHTTPServer):
    """ScheduledScales, the replicas of Deployments, and what was changed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.items: dict[str, dict[str, Any]] = {}
        self.replicas: dict[str, int] = {}
        self.broken: set[str] = set()
        self.writes: list[str] = []
        self.events: list[dict[str, Any]] = []

    def add(self, name: str, **spec: Any) -> None:
        spec = {
            "deployment": name,
            "day": {"fromHour": 7, "replicas": 2},
            "night": {"fromHour": 19, "replicas": 0},
        } | spec
        self.items[name] = {"metadata": {"name": name, "generation": 1}, "spec": spec}


class Handler(BaseHTTPRequestHandler):
    server: ApiServer

    def do_GET(self) -> None:
        name = self.path.split("/")[-2]
        if "watch=1" in self.path:
            self.answer(200, *self.server.events)
        elif self.path.endswith("/scheduledscales"):
            self.answer(200, {"metadata": {"resourceVersion": "7"}, "items": list(self.server.items.values())})
        elif name in self.server.broken:
            self.answer(500)
        elif name in self.server.replicas:
            self.answer(200, {"spec": {"replicas": self.server.replicas[name]}})
        else:
            self.answer(404)

    def do_PATCH(self) -> None:
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, what = self.path.split("/")[-2:]
        self.server.writes.append(f"{name}/{what}")
        if what == "scale":
            self.server.replicas[name] = body["spec"]["replicas"]
        else:
            self.server.items[name]["status"] = body["status"]
        self.answer(200, {})

    def answer(self, status: int, *lines: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write("".join(json.dumps(line) + "\n" for line in lines).encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def controller(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NAMESPACE", "apps")
    monkeypatch.setenv("API_SERVER", f"http://127.0.0.1:{server.server_port}")
    module: Any = types.ModuleType("controller")
    source = next(yaml.safe_load_all((BASE / "controller.yaml").read_text()))["data"]["controller.py"]
    exec(compile(source, str(Path("controller.py")), "exec"), module.__dict__)  # noqa: S102 - our own file
    return module


@pytest.mark.parametrize(
    ("day", "night", "hours"),
    [(7, 19, set(range(7, 19))), (22, 6, {22, 23, *range(6)}), (0, 12, set(range(12))), (7, 7, set())],
)
def test_day_begins_and_ends_by_the_hour(controller: Any, day: int, night: int, hours: set[int]) -> None:
    spec = {"day": {"fromHour": day, "replicas": 2}, "night": {"fromHour": night, "replicas": 1}}
    assert {hour for hour in range(24) if controller.wanted(spec, hour) == 2} == hours


def test_it_scales_and_says_so_once(controller: Any, server: ApiServer) -> None:
    server.add("web")
    server.replicas["web"] = 5
    controller.reconcile(server.items["web"], NOON)
    assert server.replicas["web"] == 2
    assert server.items["web"]["status"] == {
        "observedGeneration": 1,
        "replicas": 2,
        "conditions": [
            {
                "type": "Ready", "status": "True", "reason": "Scaled", "message": "web has 2 replicas",
                "observedGeneration": 1, "lastTransitionTime": "2026-11-26T12:00:00Z",
            }
        ],
    }  # fmt: skip
    server.writes.clear()
    controller.reconcile(server.items["web"], NOON.replace(hour=13))
    assert server.writes == []
    controller.reconcile(server.items["web"], NOON.replace(hour=19))
    assert server.replicas["web"] == 0
    assert server.items["web"]["status"]["conditions"][0]["lastTransitionTime"] == "2026-11-26T12:00:00Z"  # still ready


def test_a_deployment_that_is_missing_is_said_and_comes_back(controller: Any, server: ApiServer) -> None:
    server.add("web")
    controller.reconcile(server.items["web"], NOON)
    condition = server.items["web"]["status"]["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "NotFound")
    server.replicas["web"] = 0
    controller.reconcile(server.items["web"], NOON.replace(minute=5))
    condition = server.items["web"]["status"]["conditions"][0]
    assert (condition["status"], condition["lastTransitionTime"]) == ("True", "2026-11-26T12:05:00Z")


def test_one_that_fails_does_not_stop_the_others(
    controller: Any, server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add("broken")
    server.add("web", night={"fromHour": 19, "replicas": 2})
    server.broken.add("broken")
    server.replicas["web"] = 1
    assert controller.round_trip() == "7"
    assert server.replicas["web"] == 2
    assert "broken: HTTP Error 500" in capsys.readouterr().out
    assert "status" not in server.items["broken"]


def test_its_own_status_does_not_wake_it(controller: Any, server: ApiServer) -> None:
    own = {"type": "MODIFIED", "object": {"metadata": {"generation": 2}, "status": {"observedGeneration": 2}}}
    other = {"type": "MODIFIED", "object": {"metadata": {"generation": 3}, "status": {"observedGeneration": 2}}}
    after = {"type": "ADDED", "object": "never read"}
    server.events = [own, {"type": "BOOKMARK", "object": {}}, other, after]
    controller.watch("7")  # would fail at the last one
    server.events = [own, after]
    with pytest.raises(AttributeError):
        controller.watch("7")


def test_the_definition_says_what_the_controller_reads() -> None:
    definition = yaml.safe_load((BASE / "definition.yaml").read_text())
    version = definition["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    assert set(properties["spec"]["required"]) == {"deployment", "day", "night"}
    sample = [
        item for item in yaml.safe_load_all((BASE / "sample.yaml").read_text()) if item["kind"] == "ScheduledScale"
    ]
    assert sample[0]["spec"].keys() == set(properties["spec"]["required"])
    assert sample[0]["apiVersion"] == f"{definition['spec']['group']}/{version['name']}"
