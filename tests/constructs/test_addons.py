"""Which add-ons a mix of compute gets, where they run, and who they are in AWS."""

import itertools
import json

import pytest
from pydantic import ValidationError

from eks_constructs import load_balancer_controller
from eks_constructs.addon_plan import AddonProblem, AddonSpec, merge, plan_addons
from eks_constructs.compute.mix import ComputeMix, Hosting
from eks_constructs.compute.registry import KINDS
from eks_facts.files import load
from tests.constructs.mixes import mix_of
from tests.support.environments import FARGATE, NODES, minimal, validated
from tests.support.templates import needs, of_type

NODE_ADDONS = {
    "eks-pod-identity-agent",
    "vpc-cni",
    "kube-proxy",
    "coredns",
    "aws-ebs-csi-driver",
    "metrics-server",
    "eks-node-monitoring-agent",
}
AUTO = {"auto_mode": "at_once"}
OWN_POOLS = {"auto_mode": "once_applied"}
CLOSED = {"managed_nodes": "never"}


@pytest.mark.parametrize(
    ("mix", "expected"),
    [
        (mix_of(managed_nodes="at_once"), NODE_ADDONS),
        (mix_of(**AUTO), {"metrics-server"}),
        (mix_of(fargate="at_once"), {"coredns"}),
        (mix_of(**AUTO, managed_nodes="at_once"), NODE_ADDONS),
        (mix_of(**AUTO, fargate="at_once"), {"coredns", "metrics-server"}),
        (mix_of(managed_nodes="at_once", fargate="at_once"), NODE_ADDONS),
        (mix_of(**AUTO, managed_nodes="at_once", fargate="at_once"), NODE_ADDONS),
        (mix_of(auto_mode="never"), set()),  # no pod without tolerations can be placed
        (mix_of(**OWN_POOLS), {"metrics-server"}),  # ... once node pools are applied
        (mix_of(**AUTO, **CLOSED), NODE_ADDONS),
        (mix_of(**OWN_POOLS, **CLOSED), NODE_ADDONS),
        (mix_of(fargate="at_once", **CLOSED), NODE_ADDONS - {"aws-ebs-csi-driver"}),
        (mix_of(auto_mode="never", fargate="at_once"), {"coredns"}),
        (mix_of(), set()),
    ],
    ids=lambda value: " + ".join(value.kinds) if isinstance(value, ComputeMix) else "",
)
def test_the_rule_for_each_mix(mix, expected):
    if mix == mix_of(auto_mode="never", fargate="at_once"):
        expected = expected | {"metrics-server"}
    assert {addon.name for addon in plan_addons({}, mix)} == expected


def test_every_mix_has_a_plan_in_the_order_of_the_catalog():
    names = list(load("addons")["addons"])
    for hosting in itertools.product([None, *Hosting.__args__], repeat=len(KINDS)):
        mix = mix_of(**{name: one for name, one in zip(KINDS, hosting, strict=True) if one})
        planned = [addon.name for addon in plan_addons({}, mix)]
        assert planned == sorted(planned, key=names.index)


@pytest.mark.parametrize(
    ("mix", "name", "where"),
    [
        (
            mix_of(**AUTO, managed_nodes="at_once"),
            "coredns",
            {"nodeSelector": {"eks-platform/compute-kind": "managed_nodes"}},
        ),
        (
            mix_of(**AUTO, managed_nodes="at_once"),
            "aws-ebs-csi-driver",
            {"controller": {"nodeSelector": {"eks-platform/compute-kind": "managed_nodes"}}},
        ),
        (mix_of(**AUTO, **CLOSED), "coredns", {"nodeSelector": {"eks.amazonaws.com/compute-type": "auto"}}),
        (
            mix_of(**OWN_POOLS, **CLOSED),
            "aws-ebs-csi-driver",
            {"controller": {"nodeSelector": {"eks.amazonaws.com/compute-type": "auto"}}},
        ),
        (mix_of(fargate="at_once", **CLOSED), "coredns", {"computeType": "Fargate"}),
        (mix_of(**OWN_POOLS), "metrics-server", {}),
        (mix_of(**AUTO, fargate="at_once"), "coredns", {}),
        (mix_of(managed_nodes="at_once", fargate="at_once"), "coredns", {}),
        (mix_of(fargate="at_once"), "coredns", {"computeType": "Fargate"}),
        (mix_of(managed_nodes="at_once"), "coredns", {}),
        (mix_of(**AUTO, managed_nodes="at_once"), "vpc-cni", {"enableNetworkPolicy": "true"}),
        (mix_of(**AUTO, managed_nodes="at_once"), "eks-node-monitoring-agent", None),
    ],
)
def test_placement(mix, name, where):
    (addon,) = [one for one in plan_addons({}, mix) if one.name == name]
    assert addon.configuration == where


def test_settings_are_taken_back_when_the_mix_changes(synth):
    mixed = addons(synth(minimal({"auto_mode": {}, "managed_nodes": NODES}))["t-compute-c"])
    alone = addons(synth(minimal({"auto_mode": {}}))["t-compute-c"])
    assert json.loads(mixed["metrics-server"]["ConfigurationValues"]) == {
        "nodeSelector": {"eks-platform/compute-kind": "managed_nodes"}
    }
    assert alone["metrics-server"]["ConfigurationValues"] == "{}", "left out, EKS would keep the selector"


def test_the_node_label_that_add_ons_ask_for_is_on_every_node_group(synth):
    template = synth("demo")["demo-compute-demo"]
    for group in of_type(template, "AWS::EKS::Nodegroup").values():
        assert group["Labels"]["eks-platform/compute-kind"] == "managed_nodes"


@pytest.mark.parametrize(
    ("mix", "name", "reason"),
    [
        (mix_of(fargate="at_once"), "aws-ebs-csi-driver", "is for managed_nodes"),
        (mix_of(fargate="at_once"), "vpc-cni", "fargate"),
        (mix_of(**AUTO), "kube-proxy", "auto_mode"),
        (mix_of(auto_mode="never"), "metrics-server", "nothing here has room for pods without tolerations"),
        (mix_of(**AUTO), "aws-ebs-csi-driver", "is for managed_nodes or self_managed_nodes, and this cluster has none"),
        (mix_of(fargate="at_once"), "snapshot-controller", "fargate"),
    ],
)
def test_an_add_on_with_nothing_to_run_on_is_refused(mix, name, reason):
    with pytest.raises(AddonProblem, match=reason):
        plan_addons({name: AddonSpec(enabled=True)}, mix)


GPU = {
    "name": "gpu", "ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "instance_types": ["g6.xlarge"], "min_size": 0, "max_size": 2,
    "taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
}  # fmt: skip


OWN = {
    "built_in_node_pools": [],
    "node_classes": [{"name": "own"}],
    "node_pools": [{"name": "apps", "node_class": "own"}],
}


def test_add_ons_go_to_auto_mode_where_no_group_has_room_for_them(synth):
    template = synth(minimal({"auto_mode": {}, "managed_nodes": {"groups": [GPU]}}))["t-compute-c"]
    selectors = {name: value.get("ConfigurationValues") for name, value in addons(template).items()}
    auto = {"nodeSelector": {"eks.amazonaws.com/compute-type": "auto"}}
    assert json.loads(selectors["coredns"]) == json.loads(selectors["metrics-server"]) == auto
    assert json.loads(selectors["aws-ebs-csi-driver"]) == {"controller": auto}


def test_add_ons_tolerate_the_taint_of_the_pool_that_is_for_them_alone(synth) -> None:
    """https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html"""
    empty = {"groups": [{"name": "gpu", "instance_types": ["m7i.large"], "min_size": 0}]}
    compute = {"auto_mode": {"built_in_node_pools": ["system"]}, "managed_nodes": empty}
    template = synth(minimal(compute, addons={"metrics-server": {}}))["t-compute-c"]
    found = {
        one["Properties"]["AddonName"]: json.loads(one["Properties"].get("ConfigurationValues", "{}"))
        for one in template["Resources"].values()
        if one["Type"] == "AWS::EKS::Addon"
    }
    critical = {"key": "CriticalAddonsOnly", "operator": "Exists", "effect": "NoSchedule"}
    for settings in (found["coredns"], found["metrics-server"], found["aws-ebs-csi-driver"]["controller"]):
        assert settings["tolerations"] == [critical]
        assert settings["nodeSelector"] == {"eks.amazonaws.com/compute-type": "auto"}
    mix = validated(minimal(compute)).clusters[0].compute.mix
    assert load_balancer_controller.chart("c", mix).values["tolerations"] == [critical]
    open_pool = {"name": "own", "node_class": "default"}
    unknown = AddonSpec(enabled=True)
    with pytest.raises(AddonProblem, match="which setting gives it a toleration is not known here"):
        plan_addons({"cert-manager": unknown}, mix)
    plan_addons({"cert-manager": AddonSpec(configuration={"tolerations": [critical]})}, mix)
    for auto in ({}, {"built_in_node_pools": ["system"], "node_pools": [open_pool]}):
        mix = validated(minimal({"auto_mode": auto, "managed_nodes": empty})).clusters[0].compute.mix
        assert mix.deployments_tolerations == ()


def test_a_group_without_room_and_nothing_beside_it_is_refused():
    tainted = {"name": "own", "node_class": "own", "taints": [{"key": "own", "effect": "NoSchedule"}]}
    for compute in (
        {},
        {"auto_mode": {"built_in_node_pools": [], "node_classes": [{"name": "own"}], "node_pools": [tainted]}},
    ):
        with pytest.raises(ValidationError, match="no group can host CoreDNS and the other add-ons"):
            validated(minimal({**compute, "managed_nodes": {"groups": [GPU]}}))
    for compute in ({"auto_mode": {}}, {"auto_mode": OWN}, {"fargate": FARGATE}):
        validated(minimal({**compute, "managed_nodes": {"groups": [GPU]}}))


def test_karpenter_needs_a_group_that_has_room_for_it():
    pools = {"node_pools": [{"name": "more"}]}
    with pytest.raises(ValidationError, match="no group has room for it"):
        validated(minimal({"managed_nodes": {"groups": [GPU]}, "fargate": FARGATE, "karpenter": pools}))


def test_add_ons_of_own_pools_alone_are_made_after_the_pools(synth):
    data = minimal(
        {"auto_mode": OWN}, delivery="kubectl", addons={"amazon-cloudwatch-observability": {"enabled": True}}
    )
    templates = synth(data)
    assert addons(templates["t-compute-c"]) == {}
    workloads = templates["t-workloads-c"]
    keys = {value["AddonName"]: key for key, value in of_type(workloads, "AWS::EKS::Addon").items()}
    assert set(keys) == {"metrics-server", "amazon-cloudwatch-observability"}
    pools = {key for key in workloads["Resources"] if key.startswith("KubectlNodePools")}
    assert pools
    for key in keys.values():
        assert pools <= needs(workloads, key)


@pytest.mark.parametrize("first", [True, False], ids=["first", "second"])
def test_add_ons_of_own_pools_wait_for_the_second_deploy_where_make_apply_makes_the_pools(synth, first):
    templates = synth(minimal({"auto_mode": OWN}), before_pools=["c"] if first else [])
    found = {name for template in templates.values() for name in addons(template)}
    assert found == (set() if first else {"metrics-server"})
    assert ("t-workloads-c" in templates) is not first


def test_the_load_balancer_controller_runs_where_the_add_ons_do():
    for mix, selector, irsa in (
        (mix_of(managed_nodes="at_once"), {"eks-platform/compute-kind": "managed_nodes"}, False),
        (mix_of(**AUTO, **CLOSED), {"eks.amazonaws.com/compute-type": "auto"}, False),
        (mix_of(fargate="at_once", **CLOSED), {}, True),
    ):
        values = load_balancer_controller.chart("c", mix).values
        assert values["nodeSelector"] == selector
        assert bool(values["serviceAccount"]["annotations"]) is irsa


def test_switching_off_and_own_settings():
    mix = mix_of(managed_nodes="at_once")
    spec = {
        "metrics-server": AddonSpec(enabled=False),
        "coredns": AddonSpec(version="v1.14.2-eksbuild.4", configuration={"replicaCount": 3}),
        "vpc-cni": AddonSpec(configuration={"env": {"WARM_IP_TARGET": "1"}}, resolve_conflicts="PRESERVE"),
    }
    planned = {addon.name: addon for addon in plan_addons(spec, mix)}
    assert "metrics-server" not in planned
    assert planned["coredns"].version == "v1.14.2-eksbuild.4"
    assert planned["vpc-cni"].version is None
    assert planned["vpc-cni"].configuration == {"enableNetworkPolicy": "true", "env": {"WARM_IP_TARGET": "1"}}
    assert planned["vpc-cni"].resolve_conflicts == "PRESERVE"


def test_a_plan_takes_versions_of_the_lock_and_follows_a_copy():
    nodes = {"managed_nodes": {"groups": [{"name": "general", "instance_types": ["m7i.large"]}]}}
    (cluster,) = validated(minimal(nodes, addons={"coredns": {"version": "v1.14.2-eksbuild.4"}})).clusters
    locked = {"coredns": "v1.0.0-eksbuild.1", "kube-proxy": "v1.36.0-eksbuild.1"}
    versions = {addon.name: addon.version for addon in cluster.planned_addons(locked)}
    assert versions["coredns"] == "v1.14.2-eksbuild.4", "the file says more than the lock"
    assert versions["kube-proxy"] == "v1.36.0-eksbuild.1"
    assert {addon.name: addon.version for addon in cluster.planned_addons()}["kube-proxy"] is None
    copy = cluster.model_copy(update={"addons": {"metrics-server": AddonSpec(enabled=False)}})
    assert "metrics-server" not in {addon.name for addon in copy.planned_addons()}
    assert "metrics-server" in {addon.name for addon in cluster.planned_addons()}


def test_merge_lays_maps_into_maps():
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"c": 3}, "d": [2]}) == {"a": {"b": 1, "c": 3}, "d": [2]}


def addons(template):
    return {value["AddonName"]: value for value in of_type(template, "AWS::EKS::Addon").values()}


def test_pod_identity_where_the_agent_runs(synth):
    template = synth(minimal({"managed_nodes": NODES}))["t-compute-c"]
    cni = addons(template)["vpc-cni"]
    (association,) = cni["PodIdentityAssociations"]
    assert association["ServiceAccount"] == "aws-node"
    assert "ServiceAccountRoleArn" not in cni
    role = template["Resources"][association["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    condition = statement["Condition"]["StringEquals"]
    assert condition["aws:RequestTag/kubernetes-service-account"] == "aws-node"
    assert condition["aws:RequestTag/kubernetes-namespace"] == "kube-system"
    assert condition["aws:RequestTag/eks-cluster-arn"]["Fn::Join"][1][-1] == ":cluster/c"
    assert "sts:AssumeRoleWithWebIdentity" not in json.dumps(template), "IRSA is for Fargate alone"


def test_irsa_on_fargate(synth):
    templates = synth(minimal({"fargate": FARGATE}, addons={"external-dns": {"enabled": True}}))
    template = templates["t-compute-c"]
    dns = addons(template)["external-dns"]
    assert dns["PodIdentityAssociations"] == [], "an empty list takes away what an earlier mix had"
    role = template["Resources"][dns["ServiceAccountRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    text, variables = role["AssumeRolePolicyDocument"]["Fn::Sub"]
    (statement,) = json.loads(text)["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"]["StringEquals"] == {
        "${Issuer}:aud": "sts.amazonaws.com",
        "${Issuer}:sub": "system:serviceaccount:external-dns:external-dns",
    }
    assert set(variables) == {"Provider", "Issuer"}
    assert len(of_type(templates["t-access-c"], "AWS::IAM::OIDCProvider")) == 1
    assert "Fn::ImportValue" in variables["Provider"], "CloudFormation keeps what a role trusts"
    selectors = [
        selector for value in of_type(template, "AWS::EKS::FargateProfile").values() for selector in value["Selectors"]
    ]
    assert {
        "Namespace": "external-dns",
        "Labels": [{"Key": "app.kubernetes.io/name", "Value": "external-dns"}],
    } in selectors


def test_the_cni_of_an_ipv6_cluster_has_the_ipv6_permissions(synth):
    data = minimal({"managed_nodes": NODES})
    data["network"]["ipv6"] = True
    data["clusters"][0]["control_plane"]["ip_family"] = "ipv6"
    template = synth(data)["t-compute-c"]
    (policy,) = [value for key, value in of_type(template, "AWS::IAM::ManagedPolicy").items() if "VpcCni" in key]
    actions = {action for statement in policy["PolicyDocument"]["Statement"] for action in statement["Action"]}
    assert "ec2:AssignIpv6Addresses" in actions
    assert "AmazonEKS_CNI_Policy" not in json.dumps(template)


def test_what_may_run_on_fargate_can_be_drawn_there():
    for name, row in load("addons")["addons"].items():
        if "fargate" in row["compute"]:
            assert row["type"] == "deployment", name
            assert row["fargate_selector"], name


def test_every_row_of_the_catalog_is_complete():
    for name, row in load("addons")["addons"].items():
        assert row["type"] in ("daemonset", "deployment"), name
        assert row["stage"] in ("before_nodes", "after_nodes"), name
        assert set(row["default_for"]) <= set(KINDS), name
        assert row["compute"], name
        assert row["what"], name
        if "identity" in row:
            assert {"service_account", "policies"} <= set(row["identity"]), name
        assert row["rights"], name
        for needed in [*row.get("after", ()), *([row["requires"]["addon"]] if "requires" in row else [])]:
            assert needed in load("addons")["addons"], name
        for service in row.get("endpoints", ()):
            assert service == "the internet" or service in load("vpc_endpoints")["interface"], name


def test_an_older_driver_goes_with_a_policy_of_the_files_own():
    """What is too old is so for our policy, which asks for tags that an older driver does not set."""
    old = {"version": "v1.40.0-eksbuild.1"}

    def data(**more):
        return minimal({"managed_nodes": NODES}, addons={"aws-ebs-csi-driver": {**old, **more}})

    with pytest.raises(ValidationError, match=r"take v1\.58\.0 or later"):
        validated(data())
    validated(data(policies=["service-role/AmazonEBSCSIDriverPolicy"]))
