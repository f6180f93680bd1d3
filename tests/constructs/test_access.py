"""Who gets in, with what rights, and the way to a private endpoint."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from eks_constructs.roles import IamSpec, prescribe
from tests.support.environments import FARGATE, NODES, minimal
from tests.support.templates import of_type, only


def entries(template):
    return {str(value["PrincipalArn"]): value for value in of_type(template, "AWS::EKS::AccessEntry").values()}


def test_principals_are_taken_as_written(synth):
    data = minimal(access={"admins": ["arn:aws:iam::210987654321:role/path/Admin"], "readers": ["role/Auditor"]})
    found = entries(synth(data)["t-access-c"])
    assert found["arn:aws:iam::210987654321:role/path/Admin"]["AccessPolicies"][0]["PolicyArn"]["Fn::Join"][1][
        -1
    ].endswith("/AmazonEKSClusterAdminPolicy")
    (auditor,) = [value for key, value in found.items() if "Auditor" in key]
    assert auditor["PrincipalArn"]["Fn::Join"][1][-1] == ":role/Auditor"
    assert auditor["AccessPolicies"][0]["PolicyArn"]["Fn::Join"][1][-1].endswith("/AmazonEKSViewPolicy")


def test_a_new_role_can_be_taken_in_its_account_and_may_only_find_the_cluster(synth):
    template = synth(minimal(access={"admins": [{"new_role": "platform-admin"}]}))["t-access-c"]
    role = only(template, "AWS::IAM::Role")
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["AWS"]["Fn::Join"][1][-1] == ":root"
    (allowed,) = only(template, "AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    assert allowed["Action"] == ["eks:DescribeCluster"]
    assert "RoleArnPlatformAdmin" in template["Outputs"]


def test_an_entry_is_limited_to_its_namespaces_and_groups(synth):
    entry = {
        "principal": "role/Dev",
        "policy": "AmazonEKSEditPolicy",
        "namespaces": ["a", "b"],
        "kubernetes_groups": ["devs"],
    }
    found = entries(synth(minimal(access={"admins": ["role/Admin"], "entries": [entry]}))["t-access-c"])
    (dev,) = [value for key, value in found.items() if "Dev" in key]
    assert dev["AccessPolicies"][0]["AccessScope"] == {"Type": "namespace", "Namespaces": ["a", "b"]}
    assert dev["KubernetesGroups"] == ["devs"]


def test_nobody_else_gets_in(synth):
    template = synth(minimal(access={"admins": ["role/Admin"]}))["t-access-c"]
    assert len(entries(template)) == 1
    assert not of_type(template, "AWS::IAM::Role")


def test_the_tunnel_host_has_no_way_in_and_reaches_the_api(synth):
    template = synth(minimal(access={"admins": ["role/Admin"], "tunnel_host": True}))["t-access-c"]
    group = only(template, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]] == [(443, 443)]
    ingress = only(template, "AWS::EC2::SecurityGroupIngress")
    assert ingress["GroupId"]["Fn::GetStackOutput"]["StackName"] == "t-control-plane-c"
    assert (ingress["FromPort"], ingress["ToPort"]) == (443, 443)
    instance = only(template, "AWS::EC2::Instance")
    assert "KeyName" not in instance
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


PRESCRIBED = {
    "path": "/eks/",
    "name_prefix": "corp-",
    "permissions_boundary": "arn:aws:iam::123456789012:policy/Boundary",
}

EVERYTHING = {
    "managed_nodes": NODES,
    "karpenter": {"node_pools": [{"name": "p"}]},
    "fargate": FARGATE,
}


def with_every_kind_of_role(name="c"):
    """All kinds of compute, add-ons with roles, workloads with roles, and the kubectl handler of the CDK."""
    workloads = [
        {"name": "bucket-reader", "compute": "managed_nodes"},
        {"name": "web", "compute": "managed_nodes", "plain_http": True},
    ]
    data = minimal(
        EVERYTHING,
        name=name,
        access={"admins": [{"new_role": "admin"}], "tunnel_host": True},
        addons={one: {"enabled": True} for one in ("aws-efs-csi-driver", "amazon-cloudwatch-observability")},
        delivery="kubectl",
        workloads=workloads,
    )
    auto = {"auto_mode": {"node_classes": [{"name": "n"}], "node_pools": [{"name": "p", "node_class": "n"}]}}
    data["clusters"].append({**minimal(auto)["clusters"][0], "name": "other"})
    return data


def roles(templates):
    return [role for template in templates.values() for role in of_type(template, "AWS::IAM::Role").values()]


def test_every_role_follows_the_organisation_whoever_makes_it(synth):
    templates = synth(with_every_kind_of_role() | {"iam": PRESCRIBED})
    assert "t-workloads-c" in templates, "the CDK's provider framework is among them"
    names = []
    for role in roles(templates):
        assert role["Path"] == "/eks/"
        assert role["PermissionsBoundary"].endswith("/Boundary")
        assert role["Description"]
        names.append(role["RoleName"])
    assert len(names) >= 18
    assert len(set(names)) == len(names)
    assert all(name.startswith("corp-") and len(name) <= 64 for name in names)
    for template in templates.values():
        for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile"):
            assert all(one["Path"] == "/eks/" for one in of_type(template, kind).values())


def test_roles_of_a_module_and_of_nested_stacks_follow_the_organisation():
    trust = {"Version": "2012-10-17", "Statement": []}
    app = cdk.App()
    stack = cdk.Stack(app, "stack")
    cdk.CfnResource(stack, "Role", type="AWS::IAM::Role", properties={"AssumeRolePolicyDocument": trust})
    cdk.CfnResource(
        stack, "Own", type="AWS::IAM::Role", properties={"RoleName": "own", "AssumeRolePolicyDocument": trust}
    )
    cdk.CfnResource(stack, "Policy", type="AWS::IAM::ManagedPolicy", properties={"PolicyDocument": trust})
    cdk.CfnResource(stack, "Profile", type="AWS::IAM::InstanceProfile", properties={"Roles": ["own"]})
    cdk.CfnResource(stack, "Function", type="AWS::Serverless::Function", properties={"CodeUri": "s3://b/k"})
    for name in ("one", "two"):
        iam.CfnRole(cdk.NestedStack(stack, name * 20), "Nested", assume_role_policy_document=trust)
    prescribe(app, IamSpec(**PRESCRIBED))
    folder = Path(app.synth().directory)
    found = {
        (path.name, key): one["Properties"]
        for path in folder.glob("*.template.json")
        for key, one in json.loads(path.read_text())["Resources"].items()
        if one["Type"].startswith(("AWS::IAM", "AWS::Serverless"))
    }
    assert len(found) == 7
    for (_, key), properties in found.items():
        assert properties["RolePath" if key == "Function" else "Path"] == "/eks/"
        if key not in ("Policy", "Profile"):
            assert properties["PermissionsBoundary"] == PRESCRIBED["permissions_boundary"]
    named = [properties["RoleName"] for properties in found.values() if "RoleName" in properties]
    assert len(set(named)) == 4
    assert "own" in named
    assert all(isinstance(name, str) and len(name) <= 64 for name in named)


def test_long_names_are_shortened_and_stay_what_they_are(synth):
    long = "c" * 70
    data = with_every_kind_of_role(long) | {"iam": PRESCRIBED}
    names = [role["RoleName"] for role in roles(synth(data))]
    assert all(len(name) <= 64 for name in names)
    assert len(set(names)) == len(names)
    assert names == [role["RoleName"] for role in roles(synth(data))]


def test_kubernetes_objects_name_roles_as_they_are_made(synth, tmp_path):
    data = with_every_kind_of_role("c" * 70)
    data["clusters"][0]["delivery"] = "files"
    templates = synth(data)
    profile = only(templates[f"t-workloads-{'c' * 70}"], "AWS::IAM::InstanceProfile")["InstanceProfileName"]
    (manifest,) = tmp_path.glob("*/manifests/c*/*-karpenter-nodes.yaml")
    assert f"instanceProfile: {profile}\n" in manifest.read_text()
    assert len(profile) <= 64


def test_without_prescriptions_cloudformation_names_the_roles(synth):
    made = roles(synth(with_every_kind_of_role()))
    assert sum("RoleName" in role for role in made) == 2, "those that Kubernetes objects name"
