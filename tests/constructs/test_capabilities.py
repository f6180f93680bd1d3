"""EKS capabilities: their roles, what EKS is told of them, and where their logs go."""

import pytest

from eks_constructs.capabilities import LOG_TYPES
from stacks.objects.known_names import known_names
from tests.stacks.arns import resolved
from tests.support.environments import minimal, validated
from tests.support.templates import of_type

ARGO_CD = {
    "identity_center": "arn:aws:sso:::instance/ssoins-1234567890abcdef",
    "admins": [{"group": "12345678-90ab-cdef-1234-567890abcdef"}],
    "viewers": [{"user": "22345678-90ab-cdef-1234-567890abcdef"}],
}


@pytest.fixture
def made(synth):
    def run(**capabilities):
        return synth(minimal(capabilities=capabilities))["t-capabilities-c"]

    return run


def test_only_eks_takes_the_role_and_kro_may_do_nothing_on_aws(made):
    template = made(kro={})
    (role,) = of_type(template, "AWS::IAM::Role").values()
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "capabilities.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
    ]
    assert "ManagedPolicyArns" not in role
    (capability,) = of_type(template, "AWS::EKS::Capability").values()
    assert (capability["Type"], capability["DeletePropagationPolicy"]) == ("KRO", "RETAIN")
    assert "Configuration" not in capability


def test_ack_has_what_the_file_says_and_takes_the_roles_of_namespaces(made):
    target = "arn:aws:iam::111122223333:role/ack-s3"
    template = made(
        ack={
            "policies": ["AmazonSQSFullAccess"],
            "allow": [{"actions": ["s3:CreateBucket"], "resources": ["arn:aws:s3:::shop-*"]}],
            "assume_roles": [target],
        }
    )
    (role,) = of_type(template, "AWS::IAM::Role").values()
    assert resolved(role["ManagedPolicyArns"])[0] == "arn:aws:iam::aws:policy/AmazonSQSFullAccess"
    (policy,) = of_type(template, "AWS::IAM::ManagedPolicy").values()
    own, taking = policy["PolicyDocument"]["Statement"]
    assert own["Action"] == ["s3:CreateBucket"]
    assert (taking["Action"], taking["Resource"]) == (["sts:AssumeRole", "sts:TagSession"], [target])


def test_people_of_the_identity_center_get_argo_cds_roles(made):
    template = made(argo_cd={**ARGO_CD, "namespace": "gitops", "vpc_endpoints": ["vpce-0123456789abcdef0"]})
    (capability,) = of_type(template, "AWS::EKS::Capability").values()
    argo_cd = capability["Configuration"]["ArgoCd"]
    assert argo_cd["Namespace"] == "gitops"
    assert argo_cd["NetworkAccess"] == {"VpceIds": ["vpce-0123456789abcdef0"]}
    assert argo_cd["RbacRoleMappings"] == [
        {"Role": "ADMIN", "Identities": [{"Id": "12345678-90ab-cdef-1234-567890abcdef", "Type": "SSO_GROUP"}]},
        {"Role": "VIEWER", "Identities": [{"Id": "22345678-90ab-cdef-1234-567890abcdef", "Type": "SSO_USER"}]},
    ]


def test_every_controller_delivers_its_logs_one_delivery_after_the_other(made):
    template = made(argo_cd=ARGO_CD, ack={}, kro={})
    sources = of_type(template, "AWS::Logs::DeliverySource")
    assert {one["LogType"] for one in sources.values()} == {kind for kinds in LOG_TYPES.values() for kind in kinds}
    deliveries = {key: one for key, one in template["Resources"].items() if one["Type"] == "AWS::Logs::Delivery"}
    after = [set(one["DependsOn"]) & set(deliveries) for one in deliveries.values()]
    assert sorted(map(len, after)) == [0, *[1] * (len(deliveries) - 1)]
    assert len({next(iter(one)) for one in after if one}) == len(deliveries) - 1, "a chain, without branches"
    (group,) = of_type(template, "AWS::Logs::LogGroup").values()
    assert group["LogGroupName"] == "/eks-platform/t/c/capabilities"


def test_logs_can_be_left_out(made):
    template = made(kro={}, logs=False)
    assert {one["Type"] for one in template["Resources"].values()} == {"AWS::EKS::Capability", "AWS::IAM::Role"}


def test_names_of_deliveries_fit_whatever_the_cluster_is_called(synth):
    data = minimal(capabilities={"argo_cd": ARGO_CD})
    data["clusters"][0]["name"] = "c" * 80
    templates = synth(data)
    names = [
        one["Properties"]["Name"]
        for one in templates[f"t-capabilities-{'c' * 80}"]["Resources"].values()
        if one["Type"].startswith("AWS::Logs::Delivery") and "Name" in one["Properties"]
    ]
    assert len(set(names)) == len(names) == 6
    assert max(map(len, names)) <= 60


def test_workloads_may_use_the_kinds_that_capabilities_bring():
    cluster = validated(minimal(capabilities={"ack": {}, "kro": {}})).clusters[0]
    known = known_names(cluster, [], [])
    assert known.serves("s3.services.k8s.aws", "Bucket")
    assert known.serves("kro.run", "ResourceGraphDefinition")
    assert not known.serves("argoproj.io", "Application")


def test_argo_cd_gets_at_the_other_clusters_that_it_brings_objects_to_and_at_no_more(synth):
    content = minimal(capabilities={"argo_cd": ARGO_CD}, delivery="gitops")
    content["gitops"] = {"repository": "https://git.example.com/objects"}
    (hub,) = content["clusters"]
    for name, delivery in (("remote", "gitops"), ("apart", "files")):
        content["clusters"].append({**hub, "name": name, "delivery": delivery, "capabilities": None})
        del content["clusters"][-1]["capabilities"]
    templates = synth(content)
    (entry,) = of_type(templates["t-capabilities-c"], "AWS::EKS::AccessEntry").values()
    (role,) = of_type(templates["t-capabilities-c"], "AWS::IAM::Role")
    assert entry["ClusterName"] == "remote"
    assert entry["PrincipalArn"] == {"Fn::GetAtt": [role, "Arn"]}
    (policy,) = entry["AccessPolicies"]
    assert policy["AccessScope"] == {"Type": "cluster"}
    content["gitops"]["hub"] = "elsewhere"
    assert not of_type(synth(content)["t-capabilities-c"], "AWS::EKS::AccessEntry")
