"""The order of objects goes by API group and kind: groups of others have kinds of the same names."""

import pytest

from delivery.applying import _apply_objects
from delivery.order import in_stages
from delivery.removing import _has_load_balancer
from delivery.tools import Kubectl


def thing(kind: str, api: str) -> dict:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "one"}, "spec": {"type": "LoadBalancer"}}


@pytest.mark.parametrize(
    ("kind", "api", "stage"),
    [
        ("Job", "batch/v1", "base"),
        ("Job", "batch.volcano.sh/v1alpha1", "custom"),
        ("Service", "serving.knative.dev/v1", "custom"),
        ("Gateway", "gateway.networking.k8s.io/v1", "entries"),
        ("Gateway", "networking.istio.io/v1", "custom"),
        ("NodePool", "karpenter.sh/v1", "base"),
        ("LoadBalancerConfiguration", "gateway.k8s.aws/v1beta1", "base"),
    ],
)
def test_a_kind_of_another_group_is_a_custom_resource(kind, api, stage):
    assert list(in_stages([thing(kind, api)])) == [stage]


class Recorder(Kubectl):
    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def apply(self, objects) -> None:
        self.calls.append(("apply", *(item["apiVersion"] for item in objects)))

    def must(self, *arguments: str) -> str:
        self.calls.append(arguments)
        return ""


@pytest.mark.parametrize("kind", ["Job", "Deployment", "StatefulSet", "CustomResourceDefinition"])
def test_nobody_waits_for_a_rollout_of_a_custom_resource(kind):
    kubectl = Recorder()
    _apply_objects([thing(kind, "apps.example.com/v1")], kubectl, 1, 0)
    assert kubectl.calls == [("apply", "apps.example.com/v1")]


def test_a_service_of_another_group_has_no_load_balancer_of_aws():
    assert _has_load_balancer(thing("Service", "v1"))
    assert not _has_load_balancer(thing("Service", "serving.knative.dev/v1"))
