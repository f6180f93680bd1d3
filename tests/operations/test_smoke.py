"""`make smoke`: a line for each assumption that only an account can settle: met, not met, or cannot be seen."""

from datetime import date
from typing import Any

import pytest

from operations import smoke as module
from operations.all_assumptions import assumptions, table
from operations.assumptions import Assumption, Seen
from operations.smoke import smoke
from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from tests.operations.fake_account import DENIED, FakeAccount, stack
from tests.support.environments import FARGATE, NODES, ROOT, minimal, validated

AUTO = {"node_classes": [{"name": "own"}], "node_pools": [{"name": "own", "node_class": "own"}]}
DATA = minimal({"auto_mode": AUTO, "managed_nodes": NODES, "fargate": FARGATE}, delivery="kubectl")
SITES = {
    "remote_node_networks": ["192.168.16.0/20"],
    "unrouted_pod_networks": ["10.112.0.0/16"],
    "credentials": {"ssm": {}},
    "sites": [{"name": "berlin"}],
}
GPU = {"name": "gpu", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g6.xlarge"]}
WINDOWS = {
    "name": "win",
    "ami_type": "WINDOWS_CORE_2025_x86_64",
    "instance_types": ["m6i.xlarge"],
    "min_size": 0,
    "volume_gib": 100,
}
# What cannot be beside Auto Mode, or applies its objects in another way.
OTHERS = {
    **minimal(
        {
            "managed_nodes": {"groups": [*NODES["groups"], GPU]},
            "self_managed_nodes": {
                "groups": [{"name": "own", "instance_types": ["m7i.large"], "min_size": 1}, WINDOWS]
            },
            "karpenter": {"node_pools": [{"name": "more"}]},
            "hybrid_nodes": SITES,
        },
        control_plane={"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"},
        capabilities={"kro": {}},
        prometheus={},
        backup={},
        delivery="gitops",
    ),
    "gitops": {"repository": "https://github.com/example/objects", "engine": "flux"},
    "network": {"nat": "one", "connections": [{"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.16.0/20"]}]},
}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
META = {"name": "one", "namespace": "web"}

ACCOUNT: dict[str, Any] = {
    "describe_stacks": [stack("t-control-plane-c"), stack("t-protection-c", protected=True)],
    "describe_cluster": {
        "status": "ACTIVE",
        "version": "1.36",
        "deletionProtection": True,
        "accessConfig": {"authenticationMode": "API"},
        "arn": "arn",
        "endpoint": "https://e",
        "certificateAuthority": {"data": "Y2E="},
        "resourcesVpcConfig": {"endpointPublicAccess": False, "clusterSecurityGroupId": "sg-1"},
    },
    "list_addons": ["coredns"],
    "describe_addon": {"status": "ACTIVE"},
    "list_nodegroups": ["general"],
    "describe_nodegroup": {"status": "ACTIVE", "health": {"issues": []}},
    "list_fargate_profiles": ["apps"],
    "describe_fargate_profile": {"status": "ACTIVE"},
    "describe_security_groups": [{"GroupId": "sg-1"}],
    "describe_log_groups": [{"logGroupName": "/aws/eks/c/cluster", "retentionInDays": 90}],
    "get_account_settings": {"ConcurrentExecutions": 1000},
    "list_capabilities": [{"capabilityName": "kro"}],
    "describe_capability": {"status": "ACTIVE"},
    "list_scrapers": [{"source": {"eksConfiguration": {"clusterArn": "arn"}}, "status": {"statusCode": "ACTIVE"}}],
    "describe_region_settings": {"EKS": True},
}
GATED = "elbv2.k8s.aws/pod-readiness-gate-inject"
RUNNING = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
GATES = [{"conditionType": "target-health.elbv2.k8s.aws/web"}]


def node(name: str, allocatable: dict[str, str] | None = None, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "status": {**READY, "allocatable": allocatable or {}}}


OWN = node("own", **{"eks-platform/compute-kind": "self_managed_nodes"})
WIN = node("win", {"vpc.amazonaws.com/PrivateIPv4Address": "14"}, **{"kubernetes.io/os": "windows"})
WITH_GPU = node("gpu", {"nvidia.com/gpu": "1"}, **{"node.kubernetes.io/instance-type": "g6.xlarge"})
AT_A_SITE = node("site", **{"eks.amazonaws.com/compute-type": "hybrid", "topology.kubernetes.io/zone": "berlin"})
NODES_OF_OTHERS = [OWN, WIN, WITH_GPU, AT_A_SITE]


CLUSTER: dict[str, Any] = {
    "nodes": {"items": [{"metadata": META, "status": READY}, *NODES_OF_OTHERS]},
    "ec2nodeclasses.karpenter.k8s.aws": {"items": [{"metadata": META, "status": READY}]},
    "nodepools.karpenter.sh": {"items": [{"metadata": META, "status": READY}]},
    "resourceslices.resource.k8s.io": {"items": []},
    "kustomizations.kustomize.toolkit.fluxcd.io": {"items": [{"metadata": META, "status": READY}]},
    "applications.argoproj.io": {
        "items": [{"metadata": META, "status": {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}}]
    },
    "nodeclaims.karpenter.sh": {"items": [{"metadata": META, "status": READY}]},
    "namespaces": {"items": [{"metadata": {"name": "web", "labels": {GATED: "enabled"}}}]},
    "pods": {"items": [{"metadata": META, "spec": {"readinessGates": GATES}, "status": RUNNING}]},
    "persistentvolumeclaims": {"items": [{"metadata": META, "status": {"phase": "Bound"}}]},
    "ingresses": {"items": [{"kind": "Ingress", "metadata": META, "status": {"loadBalancer": {"ingress": [{"hostname": "h"}]}}}]},
    "services": {"items": [{"kind": "Service", "metadata": META, "spec": {"type": "ClusterIP"}}]},
    "configmap/amazon-vpc-cni": {"kind": "ConfigMap", "data": {"enable-network-policy-controller": "true"}},
}  # fmt: skip


class FakeKubectl:
    """kubectl, as a test has it answer."""

    answers: dict[str, Any] = {}

    def __init__(self, context: str | None, *, timeout: int) -> None:
        assert timeout > 0
        if context == "nowhere":
            raise BadInput("kubectl has no current context")

    def check_context(self, *_: object) -> None:
        """It leads there."""

    def get(self, *what: str) -> Any:
        return {**CLUSTER, **self.answers}[what[0]]


class Smoke:
    """A run, and its lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "Kubectl", FakeKubectl)
        self.said: list[str] = []
        days = validated(DATA).foundation.log_retention_days
        ACCOUNT["describe_log_groups"][0]["retentionInDays"] = days

    def __call__(
        self, account: dict[str, Any], cluster: dict[str, Any], context: str | None = None, data: Any = DATA
    ) -> int:
        self.said.clear()
        FakeKubectl.answers = cluster
        return smoke(validated(data), FakeAccount({**ACCOUNT, **account}), context=context, say=self.said.append)

    def counted(self, word: str) -> int:
        return sum(line.startswith(f"{word} ") for line in self.said)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Smoke:
    return Smoke(monkeypatch)


def test_what_holds_is_met(run: Smoke) -> None:
    seen = set()
    for data in (DATA, OTHERS):
        assert run({}, {}, data=data) == 0, run.said
        assert run.said[-1] == f"{run.counted('met')} met, 0 not met, 0 cannot see."
        assert all("\n" not in line for line in run.said)
        seen |= {line.partition(": ")[2] for line in run.said}
    assert {one.says for one in assumptions()} <= seen


def test_a_joined_cluster_is_held_against_its_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its maker decides (its endpoint, protection, logs) is not asked; a look-up that has become old is."""
    monkeypatch.setattr(module, "Kubectl", FakeKubectl)
    FakeKubectl.answers = {}
    environment = load_environment(ROOT / "environments/existing/join.yaml", today=date(2026, 11, 28))
    found = {
        **ACCOUNT["describe_cluster"],
        "deletionProtection": False,
        "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
        "resourcesVpcConfig": {"endpointPublicAccess": True},
    }
    answers = {**ACCOUNT, "describe_log_groups": [], "describe_cluster": found}
    said: list[str] = []
    assert smoke(environment, FakeAccount(answers), context=None, say=said.append) == 0, said
    answers["describe_cluster"] = {**found, "version": "1.37"}
    said.clear()
    assert smoke(environment, FakeAccount(answers), context=None, say=said.append) == 1
    (line,) = [line for line in said if line.startswith("not met ")]
    assert "version is 1.37, not 1.36: python -m operations look-up shop" in line


def issue(code: str) -> dict[str, Any]:
    return {"issues": [{"code": code}]}


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "version": ({"describe_cluster": {**ACCOUNT["describe_cluster"], "version": "1.35"}}, {}, "version is 1.35, not 1.36"),
    "protection": ({"describe_stacks": [stack("t-control-plane-c")]}, {}, "termination protection is off"),
    "add-on": ({"describe_addon": {"status": "DEGRADED", "health": issue("InsufficientReplicas")}}, {}, "coredns is DEGRADED (Insuff"),
    "node group": ({"describe_nodegroup": {"status": "ACTIVE", "health": issue("AsgLaunchFailures")}}, {}, "general is ACTIVE AsgL"),
    "profile": ({"describe_fargate_profile": {"status": "CREATE_FAILED"}}, {}, "apps is CREATE_FAILED"),
    "tag": ({"describe_security_groups": []}, {}, "the tag is not on sg-1"),
    "log group": ({"describe_log_groups": []}, {}, "there is no log group /aws/eks/c/cluster"),
    "concurrency": ({"get_account_settings": {"ConcurrentExecutions": 5}}, {}, "it runs 5 at once; 10 are needed"),
    "node": ({}, {"nodes": {"items": [{"metadata": META, "status": {}}]}}, "not ready: one"),
    "no node": ({}, {"nodes": {"items": []}}, "there is no node"),
    "Auto Mode": ({}, {"nodeclaims.karpenter.sh": {"items": [{"metadata": META}]}}, "kubectl describe nodeclaim one"),
    "pod": ({}, {"pods": {"items": [{"metadata": META, "status": {"phase": "Pending"}}]}}, "1 wait or crash: web/one"),
    "gate": ({}, {"pods": {"items": [{"metadata": META, "status": {"phase": "Running"}}]}}, "no pod has one in web"),
    "volume": ({}, {"persistentvolumeclaims": {"items": [{"metadata": META, "status": {"phase": "Pending"}}]}}, "not bound: web/one"),
    "balancer": ({}, {"services": {"items": [{"metadata": META, "spec": {"type": "LoadBalancer"}}]}}, "without an address: web/one"),
    "policies": ({}, {"configmap/amazon-vpc-cni": None}, "network policies do nothing"),
}  # fmt: skip


WRONG_OF_OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "self-managed": ({}, {"nodes": {"items": [WIN, WITH_GPU, AT_A_SITE]}}, "0 joined, and the groups have at least 1"),
    "Windows": ({}, {"nodes": {"items": [OWN, {**WIN, "status": READY}, WITH_GPU, AT_A_SITE]}}, "without addresses: win"),
    "device": ({}, {"nodes": {"items": [OWN, WIN, {**WITH_GPU, "status": READY}, AT_A_SITE]}}, "offer no device: gpu"),
    "Karpenter": ({}, {"ec2nodeclasses.karpenter.k8s.aws": {"items": [{"kind": "E", "metadata": META}]}}, "not ready: E/one"),
    "Git": ({}, {"kustomizations.kustomize.toolkit.fluxcd.io": {"items": [{"metadata": META}]}}, "not synced and healthy: one"),
    "capability": ({"describe_capability": {"status": "CREATE_FAILED"}}, {}, "kro is CREATE_FAILED"),
    "scraper": ({"list_scrapers": []}, {}, "its scraper is not there"),
    "backups": ({"describe_region_settings": {}}, {}, "EKS is off in the region's settings"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG_OF_OTHERS)
def test_what_does_not_hold_elsewhere_is_not_met(what: str, run: Smoke) -> None:
    account, cluster, said = WRONG_OF_OTHERS[what]
    assert run(account, cluster, data=OTHERS) == 1
    (line,) = [line for line in run.said if line.startswith("not met ")]
    assert said in line
    assert run.counted("cannot see") == 0


def test_what_is_not_there_yet_cannot_be_seen(run: Smoke) -> None:
    assert run({}, {"nodes": {"items": [OWN]}, "kustomizations.kustomize.toolkit.fluxcd.io": None}, data=OTHERS) == 1
    assert run.counted("not met") == 0
    lines = [line for line in run.said if line.startswith("cannot see ")]
    for why in (
        "no Windows node runs",
        "no node with a device runs",
        "no node of berlin has joined",
        "not bootstrapped",
    ):
        assert any(why in line for line in lines)


def test_a_device_that_a_driver_hands_out_is_offered(run: Smoke) -> None:
    slices = {"items": [{"metadata": META, "spec": {"nodeName": "gpu"}}]}
    bare = {"nodes": {"items": [OWN, WIN, {**WITH_GPU, "status": READY}, AT_A_SITE]}}
    assert run({}, {**bare, "resourceslices.resource.k8s.io": slices}, data=OTHERS) == 0, run.said


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_hold_is_not_met(what: str, run: Smoke) -> None:
    account, cluster, said = WRONG[what]
    assert run(account, cluster) == 1
    (line,) = [line for line in run.said if line.startswith("not met ")]
    assert said in line
    assert run.counted("cannot see") == 0


def applied() -> list[Assumption]:
    """What applies to DATA."""
    environment = validated(DATA)
    seen = Seen(environment, environment.clusters[0], FakeAccount({}), None, None)  # type: ignore[arg-type]
    return [one for one in assumptions() if one.applies(seen)]


def test_what_cannot_be_seen_is_neither(run: Smoke) -> None:
    assert (
        run({"describe_addon": DENIED, "list_nodegroups": [{}], "describe_nodegroup": 1}, {"nodes": {"items": [1]}})
        == 1
    )
    assert run.counted("not met") == 0
    assert run.counted("cannot see") == 3
    assert run({}, {}, context="nowhere") == 1
    assert "its Kubernetes API is skipped: kubectl has no current context" in run.said[0]
    assert run.counted("cannot see") == sum("kubectl" in one.command for one in applied())


def test_an_account_that_does_not_answer_is_bad_input(run: Smoke) -> None:
    with pytest.raises(BadInput, match="not allowed"):
        run({"describe_stacks": DENIED}, {})


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    assert table() in page


def test_it_only_reads() -> None:
    """Every call of the commands stands among the permissions, and those only read, but for one that says so and asks."""
    from responsibility.account.permissions import CALLS

    assert all(action.split(":")[1].startswith(("Describe", "List", "Get")) for action in CALLS["operate"])
