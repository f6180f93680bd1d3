"""What a synthesised environment says of its clusters: CloudFormation resources, Kubernetes objects, charts; nothing of our specs."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from kubernetes_lint.objects import KubernetesObject
from tests.support.environments import environment_data
from tests.support.synth import assembled

VALUES = {
    "ACCESS_POINT_ID": "fsap-0123456789abcdef0",
    "AWS_ACCOUNT_ID": "123456789012",
    "AWS_PARTITION": "aws",
    "AWS_REGION": "eu-west-1",
    "BUCKET_NAME": "placeholder-bucket",
    "FILE_SYSTEM_ID": "fs-0123456789abcdef0",
    "KARPENTER_QUEUE": "placeholder-queue",
    "TERMINATION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/placeholder-queue",
    "SERVICE_ACCOUNT_ROLE_ARN": "arn:aws:iam::123456789012:role/placeholder",
    "VPC_ID": "vpc-0123456789abcdef0",
}
"""What stands for values that only an account knows."""
_PSEUDO = {"AWS::AccountId": "AWS_ACCOUNT_ID", "AWS::Partition": "AWS_PARTITION", "AWS::Region": "AWS_REGION"}
_BY_TYPE = {
    "AWS::EFS::AccessPoint": "ACCESS_POINT_ID",
    "AWS::EFS::FileSystem": "FILE_SYSTEM_ID",
    "AWS::EC2::VPC": "VPC_ID",
    "AWS::SQS::Queue": "TERMINATION_QUEUE_URL",
}
_MANIFEST, _CHART = "Custom::AWSCDK-EKS-KubernetesResource", "Custom::AWSCDK-EKS-HelmChart"
_PRUNING = "aws.cdk.eks/prune-"
"""Beginning of the label by which the CDK's handler finds what left a manifest."""
_OF_CHARTS = {
    "aws-load-balancer-controller": [("IngressClass", "alb")],
    "nvidia-dra-driver": [("DeviceClass", "gpu.nvidia.com"), ("DeviceClass", "mig.nvidia.com")],
    "neuron-dra-driver": [("DeviceClass", "neuron.aws.com")],
    **{
        name: []
        for name in (
            *("aws-node-termination-handler", "cluster-autoscaler", "karpenter", "karpenter-crd"),
            *("efa-device-plugin", "neuron-device-plugin", "nvidia-device-plugin"),
        )
    },
}
"""https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/ingress_class/."""


@dataclass
class Cluster:
    """A cluster, as its templates and files say."""

    name: str
    version: str
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    """CloudFormation resources of its own stack and of its workloads' stack, by logical id."""
    objects: list[KubernetesObject] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    """name, namespace, values."""
    files: dict[str, str] = field(default_factory=dict)
    """The text of rendered manifests (`delivery: files`), by file name."""
    node_configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What nodes of its sites join with, by site."""

    @property
    def elsewhere(self) -> dict[str, set[str]]:
        """Names by kind of what its charts bring."""
        brought = [one for chart in self.charts for one in _OF_CHARTS[chart["name"]]]
        return {kind: {name for other, name in brought if other == kind} for kind, _ in brought}

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of the resources of a type, by logical id."""
        return {key: one["Properties"] for key, one in self.resources.items() if one["Type"] == kind}


@cache
def deployed(environment: str, delivery: str | None = None) -> tuple[Cluster, ...]:
    """The clusters of a shipped environment, synthesised once, in the delivery that it names or in another."""
    data = environment_data(environment)
    for cluster in data["clusters"]:
        cluster["delivery"] = delivery or cluster.get("delivery", "files")
    folder = assembled(data).folder
    return tuple(read(folder, data["name"], cluster["name"]) for cluster in data["clusters"])


def read(assembly: Path, environment: str, name: str) -> Cluster:
    """A cluster of an assembly."""
    resources: dict[str, dict[str, Any]] = {}
    for stack in (f"{environment}-{side}-{name}" for side in ("control-plane", "compute", "workloads")):
        template = assembly / f"{stack}.template.json"
        if template.exists():
            resources |= json.loads(template.read_text())["Resources"]
    (properties,) = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::EKS::Cluster"]
    cluster = Cluster(name, properties["Version"], resources)
    for manifest in cluster.of_type(_MANIFEST).values():
        cluster.objects += [_without_pruning(item) for item in json.loads(_text(manifest["Manifest"], resources))]
    for chart in cluster.of_type(_CHART).values():
        values = json.loads(_text(chart["Values"], resources))
        cluster.charts.append({"name": chart["Release"], "namespace": chart["Namespace"], "values": values})
    folder = assembly / "manifests" / name
    for path in sorted(folder.glob("*.yaml")):
        cluster.files[path.name] = path.read_text()
        cluster.objects += yaml.safe_load_all(_filled(cluster.files[path.name]))
    for path in sorted(assembly.glob(f"hybrid/{name}/*/*.yaml")):
        cluster.node_configs[path.parent.name] = yaml.safe_load(path.read_text())["spec"]
    for path in sorted(folder.glob("*.helm.json")):
        cluster.charts.append(json.loads(_filled(path.read_text())))
    return cluster


def _text(value: Any, resources: Mapping[str, Mapping[str, Any]]) -> str:
    """Text that a template says with intrinsic functions, with placeholders for what only an account knows."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str() as between, list() as parts]}:
            return between.join(_text(part, resources) for part in parts)
        case {"Fn::GetAtt": [_, "QueueName"]}:
            return VALUES["KARPENTER_QUEUE"]
        case {"Ref": str() as name}:
            kind = resources[name]["Type"] if name in resources else name
            return VALUES[_PSEUDO.get(kind) or _BY_TYPE.get(kind, "BUCKET_NAME")]
        case {"Fn::GetAtt": [_, "Arn"]}:
            return VALUES["SERVICE_ACCOUNT_ROLE_ARN"]
        case {"Fn::ImportValue": _} | {"Fn::GetStackOutput": _}:
            return VALUES["SERVICE_ACCOUNT_ROLE_ARN" if "Arn" in str(value) else "VPC_ID"]
    raise ValueError(f"no placeholder for {value}")


def _filled(text: str) -> str:
    return re.sub(r"\$\{([A-Z_]+)\}", lambda found: VALUES[found[1]], text)


def _without_pruning(item: KubernetesObject) -> KubernetesObject:
    labels = item["metadata"].get("labels", {})
    for key in [key for key in labels if key.startswith(_PRUNING)]:
        del labels[key]
    if not labels:
        item["metadata"].pop("labels", None)
    return item
