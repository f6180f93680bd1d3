"""Every pod of every environment lands on the compute that its file names, and on no other."""

import copy
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubernetes_lint.objects import Pod, pods
from tests.support.environments import ENVIRONMENTS, environment_data, validated
from tests.workloads.clusters import Cluster, deployed
from tests.workloads.nodes import ANY, FargateProfile, Nodes, nodes_of, profiles_of
from tests.workloads.scheduling import land, may_meet, tolerates

MIXED = "examples/everything"
"""Every kind of compute in one cluster."""
CASES = [pytest.param(name, marks=pytest.mark.xdist_group(f"manifests-{name}")) for name in (*ENVIRONMENTS, MIXED)]
ADDONS = {
    "coredns": {"k8s-app": "kube-dns"},
    "metrics-server": {"app.kubernetes.io/name": "metrics-server"},
    "aws-ebs-csi-driver": {},
}
"""Add-ons with Deployments that are pinned, and the labels of their pods (eks_facts/data/addons.yaml)."""
CRITICAL = [{"key": "CriticalAddonsOnly", "operator": "Exists"}]


def wanted(environment: str) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Kind and nodes that the file names, by cluster and namespace; and of a cluster's controllers, in kube-system."""
    from stacks.objects.rendering import placed_workloads

    found = {}
    data = validated(environment_data(environment))
    for cluster in data.clusters:
        found[cluster.name, "kube-system"] = (str(cluster.compute.mix.deployments_run_on), None)
        pools = {pool.name for pool in cluster.compute.karpenter.node_pools} if cluster.compute.karpenter else set()
        for workload in placed_workloads(cluster, data):
            spec = workload.placement.spec
            kind = "karpenter" if spec.nodes in pools else spec.compute
            found[cluster.name, workload.placement.namespace] = (kind, spec.nodes)
    return found


def system_pods(cluster: Cluster) -> Iterator[Pod]:
    """Pods of charts and add-ons, as far as we say where they run."""
    for chart in cluster.charts:
        values = chart["values"]
        if "nodeSelector" not in values:
            continue
        containers = [{"name": "controller", **values.get("controller", {})}]
        labels = {"app.kubernetes.io/name": chart["name"]}
        yield pod(chart["name"], chart["namespace"], labels, nodeSelector=values["nodeSelector"], containers=containers)
    for properties in cluster.of_type("AWS::EKS::Addon").values():
        if (name := properties["AddonName"]) in ADDONS:
            values = json.loads(properties.get("ConfigurationValues") or "{}")
            if name == "coredns" and cluster.node_configs:
                continue  # it is in the VPC and at the sites: below
            selector = values.get("controller", values).get("nodeSelector", {})
            yield pod(name, "kube-system", ADDONS[name], nodeSelector=selector, tolerations=CRITICAL)


def pod(name: str, namespace: str, labels: dict, **spec) -> Pod:
    owner = {"kind": "Deployment", "metadata": {"name": name, "namespace": namespace}}
    return Pod(owner, namespace, labels, {"containers": [{"name": name}], **spec})


def misplaced(cluster: Cluster, found: Pod, kind: str, nodes: str | None = None) -> str:
    """What is wrong with where a pod may land, or nothing."""
    landing = land(found, cluster.objects, profiles_of(cluster), nodes_of(cluster))
    if not landing.places:
        return f"{found} would land nowhere: {'; '.join(landing.refusals) or 'the cluster has no nodes'}"
    if landing.kinds != {kind} or (nodes and {name for _, name in landing.places} != {nodes}):
        places = ", ".join(" ".join(place) for place in landing.places)
        return f"{found} is meant for {kind}{f' {nodes}' if nodes else ''}, and may land on {places}"
    return ""


@pytest.mark.parametrize("environment", CASES)
def test_every_pod_lands_where_its_file_says(environment: str) -> None:
    places = wanted(environment)
    for cluster in deployed(environment):
        found = [*pods(cluster.objects), *system_pods(cluster)]
        problems = [misplaced(cluster, one, *places[cluster.name, one.namespace]) for one in found]
        assert [text for text in problems if text] == []


def test_cluster_dns_is_in_the_cloud_and_at_the_sites() -> None:
    (cluster,) = deployed("hybrid")
    dns = pod("coredns", "kube-system", ADDONS["coredns"], tolerations=CRITICAL)
    landing = land(dns, cluster.objects, profiles_of(cluster), nodes_of(cluster))
    assert set(landing.places) == {("managed_nodes", "general"), ("hybrid_nodes", "berlin")}, "porto has a taint"


def test_pods_of_every_kind_are_among_them() -> None:
    (cluster,) = deployed("workloads")
    landings = [
        land(one, cluster.objects, profiles_of(cluster), nodes_of(cluster))
        for one in [*pods(cluster.objects), *system_pods(cluster)]
    ]
    assert {kind for landing in landings for kind in landing.kinds} == {"auto_mode", "managed_nodes", "fargate"}
    (other,) = deployed("managed-nodes")
    assert {str(one) for one in system_pods(other)} >= {
        "Deployment kube-system/karpenter",
        "Deployment kube-system/coredns",
    }


def test_no_node_has_both_a_plugin_and_a_driver_for_claims_of_one_device() -> None:
    """Each would hand the same device out. https://docs.aws.amazon.com/eks/latest/userguide/device-management.html."""
    own, _ = deployed("accelerated")
    devices = {one.name: one.devices for one in nodes_of(own)}
    assert devices == {
        "general": (),
        "gpu": ("nvidia.com/gpu",),
        "shared": ("nvidia.com/gpu",),
        "claims": ("gpu.nvidia.com",),
        "neuron": ("aws.amazon.com/neuron",),
        "more-gpus": ("nvidia.com/gpu",),
    }


@pytest.mark.parametrize("chart", ["nvidia-device-plugin", "nvidia-dra-driver", "neuron-device-plugin"])
def test_a_pod_whose_device_nothing_offers_lands_nowhere(chart: str) -> None:
    own = copy.deepcopy(deployed("accelerated")[0])
    own.charts = [one for one in own.charts if one["name"] != chart]
    places = wanted("accelerated")
    found = [misplaced(own, one, *places["accelerated", one.namespace]) for one in pods(own.objects)]
    assert any("nothing there offers" in text for text in found)


# Wrong placements: each breaks the workloads environment in one place.


@pytest.fixture
def cluster() -> Cluster:
    return copy.deepcopy(deployed("workloads")[0])


def pod_of(cluster: Cluster, namespace: str, kind: str = "Deployment") -> dict:
    (found,) = [one for one in cluster.objects if one["kind"] == kind and one["metadata"].get("namespace") == namespace]
    template = found["spec"].get("jobTemplate", found)["spec"]["template"]
    return template["spec"]


def problems(cluster: Cluster) -> list[str]:
    places = wanted("workloads")
    found = [misplaced(cluster, one, *places["workloads", one.namespace]) for one in pods(cluster.objects)]
    return [text for text in found if text]


def no_toleration(cluster: Cluster) -> str:
    del pod_of(cluster, "batch-auto-mode", "CronJob")["tolerations"]
    return "CronJob batch-auto-mode/batch would land nowhere: .*auto_mode spot: its taint workload=batch:NoSchedule is not tolerated"


def wrong_value(cluster: Cluster) -> str:
    pod_of(cluster, "web-managed-nodes")["nodeSelector"] = {"eks-platform/compute-kind": "managed"}
    return "Deployment web-managed-nodes/web would land nowhere: managed_nodes general: has no label eks-platform/compute-kind=managed"


def no_selector(cluster: Cluster) -> str:
    del pod_of(cluster, "web-auto-mode")["nodeSelector"]
    return "web-auto-mode/web is meant for auto_mode, and may land on managed_nodes general, auto_mode general-purpose"


def greedy_profile(cluster: Cluster) -> str:
    for properties in cluster.of_type("AWS::EKS::FargateProfile").values():
        properties["Selectors"].append({"Namespace": "web-*"})
    return "web-managed-nodes/web is meant for managed_nodes, and may land on fargate"


def taint_that_nobody_tolerates(cluster: Cluster) -> str:
    for properties in cluster.of_type("AWS::EKS::Nodegroup").values():
        properties["Taints"] = [{"Key": "team", "Value": "a", "Effect": "NO_SCHEDULE"}]
    return "store-managed-nodes/store would land nowhere: managed_nodes general: its taint team=a:NoSchedule is not tolerated"


def pool_of_another_processor(cluster: Cluster) -> str:
    pod_of(cluster, "batch-auto-mode", "CronJob")["nodeSelector"]["kubernetes.io/arch"] = "arm64"
    return "batch-auto-mode/batch would land nowhere: .*auto_mode spot: has no label kubernetes.io/arch=arm64"


def class_of_another_driver(cluster: Cluster) -> str:
    (found,) = [
        one
        for one in cluster.objects
        if one["kind"] == "StatefulSet" and one["metadata"]["namespace"] == "store-managed-nodes"
    ]
    found["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "auto-gp3"
    return "store-managed-nodes/store would land nowhere: .*: the driver .* ebs.csi.eks.amazonaws.com, does not run"


def driver_gone(cluster: Cluster) -> str:
    (key,) = [
        key for key, one in cluster.of_type("AWS::EKS::Addon").items() if one["AddonName"] == "aws-ebs-csi-driver"
    ]
    del cluster.resources[key]
    return "store-managed-nodes/store would land nowhere: managed_nodes general: the driver .* ebs.csi.aws.com, does not run there"


def too_large(cluster: Cluster) -> str:
    pod_of(cluster, "web-managed-nodes")["containers"][0]["resources"]["requests"]["memory"] = "7Gi"
    return "web-managed-nodes/web would land nowhere: managed_nodes general: is too small: the pod asks for more memory"


def affinity_to_nothing(cluster: Cluster) -> str:
    terms = [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "DoesNotExist"}]}]
    pod_of(cluster, "web-managed-nodes")["affinity"] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    }
    return "web-managed-nodes/web would land nowhere: managed_nodes general: meets no term of the pod's node affinity"


def labels_that_no_profile_selects(cluster: Cluster) -> str:
    for properties in cluster.of_type("AWS::EKS::FargateProfile").values():
        properties["Selectors"] = [{"Namespace": "fargate-*", "Labels": [{"Key": "on", "Value": "fargate"}]}]
    return "fargate-web/web is meant for fargate, and may land on managed_nodes"


def volume_on_fargate(cluster: Cluster) -> str:
    (volume,) = [one for one in cluster.objects if one["kind"] == "PersistentVolume"]
    volume["spec"]["csi"]["driver"] = "ebs.csi.aws.com"
    return "fargate-store/store would land nowhere: fargate .*: the driver .* ebs.csi.aws.com, does not run there"


@pytest.mark.parametrize(
    "break_it",
    [
        no_toleration, wrong_value, no_selector, greedy_profile, taint_that_nobody_tolerates, pool_of_another_processor,
        class_of_another_driver, driver_gone, too_large, affinity_to_nothing, labels_that_no_profile_selects, volume_on_fargate,
    ],
)  # fmt: skip
def test_a_wrong_placement_is_found(cluster: Cluster, break_it) -> None:
    assert problems(cluster) == []
    message = break_it(cluster)
    found = problems(cluster)
    assert found
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("\n".join(found))


# The predicates by themselves.

TAINT = {"key": "team", "value": "a", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "answer"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "team", "operator": "Exists"}, True),
        ({"key": "team", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "team", "value": "a"}, True),
        ({"key": "team", "value": "a", "effect": "NoSchedule"}, True),
        ({"key": "team", "value": "b"}, False),
        ({"key": "team"}, False),
        ({"key": "other", "operator": "Exists"}, False),
    ],
)
def test_tolerations(toleration: dict, answer: bool) -> None:
    assert tolerates(toleration, TAINT) is answer


NODES = Nodes("managed_nodes", "n", {"zone": frozenset(["a", "b"]), "size": frozenset(["4"]), "some": ANY})


@pytest.mark.parametrize(
    ("key", "operator", "values", "answer"),
    [
        ("zone", "In", ["b", "c"], True),
        ("zone", "In", ["c"], False),
        ("none", "In", ["c"], False),
        ("some", "In", ["c"], True),
        ("zone", "NotIn", ["a"], True),
        ("zone", "NotIn", ["a", "b"], False),
        ("none", "NotIn", ["a"], True),
        ("zone", "Exists", [], True),
        ("none", "Exists", [], False),
        ("none", "DoesNotExist", [], True),
        ("some", "DoesNotExist", [], False),
        ("size", "Gt", ["3"], True),
        ("size", "Gt", ["4"], False),
        ("size", "Lt", ["5"], True),
        ("size", "Lt", ["4"], False),
        ("zone", "Gt", ["1"], False),
        ("some", "Gt", ["1"], True),
        ("none", "Lt", ["1"], False),
    ],
)
def test_node_selectors(key: str, operator: str, values: list[str], answer: bool) -> None:
    assert may_meet({"key": key, "operator": operator, "values": values}, NODES) is answer


KEYS, VALUES = st.sampled_from(["zone", "size", "team"]), st.sampled_from(["1", "2", "3"])
EXPRESSIONS = st.builds(
    lambda key, operator, values: {"key": key, "operator": operator, "values": values},
    KEYS,
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]),
    st.lists(VALUES, min_size=1, max_size=1),
)


@given(EXPRESSIONS, st.dictionaries(KEYS, st.sets(VALUES, min_size=1)))
def test_what_one_node_meets_the_group_may_meet(expression: dict, labels: dict[str, set[str]]) -> None:
    """A group with several values of a label may meet what one of its nodes does, and no more."""
    group = Nodes("managed_nodes", "n", {key: frozenset(values) for key, values in labels.items()})
    key = expression["key"]
    singles = [{**labels, key: {value}} for value in labels.get(key, [])] or [labels]
    each = [Nodes("managed_nodes", "n", {name: frozenset(one) for name, one in node.items()}) for node in singles]
    assert may_meet(expression, group) == any(may_meet(expression, node) for node in each)


@pytest.mark.parametrize(
    ("pattern", "namespace", "answer"),
    [
        ("apps", "apps", True),
        ("app?", "apps", True),
        ("fargate-*", "fargate-", True),
        ("a.c", "abc", False),
        ("*", "x", True),
    ],
)
def test_fargate_selectors(pattern: str, namespace: str, answer: bool) -> None:
    assert FargateProfile("p", ((pattern, {}),)).takes(namespace, {"any": "label"}) is answer
    assert not FargateProfile("p", ((pattern, {"on": "fargate"}),)).takes(namespace, {"any": "label"})
