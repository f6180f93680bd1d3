"""`make deploy` and `make diff` leave groups of nodes as large as an autoscaler made them."""

from collections.abc import Sequence
from typing import Any

import pytest

from operations.deploying import deploy, look
from operations.environment import context
from tests.operations.fake_account import DENIED, FakeAccount, stack
from tests.support.environments import minimal, validated

COMMAND = ["cdk", "deploy", "--all", "-c", "env=t"]
GROUP = {"name": "g", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 6}


def environment(**changes: Any) -> dict[str, Any]:
    data = minimal({"managed_nodes": {"groups": [{**GROUP, **changes}]}})
    data["clusters"][0]["control_plane"]["deletion_protection"] = False
    return data


def account(desired: int, now: int, **properties: Any) -> dict[str, Any]:
    """An account with the group, deployed with one desired size, and now with another."""
    deployed = {
        "AmiType": "AL2023_x86_64_STANDARD",
        "CapacityType": "ON_DEMAND",
        "InstanceTypes": ["m7i.large"],
        "ScalingConfig": {"MinSize": 2, "MaxSize": 6, "DesiredSize": desired},
        "Tags": {"Name": "c-g"},
        **properties,
    }
    running = {"scalingConfig": {"minSize": 2, "maxSize": 6, "desiredSize": now}, "tags": {"Name": "c-g"}}
    return {
        "describe_stacks": [stack("t-foundation"), stack("t-compute-c")],
        "get_template t-compute-c": {"Resources": {"G": {"Type": "AWS::EKS::Nodegroup", "Properties": deployed}}},
        "list_nodegroups c": ["g-1a2b"],
        "describe_nodegroup c g-1a2b": running,
    }


def sizes(data: dict[str, Any], answers: dict[str, Any], *more: str, act: Any = deploy) -> str | None:
    """What the CDK is told of sizes."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        ran.append(command)
        return 0

    told = {"ask": lambda _: "y"} if act is deploy else {}
    assert (
        act(validated(data), lambda: FakeAccount(answers), [*COMMAND, *more], run=run, say=lambda _: None, **told) == 0
    )
    return context(ran[-1]).get("sizes")


def test_a_change_of_a_size_keeps_the_number_of_nodes() -> None:
    assert sizes(environment(max_size=10), account(2, 5)) == "c/g:5"


@pytest.mark.parametrize(("change", "size"), [({"max_size": 4}, 4), ({"min_size": 6}, 6)])
def test_within_the_new_limits(change: dict[str, int], size: int) -> None:
    assert sizes(environment(**change), account(2, 5)) == f"c/g:{size}"


def test_a_group_that_is_replaced_begins_as_large_as_it_is() -> None:
    assert sizes(environment(instance_types=["m7i.xlarge"]), account(2, 5)) == "c/g:5"


def test_without_a_change_the_template_stays_what_it_is() -> None:
    assert sizes(environment(), account(3, 5)) == "c/g:3"


def test_a_size_that_the_file_names_is_the_files() -> None:
    assert sizes(environment(max_size=10, desired_size=3), account(2, 5)) is None


def test_a_number_that_the_template_leaves_out_is_one_for_a_group_that_is_made() -> None:
    kept = environment(max_size=10, desired_size="keep")
    assert sizes(kept, account(2, 5)) == "c/g:5"
    assert sizes(kept, account(2, 5, InstanceTypes=["m7i.xlarge"])) == "c/g:5"
    assert sizes(kept, account(2, 5, Tags={"Name": "c-other"})) == "c/g:2"
    assert sizes(kept, {"describe_stacks": [stack("t-foundation")]}) == "c/g:2"


def test_a_new_group_and_a_new_cluster_begin_with_the_file() -> None:
    answers = account(2, 5, Tags={"Name": "c-other"})
    assert sizes(environment(max_size=10), answers) is None
    assert sizes(environment(max_size=10), {"describe_stacks": [stack("t-foundation")]}) is None


def test_who_says_sizes_himself_is_believed() -> None:
    assert sizes(environment(max_size=10), account(2, 5), "-c", "sizes=c/g:4") == "c/g:4"


def test_a_diff_shows_what_a_deploy_would_do() -> None:
    assert sizes(environment(max_size=10), account(2, 5), act=look) == "c/g:5"
    assert sizes(environment(max_size=10), {"describe_stacks": DENIED}, act=look) is None


SUBNETS = [{"Fn::GetStackOutput": {"OutputName": f"PublishOutputRefNetworkPrivateSubnet{one}E84"}} for one in (1, 2)]


@pytest.mark.parametrize(
    ("change", "network", "size"),
    [
        ({}, {}, None),
        ({}, {"availability_zones": 3}, "c/g:5"),
        ({"subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}, {}, "c/g:5"),
        (
            {"availability_zones": ["eu-west-1a", "eu-west-1c"]},
            {"availability_zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
            "c/g:5",
        ),
        (
            {"local_zones": ["eu-west-1-dub-1a"]},
            {
                "availability_zones": ["eu-west-1a", "eu-west-1b"],
                "local_zones": ["eu-west-1-dub-1a"],
                "local_zone_cidr": "10.1.0.0/20",
            },
            "c/g:5",
        ),
    ],
)
def test_a_group_that_moves_to_other_subnets_begins_as_large_as_it_is(
    change: dict[str, Any], network: dict[str, Any], size: str | None
) -> None:
    data = environment(**change) | {"region": "eu-west-1"}
    data["network"] |= network
    found = sizes(data, account(3, 5, Subnets=SUBNETS))
    assert found == (size or "c/g:3")
