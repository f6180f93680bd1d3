"""The cost floor of pods on Fargate: what they ask for, rounded up to what there is."""

import json
from typing import Any

import pytest

from tests.responsibility.review.cost_templates import HOURS, cluster, fargate, only, priced, resource, workload


def test_pods_on_fargate_by_what_fargate_gives_them() -> None:
    found = priced(fargate(workload(replicas=3)))
    vcpus, memory = only(found, "Fargate vCPUs"), only(found, "Fargate memory")
    assert (vcpus.quantity, vcpus.unit, vcpus.kind) == (3 * 2 * HOURS, "vCPU hours", "fargate")
    assert (memory.quantity, memory.unit) == (3 * 9 * HOURS, "GB hours")
    assert "3 pods of 2 vCPU and 9 GB; asks for 1 vCPU and 8 GB" in vcpus.assumption
    assert (vcpus.cluster, vcpus.evidence.path) == ("main/Cluster", "spec.replicas")


def test_pods_elsewhere_are_no_pods_on_fargate() -> None:
    found = priced(fargate(workload(namespace="other"), workload("DaemonSet")))
    assert [line for line in found.lines if "Fargate" in line.what] == []


def test_an_autoscaler_decides_how_few_pods_there_may_be() -> None:
    scaler = {
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }
    assert only(priced(fargate(workload(replicas=5), scaler)), "vCPUs").quantity == 2 * 2 * HOURS


def test_jobs_and_pods_that_are_too_large_are_named() -> None:
    large = workload()
    large["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = "500Gi"
    job = workload("Job")
    job["metadata"]["name"] = "tidy"
    found = priced(fargate(large, job))
    assert "Deployment shop/web: Fargate has no pod of 1 vCPU and 500 GB" in found.not_priced
    assert "Job shop/tidy: its pods are billed while they run" in found.not_priced


@pytest.mark.parametrize(
    ("values", "pods"),
    [({"computeType": "Fargate"}, 2), ({"computeType": "fargate", "replicaCount": 3}, 3), ({"replicaCount": 4}, 0)],
)
def test_coredns_on_fargate(values: dict[str, Any], pods: int) -> None:
    addon = resource("AWS::EKS::Addon", ClusterName="demo", AddonName="coredns", ConfigurationValues=json.dumps(values))
    found = priced({**cluster(), "Dns": addon})
    lines = [(line.quantity, line.unit) for line in found.lines if "CoreDNS" in line.what]
    assert lines == ([(pods * 0.25 * HOURS, "vCPU hours"), (pods * 0.5 * HOURS, "GB hours")] if pods else [])
