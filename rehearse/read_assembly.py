"""Reads a case from an assembly, a template or a folder: this project's, or anybody's."""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from eks_facts.addons import addons as known_addons
from eks_facts.user_data import NodeSettings, node_settings
from local_kubernetes.machines import machines
from local_kubernetes.nodes.compute import HYBRID_NODES, Compute
from rehearse.case import Case, Given
from responsibility.reading import sources
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import AccessEntry, Addon, Cluster, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Facts
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.network import Subnet
from responsibility.reading.partly_known import PartlyKnown
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, Unknown
from responsibility.review.build import facts_of
from safe_io.errors import BadInput

PLACEHOLDER = "not-known"
"""What stands where a template does not say a text. It keeps the shape of names and labels."""


def read_assembly(where: str, cluster: str | None, as_of: date) -> Case:
    """Returns the case of a cluster, which may be left out where there is but one. Raises BadInput, BadSource."""
    facts = facts_of(sources.read(where), as_of)
    clusters = facts.all(Cluster)
    names = ", ".join(sorted(one.name for one in clusters))
    if not clusters:
        raise BadInput(f"{where}: no cluster in it. Name the template or assembly that holds the cluster")
    if cluster is None and len(clusters) > 1:
        raise BadInput(f"{where} has several clusters; name one: --only NAME, out of {names}")
    chosen = [one for one in clusters if cluster in (None, one.name)]
    if not chosen:
        raise BadInput(f"--only {cluster}: {where} has {names}")
    return _case(facts, chosen[0], where)


def _case(facts: Facts, cluster: Cluster, where: str) -> Case:
    unknown: list[str] = []
    items = [item for key in (cluster.resource.key, "") for item in facts.belonging(KubernetesObject, key)]
    given = []
    for item in items:
        holes: list[str] = []
        plain = _plain(item.resource.properties, holes)
        if holes:
            unknown.append(f"{item.words}: {len(holes)} values are not in the input; a placeholder is used")
        at = item.at()
        given.append(Given(plain, f"{at.file}:{at.line}" if at.line else at.file or at.stack))
    for chart in facts.belonging(HelmChart, cluster.resource.key):
        unknown.append(f"{chart.words}: what the chart installs is not read, so its pods and webhooks are not played")
    if not given:
        unknown.append("no Kubernetes object was read: only what EKS itself installs is played")
    for name in sorted(set(cluster.addons) - set(known_addons())):
        unknown.append(f"add-on {name}: what it installs is not known here, so its pods are not played")
    subnets = _subnets(cluster)
    compute = Compute(
        cluster={
            "name": cluster.name,
            "version": str(cluster.resource.maybe("Version", "") or ""),
            "computeConfig": {
                "enabled": cluster.resource.maybe("ComputeConfig.Enabled") in (True, "true"),
                "nodePools": [str(one) for one in cluster.resource.maybe("ComputeConfig.NodePools", []) or []],
            },
        },
        nodegroups=[_group(group, unknown) for group in cluster.node_groups],
        fargate_profiles=[
            {
                "fargateProfileName": profile.name,
                "selectors": [
                    {
                        "namespace": str(one.get("Namespace", "")),
                        "labels": {str(pair["Key"]): str(pair["Value"]) for pair in one.get("Labels") or []},
                    }
                    for one in _plain(profile.resource.maybe("Selectors", []), [])
                ],
            }
            for profile in cluster.fargate_profiles
        ],
        subnets=subnets,
        instances=[
            *(_own(group, subnets, unknown) for group in cluster.self_managed),
            *(machines(Path(where)).get(cluster.name) or _hybrid(facts, cluster, unknown)),
        ],
        addons=[_addon(addon) for name, addon in cluster.addons.items() if name in known_addons()],
    )
    return Case(cluster.name, where, compute, given, unknown=tuple(unknown))


def _addon(addon: Addon) -> dict[str, Any]:
    version, settings = (_plain(addon.resource.maybe(key, ""), []) for key in ("AddonVersion", "ConfigurationValues"))
    return {"addonName": addon.name, "addonVersion": str(version or ""), "configurationValues": str(settings or "")}


def _hybrid(facts: Facts, cluster: Cluster, unknown: list[str]) -> list[Mapping[str, Any]]:
    """Returns the hybrid nodes of a cluster that is ready for them: no template has the machines of a site."""
    networks = cluster.resource.maybe("RemoteNetworkConfig.RemoteNodeNetworks")
    if not networks or not any(
        one.resource.maybe("Type") == "HYBRID_LINUX" for one in facts.belonging(AccessEntry, cluster.resource.key)
    ):
        return []
    unknown.append(f"hybrid nodes are not in a template: {HYBRID_NODES['count']} machines are played")
    return [HYBRID_NODES]


def _subnets(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Returns the zone of each subnet by its key. Zones that a template only counts get names."""
    region = cluster.region or "us-east-1"
    found = {}
    subnets: list[Subnet] = [*cluster.subnets]
    for group in (*cluster.node_groups, *cluster.fargate_profiles, *cluster.self_managed):
        subnets += group.subnets  # type: ignore[attr-defined]
    for subnet in subnets:
        zone = subnet.zone
        if zone.startswith("AZ "):
            zone = f"{region}{'abcdefghij'[(int(zone.removeprefix('AZ ')) - 1) % 10]}"
        found[subnet.resource.key] = {"zone": zone or f"{region}a"}
    return found


def _group(group: NodeGroup, unknown: list[str]) -> dict[str, Any]:
    get = group.resource.maybe
    scaling, update = _plain(get("ScalingConfig", {}), []), _plain(get("UpdateConfig", {}) or {}, [])
    types = get("InstanceTypes") or []
    disk = get("DiskSize") or 0
    try:
        if instance := group.instance:
            types = types or [instance.get("InstanceType", "")]
            sizes = [volume.get("Ebs", {}).get("VolumeSize", 0) for _, volume in instance.items("BlockDeviceMappings")]
            disk = disk or max(map(int, sizes), default=0)
    except UnknownValue as gap:
        unknown.append(f"{group.words}: its launch template is not read ({gap.reason})")
    return {
        "nodegroupName": group.name,
        "version": str(get("Version", "") or ""),
        "scalingConfig": {key[0].lower() + key[1:]: int(value) for key, value in scaling.items()},
        "instanceTypes": [str(one) for one in types if one],
        "amiType": str(get("AmiType", "") or "AL2023_x86_64_STANDARD"),
        "capacityType": str(get("CapacityType", "ON_DEMAND")),
        "labels": _plain(get("Labels", {}) or {}, []),
        "taints": [
            {"key": str(one.get("Key")), "value": str(one.get("Value") or ""), "effect": str(one.get("Effect"))}
            for one in _plain(get("Taints", []) or [], [])
        ],
        "subnets": [subnet.resource.key for subnet in group.subnets],
        "maxPods": _user_data(group, []).settings.max_pods,
        "updateConfig": {key[0].lower() + key[1:]: value for key, value in update.items()},
        "forced": bool(get("ForceUpdateEnabled", False)),
        "diskSize": disk,
    }


def _own(group: SelfManagedNodes, zones: Mapping[str, Mapping[str, str]], unknown: list[str]) -> dict[str, Any]:
    """Returns a group of self-managed nodes; labels, taints and the number of pods are in its user data."""
    get = group.resource.maybe
    overrides = _plain(get("MixedInstancesPolicy.LaunchTemplate.Overrides", []) or [], [])
    kind = next((str(one["InstanceType"]) for one in overrides if one.get("InstanceType")), "")
    said = _user_data(group, unknown)
    windows = "EKSBootstrap" in said.text  # the script of EKS's AMIs for Windows
    with suppress(UnknownValue):
        kind = kind or str(group.instance.get("InstanceType", "") if group.instance else "")
        windows = windows or group.family == "windows"
    size = get("DesiredCapacity") or get("MinSize") or 1
    return {
        "name": group.name,
        "count": int(str(size)),
        "instance_type": kind,
        "zones": sorted({zones[one.resource.key]["zone"] for one in group.subnets}),
        "labels": said.settings.labels,
        "taints": said.settings.taints,
        "max_pods": said.settings.max_pods,
        "windows": windows,
    }


@dataclass(frozen=True)
class _UserData:
    """User data as text, and what it says of its node."""

    text: str = ""
    settings: NodeSettings = field(default_factory=NodeSettings)


def _user_data(group: NodeGroup | SelfManagedNodes, unknown: list[str]) -> _UserData:
    """Returns the user data of a group's instances; what is not read is noted."""
    try:
        found = group.instance.get("UserData", "") if group.instance else ""
    except UnknownValue as gap:
        unknown.append(f"{group.words}: its user data, with labels and taints, is not read ({gap.reason})")
        return _UserData()
    text = str(_plain(found, []))
    with suppress(binascii.Error, UnicodeDecodeError):
        text = base64.b64decode(text, validate=True).decode()
    return _UserData(text, node_settings(text))


def _plain(value: Any, holes: list[str]) -> Any:
    """Returns a value as JSON, with placeholders where the template does not say it; each is noted."""
    if isinstance(value, dict):
        return {str(key): _plain(one, holes) for key, one in value.items() if not isinstance(one, Unknown)}
    if isinstance(value, list | tuple):
        return [_plain(one, holes) for one in value]
    if isinstance(value, Reference | Unknown):
        holes.append(str(value))
        return PLACEHOLDER
    if isinstance(value, PartlyKnown):
        holes.append(value)
        return "".join(one if isinstance(one, str) else PLACEHOLDER for one in value.parts)
    return value
