"""`look-up`: what a cluster that exists is like becomes a file, which a synth reads in place of an account."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from operations.looking_up import look_up
from responsibility.reading.existing import NOT_SAID
from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from tests.operations.fake_account import DENIED, FakeAccount
from tests.support.synth import build_platform
from tests.support.templates import of_type

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
SUBNETS = {f"subnet-0000000{number}": zone for number, zone in enumerate("bac")}
ANSWERS: dict[str, Any] = {
    "describe_cluster": {
        "name": "shop",
        "version": "1.36",
        "roleArn": "arn:aws:iam::123456789012:role/shop",
        "resourcesVpcConfig": {
            "subnetIds": list(SUBNETS),
            "clusterSecurityGroupId": "sg-00000001",
            "vpcId": "vpc-00000001",
            "endpointPublicAccess": True,
            "endpointPrivateAccess": True,
            "publicAccessCidrs": ["0.0.0.0/0"],
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "identity": {"oidc": {"issuer": f"https://{ISSUER}"}},
        "accessConfig": {"authenticationMode": "API"},
        "endpoint": "https://EXAMPLE.gr7.eu-west-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "RVhBTVBMRQ=="},
    },
    "describe_vpcs": [{"VpcId": "vpc-00000001", "CidrBlock": "10.20.0.0/16"}],
    "describe_subnets": [
        {"SubnetId": name, "AvailabilityZone": f"eu-west-1{zone}", "MapPublicIpOnLaunch": False}
        for name, zone in SUBNETS.items()
    ],
    "list_open_id_connect_providers": [
        {"Arn": "arn:aws:iam::123456789012:oidc-provider/other"},
        {"Arn": f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"},
    ],
}
ENVIRONMENT = """\
name: join
region: eu-west-1
clusters:
  - name: shop
    existing: shop.yaml
    delivery: {delivery}
    compute: {compute}
    workloads: [{workloads}]
"""
NODES = "{managed_nodes: {groups: [{name: general, instance_types: [m7i.large]}]}}"
FARGATE = "{fargate: {profiles: [{name: apps, selectors: [{namespace: bucket-reader-fargate}]}]}}"
READER = "{name: bucket-reader, compute: fargate}"


def looked_up(folder: Path, **changes: Any) -> Path:
    """The folder of a look-up of `shop`."""
    said: list[str] = []
    cluster = {**ANSWERS["describe_cluster"], **changes.pop("cluster", {})}
    account = FakeAccount({**ANSWERS, "describe_cluster": cluster, **changes})
    assert look_up(account, "shop", folder / "shop.yaml", today=date(2026, 11, 28), say=said.append) == 0
    assert len(said) == 1
    return folder


def environment(folder: Path, *, compute: str = NODES, workloads: str = "", delivery: str = "files") -> Any:
    path = folder / "join.yaml"
    path.write_text(ENVIRONMENT.format(compute=compute, workloads=workloads, delivery=delivery))
    return load_environment(path, today=date(2026, 11, 28))


def templates(folder: Path, environment: Any) -> dict[str, Any]:
    platform = build_platform(environment, folder / "out")
    return {one.stack_name: json.loads((folder / "out" / one.template_file).read_text()) for one in platform.stacks}


def test_compute_joins_a_cluster_without_making_one(tmp_path: Path) -> None:
    made = templates(tmp_path, environment(looked_up(tmp_path)))
    assert set(made) == {"join-foundation", "join-compute-shop"}
    compute = made["join-compute-shop"]
    (group,) = of_type(compute, "AWS::EKS::Nodegroup").values()
    assert group["ClusterName"] == "shop"
    assert set(group["Subnets"]) == set(SUBNETS)
    text = json.dumps(made)
    assert "Fn::ImportValue" not in text
    assert "Fn::GetStackOutput" not in text
    assert not [one for template in made.values() for one in of_type(template, "AWS::EKS::Cluster")]
    assert not of_type(made["join-foundation"], "AWS::IAM::Role"), "the cluster has its role and key already"


def test_roles_of_pods_on_fargate_trust_the_provider_that_was_found(tmp_path: Path) -> None:
    made = templates(tmp_path, environment(looked_up(tmp_path), compute=FARGATE, workloads=READER))
    policies = [
        one["AssumeRolePolicyDocument"] for one in of_type(made["join-workloads-shop"], "AWS::IAM::Role").values()
    ]
    assert f"oidc-provider/{ISSUER}" in json.dumps(policies)


REFUSED = {
    "auto mode": ({}, {"compute": "{auto_mode: {}}"}, "is a setting of the existing cluster itself"),
    "no access entries": (
        {"cluster": {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}},
        {"delivery": "kubectl"},
        "needs an access entry, and the cluster takes none",
    ),
    "no provider": (
        {"list_open_id_connect_providers": []},
        {"compute": FARGATE, "workloads": READER},
        "the look-up found none. Make it",
    ),
    "no provider for a controller": (
        {"list_open_id_connect_providers": []},
        {"compute": f"{FARGATE}\n    load_balancer_controller: {{enabled: true}}"},
        "the look-up found none. Make it",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_cluster_does_not_allow_is_said_at_synth(what: str, tmp_path: Path) -> None:
    answers, said, words = REFUSED[what]
    with pytest.raises(BadInput, match=words):
        environment(looked_up(tmp_path, **answers), **said)


def test_a_missing_look_up_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"there is no file .*shop.yaml. Write it: python -m operations look-up shop --file"
    ):
        environment(tmp_path)


@pytest.mark.parametrize("key", ["network: {}", "control_plane: {}", "access: {}"])
def test_what_is_the_makers_is_refused(key: str, tmp_path: Path) -> None:
    looked_up(tmp_path)
    path = tmp_path / "join.yaml"
    path.write_text(ENVIRONMENT.format(compute=NODES, workloads="", delivery="files") + f"    {key}\n")
    with pytest.raises(BadInput, match=rf"{key.split(':')[0]}: .*belongs to whoever made the existing cluster"):
        load_environment(path)


def test_what_eks_does_not_say_is_unknown_to_the_review(tmp_path: Path) -> None:
    text = (looked_up(tmp_path) / "shop.yaml").read_text()
    assert f"BootstrapClusterCreatorAdminPermissions: {NOT_SAID}" in text


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    other = tmp_path / "shop.yaml"
    other.write_text("name: mine\n")
    with pytest.raises(BadInput, match="is not a look-up; name another file"):
        looked_up(tmp_path)
    assert other.read_text() == "name: mine\n"


def test_an_account_that_does_not_answer_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"shop cannot be looked up: .*Nothing was changed"):
        look_up(
            FakeAccount({"describe_cluster": DENIED}),
            "shop",
            tmp_path / "shop.yaml",
            today=date.today(),
            say=lambda _: None,
        )
    assert not list(tmp_path.iterdir())
