"""Settings of the control plane's own components: API server, scheduler, controller manager, etcd.

They are in the template only where the environment file sets them. EKS merges them into what the cluster has: a setting
that is taken out of the file keeps its last value on the cluster, so write Kubernetes' default to go back to it.
Ranges and defaults: https://docs.aws.amazon.com/eks/latest/userguide/control-plane-configuration.html
"""

import re
from typing import Annotated, Literal

from aws_cdk import aws_eks as eks
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import KmsKeyArn, Misplaced, Spec, repeated


def _seconds(value: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smh])", value)
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]] if match else 0


_TIME = r"[0-9]{1,6}[smh]"


def _between(low: str, high: str) -> AfterValidator:
    def check(value: str) -> str:
        if not _seconds(low) <= _seconds(value) <= _seconds(high):
            raise ValueError(f"must be a time between {low} and {high} with one unit")
        return value

    return AfterValidator(check)


class NodePortRangeSpec(Spec):
    """Ports of Services of type NodePort."""

    min_port: Annotated[int, Field(ge=10260, le=32767)]
    """The lowest port of Services of type NodePort."""
    max_port: Annotated[int, Field(ge=10260, le=32767)]
    """The highest port of Services of type NodePort."""

    @model_validator(mode="after")
    def _ordered(self) -> "NodePortRangeSpec":
        if self.min_port > self.max_port:
            raise Misplaced(f"min_port {self.min_port} is above max_port {self.max_port}; exchange them", "min_port")
        return self


class ApiServerSpec(Spec):
    """kube-apiserver."""

    event_ttl: Annotated[str, _between("10m", "60m"), Field(json_schema_extra={"pattern": f"^{_TIME}$"})] | None = None
    """How long etcd keeps events, 10m to 60m (default 60m)."""
    node_port_range: NodePortRangeSpec | None = None
    """Default: 30000 to 32767."""


class ResourceWeightSpec(Spec):
    """How much a resource counts when the scheduler scores a node."""

    name: Literal["cpu", "memory", "nvidia.com/gpu", "aws.amazon.com/neuron", "aws.amazon.com/neuroncore"]
    """The resource."""
    weight: Annotated[int, Field(ge=1, le=100)]
    """Its weight, beside those of the other resources."""


def _weighed_once(weights: list[ResourceWeightSpec]) -> list[ResourceWeightSpec]:
    if (index := repeated(one.name for one in weights)) is not None:
        raise Misplaced(f"{weights[index].name} has a weight already; remove one", index, "name")
    return weights


class SchedulerSpec(Spec):
    """kube-scheduler."""

    scoring_strategy: Literal["LeastAllocated", "MostAllocated"] | None = None
    """`MostAllocated` packs nodes tightly; Kubernetes' own default, `LeastAllocated`, spreads."""
    resource_weights: Annotated[list[ResourceWeightSpec], AfterValidator(_weighed_once)] = []
    """Weights of the resources in the score (default: cpu 1, memory 1). A resource that is not listed does not count."""


class ControllerManagerSpec(Spec):
    """kube-controller-manager."""

    hpa_sync_period: (
        Annotated[str, _between("10s", "15s"), Field(json_schema_extra={"pattern": f"^{_TIME}$"})] | None
    ) = None
    """How often the horizontal pod autoscaler looks, 10s to 15s (default 15s). It needs a provisioned `scaling_tier`."""
    terminated_pod_gc_threshold: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Terminated pods to keep before they are collected (Kubernetes: 12,500)."""


class EtcdSpec(Spec):
    """etcd. Its encryption can never be changed: another key means another cluster."""

    kms_key_arn: KmsKeyArn | None = None
    """An existing key for the envelope encryption of the Kubernetes API data; without it the foundation stack makes one."""


def api_server_config(spec: ApiServerSpec) -> eks.CfnCluster.KubeApiServerConfigProperty | None:
    """Returns the cluster's setting; None if nothing is set."""
    if spec == ApiServerSpec():
        return None
    ports = spec.node_port_range
    return eks.CfnCluster.KubeApiServerConfigProperty(
        event_ttl=spec.event_ttl,
        service_node_port_range=eks.CfnCluster.ServiceNodePortRangeProperty(
            min_port=ports.min_port, max_port=ports.max_port
        )
        if ports
        else None,
    )


def scheduler_config(spec: SchedulerSpec) -> eks.CfnCluster.KubeSchedulerConfigProperty | None:
    """Returns the cluster's setting; None if nothing is set."""
    if spec == SchedulerSpec():
        return None
    return eks.CfnCluster.KubeSchedulerConfigProperty(
        node_resources_fit=eks.CfnCluster.NodeResourcesFitConfigProperty(
            scoring_strategy=eks.CfnCluster.ScoringStrategyProperty(
                type=spec.scoring_strategy,
                resources=[
                    eks.CfnCluster.ResourceWeightProperty(name=weight.name, weight=weight.weight)
                    for weight in spec.resource_weights
                ]
                or None,
            )
        )
    )


def controller_manager_config(spec: ControllerManagerSpec) -> eks.CfnCluster.KubeControllerManagerConfigProperty | None:
    """Returns the cluster's setting; None if nothing is set."""
    if spec == ControllerManagerSpec():
        return None
    return eks.CfnCluster.KubeControllerManagerConfigProperty(
        horizontal_pod_autoscaler_controller_config=eks.CfnCluster.HorizontalPodAutoscalerControllerConfigProperty(
            horizontal_pod_autoscaler_sync_period=spec.hpa_sync_period
        )
        if spec.hpa_sync_period
        else None,
        pod_gc_controller_config=eks.CfnCluster.PodGcControllerConfigProperty(
            terminated_pod_gc_threshold=spec.terminated_pod_gc_threshold
        )
        if spec.terminated_pod_gc_threshold
        else None,
    )
