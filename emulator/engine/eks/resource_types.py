"""CloudFormation's resource types of EKS."""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.engine.eks.resource_type import EksResource, changed, tag_map
from emulator.engine.eks.service import LOG_TYPES, Eks
from emulator.engine.eks.shapes import from_properties
from emulator.engine.eks.state import Record
from emulator.engine.provider import Attributes, Properties, ResourceType

_AUTO_MODE = ("computeConfig", "storageConfig", "kubernetesNetworkConfig")
_REPLACED_WHOLE = ("logging", "upgradePolicy", "zonalShiftConfig")


class Cluster(EksResource):
    """A cluster."""

    shape, member, key, longest_name = "Cluster", "cluster", "name", 100

    def physical_id(self, record: Record) -> str:
        """Returns the name."""
        return str(record["name"])

    def who(self, physical_id: str) -> Record:
        """Returns the name."""
        return {"name": physical_id}

    def attributes(self, record: Record) -> Attributes:
        """Returns endpoint, certificate and so on."""
        encryption = record.get("encryptionConfig") or [{}]
        certificate = record["certificateAuthority"]["data"]
        return {
            "Arn": record["arn"],
            "Endpoint": record["endpoint"],
            "CertificateAuthorityData": certificate,
            "CertificateAuthority.Data": certificate,
            "ClusterSecurityGroupId": record["resourcesVpcConfig"]["clusterSecurityGroupId"],
            "OpenIdConnectIssuerUrl": record["identity"]["oidc"]["issuer"],
            "EncryptionConfigKeyArn": encryption[0].get("provider", {}).get("keyArn", ""),
            "KubernetesNetworkConfig.ServiceIpv6Cidr": record["kubernetesNetworkConfig"].get("serviceIpv6Cidr", ""),
        }

    def parameters(self, operation: str, props: Properties) -> Record:
        """Returns the parameters; log types are spelled otherwise, and an update takes fewer members."""
        if operation == "Create":
            parameters = from_properties("CreateClusterRequest", _without(props, "Logging"))
        else:
            parameters = from_properties("UpdateClusterConfigRequest", _without(props, "Logging", "Name"))
            network = parameters.pop("kubernetesNetworkConfig", {})
            if "elasticLoadBalancing" in network:
                parameters["kubernetesNetworkConfig"] = {"elasticLoadBalancing": network["elasticLoadBalancing"]}
            parameters.get("accessConfig", {}).pop("bootstrapClusterCreatorAdminPermissions", None)
        if "Logging" in props:
            on = [one["Type"] for one in props["Logging"].get("ClusterLogging", {}).get("EnabledTypes", [])]
            off = [kind for kind in LOG_TYPES if kind not in on]
            groups = [{"types": on, "enabled": True}, {"types": off, "enabled": False}]
            parameters["logging"] = {"clusterLogging": [group for group in groups if group["types"]]}
        return parameters

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Changes one thing after the other, as the API takes only one at a time."""
        before, after = (self.parameters("Update", props) for props in (old, new))
        for key in after:
            if key in _AUTO_MODE or before.get(key) == after[key]:
                continue
            value = after[key]
            if isinstance(value, dict) and key not in _REPLACED_WHOLE:
                value = changed(before.get(key, {}), value, value)
            self._configure(who, {key: value})
        if any(before.get(key) != after.get(key) for key in _AUTO_MODE):
            self._configure(who, {key: after[key] for key in _AUTO_MODE if key in after})
        if new.get("Version") and old.get("Version") != new["Version"]:
            _refuse_rollback(str(old.get("Version")), str(new["Version"]))
            self.call("UpdateClusterVersion", {**who, "version": new["Version"]})
        active = new.get("ActiveCertificateAuthorityId")
        if active and active != old.get("ActiveCertificateAuthorityId"):
            self.call("ActivateCertificateAuthority", {"clusterName": who["name"], "certificateAuthorityId": active})

    def _configure(self, who: Record, change: Record) -> None:
        self.call("UpdateClusterConfig", {**who, **change})
        self.settled(who)


class Nodegroup(EksResource):
    """A managed node group."""

    shape, member, key, arn, longest_name = "Nodegroup", "nodegroup", "nodegroupName", "nodegroupArn", 63

    def physical_id(self, record: Record) -> str:
        """Returns CLUSTER/NAME."""
        return f"{record['clusterName']}/{record[self.key]}"

    def who(self, physical_id: str) -> Record:
        """Returns cluster and name."""
        return super().who(physical_id.replace("/", "|", 1))

    def attributes(self, record: Record) -> Attributes:
        """Returns ARN and names."""
        return {
            "Arn": record[self.arn],
            "ClusterName": record["clusterName"],
            "NodegroupName": record[self.key],
            "Id": self.physical_id(record),
        }

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Changes settings, then the version."""
        before, after = (self.parameters("Create", props) for props in (old, new))
        config = changed(before, after, ("scalingConfig", "updateConfig", "nodeRepairConfig", "warmPoolConfig"))
        if before.get("labels") != after.get("labels"):
            labels = after.get("labels", {})
            gone = [key for key in before.get("labels", {}) if key not in labels]
            config["labels"] = {"addOrUpdateLabels": labels, "removeLabels": gone}
        if before.get("taints") != after.get("taints"):
            taints = after.get("taints", [])
            gone = [taint for taint in before.get("taints", []) if taint not in taints]
            config["taints"] = {"addOrUpdateTaints": taints, "removeTaints": gone}
        if config:
            self.call("UpdateNodegroupConfig", {**who, **config})
            self.settled(who)
        if version := changed(before, after, ("version", "releaseVersion", "launchTemplate")):
            self.call("UpdateNodegroupVersion", {**who, **version})


class FargateProfile(EksResource):
    """A Fargate profile; everything but its tags replaces."""

    shape, member, key, arn = "FargateProfile", "fargateProfile", "fargateProfileName", "fargateProfileArn"
    longest_name = 100

    def parameters(self, operation: str, props: Properties) -> Record:
        """Returns the parameters; labels are a map."""
        parameters = super().parameters(operation, props)
        for selector, given in zip(parameters.get("selectors", []), props.get("Selectors", []), strict=True):
            selector["labels"] = tag_map(given.get("Labels"))
        return parameters


class Addon(EksResource):
    """An add-on; without a place for its pods it fails."""

    shape, member, key, arn = "Addon", "addon", "addonName", "addonArn"

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Changes version, configuration and roles."""
        before, after = (_without(self.parameters("Update", props), *who) for props in (old, new))
        changes = changed(before, after, after)
        if before.get("podIdentityAssociations") and "podIdentityAssociations" not in after:
            changes["podIdentityAssociations"] = []
        if changes:
            self.call("UpdateAddon", {**who, **changes})


class AccessEntry(EksResource):
    """An access entry with its policies."""

    shape, member, key, arn = "AccessEntry", "accessEntry", "principalArn", "accessEntryArn"

    def physical_id(self, record: Record) -> str:
        """Returns PRINCIPAL|CLUSTER."""
        return f"{record[self.key]}|{record['clusterName']}"

    def who(self, physical_id: str) -> Record:
        """Returns cluster and principal."""
        principal, _, cluster = physical_id.rpartition("|")
        return {"clusterName": cluster, self.key: principal}

    def attributes(self, record: Record) -> Attributes:
        """Returns the ARN."""
        return {"AccessEntryArn": record[self.arn]}

    def complete(self, who: Record, props: Properties) -> None:
        """Associates the policies."""
        self._policies(who, [], props.get("AccessPolicies", []))

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Changes groups, user name and policies."""
        after = self.parameters("Update", {"KubernetesGroups": [], **new})
        self.call("UpdateAccessEntry", {**who, **changed({}, after, ("kubernetesGroups", "username"))})
        self._policies(who, old.get("AccessPolicies", []), new.get("AccessPolicies", []))

    def _policies(self, who: Record, old: list[Properties], new: list[Properties]) -> None:
        for policy in old:
            if policy["PolicyArn"] not in [one["PolicyArn"] for one in new]:
                self.call("DisassociateAccessPolicy", {**who, "policyArn": policy["PolicyArn"]})
        for policy in new:
            if policy not in old:
                self.call("AssociateAccessPolicy", {**from_properties("AssociateAccessPolicyRequest", policy), **who})


class PodIdentityAssociation(EksResource):
    """A Pod Identity association."""

    shape, member, key, arn = "PodIdentityAssociation", "association", "associationId", "associationArn"

    def physical_id(self, record: Record) -> str:
        """Returns the ARN, which ends with CLUSTER/ID."""
        return str(record[self.arn])

    def who(self, physical_id: str) -> Record:
        """Returns cluster and id."""
        return super().who("|".join(physical_id.split("/")[-2:]))

    def attributes(self, record: Record) -> Attributes:
        """Returns ARN and ids."""
        return {
            "AssociationArn": record[self.arn],
            "AssociationId": record[self.key],
            "ExternalId": record.get("externalId") or "",
        }

    def change(self, who: Record, old: Properties, new: Properties) -> None:
        """Changes roles and the session policy."""
        if old != new:
            self.call("UpdatePodIdentityAssociation", {**self.parameters("Update", new), **who})


class CertificateAuthority(EksResource):
    """The successor of a cluster's certificate authority."""

    shape, member, key, changeable = "CertificateAuthority", "certificateAuthority", "certificateAuthorityId", False

    def create(self, props: Properties, _place: object) -> tuple[str, Attributes]:
        """Adds a successor and waits until it is distributed, as an update of the cluster."""
        cluster = props["ClusterName"]
        made = self.call("CreateCertificateAuthority", {"clusterName": cluster})["certificateAuthority"]["id"]
        Cluster(self.eks).settled({"name": cluster})
        return f"{cluster}|{made}", {"Id": made}


class Capability(EksResource):
    """A capability."""

    shape, member, key, changeable = "Capability", "capability", "capabilityName", False

    def physical_id(self, record: Record) -> str:
        """Returns the ARN, which ends with CLUSTER/KIND/NAME/ID."""
        return str(record[self.arn])

    def who(self, physical_id: str) -> Record:
        """Returns cluster and name."""
        cluster, _, name, _ = physical_id.split("/")[-4:]
        return super().who(f"{cluster}|{name}")

    def attributes(self, record: Record) -> Attributes:
        """Returns ARN and status."""
        return {"Arn": record[self.arn], "Status": record["status"]}


class IdentityProviderConfig(EksResource):
    """An OIDC identity provider; everything but its tags replaces."""

    shape, member, key = "IdentityProviderConfig", "identityProviderConfig", "identityProviderConfigName"
    arn = "identityProviderConfigArn"

    def create(self, props: Properties, _place: object) -> tuple[str, Attributes]:
        """Adds a provider and waits for it; its name is beside its settings in a template, and among them in the API."""
        name = props["IdentityProviderConfigName"]
        settings = {**props, "Oidc": {**props["Oidc"], "IdentityProviderConfigName": name}}
        self.call(
            "AssociateIdentityProviderConfig", from_properties("AssociateIdentityProviderConfigRequest", settings)
        )
        physical_id = f"{name}|{props['ClusterName']}|{props['Type']}"
        return physical_id, self.attributes(self.settled(self.who(physical_id)))

    def who(self, physical_id: str) -> Record:
        """Returns cluster, kind and name."""
        name, cluster, kind = physical_id.split("|")
        return {"clusterName": cluster, self.member: {"type": kind, "name": name}}

    def attributes(self, record: Record) -> Attributes:
        """Returns the ARN."""
        return {"IdentityProviderConfigArn": record[self.arn]}

    def described(self, who: Mapping[str, Any]) -> Record:
        """Returns the record, which is a member of its kind."""
        found: Record = super().described(who)["oidc"]
        return found

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Record:
        """Calls EKS, which disassociates a provider. Raises ValueError."""
        return super().call(operation.replace("Delete", "Disassociate"), parameters)


KINDS: tuple[type[EksResource], ...] = (
    AccessEntry, Addon, Capability, CertificateAuthority, Cluster, FargateProfile, IdentityProviderConfig,
    Nodegroup, PodIdentityAssociation,
)  # fmt: skip
EKS_TYPES = tuple(f"AWS::EKS::{kind.shape}" for kind in KINDS)


def eks_types(eks: Callable[[], Eks]) -> dict[str, ResourceType]:
    """Returns the types by name, for the EKS that ``eks`` returns at the time of a call."""
    return {name: kind(eks).resource_type() for name, kind in zip(EKS_TYPES, KINDS, strict=True)}


def _without(mapping: Record, *keys: str) -> Record:
    return {key: value for key, value in mapping.items() if key not in keys}


def _refuse_rollback(old: str, new: str) -> None:
    """Raises ValueError where a stack would take a cluster back: the template before, after a failure, does not roll it back.

    https://docs.aws.amazon.com/eks/latest/userguide/rollback-cluster.html#_cloudformation_stack_rollback_behavior
    """
    if [int(part) for part in new.split(".")] < [int(part) for part in (old if old[:1].isdigit() else new).split(".")]:
        raise ValueError(
            f"Unsupported Kubernetes minor version update from {old} to {new}: a rollback is a request of its own"
        )
