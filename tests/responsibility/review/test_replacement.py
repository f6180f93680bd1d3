"""Which changes replace a resource: read from cfn-lint's schemas, without importing cfn-lint."""

import subprocess
import sys

import pytest

from responsibility.reading.template import BadSource
from responsibility.reading.values import Unknown
from responsibility.review import replacement
from responsibility.review.replacement import LOSSES, create_only, rules, value_at


def test_what_replaces_a_node_group_and_a_cluster() -> None:
    assert {("AmiType",), ("InstanceTypes",), ("NodeRole",), ("Subnets",)} <= create_only("AWS::EKS::Nodegroup")
    assert ("ScalingConfig",) not in create_only("AWS::EKS::Nodegroup")
    assert {("Name",), ("KubernetesNetworkConfig", "IpFamily")} <= create_only("AWS::EKS::Cluster")


def test_what_may_replace_under_conditions() -> None:
    found = rules("AWS::EC2::VPC")
    assert found
    assert ("InstanceTenancy",) in found.may_replace
    assert ("InstanceTenancy",) not in found.create_only


def test_the_id_is_a_name_from_the_template_or_made_up_by_aws() -> None:
    cluster, group = rules("AWS::EKS::Cluster"), rules("AWS::EKS::Nodegroup")
    assert cluster
    assert group
    assert (cluster.identifier, group.identifier) == ((("Name",),), ())


@pytest.mark.parametrize(
    "kind", ["Custom::AWSCDK-EKS-HelmChart", "AWS::CloudFormation::CustomResource", "AWSQS::Kubernetes::Resource"]
)
def test_of_custom_resources_and_private_types_nothing_is_known(kind: str) -> None:
    assert rules(kind) is None
    assert create_only(kind) == frozenset()


def test_a_path_goes_through_lists() -> None:
    properties = {"A": [{"B": {"C": 1}}, {"B": {"C": 2}}], "D": Unknown("nobody knows")}
    assert value_at(properties, ("A", "B", "C")) == [1, 2]
    assert value_at(properties, ("A", "X")) is None
    assert isinstance(value_at(properties, ("D", "E")), Unknown)


def test_every_aws_type_that_loses_something_has_a_schema() -> None:
    assert [kind for kind in LOSSES if "::" in kind and rules(kind) is None] == []


def test_cfn_lint_itself_is_not_imported() -> None:
    program = (
        "import sys; from responsibility.review.replacement import rules; rules('AWS::EKS::Cluster'); "
        "sys.exit(any(name.startswith('cfnlint') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_cfn_lint_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    replacement._folder.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BadSource, match=r"pip install -r requirements\.txt"):
        replacement._folder()
    replacement._folder.cache_clear()
