"""CloudFormation's resource types of EKS: their properties become requests to the EKS service, and its answers attributes."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from emulator.engine.eks.service import LOG_TYPES, Eks
from emulator.engine.eks.shapes import from_properties
from emulator.engine.eks.state import Record, Refused

Properties = dict[str, Any]
Attributes = dict[str, Any]

TIMEOUT_SECONDS = 60.0


EKS_TYPES = {
    # type: the names of the handlers of EksResourceTypes, without create_, update_ and delete_
    "AWS::EKS::AccessEntry": "access_entry",
    "AWS::EKS::Addon": "addon",
    "AWS::EKS::Capability": "capability",
    "AWS::EKS::CertificateAuthority": "certificate_authority",
    "AWS::EKS::Cluster": "cluster",
    "AWS::EKS::FargateProfile": "fargate_profile",
    "AWS::EKS::Nodegroup": "nodegroup",
    "AWS::EKS::PodIdentityAssociation": "association",
}


class Place(Protocol):
    """Where a resource stands in a stack."""

    def name(self, longest: int = 63) -> str:
        """Returns a generated name."""


class EksResourceTypes:
    """Handlers of the EKS types, for the EKS of the account and region that ``eks`` returns."""

    def __init__(self, eks: Callable[[], Eks]) -> None:
        """Serves whatever EKS ``eks`` returns at the time of a call."""
        self._eks = eks

    def _call(self, operation: str, parameters: Mapping[str, Any]) -> Record:
        """Calls EKS. Raises ValueError with what CloudFormation would show."""
        try:
            return self._eks().call(operation, dict(parameters))
        except Refused as refusal:
            kind = {
                "ResourceInUseException": "AlreadyExists" if "already exists" in refusal.message else "ResourceConflict"
            }
            kind |= {"ResourceNotFoundException": "NotFound", "ResourceLimitExceededException": "ServiceLimitExceeded"}
            raise ValueError(
                f'Resource handler returned message: "{refusal.message} (Service: Eks, Status Code: {refusal.http_status})"'
                f" (HandlerErrorCode: {kind.get(refusal.code, 'InvalidRequest')})"
            ) from None

    def _wait(self, describe: str, parameters: Mapping[str, Any], key: str, *, gone: bool = False) -> Record:
        """Waits until a resource is settled, or gone. Raises ValueError where it fails."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                record: Record = self._eks().call(describe, dict(parameters))[key]
            except Refused:
                if gone:
                    return {}
                raise
            status = record.get("status", "ACTIVE")
            if status in ("CREATE_FAILED", "DEGRADED", "DELETE_FAILED", "FAILED"):
                issues = "; ".join(issue["message"] for issue in record.get("health", {}).get("issues", []))
                raise ValueError(
                    f'Resource handler returned message: "{status}: {issues}" (HandlerErrorCode: NotStabilized)'
                )
            if status == "ACTIVE" and not gone:
                return record
            time.sleep(0.005)
        raise ValueError(f"{describe} {dict(parameters)} did not settle in {TIMEOUT_SECONDS:.0f} s")

    def _tags(self, arn: str, old: Properties, new: Properties) -> None:
        before, after = _tag_map(old.get("Tags")), _tag_map(new.get("Tags"))
        if gone := [key for key in before if key not in after]:
            self._call("UntagResource", {"resourceArn": arn, "tagKeys": gone})
        if changed := {key: value for key, value in after.items() if before.get(key) != value}:
            self._call("TagResource", {"resourceArn": arn, "tags": changed})

    # AWS::EKS::Cluster

    def create_cluster(self, props: Properties, place: Place) -> tuple[str, Attributes]:
        """Makes a cluster and waits for it."""
        parameters = _cluster_parameters("CreateClusterRequest", {"Name": place.name(100), **props})
        self._call("CreateCluster", parameters)
        return parameters["name"], self._cluster_attributes(parameters["name"])

    def _cluster_attributes(self, name: str) -> Attributes:
        cluster = self._wait("DescribeCluster", {"name": name}, "cluster")
        encryption = cluster.get("encryptionConfig") or [{}]
        return {
            "Arn": cluster["arn"],
            "Endpoint": cluster["endpoint"],
            "CertificateAuthorityData": cluster["certificateAuthority"]["data"],
            "CertificateAuthority.Data": cluster["certificateAuthority"]["data"],
            "ClusterSecurityGroupId": cluster["resourcesVpcConfig"]["clusterSecurityGroupId"],
            "OpenIdConnectIssuerUrl": cluster["identity"]["oidc"]["issuer"],
            "EncryptionConfigKeyArn": encryption[0].get("provider", {}).get("keyArn", ""),
            "KubernetesNetworkConfig.ServiceIpv6Cidr": cluster["kubernetesNetworkConfig"].get("serviceIpv6Cidr", ""),
        }

    def update_cluster(self, name: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes one thing after the other, as the API takes only one at a time."""
        before = _cluster_parameters("UpdateClusterConfigRequest", {**old, "Name": name})
        after = _cluster_parameters("UpdateClusterConfigRequest", {**new, "Name": name})
        auto_mode = ("computeConfig", "storageConfig", "kubernetesNetworkConfig")
        for key in after:
            if key in auto_mode or before.get(key) == after[key]:
                continue
            value = after[key]
            if isinstance(value, dict) and key not in ("logging", "upgradePolicy", "zonalShiftConfig"):
                value = {part: item for part, item in value.items() if before.get(key, {}).get(part) != item}
            self._call("UpdateClusterConfig", {"name": name, key: value})
            self._wait("DescribeCluster", {"name": name}, "cluster")
        if any(before.get(key) != after.get(key) for key in auto_mode):
            self._call("UpdateClusterConfig", {"name": name, **{key: after[key] for key in auto_mode if key in after}})
            self._wait("DescribeCluster", {"name": name}, "cluster")
        if new.get("Version") and old.get("Version") != new["Version"]:
            _refuse_rollback(str(old.get("Version")), str(new["Version"]))
            self._call("UpdateClusterVersion", {"name": name, "version": new["Version"]})
        active = new.get("ActiveCertificateAuthorityId")
        if active and active != old.get("ActiveCertificateAuthorityId"):
            self._call("ActivateCertificateAuthority", {"clusterName": name, "certificateAuthorityId": active})
        attributes = self._cluster_attributes(name)
        self._tags(attributes["Arn"], old, new)
        return attributes

    def delete_cluster(self, name: str, _props: Properties) -> None:
        """Deletes a cluster and waits until it is gone."""
        self._delete("DeleteCluster", "DescribeCluster", "cluster", {"name": name})

    def _delete(self, operation: str, describe: str, key: str, parameters: Mapping[str, Any]) -> None:
        try:
            self._call(operation, parameters)
        except ValueError as error:
            if "NotFound)" in str(error):
                return
            raise
        self._wait(describe, parameters, key, gone=True)

    # AWS::EKS::Nodegroup

    def create_nodegroup(self, props: Properties, place: Place) -> tuple[str, Attributes]:
        """Makes a node group and waits for it."""
        parameters = from_properties("CreateNodegroupRequest", {"NodegroupName": place.name(63), **props})
        self._call("CreateNodegroup", parameters)
        return f"{parameters['clusterName']}/{parameters['nodegroupName']}", self._nodegroup_attributes(parameters)

    def _nodegroup_attributes(self, parameters: Mapping[str, Any]) -> Attributes:
        who = {key: parameters[key] for key in ("clusterName", "nodegroupName")}
        group = self._wait("DescribeNodegroup", who, "nodegroup")
        return {
            "Arn": group["nodegroupArn"],
            "ClusterName": group["clusterName"],
            "NodegroupName": group["nodegroupName"],
            "Id": f"{group['clusterName']}/{group['nodegroupName']}",
        }

    def update_nodegroup(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes settings, then the version."""
        cluster, name = physical_id.split("/", 1)
        who = {"clusterName": cluster, "nodegroupName": name}
        before, after = (from_properties("CreateNodegroupRequest", props) for props in (old, new))
        config: Record = {
            key: after[key]
            for key in ("scalingConfig", "updateConfig", "nodeRepairConfig", "warmPoolConfig")
            if key in after and before.get(key) != after[key]
        }
        if before.get("labels") != after.get("labels"):
            labels = after.get("labels", {})
            gone = [key for key in before.get("labels", {}) if key not in labels]
            config["labels"] = {"addOrUpdateLabels": labels, "removeLabels": gone}
        if before.get("taints") != after.get("taints"):
            taints = after.get("taints", [])
            gone = [taint for taint in before.get("taints", []) if taint not in taints]
            config["taints"] = {"addOrUpdateTaints": taints, "removeTaints": gone}
        if config:
            self._call("UpdateNodegroupConfig", {**who, **config})
            self._wait("DescribeNodegroup", who, "nodegroup")
        version: Record = {
            key: after[key]
            for key in ("version", "releaseVersion", "launchTemplate")
            if key in after and before.get(key) != after[key]
        }
        if version:
            self._call("UpdateNodegroupVersion", {**who, **version})
        attributes = self._nodegroup_attributes(who)
        self._tags(attributes["Arn"], old, new)
        return attributes

    def delete_nodegroup(self, physical_id: str, _props: Properties) -> None:
        """Deletes a node group and waits until it is gone."""
        cluster, name = physical_id.split("/", 1)
        who = {"clusterName": cluster, "nodegroupName": name}
        self._delete("DeleteNodegroup", "DescribeNodegroup", "nodegroup", who)

    # AWS::EKS::FargateProfile

    def create_fargate_profile(self, props: Properties, place: Place) -> tuple[str, Attributes]:
        """Makes a Fargate profile and waits for it."""
        parameters = from_properties("CreateFargateProfileRequest", {"FargateProfileName": place.name(100), **props})
        for selector, given in zip(parameters.get("selectors", []), props.get("Selectors", []), strict=True):
            selector["labels"] = _tag_map(given.get("Labels"))
        self._call("CreateFargateProfile", parameters)
        who = {key: parameters[key] for key in ("clusterName", "fargateProfileName")}
        profile = self._wait("DescribeFargateProfile", who, "fargateProfile")
        return f"{who['clusterName']}|{who['fargateProfileName']}", {"Arn": profile["fargateProfileArn"]}

    def update_fargate_profile(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes tags; everything else replaces."""
        cluster, name = physical_id.split("|", 1)
        profile = self._wait(
            "DescribeFargateProfile", {"clusterName": cluster, "fargateProfileName": name}, "fargateProfile"
        )
        self._tags(profile["fargateProfileArn"], old, new)
        return {"Arn": profile["fargateProfileArn"]}

    def delete_fargate_profile(self, physical_id: str, _props: Properties) -> None:
        """Deletes a Fargate profile and waits until it is gone."""
        cluster, name = physical_id.split("|", 1)
        who = {"clusterName": cluster, "fargateProfileName": name}
        self._delete("DeleteFargateProfile", "DescribeFargateProfile", "fargateProfile", who)

    # AWS::EKS::Addon

    def create_addon(self, props: Properties, _place: Place) -> tuple[str, Attributes]:
        """Makes an add-on and waits until it is active; without a place for its pods it fails."""
        parameters = from_properties("CreateAddonRequest", props)
        self._call("CreateAddon", parameters)
        who = {key: parameters[key] for key in ("clusterName", "addonName")}
        addon = self._wait("DescribeAddon", who, "addon")
        return f"{who['clusterName']}|{who['addonName']}", {"Arn": addon["addonArn"]}

    def update_addon(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes version, configuration and roles."""
        cluster, name = physical_id.split("|", 1)
        who = {"clusterName": cluster, "addonName": name}
        before, after = (from_properties("UpdateAddonRequest", props) for props in (old, new))
        changes = {key: after[key] for key in after if key not in who and before.get(key) != after[key]}
        if before.get("podIdentityAssociations") and "podIdentityAssociations" not in after:
            changes["podIdentityAssociations"] = []
        if changes:
            self._call("UpdateAddon", {**who, **changes})
        addon = self._wait("DescribeAddon", who, "addon")
        self._tags(addon["addonArn"], old, new)
        return {"Arn": addon["addonArn"]}

    def delete_addon(self, physical_id: str, _props: Properties) -> None:
        """Deletes an add-on and waits until it is gone."""
        cluster, name = physical_id.split("|", 1)
        self._delete("DeleteAddon", "DescribeAddon", "addon", {"clusterName": cluster, "addonName": name})

    # AWS::EKS::AccessEntry

    def create_access_entry(self, props: Properties, _place: Place) -> tuple[str, Attributes]:
        """Makes an access entry with its policies."""
        parameters = from_properties("CreateAccessEntryRequest", props)
        entry = self._call("CreateAccessEntry", parameters)["accessEntry"]
        self._policies(parameters, [], props.get("AccessPolicies", []))
        return f"{parameters['principalArn']}|{parameters['clusterName']}", {"AccessEntryArn": entry["accessEntryArn"]}

    def _policies(self, who: Mapping[str, Any], old: list[Properties], new: list[Properties]) -> None:
        who = {key: who[key] for key in ("clusterName", "principalArn")}
        for policy in old:
            if policy["PolicyArn"] not in [one["PolicyArn"] for one in new]:
                self._call("DisassociateAccessPolicy", {**who, "policyArn": policy["PolicyArn"]})
        for policy in new:
            if policy not in old:
                self._call("AssociateAccessPolicy", {**from_properties("AssociateAccessPolicyRequest", policy), **who})

    def update_access_entry(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes groups, user name and policies."""
        principal, cluster = physical_id.rsplit("|", 1)
        who = {"clusterName": cluster, "principalArn": principal}
        entry = self._call("UpdateAccessEntry", {
            **who, **{
                key: value
                for key, value in from_properties("UpdateAccessEntryRequest", {"KubernetesGroups": [], **new}).items()
                if key in ("kubernetesGroups", "username")
            },
        })["accessEntry"]  # fmt: skip
        self._policies(who, old.get("AccessPolicies", []), new.get("AccessPolicies", []))
        self._tags(entry["accessEntryArn"], old, new)
        return {"AccessEntryArn": entry["accessEntryArn"]}

    def delete_access_entry(self, physical_id: str, _props: Properties) -> None:
        """Deletes an access entry."""
        principal, cluster = physical_id.rsplit("|", 1)
        who = {"clusterName": cluster, "principalArn": principal}
        self._delete("DeleteAccessEntry", "DescribeAccessEntry", "accessEntry", who)

    # AWS::EKS::PodIdentityAssociation

    def create_association(self, props: Properties, _place: Place) -> tuple[str, Attributes]:
        """Makes an association."""
        parameters = from_properties("CreatePodIdentityAssociationRequest", props)
        association = self._call("CreatePodIdentityAssociation", parameters)["association"]
        return association["associationArn"], _association_attributes(association)

    def update_association(self, physical_id: str, old: Properties, new: Properties, _place: Place) -> Attributes:
        """Changes an association's role."""
        cluster, identifier = physical_id.split("/")[-2:]
        parameters = from_properties("UpdatePodIdentityAssociationRequest", new)
        who = {"clusterName": cluster, "associationId": identifier}
        association = self._call("UpdatePodIdentityAssociation", {**parameters, **who})["association"]
        self._tags(physical_id, old, new)
        return _association_attributes(association)

    def delete_association(self, physical_id: str, _props: Properties) -> None:
        """Deletes an association."""
        cluster, identifier = physical_id.split("/")[-2:]
        who = {"clusterName": cluster, "associationId": identifier}
        self._delete("DeletePodIdentityAssociation", "DescribePodIdentityAssociation", "association", who)

    # AWS::EKS::CertificateAuthority

    def create_certificate_authority(self, props: Properties, _place: Place) -> tuple[str, Attributes]:
        """Adds a successor and waits until it is distributed."""
        cluster = props["ClusterName"]
        made = self._call("CreateCertificateAuthority", {"clusterName": cluster})["certificateAuthority"]["id"]
        self._wait("DescribeCluster", {"name": cluster}, "cluster")
        return f"{cluster}|{made}", {"Id": made}

    def delete_certificate_authority(self, physical_id: str, _props: Properties) -> None:
        """Deletes an authority."""
        cluster, identifier = physical_id.split("|")
        who = {"clusterName": cluster, "certificateAuthorityId": identifier}
        self._delete("DeleteCertificateAuthority", "DescribeCertificateAuthority", "certificateAuthority", who)

    # AWS::EKS::Capability

    def create_capability(self, props: Properties, _place: Place) -> tuple[str, Attributes]:
        """Makes a capability and waits for it."""
        parameters = from_properties("CreateCapabilityRequest", props)
        self._call("CreateCapability", parameters)
        who = {key: parameters[key] for key in ("clusterName", "capabilityName")}
        capability = self._wait("DescribeCapability", who, "capability")
        return capability["arn"], {"Arn": capability["arn"], "Status": capability["status"]}

    def delete_capability(self, _physical_id: str, props: Properties) -> None:
        """Deletes a capability and waits until it is gone."""
        who = {"clusterName": props["ClusterName"], "capabilityName": props["CapabilityName"]}
        self._delete("DeleteCapability", "DescribeCapability", "capability", who)


def _association_attributes(association: Record) -> Attributes:
    return {
        "AssociationArn": association["associationArn"],
        "AssociationId": association["associationId"],
        "ExternalId": association.get("externalId") or "",
    }


def _refuse_rollback(old: str, new: str) -> None:
    """Raises ValueError where a stack would take a cluster back: the template before, after a failure, does not roll it back.

    https://docs.aws.amazon.com/eks/latest/userguide/rollback-cluster.html#_cloudformation_stack_rollback_behavior
    """
    if [int(part) for part in new.split(".")] < [int(part) for part in (old if old[:1].isdigit() else new).split(".")]:
        raise ValueError(
            f"Unsupported Kubernetes minor version update from {old} to {new}: a rollback is a request of its own"
        )


def _cluster_parameters(shape: str, props: Properties) -> Record:
    parameters = from_properties(shape, {key: value for key, value in props.items() if key != "Logging"})
    if "Logging" in props:
        enabled = props["Logging"].get("ClusterLogging", {}).get("EnabledTypes", [])
        on = [entry["Type"] for entry in enabled]
        off = [kind for kind in LOG_TYPES if kind not in on]
        groups = [{"types": on, "enabled": True}, {"types": off, "enabled": False}]
        parameters["logging"] = {"clusterLogging": [group for group in groups if group["types"]]}
    if shape.startswith("Update"):
        # What only a creation takes is not part of an update.
        network = parameters.get("kubernetesNetworkConfig", {})
        parameters["kubernetesNetworkConfig"] = {
            key: value for key, value in network.items() if key == "elasticLoadBalancing"
        }
        if not parameters["kubernetesNetworkConfig"]:
            del parameters["kubernetesNetworkConfig"]
        parameters.get("accessConfig", {}).pop("bootstrapClusterCreatorAdminPermissions", None)
        del parameters["name"]
    return parameters


def _tag_map(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):  # as a node group has them
        return dict(tags)
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}
