"""Which cluster an Auto Scaling group joins: templates say it in many ways, or not at all."""

from typing import Any

import pytest

from responsibility.reading.joining import cluster_joined
from responsibility.reading.resource import Resource
from responsibility.reading.values import Reference, Unknown

BOTTLEROCKET = '[settings.kubernetes]\napi-server = "https://x"\ncluster-name = "blue"\n'
NODEADM = """MIME-Version: 1.0
--//
Content-Type: application/node.eks.aws

---
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    apiServerEndpoint: https://x
    name: blue
--//--
"""


def group(properties: dict[str, Any], made_from: dict[str, Any]) -> str:
    template = Resource("s", "Template", "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": made_from})
    named = {"LaunchTemplate": {"LaunchTemplateId": Reference("s", "Template")}}
    return cluster_joined(
        Resource("s", "Group", "AWS::AutoScaling::AutoScalingGroup", named | properties), {template.key: template}
    )


@pytest.mark.parametrize(
    "script",
    [
        "/etc/eks/bootstrap.sh blue",
        "set -o xtrace\n/etc/eks/bootstrap.sh 'blue' --kubelet-extra-args '--max-pods=20'\n",
        "Start-EKSBootstrap.ps1 -EKSClusterName blue",
        '[string]$script = "x"; & $script -EKSClusterName "blue" -KubeletExtraArgs "y"',
        BOTTLEROCKET,
        NODEADM,
    ],
)
def test_user_data_names_the_cluster(script: str) -> None:
    assert group({}, {"UserData": script}) == "blue"


CLUSTER = Reference("s", "Cluster")


def test_a_reference_and_a_gap_are_kept_whole() -> None:
    assert group({}, {"UserData": f"/etc/eks/bootstrap.sh {CLUSTER}\n"}) == str(CLUSTER)
    assert group({}, {"UserData": f"/etc/eks/bootstrap.sh {Unknown('parameter X has no default')}-eks --x"}).endswith(
        "-eks"
    )


def test_a_script_that_works_out_the_name_belongs_to_some_cluster() -> None:
    assert group({}, {"UserData": "/etc/eks/bootstrap.sh $CLUSTER"})


@pytest.mark.parametrize(
    "script", ["./bootstrap.sh prod", "cluster-name = x", "kind: Pod\n  cluster:\n    name: x", ""]
)
def test_other_scripts_name_none(script: str) -> None:
    assert group({}, {"UserData": script}) == ""


def test_tags_come_before_scripts() -> None:
    tags = [{"Key": "Name", "Value": "x"}, {"Key": "kubernetes.io/cluster/green", "Value": "owned"}]
    assert group({"Tags": tags}, {"UserData": "/etc/eks/bootstrap.sh blue"}) == "green"
    assert group({}, {"TagSpecifications": [{"ResourceType": "instance", "Tags": tags}]}) == "green"
    assert group({}, {"TagSpecifications": [{"ResourceType": "volume", "Tags": tags}]}) == ""


def test_a_tag_of_the_autoscaler_names_the_cluster_if_nothing_else_does() -> None:
    keys = ("enabled", "node-template/label/x", "blue")
    assert group({"Tags": [{"Key": f"k8s.io/cluster-autoscaler/{key}"} for key in keys]}, {}) == "blue"
    assert group({"Tags": [{"Key": f"k8s.io/cluster-autoscaler/{key}"} for key in keys[:2]]}, {}) == ""
