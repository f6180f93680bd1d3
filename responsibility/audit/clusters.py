"""What EKS itself keeps of a cluster: everything below `aws eks describe-...`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from responsibility.audit.questions import UNLISTED, Gone, Questions
from responsibility.reading.normalize import from_api
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown


@dataclass(frozen=True, slots=True)
class Part:
    """A kind of thing that belongs to a cluster, and the two calls that tell of it."""

    type: str
    """CloudFormation's type, or one of ours where it has none."""
    noun: str
    """In the calls' names, as boto3 writes them."""
    plural: str
    items: str
    """What holds the list in the first call's answer: of names, or of mappings."""
    identity: str
    """The parameter of the second call that names one thing."""
    member: str
    """What holds the thing in the second call's answer."""
    cluster: str = "clusterName"
    """The parameter that names the cluster."""
    listed: str = ""
    """The key of a listed mapping that names one thing; default: ``identity``."""

    @property
    def listing(self) -> tuple[str, str]:
        """The first call."""
        return "eks", f"list_{self.plural}"

    @property
    def describing(self) -> tuple[str, str]:
        """The second call."""
        return "eks", f"describe_{self.noun}"

    def name(self, cluster: str, identity: str) -> str:
        """Returns the name of one thing among everything that is read."""
        return f"{cluster}/{self.noun.replace('_', '-')}/{identity}"


_PODS = "pod_identity_association"
PARTS = (
    Part("AWS::EKS::Nodegroup", "nodegroup", "nodegroups", "nodegroups", "nodegroupName", "nodegroup"),
    Part(
        "AWS::EKS::FargateProfile",
        "fargate_profile",
        "fargate_profiles",
        "fargateProfileNames",
        "fargateProfileName",
        "fargateProfile",
    ),
    Part("AWS::EKS::Addon", "addon", "addons", "addons", "addonName", "addon"),
    Part("AWS::EKS::AccessEntry", "access_entry", "access_entries", "accessEntries", "principalArn", "accessEntry"),
    Part("AWS::EKS::PodIdentityAssociation", _PODS, f"{_PODS}s", "associations", "associationId", "association"),
    Part("AWS::EKS::Capability", "capability", "capabilities", "capabilities", "capabilityName", "capability"),
    Part(
        "AWS::EKS::CertificateAuthority",
        "certificate_authority",
        "certificate_authorities",
        "certificateAuthorities",
        "certificateAuthorityId",
        "certificateAuthority",
        listed="id",
    ),
    Part("EKS::Insight", "insight", "insights", "insights", "id", "insight"),
    Part("EKS::Update", "update", "updates", "updateIds", "updateId", "update", cluster="name"),
)


def read_cluster(ask: Questions, name: str) -> list[Resource]:
    """Returns a cluster and what belongs to it. Raises Gone: it was deleted meanwhile; AccountError."""
    answer = ask.one("eks", "describe_cluster", "cluster", name=name)
    if answer is None:
        raise Gone
    call = ("eks", "describe_cluster")
    properties = answer if isinstance(answer, Unknown) else _properties("AWS::EKS::Cluster", answer)
    cluster = ask.resource(
        "AWS::EKS::Cluster", name, properties, call=call, member="cluster", known={"Name": name}, cluster=name
    )
    return [cluster, *(resource for part in PARTS for resource in _read_part(ask, part, cluster))]


def cluster_properties(answer: dict[str, Any]) -> dict[str, Any]:
    """Returns CloudFormation's properties of a cluster that EKS describes."""
    return _properties("AWS::EKS::Cluster", answer)


def _read_part(ask: Questions, part: Part, cluster: Resource) -> Iterator[Resource]:
    name = cluster.id
    if part.type == "AWS::EKS::AccessEntry" and cluster.maybe("AccessConfig.AuthenticationMode") == "CONFIG_MAP":
        return  # EKS refuses the question: such a cluster has none
    listed = ask.items(*part.listing, part.items, **{part.cluster: name})
    if isinstance(listed, Unknown):
        yield ask.resource(part.type, part.name(name, UNLISTED), listed, call=part.listing, cluster=name)
        return
    for item in listed:
        if resource := _read_one(ask, part, name, item):
            yield resource


def _read_one(ask: Questions, part: Part, cluster: str, item: Any) -> Resource | None:
    identity = item[part.listed or part.identity] if isinstance(item, dict) else item
    if part.type == "EKS::Insight" and item["insightStatus"]["status"] == "PASSING":
        answer, call, member = item, part.listing, ""  # the rest says what to do about it
    else:
        call, member = part.describing, part.member
        answer = ask.one(*call, part.member, **{part.cluster: cluster, part.identity: identity})
    if answer is None:
        return None
    properties = answer if isinstance(answer, Unknown) else _properties(part.type, answer)
    apis = {}
    if part.type == "AWS::EKS::AccessEntry" and isinstance(properties, dict):
        policies = ("eks", "list_associated_access_policies")
        apis = {"AccessPolicies": policies}
        try:
            found = ask.items(*policies, "associatedAccessPolicies", clusterName=cluster, principalArn=identity)
        except Gone:
            return None
        properties["AccessPolicies"] = found if isinstance(found, Unknown) else [_policy(one) for one in found]
    known = {part.identity[:1].upper() + part.identity[1:]: identity}
    return ask.resource(
        part.type,
        part.name(cluster, identity),
        properties,
        call=call,
        member=member,
        known=known,
        apis=apis,
        cluster=cluster,
    )


def _properties(kind: str, answer: dict[str, Any]) -> dict[str, Any]:
    """Returns CloudFormation's properties of what EKS answers."""
    properties = from_api(kind, answer)
    tags = {key: value for key, value in (answer.get("tags") or {}).items() if not key.startswith("aws:")}
    properties["Tags"] = tags if kind == "AWS::EKS::Nodegroup" else [{"Key": k, "Value": v} for k, v in tags.items()]
    if kind == "AWS::EKS::Cluster":
        properties["BootstrapSelfManagedAddons"] = Unknown("eks:DescribeCluster does not tell it")
    return properties


def _policy(answer: dict[str, Any]) -> dict[str, Any]:
    scope = {key[:1].upper() + key[1:]: value for key, value in answer["accessScope"].items() if value}
    return {"PolicyArn": answer["policyArn"], "AccessScope": scope}


def give_addons_their_roles(resources: list[Resource]) -> list[Resource]:
    """Returns the resources with each add-on's associations in it, as CloudFormation has them, instead of beside it."""
    kind = "AWS::EKS::PodIdentityAssociation"
    associations = {r.maybe("AssociationArn"): r for r in resources if r.type == kind}
    for addon in (resource for resource in resources if resource.type == "AWS::EKS::Addon"):
        arns = addon.maybe("PodIdentityAssociations", [])
        if not arns:
            continue
        found = [associations.get(arn) for arn in arns]
        addon.properties["PodIdentityAssociations"] = [
            {"ServiceAccount": one.maybe("ServiceAccount"), "RoleArn": one.maybe("RoleArn")}
            if one
            else Unknown(f"{arn}: is not known")
            for arn, one in zip(arns, found, strict=True)
        ]
    return [resource for resource in resources if resource.type != kind or not resource.maybe("OwnerArn")]
