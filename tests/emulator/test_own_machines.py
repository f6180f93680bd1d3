"""Hybrid nodes and self-managed nodes in the local AWS: what a template makes of them, what the APIs answer and refuse."""

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from emulator.status import client
from tests.emulator import own_machines
from tests.emulator.comparison import differences
from tests.emulator.deployment import Deployment, StackFailed
from tests.emulator.inventory import inventory

pytestmark = [pytest.mark.whole, pytest.mark.xdist_group("emulator")]

STACK = "machines"


def template(resources: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
    """A template of resources, some of whose properties are others."""
    resources = copy.deepcopy(resources)
    for name, properties in changes.items():
        resources[name]["Properties"] |= properties
    return {"Resources": resources}


@pytest.mark.parametrize(
    ("make", "name", "change"),
    [
        (
            own_machines.hybrid,
            "Cluster",
            {"RemoteNetworkConfig": {"RemoteNodeNetworks": [{"Cidrs": ["192.168.0.0/20"]}]}},
        ),
        (own_machines.hybrid, "Profile", {"DurationSeconds": 7200}),
        (own_machines.self_managed, "Group", {"MaxSize": "6", "DesiredCapacity": "3"}),
    ],
)
def test_deployed_compared_updated_and_destroyed(
    deployment: Deployment, make: Callable[[], dict[str, Any]], name: str, change: dict[str, Any]
) -> None:
    before = inventory(deployment.engine)
    made = template(make())
    deployment.deploy_stack(STACK, made)
    assert differences(deployment, STACK, made) == []
    assert deployment.deploy_stack(STACK, made) == []
    changed = template(make(), **{name: change})
    assert [one["Replacement"] for one in deployment.deploy_stack(STACK, changed)] == ["False"]
    assert differences(deployment, STACK, changed) == []
    deployment.destroy(STACK)
    assert inventory(deployment.engine) == before


REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], dict[str, dict[str, Any]], str]] = {
    "a public remote range": (
        own_machines.hybrid,
        {"Cluster": {"RemoteNetworkConfig": {"RemoteNodeNetworks": [{"Cidrs": ["198.51.100.0/24"]}]}}},
        "198.51.100.0/24 is not within",
    ),
    "a remote range in the VPC": (
        own_machines.hybrid,
        {"Cluster": {"RemoteNetworkConfig": {"RemoteNodeNetworks": [{"Cidrs": ["10.0.8.0/24"]}]}}},
        "overlaps the VPC's 10.0.0.0/16",
    ),
    "aws-auth alone": (
        own_machines.hybrid,
        {"Cluster": {"AccessConfig": {"AuthenticationMode": "CONFIG_MAP"}}},
        "authentication mode",
    ),
    "an access policy for nodes": (
        own_machines.hybrid,
        {
            "SiteRoleEntry": {
                "AccessPolicies": [
                    {
                        "PolicyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                        "AccessScope": {"Type": "cluster"},
                    }
                ]
            }
        },
        "cannot be associated with an access entry of type HYBRID_LINUX",
    ),
    "a trust anchor without a certificate": (
        own_machines.hybrid,
        {"Anchor": {"Source": {"SourceType": "CERTIFICATE_BUNDLE", "SourceData": {"X509CertificateData": "none"}}}},
        "no certificate in PEM",
    ),
    "a profile of a role that is none": (
        own_machines.hybrid,
        {"Profile": {"RoleArns": ["arn:aws:iam::123456789012:role/nobody"]}},
        "role/nobody does not exist",
    ),
    "a route before the attachment": (
        own_machines.hybrid,
        {"NodeRoute": {"TransitGatewayId": "tgw-0fffffffffffffff0"}},
        "tgw-0fffffffffffffff0' does not exist",
    ),
    "a route to a private gateway that is not attached": (
        own_machines.hybrid,
        {"NodeRoute": {"TransitGatewayId": None, "GatewayId": "vgw-0123456789abcdef0"}},
        "belong to different networks",
    ),
    "more instances than the most": (
        own_machines.self_managed,
        {"Group": {"DesiredCapacity": "9"}},
        "between the specified min size:1",
    ),
    "two ways to launch": (
        own_machines.self_managed,
        {"Group": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": "1"}}},
        "exactly one of launchTemplate",
    ),
    "a version that the launch template does not have": (
        own_machines.self_managed,
        {
            "Group": {
                "MixedInstancesPolicy": None,
                "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": "7"},
            }
        },
        "it has no version 7",
    ),
    "an image that nobody named": (
        own_machines.self_managed,
        {"Template": {"LaunchTemplateData": {"InstanceType": "m7i.large"}}},
        "no ImageId",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_services_refuse(deployment: Deployment, case: str) -> None:
    make, changes, message = REFUSED[case]
    wrong = template(make(), **changes)
    for one in wrong["Resources"].values():
        one["Properties"] = {key: value for key, value in one["Properties"].items() if value is not None}
    before = inventory(deployment.engine)
    with pytest.raises(StackFailed, match=message):
        deployment.deploy_stack(STACK, wrong)
    deployment.destroy(STACK)
    assert inventory(deployment.engine) == before


@pytest.fixture
def site_role(deployment: Deployment) -> Any:
    """The role of a site's machines."""
    iam = client(deployment.engine, "iam")
    document = own_machines.role("ssm.amazonaws.com")["Properties"]["AssumeRolePolicyDocument"]
    iam.create_role(RoleName="site", AssumeRolePolicyDocument=json.dumps(document))
    yield "site"
    iam.delete_role(RoleName="site")


def test_an_activation_has_a_code_a_limit_and_an_end(deployment: Deployment, site_role: str) -> None:
    ssm = client(deployment.engine, "ssm")
    made = ssm.create_activation(
        IamRole=site_role, RegistrationLimit=5, DefaultInstanceName="hybrid", Tags=[{"Key": "a", "Value": "b"}]
    )
    assert len(made["ActivationCode"]) == 20
    (found,) = ssm.describe_activations(Filters=[{"FilterKey": "IamRole", "FilterValues": [site_role]}])[
        "ActivationList"
    ]
    assert (found["ActivationId"], found["RegistrationLimit"], found["RegistrationsCount"]) == (
        made["ActivationId"],
        5,
        0,
    )
    assert found["Expired"] is False
    assert found["ExpirationDate"] - found["CreatedDate"] == timedelta(hours=24)
    ssm.delete_activation(ActivationId=made["ActivationId"])
    assert ssm.describe_activations()["ActivationList"] == []
    with pytest.raises(ClientError, match="does not exist"):
        ssm.delete_activation(ActivationId=made["ActivationId"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"IamRole": "nobody"}, "missing ssm service principal"),
        ({"ExpirationDate": datetime.now(UTC) + timedelta(days=31)}, "at most 30 days"),
        ({"ExpirationDate": datetime.now(UTC) - timedelta(days=1)}, "in the future"),
    ],
)
def test_activations_that_are_refused(
    deployment: Deployment, site_role: str, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        client(deployment.engine, "ssm").create_activation(**{"IamRole": site_role} | asked)


def test_a_trust_anchor_by_its_api(deployment: Deployment) -> None:
    anywhere = client(deployment.engine, "rolesanywhere")
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": own_machines.PEM}}
    made = anywhere.create_trust_anchor(name="site", source=source, enabled=True)["trustAnchor"]
    assert anywhere.get_trust_anchor(trustAnchorId=made["trustAnchorId"])["trustAnchor"] == made
    anywhere.disable_trust_anchor(trustAnchorId=made["trustAnchorId"])
    assert [one["enabled"] for one in anywhere.list_trust_anchors()["trustAnchors"]] == [False]
    anywhere.delete_trust_anchor(trustAnchorId=made["trustAnchorId"])
    with pytest.raises(anywhere.exceptions.ResourceNotFoundException):
        anywhere.get_trust_anchor(trustAnchorId=made["trustAnchorId"])


@pytest.mark.parametrize(
    "name",
    [
        "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/arm64/standard/recommended/image_id",
        "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/amazon-eks-node-al2023-x86_64-standard-1.36-v20261112/image_id",
        "/aws/service/bottlerocket/aws-k8s-1.36/x86_64/latest/image_id",
        "/aws/service/bottlerocket/aws-k8s-1.36-nvidia/arm64/1.52.0-5eed0000/image_id",
        "/aws/service/ami-windows-latest/Windows_Server-2025-English-Core-EKS_Optimized-1.36/image_id",
        "/aws/service/canonical/ubuntu/eks/24.04/1.36/stable/current/amd64/hvm/ebs-gp3/ami-id",
    ],
)
def test_images_of_self_managed_nodes_have_parameters(deployment: Deployment, name: str) -> None:
    value = client(deployment.engine, "ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert value.startswith("ami-")


def test_a_parameter_that_is_none_is_not_found(deployment: Deployment) -> None:
    ssm = client(deployment.engine, "ssm")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name="/aws/service/bottlerocket/aws-k8s-1.12/x86_64/1.52.0/image_id")


def test_helm_signs_in_to_the_public_registry(deployment: Deployment) -> None:
    registry = client(deployment.engine, "ecr-public")
    data = registry.get_authorization_token()["authorizationData"]
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    assert data["expiresAt"] > datetime.now(UTC)
    with pytest.raises(ClientError, match="has no DescribeRepositories of ECR Public"):
        registry.describe_repositories()


def test_instances_are_there_as_a_group_asks_and_a_refresh_replaces_them(deployment: Deployment) -> None:
    scaling, ec2 = (client(deployment.engine, name) for name in ("autoscaling", "ec2"))
    before = inventory(deployment.engine)
    made = template(own_machines.self_managed())
    group = made["Resources"]["Group"]
    group["UpdatePolicy"] = {
        "AutoScalingInstanceRefresh": {"Strategy": "Rolling", "Preferences": {"InstanceWarmup": 1}}
    }
    del group["Properties"]["DesiredCapacity"]  # an autoscaler has it
    deployment.deploy_stack(STACK, made)

    def described() -> dict[str, Any]:
        (found,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return dict(found)

    def running() -> dict[str, dict[str, Any]]:
        tag = {"Name": "tag:aws:autoscaling:groupName", "Values": [described()["AutoScalingGroupName"]]}
        found = ec2.describe_instances(Filters=[tag])["Reservations"]
        return {one["InstanceId"]: one for several in found for one in several["Instances"]}

    name = described()["AutoScalingGroupName"]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    first = running()
    assert set(first) == {one["InstanceId"] for one in described()["Instances"]}
    assert len({one["Placement"]["AvailabilityZone"] for one in first.values()}) == 2
    assert {one["InstanceType"] for one in first.values()} == {"m7i.large"}
    group["Properties"]["MaxSize"] = "6"
    deployment.deploy_stack(STACK, made)
    assert described()["DesiredCapacity"] == 3, "what the template does not say stays"
    assert set(running()) == set(first), "a size replaces nothing"
    assert scaling.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"] == []
    made["Resources"]["Template"]["Properties"]["LaunchTemplateData"]["MetadataOptions"]["HttpPutResponseHopLimit"] = 2
    deployment.deploy_stack(STACK, made)
    assert not set(running()) & set(first)
    assert len(running()) == 3
    (refresh,) = scaling.describe_instance_refreshes(AutoScalingGroupName=name)["InstanceRefreshes"]
    assert refresh["Status"] == "Successful"
    deployment.destroy(STACK)
    assert inventory(deployment.engine) == before
