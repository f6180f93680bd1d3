"""Teams as one block, and security groups for pods: the same objects through both deliveries."""

import json

import pytest

from delivery.object_kind import kind_of
from tests.support.environments import NODES, environment_data, minimal, validated
from tests.support.synth import assembled
from tests.support.templates import of_type, only

POD_GROUP = "sg-0123456789abcdef0"
TEAM = {
    "name": "shop",
    "namespaces": ["shop", "jobs"],
    "members": [{"new_role": "shop"}, "role/Both"],
    "readers": [{"new_role": "auditor"}],
    "quota": {"requests.cpu": "20"},
    "limits": {"max": {"memory": "1Gi"}},
}
OTHER = {
    "name": "pay",
    "namespaces": ["pay"],
    "members": ["role/Both"],
    "network": "open",
    "pod_security": "restricted",
}


def environment(**cluster):
    return minimal({"managed_nodes": NODES}, **cluster)


def objects(data):
    from eks_constructs.cluster_network import ClusterNetwork

    found = validated(data)
    (cluster,) = found.clusters
    network = ClusterNetwork("vpc-1", ["subnet-1", "subnet-2"], None, [])
    return cluster.own_files(found.context_of(cluster), network)


def of_kind(data, kind):
    return [item for file in objects(data) for item in file.objects if kind_of(item) == kind]


def test_each_namespace_has_rights_quota_and_defaults():
    data = environment(teams=[TEAM])
    names = [item["metadata"]["name"] for item in of_kind(data, "Namespace")]
    assert names == ["shop", "jobs"]
    for name in names:
        bindings = {
            item["roleRef"]["name"]: item["subjects"][0]["name"]
            for item in of_kind(data, "RoleBinding")
            if item["metadata"]["namespace"] == name
        }
        assert bindings == {"edit": "team:shop", "view": "team:shop:readers"}
    assert [item["spec"]["hard"] for item in of_kind(data, "ResourceQuota")] == [{"requests.cpu": "20"}] * 2
    (limits, _) = [item["spec"]["limits"][0] for item in of_kind(data, "LimitRange")]
    assert limits["max"] == {"memory": "1Gi"}
    assert limits["default"] == {"memory": "512Mi"}


def test_namespaces_stay_when_a_team_goes_and_its_rules_do_not():
    keep = {file.name: file.keep for file in objects(environment(teams=[TEAM])) if "team" in file.name}
    assert keep == {"team-namespaces": True, "teams": False}


def test_pods_of_an_isolated_team_reach_their_namespace_and_dns_alone():
    policies = {item["metadata"]["name"]: item["spec"] for item in of_kind(environment(teams=[TEAM]), "NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies["allow-namespace"]["egress"] == [{"to": [{"podSelector": {}}]}]
    assert {port["port"] for rule in policies["allow-dns"]["egress"] for port in rule["ports"]} == {53}
    assert of_kind(environment(teams=[OTHER]), "NetworkPolicy") == []


def test_isolated_pods_with_rights_in_aws_reach_the_agent_that_has_their_credentials():
    rights = {"namespace": "jobs", "service_account": "cart", "policies": ["AmazonSQSReadOnlyAccess"]}
    policies = of_kind(environment(teams=[{**TEAM, "pod_identities": [rights]}]), "NetworkPolicy")
    (found,) = [item for item in policies if item["metadata"]["name"] == "allow-pod-identity"]
    assert found["metadata"]["namespace"] == "jobs"
    (rule,) = found["spec"]["egress"]
    assert {peer["ipBlock"]["cidr"] for peer in rule["to"]} == {"169.254.170.23/32", "fd00:ec2::23/128"}
    assert rule["ports"] == [{"protocol": "TCP", "port": 80}]
    of_cluster = of_kind(environment(teams=[TEAM], pod_identities=[rights]), "NetworkPolicy")
    assert found in of_cluster, "the role is the cluster's, and the namespace the team's"


def test_cilium_at_the_sites_lets_them_reach_it_by_its_port():
    rights = {"namespace": "jobs", "service_account": "cart", "policies": ["AmazonSQSReadOnlyAccess"]}
    data = environment_data("hybrid")
    data["clusters"][0]["teams"] = [{**TEAM, "pod_identities": [rights]}]
    policies = {item["metadata"]["name"]: item["spec"] for item in of_kind(data, "NetworkPolicy")}
    assert policies["allow-pod-identity"]["egress"] == [{"ports": [{"protocol": "TCP", "port": 80}]}]


def test_pod_security_and_labels():
    team = {**OTHER, "labels": {"cost": "pay"}}
    (space,) = of_kind(environment(teams=[team]), "Namespace")
    labels = space["metadata"]["labels"]
    assert (labels["pod-security.kubernetes.io/enforce"], labels["cost"]) == ("restricted", "pay")


def test_who_is_in_two_teams_has_one_entry_with_both_groups(synth):
    template = synth(environment(teams=[TEAM, OTHER]))["t-access-c"]
    entries = of_type(template, "AWS::EKS::AccessEntry").values()
    groups = {str(one["PrincipalArn"]): one.get("KubernetesGroups") for one in entries}
    (both,) = [value for key, value in groups.items() if "role/Both" in key]
    assert both == ["team:shop", "team:pay"]
    assert ["team:shop:readers"] in groups.values()
    assert not [one for one in entries if one.get("KubernetesGroups") and one.get("AccessPolicies")]


def test_a_teams_pods_have_their_aws_roles(synth):
    team = {
        **TEAM,
        "pod_identities": [{"namespace": "shop", "service_account": "cart", "policies": ["AmazonSQSReadOnlyAccess"]}],
    }
    template = synth(environment(teams=[team]))["t-compute-c"]
    association = only(template, "AWS::EKS::PodIdentityAssociation")
    assert (association["Namespace"], association["ServiceAccount"]) == ("shop", "cart")


@pytest.mark.parametrize("delivery", ["files", "kubectl"])
def test_both_deliveries_apply_the_same_objects(delivery):
    groups = {"policies": [{"name": "a", "namespace": "shop", "pod_labels": {"a": "b"}, "group_ids": [POD_GROUP]}]}
    data = environment(teams=[TEAM], security_groups_for_pods=groups, delivery=delivery)
    wanted = [
        item for file in objects(data) for item in file.objects if file.name.startswith(("team", "security-group"))
    ]
    made = assembled(data)
    applied = json.dumps(made.templates["t-workloads-c"]["Resources"] if delivery == "kubectl" else made.files["c"])
    for item in wanted:
        assert item["metadata"]["name"] in applied
        assert item["kind"] in applied
    kinds = ("Namespace", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy", "SecurityGroupPolicy")
    assert {item["kind"] for item in wanted} == {*kinds}


@pytest.mark.parametrize(
    ("mode", "demux"), [("strict", {"init": {"env": {"DISABLE_TCP_EARLY_DEMUX": "true"}}}), ("standard", {})]
)
def test_security_groups_for_pods_set_the_cni_and_the_clusters_role(synth, mode, demux):
    templates = synth(environment(security_groups_for_pods={"mode": mode}))
    addons = of_type(templates["t-compute-c"], "AWS::EKS::Addon").values()
    (cni,) = [json.loads(one["ConfigurationValues"]) for one in addons if one["AddonName"] == "vpc-cni"]
    assert cni["env"] == {"ENABLE_POD_ENI": "true", "POD_SECURITY_GROUP_ENFORCING_MODE": mode}
    assert cni.get("init", {}) == demux.get("init", {})
    roles = [one for key, one in of_type(templates["t-foundation"], "AWS::IAM::Role").items() if key == "CClusterRole"]
    assert "AmazonEKSVPCResourceController" in str(roles[0]["ManagedPolicyArns"])


def test_a_policy_of_pods_by_their_service_account():
    policy = {"name": "a", "namespace": "b", "service_account_labels": {"db": "x"}, "group_ids": [POD_GROUP]}
    (item,) = of_kind(environment(security_groups_for_pods={"policies": [policy]}), "SecurityGroupPolicy")
    assert item["spec"]["serviceAccountSelector"] == {"matchLabels": {"db": "x"}}
    assert item["spec"]["securityGroups"] == {"groupIds": [POD_GROUP]}
