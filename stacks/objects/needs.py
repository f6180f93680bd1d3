"""What a workload needs from its cluster: read from its objects, and checked against the environment file."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from delivery.object_kind import kind_of
from delivery.placeholders import places
from eks_constructs.addon_plan import merge, why_not
from eks_constructs.cluster_spec import AGENT
from eks_constructs.compute.placement import Rule
from eks_constructs.compute.registry import KINDS, rules
from eks_constructs.existing_network_spec import ExistingNetworkSpec
from eks_constructs.manifests import KubernetesObject
from eks_constructs.network_spec import NetworkSpec
from eks_constructs.spec import Misplaced
from eks_facts.addons import addons
from eks_facts.cluster_apis import group_of
from safe_io.where import Where
from safe_io.yaml_file import YamlFile
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment.workload_spec import Need, WorkloadDescription, WorkloadSpec
from stacks.objects.folder import SourceObject
from stacks.objects.placeholders import FILLED_BY
from stacks.objects.pods import claim_templates, pod_templates

EFS_DRIVER = "efs.csi.aws.com"

_ADDONS: Mapping[Need, tuple[str, str]] = {
    "metrics_server": ("metrics-server", "compute"),
    "snapshot_controller": ("snapshot-controller", "compute"),
    # Auto Mode has the agent, the driver and an engine for network policies built in; Fargate mounts EFS without a driver.
    "bucket": (AGENT, "default_for"),
    "network_policy": ("vpc-cni", "default_for"),
    "block_storage_driver": ("aws-ebs-csi-driver", "default_for"),
    "file_storage_driver": ("aws-efs-csi-driver", "compute"),
}
"""The add-on that serves a need, and the key of its row in addons.yaml with the kinds of compute on which it is the one that does."""

_SAYABLE = ("karpenter", "load_balancer_controller", "metrics_server", "snapshot_controller")
"""Needs that a program may have and no object shows: an operator makes load balancers, a dashboard reads metrics."""

Needs = Mapping[Need, str]
"""Needs, and the source of each: an object with file and line, or workload.yaml."""


def needs_of(
    sources: Sequence[SourceObject],
    balancers: Sequence[SourceObject],
    description: WorkloadDescription,
    variant: str | None,
    file: YamlFile,
    rule: Rule,
) -> Needs:
    """Returns what a workload needs.

    Args:
        sources: its objects, those of the variant too.
        balancers: those for which AWS makes a load balancer.
        description: its workload.yaml.
        variant: its variant.
        file: workload.yaml, for messages.
        rule: of the kind of compute it is placed on.

    Raises BadInput: workload.yaml names a need, or a service account, that no object has.
    """
    asked: dict[Need, str] = {}
    for source in sources:
        for need, where in _asked(source.object, rule):
            asked.setdefault(need, _place(source, where))
    for source in balancers:
        asked.setdefault("load_balancer_controller", _place(source, ("kind",)))
    used = {name for source in sources for _, name in places(source.object)}
    for need in description.needs_of(variant):
        own = variant and need in description.variants[variant].needs
        way: Where = ("variants", str(variant), "needs") if own else ("needs",)
        if need in FILLED_BY.values():
            names = [name for name, of in FILLED_BY.items() if of == need]
            if not used & set(names):
                file.fail(way, f"found {need}, but no object uses {_listed(names)}; use it, or remove {need}")
        elif need not in asked and need not in _SAYABLE:
            file.fail(way, f"found {need}, but no object asks for it; remove it: needs are read from the objects")
        asked.setdefault(need, f"{file.path} says so, and no object")
    _check_accounts(sources, description, file)
    return asked


def _check_accounts(sources: Sequence[SourceObject], description: WorkloadDescription, file: YamlFile) -> None:
    """Raises BadInput: workload.yaml names a service account that no object is."""
    accounts = {one.object["metadata"]["name"] for one in sources if kind_of(one.object) == "ServiceAccount"}
    named: list[tuple[Where, str | None]] = [(("service_account",), description.service_account)]
    named += [
        (("pod_identities", index, "service_account"), one.service_account)
        for index, one in enumerate(description.pod_identities)
    ]
    for where, name in named:
        if name and name not in accounts:
            file.fail(
                where,
                f"found {name}; no object is a ServiceAccount of that name. There is: {', '.join(sorted(accounts)) or 'none'}",
            )


def check_identities(spec: WorkloadSpec, description: WorkloadDescription, rule: Rule, cluster: ClusterSpec) -> None:
    """Raises Misplaced, with the way from the workload's spec, for roles that its pods cannot get where it is placed."""
    for one in description.pod_identities:
        if rule.identity == "irsa" and (key := one.only_pod_identity):
            raise Misplaced(
                f"{spec.name} gives {one.service_account} a {key}, which EKS Pod Identity alone knows, and {spec.compute} has none;"
                " choose another kind of compute",
                "compute",
            )
    planned = {addon.name for addon in cluster.planned_addons()}
    if description.pod_identities and spec.compute in addons()[AGENT]["default_for"] and AGENT not in planned:
        raise Misplaced(f"{spec.name} has pod_identities, and the add-on {AGENT} is switched off; switch it on", "name")
    _check_agent(spec, cluster, needed=bool(description.pod_identities))


def _check_agent(spec: WorkloadSpec, cluster: ClusterSpec, *, needed: bool) -> None:
    """Raises Misplaced where the add-on's own settings keep the agent off the nodes of a workload: its pods would get no credentials."""
    agent = next((addon for addon in cluster.planned_addons() if addon.name == AGENT), None)
    its = addons()[AGENT].get("beside", {}).get(spec.compute)
    settings = dict(agent.configuration or {}) if agent else {}
    if needed and agent and its and merge(settings, its) != settings:
        raise Misplaced(
            f"{spec.name} gets credentials by EKS Pod Identity, and addons.{AGENT}.configuration keeps its agent off {spec.compute};"
            f" it must have {json.dumps(its)} (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-add-ons.html)",
            "compute",
        )


def _place(source: SourceObject, where: Where) -> str:
    line, _ = source.file.message(where, "")
    return f"{source.object['kind']} {source.object['metadata']['name']} ({source.file.path}:{line})"


def _listed(names: Sequence[str]) -> str:
    return " or ".join(f"${{{name}}}" for name in names)


def _asked(item: KubernetesObject, rule: Rule) -> Iterator[tuple[Need, Where]]:
    kind, group = kind_of(item), group_of(item)
    spec: dict[str, Any] = item["spec"] if isinstance(item.get("spec"), dict) else {}
    if kind == "HorizontalPodAutoscaler":
        metrics = spec.get("metrics") or [{"type": "Resource"}]  # its default: CPU
        if any(one.get("type") in ("Resource", "ContainerResource") for one in metrics):
            yield "metrics_server", ("spec", "metrics")
    if kind == "NetworkPolicy":
        yield "network_policy", ("kind",)
    if group == "snapshot.storage.k8s.io":
        yield "snapshot_controller", ("kind",)
    if group == "gateway.networking.k8s.io":
        yield "gateway_api", ("kind",)
    if group == "elbv2.k8s.aws":
        yield "load_balancer_controller", ("apiVersion",)
    if group == "karpenter.k8s.aws":
        yield "karpenter", ("apiVersion",)
    yield from _storage(item, spec, rule)
    for where, name in places(item):
        if name in ("CERTIFICATE_ARN", "HOSTNAME"):
            yield ("certificate" if name == "CERTIFICATE_ARN" else "hostname"), where


def _storage(item: KubernetesObject, spec: Mapping[str, Any], rule: Rule) -> Iterator[tuple[Need, Where]]:
    claims = [(where, claim.get("spec") or {}) for where, claim in claim_templates(item)]
    if kind_of(item) == "PersistentVolumeClaim":
        claims.append((("spec",), spec))
    for where, claim in claims:
        if rule.storage_class and claim.get("storageClassName", rule.storage_class) == rule.storage_class:
            yield "block_storage_driver", where
        if (claim.get("dataSource") or claim.get("dataSourceRef") or {}).get("kind") == "VolumeSnapshot":
            yield "snapshot_controller", where
    for where, driver in drivers(item):
        if driver == EFS_DRIVER:
            yield "file_storage_driver", where
        elif driver in {one.storage_driver for one in rules().values()}:
            yield "block_storage_driver", where
    if kind_of(item) == "StorageClass" and "provisioner" not in item:
        yield "block_storage_driver", ("kind",)


def drivers(item: KubernetesObject) -> Iterator[tuple[Where, str]]:
    """Yields the CSI drivers and provisioners that an object names, with the way to each."""
    keys = {"StorageClass": "provisioner", "VolumeSnapshotClass": "driver", "VolumeAttributesClass": "driverName"}
    key = keys.get(kind_of(item))
    if key and key in item:
        yield (key,), str(item[key])
    if kind_of(item) in ("PersistentVolume", "VolumeSnapshotContent"):
        spec = item.get("spec") or {}
        where: Where = ("spec", "csi", "driver") if kind_of(item) == "PersistentVolume" else ("spec", "driver")
        driver = (spec.get("csi") or {}).get("driver") if kind_of(item) == "PersistentVolume" else spec.get("driver")
        if driver:
            yield where, str(driver)
    for way, pod in pod_templates(item):
        for index, volume in enumerate(pod["spec"].get("volumes") or []):
            if driver := (volume.get("csi") or {}).get("driver"):
                yield (*way, "spec", "volumes", index, "csi", "driver"), str(driver)


def check_needs(spec: WorkloadSpec, needs: Needs, cluster: ClusterSpec, environment: Environment) -> None:
    """Raises Misplaced, with the way from the workload's spec, for a need that is not met."""
    planned = {addon.name for addon in cluster.planned_addons()}
    for need, asker in sorted(needs.items()):
        name, key = _ADDONS.get(need, ("", ""))
        if name and spec.compute in addons()[name][key] and name not in planned:
            cannot = why_not(name, cluster.compute.mix)
            way = (
                f"it {cannot}: give a node group a desired_size above 0 and no taints, or Auto Mode a pool without taints"
                if cannot
                else f"add {name}: {{enabled: true}} to the cluster's addons"
            )
            raise Misplaced(f"{spec.name} needs the add-on {name}: {asker}; {way}", "name")
    _check_agent(spec, cluster, needed="bucket" in needs)
    auto = cluster.compute.active_auto_mode
    if "gateway_api" in needs and not (auto and auto.gateway_api):
        raise Misplaced(
            f"{spec.name} needs the Gateway API, whose resource definitions EKS installs on request:"
            f" {needs['gateway_api']}; do that (docs/workloads.md), then say compute.auto_mode.gateway_api: true",
            "variant" if spec.variant else "name",
        )
    if "karpenter" in needs and not cluster.compute.karpenter:
        raise Misplaced(
            f"{spec.name} needs Karpenter, which adds nodes beside managed or self-managed ones: {needs['karpenter']};"
            " add karpenter to the cluster's compute",
            "compute",
        )
    if spec.load_balancer_scheme and spec.compute == "auto_mode" and auto:
        raise Misplaced(
            "on Auto Mode the cluster's auto_mode.load_balancer_scheme decides;"
            f" it is {auto.load_balancer_scheme}: remove this one, or change that one",
            "load_balancer_scheme",
        )
    reached = KINDS[spec.compute].out_of_reach(cluster.compute.sections[spec.compute])
    if "load_balancer_controller" in needs and reached:
        raise Misplaced(
            f"{spec.name} has a load balancer ({needs['load_balancer_controller']}), and {reached}", "compute"
        )
    network = environment.network_of(cluster)
    away = KINDS[spec.compute].remote_networks(cluster.compute.sections[spec.compute])
    if away and spec.load_balancer_scheme == "internet-facing" and isinstance(network, NetworkSpec):
        raise Misplaced(
            "network.connections route from private subnets alone, and its load balancer would be in the public ones: say internal",
            "load_balancer_scheme",
        )
    if "file_system" in needs and isinstance(network, ExistingNetworkSpec) and network.subnet_of_each_zone is None:
        raise Misplaced(
            f"{spec.name} needs a file system, and EFS takes one mount target in each AZ: say in which AZs the"
            f" {len(network.subnet_ids)} subnets of {network.vpc_id} are, by private_subnets: [{{availability_zone: ...,"
            " subnet_id: ...}] in place of private_subnet_ids",
            "name",
        )
    if (
        spec.load_balancer_scheme == "internet-facing"
        and isinstance(network, NetworkSpec)
        and not network.public_subnets
    ):
        raise Misplaced(
            "internet-facing needs public subnets; set network.public_subnets: true", "load_balancer_scheme"
        )


def controllers_for(needs: Collection[Need], rule: Rule) -> set[str]:
    """Returns the controllers that this project installs for a workload's needs on a kind of compute."""
    return {"load_balancer_controller"} if "load_balancer_controller" in needs and rule.needs_controller else set()
