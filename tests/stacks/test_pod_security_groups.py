"""SecurityGroupPolicies, whoever wrote them, select no pods that can have no network interface of their own."""

import pytest
import yaml

from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from tests.support.environments import NODES, minimal

LINUX = {**NODES["groups"][0], "labels": {"for": "linux"}}
WINDOWS = {
    "name": "win",
    "instance_types": ["m6i.xlarge"],
    "ami_type": "WINDOWS_CORE_2022_x86_64",
    "labels": {"for": "windows"},
}
MIXED = {"managed_nodes": {"groups": [LINUX, WINDOWS]}}
ON_WINDOWS = {"name": "windows-web", "compute": "managed_nodes", "nodes": "win"}
ON_LINUX = {"name": "batch", "compute": "managed_nodes", "nodes": LINUX["name"]}
SPACE = "windows-web-managed-nodes"
EVERY = {"podSelector": {}}
REFUSED = "Windows nodes have no security groups for pods"
OFF = "security_groups_for_pods: {}"


def policy(selector, namespace=SPACE):
    return {
        "apiVersion": "vpcresources.k8s.aws/v1beta1",
        "kind": "SecurityGroupPolicy",
        "metadata": {"name": "guarded", "namespace": namespace},
        "spec": {**selector, "securityGroups": {"groupIds": ["sg-0123456789abcdef0"]}},
    }


def pod(**spec):
    container = {"name": "a", "image": "public.ecr.aws/a/b:1", "resources": {"limits": {"memory": "64Mi"}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "own", "namespace": "own", "labels": {"app": "own"}},
        "spec": {"containers": [container], **spec},
    }


SPACE_OF_POD = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own"}}


def load(folder, objects, compute=None, **cluster):
    (folder / "own.yaml").write_text(yaml.safe_dump_all(objects))
    data = minimal(compute or MIXED, manifests=[str(folder / "own.yaml")], **cluster)
    (folder / "env.yaml").write_text(yaml.safe_dump(data))
    return load_environment(folder / "env.yaml")


@pytest.mark.parametrize(
    "selector",
    [
        EVERY,
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "windows-web"}}},
        {"podSelector": {"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "Exists"}]}},
        {"podSelector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]}},
    ],
    ids=["every pod", "labels", "exists", "another value"],
)
def test_own_policies_select_no_pods_of_a_workload_on_windows(tmp_path, selector):
    with pytest.raises(BadInput, match=rf"workloads\[0\]\.nodes: .*SecurityGroupPolicy guarded .*{REFUSED}"):
        load(tmp_path, [policy(selector)], workloads=[ON_WINDOWS], security_groups_for_pods={})


@pytest.mark.parametrize(
    ("selector", "namespace"),
    [
        (EVERY, "own"),
        ({"podSelector": {"matchLabels": {"app.kubernetes.io/name": "another"}}}, SPACE),
        ({"serviceAccountSelector": {"matchLabels": {"app": "another"}}}, SPACE),
        ({"podSelector": {}, "serviceAccountSelector": {"matchLabels": {"app": "another"}}}, SPACE),
    ],
    ids=["namespace", "labels", "account", "both must fit"],
)
def test_own_policies_may_select_other_pods(tmp_path, selector, namespace):
    objects = [SPACE_OF_POD, policy(selector, namespace)]
    assert load(tmp_path, objects, workloads=[ON_WINDOWS], security_groups_for_pods={})


@pytest.mark.parametrize(
    "policy",
    [
        {"namespace": SPACE, "pod_labels": {"app": "another"}},
        {"namespace": "another", "pod_labels": {"app.kubernetes.io/name": "windows-web"}},
        {"namespace": SPACE, "service_account_labels": {"app": "another"}},
    ],
    ids=["labels", "namespace", "account"],
)
def test_policies_of_the_environment_may_select_other_pods(tmp_path, policy):
    policies = [{"name": "a", "group_ids": ["sg-0123456789abcdef0"], **policy}]
    assert load(tmp_path, [SPACE_OF_POD], workloads=[ON_WINDOWS], security_groups_for_pods={"policies": policies})


@pytest.mark.parametrize(
    "system",
    [
        {"os": {"name": "windows"}, "nodeSelector": {"kubernetes.io/os": "windows"}},
        {"nodeSelector": {"kubernetes.io/os": "windows"}},
    ],
    ids=["os", "selector"],
)
def test_own_policies_select_no_own_pods_for_windows(tmp_path, system):
    objects = [SPACE_OF_POD, policy(EVERY, "own"), pod(**system)]
    with pytest.raises(BadInput, match=rf"own\.yaml.*Pod own.*{REFUSED}"):
        load(tmp_path, objects, security_groups_for_pods={})


def test_own_policies_select_no_own_pods_for_hybrid_nodes(tmp_path):
    objects = [SPACE_OF_POD, policy(EVERY, "own"), pod(nodeSelector={"eks.amazonaws.com/compute-type": "hybrid"})]
    with pytest.raises(BadInput, match="hybrid nodes have no security groups"):
        load(tmp_path, objects, security_groups_for_pods={})


def test_own_policies_need_nodes_that_offer_interfaces(tmp_path):
    objects = [policy(EVERY, "batch-managed-nodes")]
    with pytest.raises(BadInput, match=rf"workloads\[0\]\.nodes: .*{OFF}"):
        load(tmp_path, objects, workloads=[ON_LINUX])
    assert load(tmp_path, objects, workloads=[ON_LINUX], security_groups_for_pods={})
    switched_on = {"vpc-cni": {"configuration": {"env": {"ENABLE_POD_ENI": "true"}}}}
    assert load(tmp_path, objects, workloads=[ON_LINUX], addons=switched_on)
