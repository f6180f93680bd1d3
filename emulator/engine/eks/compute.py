"""EKS's operations on node groups and Fargate profiles."""

import uuid
from collections.abc import Mapping
from typing import Any

from eks_facts.instances import default_ami_type
from emulator.engine.eks.releases import newest
from emulator.engine.eks.service import Answer, Eks, Parameters, child_operations, operation, own_access_entry
from emulator.engine.eks.state import Record, now

child_operations("nodegroup", "nodegroupName", "nodegroups")
child_operations("fargateProfile", "fargateProfileName", "fargateProfileNames")


@operation
def create_nodegroup(eks: Eks, parameters: Parameters) -> Answer:
    """Makes a node group; no instance is started."""
    cluster, name = parameters["clusterName"], parameters["nodegroupName"]
    sizes = {"minSize": 1, "maxSize": 2, "desiredSize": 2, **parameters.get("scalingConfig", {})}
    version = parameters.get("version") or eks.state.cluster(cluster)["version"]
    template = parameters.get("launchTemplate")
    group: Record = {
        **{
            key: parameters[key]
            for key in ("clusterName", "nodegroupName", "subnets", "nodeRole", "remoteAccess", "nodeRepairConfig", "warmPoolConfig")
            if key in parameters
        },
        "nodegroupArn": eks.arn(f"nodegroup/{cluster}/{name}/{uuid.uuid4()}"),
        "version": version,
        "releaseVersion": parameters.get("releaseVersion") or newest(parameters.get("amiType", ""), version),
        "createdAt": now(),
        "modifiedAt": now(),
        "status": "CREATING",
        "capacityType": parameters.get("capacityType", "ON_DEMAND"),
        "scalingConfig": sizes,
        "instanceTypes": parameters.get("instanceTypes") or ["t3.medium"],
        "amiType": parameters.get("amiType") or default_ami_type(version).name,
        "labels": parameters.get("labels", {}),
        "taints": parameters.get("taints", []),
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{uuid.uuid4()}"}]},
        "diskSize": None if template else parameters.get("diskSize", 20),
        "health": {"issues": []},
        "updateConfig": parameters.get("updateConfig") or {"maxUnavailable": 1},
        "launchTemplate": _template(template),
        "tags": parameters.get("tags", {}),
    }  # fmt: skip
    eks.state.children["nodegroup", cluster, name] = group

    def active() -> None:
        group["status"] = "ACTIVE"
        own_access_entry(eks, cluster, group["nodeRole"], "EC2_LINUX")

    eks.state.start(active)
    return {"nodegroup": group}


def _template(wanted: Mapping[str, Any] | None) -> Record | None:
    return {"version": "1", **wanted} if wanted else None


@operation
def update_nodegroup_config(eks: Eks, parameters: Parameters) -> Answer:
    """Changes sizes, labels, taints, update settings and node repair."""
    group = eks.state.child("nodegroup", parameters["clusterName"], parameters["nodegroupName"])
    changes = {
        key: value
        for key, value in parameters.items()
        if key not in ("clusterName", "nodegroupName", "clientRequestToken")
    }
    if labels := changes.get("labels"):
        kept = {key: value for key, value in group["labels"].items() if key not in labels.get("removeLabels", [])}
        group["labels"] = {**kept, **labels.get("addOrUpdateLabels", {})}
    if taints := changes.get("taints"):
        gone = [_identity(taint) for key in ("removeTaints", "addOrUpdateTaints") for taint in taints.get(key, [])]
        kept_taints = [taint for taint in group["taints"] if _identity(taint) not in gone]
        group["taints"] = kept_taints + taints.get("addOrUpdateTaints", [])
    if "scalingConfig" in changes:
        group["scalingConfig"] = {**group["scalingConfig"], **changes["scalingConfig"]}
    for key in ("updateConfig", "nodeRepairConfig", "warmPoolConfig"):
        if key in changes:
            group[key] = changes[key]
    group["modifiedAt"] = now()
    return eks.begin_update(
        parameters["clusterName"], "ConfigUpdate", group, changes, nodegroupName=group["nodegroupName"]
    )


def _identity(taint: Mapping[str, Any]) -> tuple[Any, Any]:
    return taint.get("key"), taint.get("effect")


@operation
def update_nodegroup_version(eks: Eks, parameters: Parameters) -> Answer:
    """Moves a node group to another Kubernetes version, AMI release or version of its launch template."""
    group = eks.state.child("nodegroup", parameters["clusterName"], parameters["nodegroupName"])
    version = parameters.get("version")
    if version is None and "launchTemplate" not in parameters and "releaseVersion" not in parameters:
        version = eks.state.cluster(parameters["clusterName"])["version"]
    if version:
        group["version"], group["releaseVersion"] = version, newest(group["amiType"], version)
    if "releaseVersion" in parameters:
        group["releaseVersion"] = parameters["releaseVersion"]
    if "launchTemplate" in parameters:
        group["launchTemplate"] = _template(parameters["launchTemplate"])
    group["modifiedAt"] = now()
    changes = {"version": group["version"], "releaseVersion": group["releaseVersion"]}
    return eks.begin_update(
        parameters["clusterName"], "VersionUpdate", group, changes, nodegroupName=group["nodegroupName"]
    )


@operation
def create_fargate_profile(eks: Eks, parameters: Parameters) -> Answer:
    """Makes a Fargate profile."""
    cluster, name = parameters["clusterName"], parameters["fargateProfileName"]
    profile: Record = {
        **{key: parameters[key] for key in ("fargateProfileName", "clusterName", "podExecutionRoleArn", "selectors")},
        "subnets": parameters.get("subnets", []),
        "fargateProfileArn": eks.arn(f"fargateprofile/{cluster}/{name}/{uuid.uuid4()}"),
        "createdAt": now(),
        "status": "CREATING",
        "tags": parameters.get("tags", {}),
        "health": {"issues": []},
    }
    eks.state.children["fargateProfile", cluster, name] = profile

    def active() -> None:
        profile["status"] = "ACTIVE"
        own_access_entry(eks, cluster, profile["podExecutionRoleArn"], "FARGATE_LINUX")

    eks.state.start(active)
    return {"fargateProfile": profile}
