"""Stands in for kubectl and helm: keeps what the cluster has, and writes down what it was asked, in order."""

import json
from pathlib import Path
from typing import Any

from delivery.subprocesses import Done

OUR_TYPES = {"ScheduledScale": "scheduledscales.platform.example.com"}
COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}


class Fails(Exception):
    """What a program prints before it ends with 1."""


class Programs:
    """kubectl and helm of a cluster, in the place of `delivery.tools.run`."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.calls: list[str] = []
        self.failing = ""
        """A text of calls that shall fail."""

    def __call__(self, command: list[str], _what: str, *, seconds: float, given: str | None = None) -> Done:
        assert seconds > 0
        name = Path(command[0]).name
        try:
            out = {"kubectl": self._kubectl, "helm": self._helm}[name](command[1:], json.loads(given or "null"))
        except Fails as failure:
            return Done(name, 1, "", str(failure))
        return Done(name, 0, out or "", "")

    def at(self, text: str) -> int:
        """When the first call with ``text`` was made."""
        return next(place for place, call in enumerate(self.calls) if text in call)

    def _kubectl(self, arguments: list[str], given: dict[str, Any] | None) -> str | None:
        if arguments[0] == "config":
            return {"current-context": "here", "view": "https://localhost:8443\nY2E="}[arguments[1]]
        action, rest = arguments[2], arguments[3:]  # after --context NAME
        items = given["items"] if given else []
        what = [key(item) for item in items] or rest
        self._log("kubectl", action, what)
        if action == "apply":
            self._apply(items)
        elif action == "delete":
            claims = "" if items else f"persistentvolumeclaim/{rest[rest.index('--namespace') + 1]}/"
            for name in what if items else [name for name in self.state if name.startswith(claims)]:
                self.state.pop(name, None)
        elif action == "rollout":
            kind, name = rest[1].split("/")
            if f"{kind}/{rest[rest.index('--namespace') + 1]}/{name}" not in self.state:
                raise Fails(f"Error from server (NotFound): {rest[1]} not found")
        elif action == "get":
            return json.dumps(COMPLETE if rest[0].startswith("job/") else {"items": []})
        return None

    def _apply(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            definition = OUR_TYPES.get(item["kind"])
            if definition and f"customresourcedefinition//{definition}" not in self.state:
                raise Fails(f'error: no matches for kind "{item["kind"]}" in version "{item["apiVersion"]}"')
            namespace = item["metadata"].get("namespace")
            if namespace not in (None, "kube-system", "default") and f"namespace//{namespace}" not in self.state:
                raise Fails(f'Error from server (NotFound): namespaces "{namespace}" not found')
            before = self.state.get(key(item))
            if item["kind"] == "Job" and before and before["spec"]["template"] != item["spec"]["template"]:
                raise Fails(f"The Job {item['metadata']['name']} is invalid: spec.template: field is immutable")
            self.state[key(item)] = item
            claims = item.get("spec", {}).get("volumeClaimTemplates", []) if item["kind"] == "StatefulSet" else []
            for template in claims:
                name = f"{template['metadata']['name']}-{item['metadata']['name']}-0"
                claim = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": namespace, "name": name}}
                self.state[key(claim)] = claim

    def _helm(self, arguments: list[str], given: Any) -> None:
        self._log("helm", arguments[2], arguments[3:])
        if arguments[2] == "upgrade":
            self.state["chart//" + arguments[4]] = given
        else:
            self.state.pop("chart//" + arguments[3], None)

    def _log(self, program: str, action: str, what: list[str]) -> None:
        call = " ".join((program, action, *what))
        self.calls.append(call)
        if self.failing and self.failing in call:
            raise Fails(f"error: {self.failing} exceeded its progress deadline")


def key(item: dict[str, Any]) -> str:
    """Kind, namespace and name of an object, as one text."""
    metadata = item["metadata"]
    return "/".join((item["kind"].lower(), metadata.get("namespace", ""), metadata["name"]))
