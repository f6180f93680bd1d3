"""Runs in front of the CDK's kubectl handler, from a layer of its function, and does what that leaves undone: deleting.

`kubectl apply --prune` knows 16 kinds and no node pool, network policy, service account or custom resource
(https://github.com/aws/aws-cdk/issues/22085); the CDK's deletion takes objects that another resource applies by now, and
hides what went wrong. Here an object goes when it leaves its manifest, whatever its kind, as long as it has the label of
that manifest: whoever applied it since then has put another label in its place, or taken it away.
"""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import index  # type: ignore[import-not-found]  # the CDK's handler
from apply import kubeconfig  # type: ignore[import-not-found]  # importing it puts the layers' programs on PATH

_MANIFEST = "Custom::AWSCDK-EKS-KubernetesResource"
_SECONDS = 840
"""A function has 15 minutes: what does not go in time must be said before they are over."""

_Object = dict[str, Any]
_Identity = tuple[str, str, str, str]


def handler(event: dict[str, Any], context: Any) -> Any:
    """Answers a custom resource of the CDK: a chart as the CDK does, a manifest with a complete deletion."""
    if event["ResourceType"] != _MANIFEST:
        return index.handler(event, context)
    properties = dict(event["ResourceProperties"])
    label = properties.pop("PruneLabel", None)
    if event["RequestType"] == "Delete":
        if _log_in(properties["ClusterName"]):
            _delete(json.loads(properties["Manifest"]), label)
        return None
    answer = index.handler({**event, "ResourceProperties": properties}, context)
    before = event.get("OldResourceProperties") or {}
    _delete(_gone(before, properties), before.get("PruneLabel"))
    return answer


def _gone(before: Mapping[str, str], now: Mapping[str, str]) -> list[_Object]:
    """Returns the objects of the manifest before that are not in the one of now."""
    kept = {_identity(item) for item in json.loads(now["Manifest"])}
    return [item for item in json.loads(before.get("Manifest") or "[]") if _identity(item) not in kept]


def _identity(item: _Object) -> _Identity:
    """Returns group, kind, namespace and name: another version of a group has the same objects."""
    group, slash, _ = str(item["apiVersion"]).partition("/")
    metadata = item["metadata"]
    return (
        group if slash else "",
        str(item["kind"]),
        str(metadata.get("namespace") or "default"),
        str(metadata["name"]),
    )


def _log_in(cluster: str) -> bool:
    """Writes the kubeconfig; returns whether the cluster is still there."""
    command = ["aws", "eks", "update-kubeconfig", "--name", cluster, "--kubeconfig", kubeconfig]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode and "ResourceNotFoundException" in done.stderr:
        print(f"The cluster {cluster} is gone, and its objects with it")
        return False
    if done.returncode:
        raise RuntimeError(f"aws eks update-kubeconfig: {done.stderr.strip()[-1000:]}")
    return True


def _delete(items: list[_Object], label: str | None) -> None:
    """Deletes objects that still have the label, the last first, and waits until each is gone, finalizers and all."""
    for item in reversed(items):
        group, kind, namespace, name = _identity(item)
        command = ["kubectl", "--kubeconfig", kubeconfig, "delete", f"{kind}.{group}" if group else kind]
        command += ["--field-selector", f"metadata.name={name}", f"--timeout={_SECONDS}s"]
        command += ["--namespace", namespace] if "namespace" in item["metadata"] else []
        command += ["--selector", label] if label else []
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        print(f"{kind} {name}: {done.stdout.strip()} {done.stderr.strip()}")
        # The definition of a custom resource went first, and took its objects with it.
        if done.returncode and "the server doesn't have a resource type" not in done.stderr:
            raise RuntimeError(f"{kind} {name} of namespace {namespace} does not go: {done.stderr.strip()[-1000:]}")
