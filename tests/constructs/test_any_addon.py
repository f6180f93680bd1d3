"""Add-ons that the environment file names, with and without rules here: where they run, and whose rights they have."""

import json

import pytest
from pydantic import ValidationError

from eks_facts.addons import addons as catalog
from eks_facts.iam_words import managed_policies
from safe_io.errors import BadInput
from tests.stacks.arns import resolved
from tests.support.environments import FARGATE, NODES, ROOT, minimal, validated
from tests.support.templates import needs, of_type

READ = {"actions": ["s3:GetObject"], "resources": ["arn:${AWS_PARTITION}:s3:::data-${AWS_ACCOUNT_ID}/*"]}
OWN_POOLS = {
    "built_in_node_pools": [],
    "node_classes": [{"name": "own"}],
    "node_pools": [{"name": "apps", "node_class": "own"}],
}


@pytest.fixture
def made(synth):
    """Returns the add-on of a name, the role of its first association, and the template."""

    def run(name, spec, compute=None, **cluster):
        templates = synth(minimal(compute or {"managed_nodes": NODES}, addons={name: spec}, **cluster))
        (template,) = [
            one for one in templates.values() if name in json.dumps(list(of_type(one, "AWS::EKS::Addon").values()))
        ]
        (key,) = [key for key, one in of_type(template, "AWS::EKS::Addon").items() if one["AddonName"] == name]
        addon = template["Resources"][key]["Properties"]
        return addon, key, template

    return run


def role_of(addon, template):
    arn = (
        addon["ServiceAccountRoleArn"]
        if "ServiceAccountRoleArn" in addon
        else addon["PodIdentityAssociations"][0]["RoleArn"]
    )
    return template["Resources"][arn["Fn::GetAtt"][0]]["Properties"]


def test_an_add_on_without_rules_here_is_made_after_the_nodes(made):
    addon, key, template = made("datadog_operator", {"version": "v0.1.9-eksbuild.1", "configuration": {"replicas": 2}})
    assert addon["AddonVersion"] == "v0.1.9-eksbuild.1"
    assert json.loads(addon["ConfigurationValues"]) == {"replicas": 2}
    assert not {"PodIdentityAssociations", "NamespaceConfig", "ServiceAccountRoleArn"} & set(addon)
    assert set(of_type(template, "AWS::EKS::Nodegroup")) <= needs(template, key)


def test_its_rights_go_to_one_service_account(made):
    rights = {
        "namespace": "tools",
        "service_account": "agent",
        "policies": ["AmazonSQSReadOnlyAccess"],
        "allow": [READ],
    }
    addon, _, template = made("acme-agent", rights)
    assert addon["NamespaceConfig"] == {"Namespace": "tools"}
    (association,) = addon["PodIdentityAssociations"]
    assert association["ServiceAccount"] == "agent"
    role = role_of(addon, template)
    (statement,) = resolved(role["AssumeRolePolicyDocument"])["Statement"]
    assert statement["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-namespace"] == "tools"
    assert statement["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-service-account"] == "agent"
    assert resolved(role["ManagedPolicyArns"])[0] == "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"
    (policy,) = [one for name, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if "AcmeAgent" in name]
    assert resolved(policy["PolicyDocument"])["Statement"][0]["Resource"] == ["arn:aws:s3:::data-123456789012/*"]


def test_a_role_that_exists_is_taken(made):
    arn = "arn:aws:iam::123456789012:role/mine"
    addon, _, template = made("aws-mountpoint-s3-csi-driver", {"role_arn": arn})
    assert addon["PodIdentityAssociations"] == [{"ServiceAccount": "s3-csi-driver-sa", "RoleArn": arn}]
    assert not any("Mountpoint" in key for key in of_type(template, "AWS::IAM::Role"))


def test_named_rights_take_the_place_of_those_of_the_rules(made):
    addon, _, template = made("external-dns", {"allow": [{"actions": ["route53:ListHostedZones"], "resources": ["*"]}]})
    role_of(addon, template)
    (policy,) = [one for name, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if "ExternalDns" in name]
    assert [one["Action"] for one in policy["PolicyDocument"]["Statement"]] == [["route53:ListHostedZones"]]


def test_rights_that_are_taken_out_of_the_file_are_taken_back(made):
    addon, *_ = made("aws-mountpoint-s3-csi-driver", {})
    assert addon["PodIdentityAssociations"] == [], "left out, EKS would keep the association"


def test_on_fargate_alone_its_role_comes_by_the_clusters_tokens(made):
    rights = {"namespace": "tools", "service_account": "agent", "allow": [READ]}
    addon, _, template = made("acme-agent", rights, compute={"fargate": FARGATE})
    assert "system:serviceaccount:tools:agent" in json.dumps(role_of(addon, template)["AssumeRolePolicyDocument"])
    selectors = [one for value in of_type(template, "AWS::EKS::FargateProfile").values() for one in value["Selectors"]]
    assert {"Namespace": "tools"} in selectors


def test_a_profile_of_the_project_takes_no_more_selectors_than_eks_lets_it(synth):
    many = {f"acme-{number}": {"namespace": f"tools-{number}"} for number in range(7)}
    template = synth(minimal({"fargate": FARGATE}, addons=many))["t-compute-c"]
    profiles = of_type(template, "AWS::EKS::FargateProfile").values()
    assert all(len(one["Selectors"]) <= 5 for one in profiles)
    drawn = {selector["Namespace"] for one in profiles for selector in one["Selectors"]}
    assert {f"tools-{number}" for number in range(7)} <= drawn


def test_it_waits_for_node_pools_that_run_it(made):
    _, key, template = made("cert-manager", {}, compute={"auto_mode": OWN_POOLS}, delivery="kubectl")
    assert {one for one in template["Resources"] if one.startswith("KubectlNodePools")} <= needs(template, key)


def test_an_add_on_comes_after_the_one_it_requires(synth):
    template = synth(minimal({"managed_nodes": NODES}, addons={"adot": {}, "cert-manager": {}}))["t-compute-c"]
    keys = {one["AddonName"]: key for key, one in of_type(template, "AWS::EKS::Addon").items()}
    assert keys["cert-manager"] in needs(template, keys["adot"])


@pytest.mark.parametrize("name", sorted(catalog()))
def test_each_add_on_of_the_catalog_has_rights_that_aws_knows(name):
    for policy in catalog()[name].get("identity", {}).get("policies", ()):
        assert policy in managed_policies(), "what it allows is not known to the review"


def test_the_guide_lists_each_add_on_with_what_it_costs_in_rights():
    guide = (ROOT / "docs/addons.md").read_text()
    for name, row in catalog().items():
        (line,) = [line for line in guide.splitlines() if line.startswith(f"| `{name}` |")]
        assert line.endswith(f"| {row['rights']} |")
        assert f"| {row['what']} |" in line


BAD = [
    ({"coredn": {}}, "is not known here. Did you mean coredns"),
    ({"cert_manger": {}}, "Did you mean cert-manager"),
    ({"Cert-Manager": {}}, "must be the name of an EKS add-on"),
    ({"acme": {"allow": [READ]}}, "nothing here says whose: add service_account and namespace"),
    ({"acme": {"service_account": "a"}}, "gets no rights; add policies, allow or role_arn"),
    ({"external-dns": {"policies": ["A"], "role_arn": "arn:aws:iam::123456789012:role/a"}}, "cannot be combined with role_arn"),
    ({"adot": {}}, "needs cert-manager: add cert-manager"),
    ({"acme": {"endpoints": ["Secrets Manager"]}}, "must be the name of a VPC endpoint"),
    ({"acme": {"version": "latest"}}, "must be the version of an EKS add-on"),
    ({"acme": {"namespace": "My_Space"}}, "must be at most 63 lower-case letters"),
]  # fmt: skip


@pytest.mark.parametrize(("addons", "text"), BAD)
def test_what_cannot_work_is_refused(addons, text):
    with pytest.raises(ValidationError, match=text):
        validated(minimal({"managed_nodes": NODES}, addons=addons))


@pytest.mark.parametrize(
    ("addons", "text"),
    [
        ({"acme": {}}, "draws its pods by their namespace: add namespace"),
        ({"cert-manager": {}}, "runs on managed_nodes or self_managed_nodes or auto_mode"),
        ({"aws-guardduty-agent": {}}, "runs on managed_nodes or self_managed_nodes or auto_mode"),
    ],
)
def test_what_fargate_alone_cannot_run_is_refused(addons, text):
    with pytest.raises(ValidationError, match=text):
        validated(minimal({"fargate": FARGATE}, addons=addons))


def test_something_else_may_bring_what_an_add_on_requires():
    validated(minimal({"managed_nodes": NODES}, addons={"adot": {}}, provided_elsewhere=["cert-manager.io"]))


@pytest.mark.parametrize(
    ("addon", "endpoints", "text"),
    [
        ({"acme": {}}, [], "which AWS services the add-on acme calls is not known here"),
        ({"acme": {"endpoints": ["secretsmanager"]}}, [], "needs secretsmanager"),
        ({"acme": {"endpoints": ["secretsmanager"]}}, ["secretsmanager"], None),
        ({"acme": {"endpoints": []}}, [], None),
        ({"aws-fsx-csi-driver": {}}, [], "needs fsx"),
    ],
)
def test_without_the_internet_it_reaches_what_it_calls(tmp_path, addon, endpoints, text):
    from stacks.environment.loading import load_environment

    data = minimal({"managed_nodes": NODES}, addons=addon)
    data["network"] |= {"nat": "none", "additional_endpoints": endpoints}
    file = tmp_path / "t.yaml"
    file.write_text(json.dumps(data))
    if text is None:
        load_environment(file)
    else:
        with pytest.raises(BadInput, match=text):
            load_environment(file)
