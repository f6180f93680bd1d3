"""checkov's Kubernetes policies on the objects of every environment, and on the defects that are meant for them."""

from pathlib import Path

import pytest

from tests.support.environments import ENVIRONMENTS
from tests.workloads import checkov
from tests.workloads.clusters import deployed
from tests.workloads.defects import FILES, base, read

IDLE = "holds a place and serves nothing: there is nothing to probe"
ACCEPTED = {
    # policy: {resource, without namespace: why}; "*" for all
    "CKV_K8S_8": {
        "Deployment.load": IDLE,
        "Deployment.sample": IDLE,
        "Deployment.sleeper": IDLE,
        "StatefulSet.store": "ends by itself when it cannot write: nothing to find out by a liveness probe",
    },
    "CKV_K8S_9": {"Deployment.load": IDLE, "Deployment.sample": IDLE, "Deployment.sleeper": IDLE},
    "CKV_K8S_11": {"*": "a limit of CPU slows a container down while the node idles; requests share it fairly"},
    "CKV_K8S_38": {"Deployment.controller": "it works through the Kubernetes API"},
}
WINDOWS = frozenset({"CKV_K8S_20", "CKV_K8S_22", "CKV_K8S_28", "CKV_K8S_30", "CKV_K8S_31", "CKV_K8S_37", "CKV_K8S_40"})
"""What ask for fields of securityContext that the API refuses for a pod of Windows:
https://kubernetes.io/docs/concepts/windows/intro/#compatibility-v1-pod-spec-containers-securitycontext"""
DEFECTS = {path.stem: read(path) for path in FILES if read(path).checker == "checkov"}


@pytest.mark.skipif(not checkov.PROGRAM.exists(), reason=checkov.NOT_HERE)
def test_manifests_and_defects(tmp_path: Path) -> None:
    """One run for all: starting it is most of the time."""
    clusters = {f"{name}-{index}": one.objects for name in ENVIRONMENTS for index, one in enumerate(deployed(name))}
    defects = {name: defect.objects for name, defect in DEFECTS.items()}
    found = checkov.run({**clusters, **defects, "base": base()}, tmp_path)

    assert found["base"] == set()
    for name, defect in DEFECTS.items():
        policy, resource = defect.message.split()
        assert found[name] == {(policy, resource)}

    failed = {pair for name in clusters for pair in found[name]}
    accepted = {(policy, resource) for policy, resource in failed if _is_accepted(policy, resource)}
    assert failed - accepted == set()
    unused = [
        (policy, name)
        for policy, resources in ACCEPTED.items()
        for name in resources
        if not any(policy == other and name in ("*", _without_namespace(resource)) for other, resource in failed)
    ]
    assert unused == []


def _is_accepted(policy: str, resource: str) -> bool:
    if policy in WINDOWS and resource.startswith("Deployment.windows-web-"):
        return True
    return bool({"*", _without_namespace(resource)} & set(ACCEPTED.get(policy, {})))


def _without_namespace(resource: str) -> str:
    kind, _, name = resource.split(".", 2)
    return f"{kind}.{name}"
