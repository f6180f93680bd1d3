"""The steps: in their order, for each kind of compute, with who acts."""

from pathlib import Path
from typing import Any

import pytest

from responsibility.upgrade.command import Request, playbook
from responsibility.upgrade.playbook import ClusterPlaybook
from tests.responsibility.upgrade.upgrade_case import Resources, cluster, group, own_nodes, upgraded
from tests.support.environments import ENVIRONMENTS, environment_data
from tests.support.synth import assembled

PROFILE = {
    "Type": "AWS::EKS::FargateProfile",
    "Properties": {"ClusterName": {"Ref": "Cluster"}, "Selectors": [{"Namespace": "web"}]},
}
REMOTE = {"RemoteNodeNetworks": [{"Cidrs": ["10.200.0.0/16"]}]}
KINDS: dict[str, tuple[Resources, list[str]]] = {
    "managed_nodes": ({"Group": group()}, ["managed_nodes"]),
    "self_managed": (own_nodes("ami-1"), ["self_managed_nodes"]),
    "fargate": ({"Profile": PROFILE}, ["fargate"]),
    "auto_mode": ({"Cluster": cluster(ComputeConfig={"Enabled": True})}, ["auto_mode"]),
    "hybrid": ({"Cluster": cluster(RemoteNetworkConfig=REMOTE)}, ["hybrid_nodes"]),
    "all": (
        {
            "Cluster": cluster(ComputeConfig={"Enabled": True}, RemoteNetworkConfig=REMOTE),
            "Profile": PROFILE,
            "Group": group(),
            **own_nodes("ami-1"),
        },
        ["managed_nodes", "self_managed_nodes", "fargate", "auto_mode", "hybrid_nodes"],
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_steps_of_each_kind_come_in_order(name: str, tmp_path: Path) -> None:
    resources, wanted = KINDS[name]
    book = upgraded(tmp_path, resources)
    assert [step.id for step in book.steps] == ["before", "control_plane", "add_ons", *wanted, "after"]
    assert [step.number for step in book.steps] == list(range(1, len(book.steps) + 1))
    for step in book.steps:
        assert step.aws or step.you
        assert step.back
        assert step.disruption
        assert step.verify
        assert all(url.startswith("https://") for url in step.sources)


def test_who_acts(tmp_path: Path) -> None:
    who = {step.id: step.who for step in upgraded(tmp_path, KINDS["all"][0]).steps}
    assert who["auto_mode"] == "aws"
    assert who["hybrid_nodes"] == who["self_managed_nodes"] == "customer"
    assert who["control_plane"] == who["managed_nodes"] == who["fargate"] == "shared"


def test_foreign_templates_are_changed_by_property(tmp_path: Path) -> None:
    steps = {step.id: step for step in upgraded(tmp_path, {"Group": group()}).steps}
    assert steps["control_plane"].changes[0].where == "stack/Cluster Version"
    change = steps["managed_nodes"].changes[0]
    assert (change.where, change.before, change.after) == ("stack/Group Version", "1.36", "1.37")


def test_a_group_with_an_image_of_its_own_changes_the_image(tmp_path: Path) -> None:
    template: dict[str, Any] = {"LaunchTemplateData": {"ImageId": "ami-1"}}
    resources: Resources = {
        "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": template},
        "Group": group(AmiType=None, Version=None, LaunchTemplate={"Id": {"Ref": "Template"}, "Version": "1"}),
    }
    change = next(step for step in upgraded(tmp_path, resources).steps if step.id == "managed_nodes").changes[0]
    assert change.where == "stack/Template LaunchTemplateData.ImageId"


def test_words_of_a_template_are_no_shell(tmp_path: Path) -> None:
    book = upgraded(tmp_path, {"Group": group(NodegroupName="a; rm -rf ~"), "Cluster": cluster(Name="$(reboot)")})
    commands = [line for step in book.steps for line in (*step.commands, *step.verify, *step.back_commands)]
    assert any("'a; rm -rf ~'" in line for line in commands)
    assert not any("$(reboot)" in line for line in commands)


def ours(name: str, folder: Path) -> ClusterPlaybook:
    assembled(name).copy(folder / "cdk.out")
    from tests.responsibility.upgrade.upgrade_case import AS_OF

    return playbook(Request("1.37", str(folder / "cdk.out"), AS_OF)).clusters[0]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_our_environments_have_no_blocker_and_name_their_keys(name: str, tmp_path: Path) -> None:
    book = ours(name, tmp_path)
    assert not book.having("blocker")
    assert book.environment == environment_data(name)["name"]
    control_plane = next(step for step in book.steps if step.id == "control_plane")
    keys = [change.where.split("]")[-1] for change in control_plane.changes]
    groups = [kind for kind in ("managed_nodes", "self_managed_nodes") if kind in book.kinds]
    assert keys == [".control_plane.kubernetes_version", *(f".compute.{kind}.kubernetes_version" for kind in groups)]
    for kind in groups:
        change = next(step for step in book.steps if step.id == kind).changes[0]
        assert change.where.endswith(f".compute.{kind}.kubernetes_version"), "then the nodes follow"
    assert control_plane.commands[-1] == f"make deploy ENV={book.environment}"


def test_nodes_of_karpenter_have_a_step(tmp_path: Path) -> None:
    book = ours("accelerated", tmp_path)
    (step,) = [one for one in book.steps if one.id == "self_managed_nodes"]
    assert "Karpenter" in step.title
    assert "EC2NodeClass" not in step.you.partition("yourself")[2], "its AMI has an alias"
    data = environment_data("accelerated")
    data["clusters"][0]["compute"]["karpenter"]["ami_ids"] = ["ami-0123456789abcdef0"]
    assembled(data).copy(tmp_path / "own")
    from tests.responsibility.upgrade.upgrade_case import AS_OF

    book = playbook(Request("1.37", str(tmp_path / "own"), AS_OF)).clusters[0]
    (step,) = [one for one in book.steps if one.id == "self_managed_nodes"]
    assert step.you.endswith("yourself: EC2NodeClass default.")


def test_releases_and_images_of_own_groups_are_named_in_the_file(tmp_path: Path) -> None:
    from tests.responsibility.upgrade.upgrade_case import AS_OF

    data = environment_data("self-managed")
    groups = data["clusters"][0]["compute"]["self_managed_nodes"]["groups"]
    groups[0]["ami_release"], groups[2]["ami"] = "v20261112", {"ssm_parameter": "/corp/eks/ubuntu"}
    assembled(data).copy(tmp_path / "cdk.out")
    book = playbook(Request("1.37", str(tmp_path / "cdk.out"), AS_OF)).clusters[0]
    (step,) = [one for one in book.steps if one.id == "self_managed_nodes"]
    found = {change.where.split("self_managed_nodes.")[1]: change.after for change in step.changes}
    assert found == {
        "kubernetes_version": "",
        "groups[].ami": "an image for 1.37",
        "groups[].ami_release": "a release for 1.37",
    }


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        (
            "eks/optimized-ami/1.36/amazon-linux-2023/arm64/standard/recommended/image_id",
            "eks/optimized-ami/1.37/amazon-linux-2023/arm64/standard/recommended/image_id",
        ),
        (
            "eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/amazon-eks-node-al2023-x86_64-standard-1.36-v20261112/image_id",
            "eks/optimized-ami/1.37/amazon-linux-2023/x86_64/standard/recommended/image_id",
        ),
        (
            "bottlerocket/aws-k8s-1.36-nvidia/x86_64/1.50.0/image_id",
            "bottlerocket/aws-k8s-1.37-nvidia/x86_64/latest/image_id",
        ),
        (
            "ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.36/image_id",
            "ami-windows-latest/Windows_Server-2022-English-Core-EKS_Optimized-1.37/image_id",
        ),
        (
            "canonical/ubuntu/eks/24.04/1.36/stable/current/amd64/hvm/ebs-gp3/ami-id",
            "canonical/ubuntu/eks/24.04/1.37/stable/current/amd64/hvm/ebs-gp3/ami-id",
        ),
    ],
)
def test_self_managed_nodes_get_the_image_of_their_own_system(tmp_path: Path, image: str, wanted: str) -> None:
    resources = own_nodes(f"{{{{resolve:ssm:/aws/service/{image}}}}}")
    (step,) = [one for one in upgraded(tmp_path, resources).steps if one.id == "self_managed_nodes"]
    assert [one.split("--name ")[1] for one in step.commands if "get-parameter" in one] == [f"/aws/service/{wanted}"]
