"""CloudFormation's word on properties: what a schema refuses, coerces, and calls a replacement."""

import importlib.util
from pathlib import Path

import pytest

from emulator.engine.schemas import ResourceSchema, Schemas


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    found = importlib.util.find_spec("cfnlint")
    assert found
    assert found.origin
    return Schemas(Path(found.origin).parent / "data" / "schemas", "us-east-1")


def schema(schemas: Schemas, name: str) -> ResourceSchema:
    found = schemas.get(name)
    assert found
    return found


CLUSTER = {"RoleArn": "arn:aws:iam::1:role/r", "ResourcesVpcConfig": {"SubnetIds": ["subnet-1"]}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Colour": "red"}, "#: extraneous key [Colour] is not permitted"),
        ({"ResourcesVpcConfig": {"SubnetIds": ["a"], "Publik": True}}, "#/ResourcesVpcConfig: extraneous key [Publik] is not permitted"),
        ({"RoleArn": ["a"]}, "#/RoleArn: expected type: string, found: JSONArray"),
        ({"UpgradePolicy": {"SupportType": "FOREVER"}}, "#/UpgradePolicy/SupportType: FOREVER is not a valid enum value"),
        ({"Endpoint": "https://x"}, "#/Endpoint: read-only: [Endpoint] is set by the service and cannot be specified"),
    ],
)  # fmt: skip
def test_problems(schemas: Schemas, change: dict[str, object], message: str) -> None:
    assert schema(schemas, "AWS::EKS::Cluster").problems({**CLUSTER, **change}) == [message]


def test_what_is_required(schemas: Schemas) -> None:
    assert schema(schemas, "AWS::EKS::Cluster").problems({"RoleArn": "r"}) == [
        "#: required key [ResourcesVpcConfig] not found"
    ]


def test_no_problem(schemas: Schemas) -> None:
    assert schema(schemas, "AWS::EKS::Cluster").problems(CLUSTER) == []


def test_text_is_taken_for_numbers_and_booleans_and_the_other_way_round(schemas: Schemas) -> None:
    group = schema(schemas, "AWS::EKS::Nodegroup")
    given = {"ScalingConfig": {"MinSize": "2"}, "ForceUpdateEnabled": "false", "Version": 1.36, "Labels": {"a": "1"}}
    assert group.coerced(given) == {
        "ScalingConfig": {"MinSize": 2}, "ForceUpdateEnabled": False, "Version": "1.36", "Labels": {"a": "1"},
    }  # fmt: skip


def test_create_only(schemas: Schemas) -> None:
    cluster = schema(schemas, "AWS::EKS::Cluster")
    old = {**CLUSTER, "AccessConfig": {"BootstrapClusterCreatorAdminPermissions": True, "AuthenticationMode": "API"}}
    new = {**CLUSTER, "AccessConfig": {"BootstrapClusterCreatorAdminPermissions": False, "AuthenticationMode": "API"}}
    assert cluster.changed_create_only(old, new) == ["AccessConfig/BootstrapClusterCreatorAdminPermissions"]
    assert cluster.changed_create_only(old, {**old, "Version": "1.37"}) == []
    assert (cluster.custom_name, schema(schemas, "AWS::EKS::Nodegroup").custom_name) == ("Name", None)


def test_an_unknown_type(schemas: Schemas) -> None:
    assert schemas.get("AWS::EKS::Klaster") is None
