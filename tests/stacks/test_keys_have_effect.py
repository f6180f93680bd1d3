"""Every key of an environment file is read by what makes the templates and the Kubernetes objects: a key that nothing reads has no effect.

That a value reaches the right property is for the tests of each construct; this finds the key that was added and forgotten.
"""

import copy
from typing import Any

import pytest
from pydantic import BaseModel

from eks_constructs.compute.hybrid_nodes.sites import SiteSpec
from eks_constructs.spec import Spec
from stacks.overrides import apply
from tests.stacks.every_field import FILES
from tests.stacks.test_every_field import FIELDS, models
from tests.support.environments import validated
from tests.support.synth import build_platform

_DUMPED = "written as a whole: tests/constructs/test_node_making.py"
_CONSENT = "permits what is refused without it: a file of bad_environments has it"
_REACH = "says what a network reaches: tests/stacks/test_reachability.py"
_WORKLOAD = "of a workload's folder: tests/stacks/test_workloads.py"
_GITOPS = "of the tree that `make gitops` writes: tests/delivery/test_gitops.py"
_SITE = "of the files that `python -m delivery hybrid` writes for a site"
ELSEWHERE = {
    "AutoModeSpec.gateway_api": "its definitions come by hand, and workloads may then use them: tests/stacks/test_workload_needs.py",
    "ChartSpec.endpoints": _REACH,
    "EndpointSpec.allow_anywhere": _CONSENT,
    "ExistingNetworkSpec.endpoints": _REACH,
    "ExistingNetworkSpec.ipv6": "a cluster with ip_family: ipv6 needs it: a file of bad_environments has it",
    "HybridNodesSpec.dns_forwarded": _CONSENT,
    "HybridNodesSpec.hybrid_nodes_gateway": _CONSENT,
    "HybridNodesSpec.pods_per_node": _SITE,
    "HybridNodesSpec.unrouted_pod_networks": _CONSENT,
    "RegistrySpec.filled": _REACH,
    "RegistrySpec.mirror": "of images and charts, of which these files have none: tests/stacks/test_charts.py",
    **{f"ReservedSpec.{key}": _DUMPED for key in ("cpu", "ephemeral_storage", "memory")},
    **{
        f"WorkloadSpec.{key}": _WORKLOAD
        for key in ("folder", "hostname", "load_balancer_scheme", "plain_http", "variant")
    },
    **{
        f"GitOpsSpec.{key}": _GITOPS
        for key in ("automatic", "credentials", "path", "project", "prune", "repository", "revision")
    },
    "CredentialsSpec.ssm": _SITE,
    "SsmSpec.activation_hours": _SITE,
}
"""Keys that these builds do not read, and why that is right; those of a site of hybrid nodes besides (_SITE)."""


def buildable(data: dict[str, Any]) -> dict[str, Any]:
    """The file without folders of one's own, which are not there."""
    data = copy.deepcopy(data)
    for cluster in data["clusters"]:
        cluster.pop("manifests", None)
        cluster.pop("workloads", None)
    return data


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> set[str]:
    """The keys that a build reads, as MODEL.KEY; validation is over by then."""
    environments = [validated(buildable(data)) for data in FILES]
    for environment in environments:
        for cluster in environment.clusters:
            cluster._plan = None  # add-ons are planned once, when the file is validated
    found: set[str] = set()

    def spy(self: BaseModel, name: str) -> Any:
        if name in type(self).model_fields:
            found.add(f"{type(self).__name__}.{name}")
        return object.__getattribute__(self, name)

    monkeypatch.setattr(Spec, "__getattribute__", spy)
    for number, environment in enumerate(environments):
        platform = build_platform(environment, tmp_path / f"out-{number}")
        platform.write_manifests(tmp_path / f"manifests-{number}")
        apply(platform.foundation.node.root, environment.overrides)
    return found


def test_every_key_is_read_when_templates_are_made(read: set[str]) -> None:
    keys = {f"{model.__name__}.{name}" for model, name in FIELDS if model not in models(SiteSpec)}
    assert sorted(keys - read - ELSEWHERE.keys()) == []
