"""A delivery: its files, what AWS answers, and what kubectl and helm print; each of any shape."""

import json
import random
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from unittest.mock import patch

import yaml

from delivery import account, tools
from delivery.applying import apply
from delivery.plan import Plan, is_chart, read_plan
from delivery.problem import DeliveryProblem
from delivery.removing import remove
from delivery.subprocesses import Done
from delivery.task import Task
from responsibility.account.errors import AccountError
from safe_io.errors import BadInput
from tests.fuzz.driver import Target
from tests.fuzz.mutations import TEXTS, changed_data, changed_text

_STEPS = [
    {"file": "30-classes.yaml"},
    {"file": "50-chart.helm.json", "outputs": {"VPC_ID": "VpcId"}},
    {"file": "60-web.yaml", "outputs": {"ROLE": "WebRole"}, "workload": "web"},
]
_PLAN = {"environment": "e", "cluster": "c", "account": "111122223333", "region": "eu-west-1", "stack": "e-workloads-c"}
_CHART = {
    "name": "lbc",
    "namespace": "kube-system",
    "repository": "https://example.com/charts",
    "chart": "lbc",
    "version": "3.5.0",
    "note": "For load balancers.",
    "values": {"vpcId": "${VPC_ID}", "clusterName": "c"},
}
_CLASS = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "gp3"}, "provisioner": "x"}
_META = {"name": "web", "namespace": "web"}
_WEB = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}},
    {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
    },
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _META, "data": {"role": "${ROLE}"}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _META, "spec": {"replicas": 1}},
    {"apiVersion": "batch/v1", "kind": "Job", "metadata": _META, "spec": {"template": {}}},
    {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _META, "spec": {}},
    {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": _META, "spec": {}},
]
_FILES: dict[str, Any] = {
    "delivery.json": {**_PLAN, "steps": _STEPS},
    "30-classes.yaml": [_CLASS],
    "50-chart.helm.json": _CHART,
    "60-web.yaml": _WEB,
}
_VALUES = {"VpcId": "vpc-1", "WebRole": "arn:aws:iam::111122223333:role/web"}

_ANSWERS: dict[str, Any] = {
    "Arn": "arn:aws:sts::111122223333:assumed-role/admin/me",
    "cluster": {"status": "ACTIVE", "arn": "a", "endpoint": "https://e", "certificateAuthority": {"data": "Y2E="}},
    "Stacks": [{"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in _VALUES.items()]}],
}
_JOB = {"status": {"conditions": [{"type": "Complete", "status": "True", "message": "done"}]}}
_VOLUME = {
    "metadata": {"name": "pv"},
    "spec": {"persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "web"}},
}


def _text(name: str, content: Any) -> str:
    return json.dumps(content) if name.endswith(".json") else yaml.safe_dump_all(content)


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="fuzz-"))


def _write(files: dict[str, str]) -> Path:
    """Writes an assembly; returns its folder."""
    shutil.rmtree(_folder() / "manifests", ignore_errors=True)
    folder = _folder() / "manifests/c"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return _folder()


def _draw_files(rng: random.Random) -> dict[str, str]:
    files = dict(_FILES)
    name = rng.choice(sorted(files))
    if rng.random() < 0.5:
        return {one: changed_text(_text(one, it), rng) if one == name else _text(one, it) for one, it in files.items()}
    files[name] = changed_data({"it": files[name]}, rng).get("it")
    if not name.endswith(".json") and not isinstance(files[name], list):
        files[name] = [files[name]]
    return {one: _text(one, it) for one, it in files.items()}


def _read(files: dict[str, str]) -> None:
    plan = read_plan(_write(files), None)
    for step in plan.description.steps:
        read = plan.chart if is_chart(step) else plan.objects
        read(step, _VALUES)


class _Asked:
    """AWS, which answers anything."""

    region = "eu-west-1"

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def one(self, _service: str, _method: str, key: str, **_: Any) -> Any:
        if key not in self.answers:
            raise AccountError(f"{key}: no answer", "ResourceNotFoundException")
        return self.answers[key]

    def items(self, service: str, method: str, key: str, **_: Any) -> list[Any]:
        found = self.one(service, method, key)
        return found if isinstance(found, list) else [found]


def _ask(answers: dict[str, Any]) -> None:
    cluster, values = account.ask(_plan(), _Asked(answers))
    assert all(isinstance(one, str) and one for one in (cluster.arn, cluster.endpoint, cluster.certificate_authority))
    assert all(isinstance(one, str) for one in values.values())


@cache
def _plan() -> Plan:
    files = {name: _text(name, content) for name, content in _FILES.items()}
    folder = Path(mkdtemp(prefix="fuzz-"))
    (folder / "manifests/c").mkdir(parents=True)
    for name, text in files.items():
        (folder / "manifests/c" / name).write_text(text)
    return read_plan(folder, None)


def _draw_prints(rng: random.Random) -> tuple[str, int]:
    return rng.choice(("apply", "remove")), rng.randrange(2**32)


def _deliver(drawn: tuple[str, int]) -> None:
    """Delivers with programs that mostly do well, and else end and print as chance says."""
    action, seed = drawn
    rng = random.Random(seed)  # noqa: S311 - the same every time
    odd = rng.choice((0.0, 0.05, 0.3))

    def run(command: list[str], _what: str, *, seconds: float, given: str | None = None) -> Done:  # noqa: ARG001
        words = " ".join(command)
        said: Any = ""
        if " get persistentvolumes" in words:
            said = {"items": [_VOLUME]}
        elif " get job/" in words:
            said = _JOB
        if rng.random() < odd and said:
            said = changed_data(said, rng)
        out = json.dumps(said) if said else ""
        if rng.random() < odd / 2:
            out = changed_text(out, rng)
        error = "".join(
            rng.choice((*TEXTS, 'conflict with "kubectl-client-side-apply"\n', "connection refused"))
            for _ in range(rng.randrange(9))
        )
        return Done(Path(command[0]).name, rng.choice((1, 2, 255, -9)) if rng.random() < odd / 2 else 0, out, error)

    with patch.object(tools, "run", run), patch.object(tools, "find", lambda name: name):
        kubectl = tools.Kubectl("here", timeout=1, pause=0)
        try:
            act = apply if action == "apply" else remove
            act(Task(_plan(), _VALUES, kubectl, tools.Helm("here"), timeout=0, say=lambda _: None, pause=0))
        except DeliveryProblem as problem:
            raise BadInput(str(problem)) from None  # one line, or a few: the driver looks at them


TARGETS = (
    Target("delivery-files", _draw_files, _read, str, cases=80),
    Target("delivery-account", lambda rng: changed_data(_ANSWERS, rng), _ask, cases=150),
    Target("delivery-programs", _draw_prints, _deliver, cases=80),
)
