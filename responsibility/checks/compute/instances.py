"""Checks of the EC2 instances behind nodes: their image, the instance metadata service, their volumes, SSH."""

from eks_facts.files import load
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.addresses import from_internet
from responsibility.reading.eks import Cluster, NodeGroup
from responsibility.reading.kubernetes import Ec2NodeClass
from responsibility.reading.network import Rule, SecurityGroup, ingress_beside
from responsibility.reading.nodes import FAMILY_NAMES, Ec2Nodes, Instance, StartsInstances
from responsibility.reading.partly_known import begins_open, without_gaps
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, has_gap

_NO_AL2_SINCE = (1, 33)
_NEWEST = ("recommended", "latest", "/stable/current/")
"""Parts of the names of public parameters that follow releases."""
_OPTIONS = "spec.metadataOptions"
_LOGIN_PORTS = (22, 3389)
"""SSH, and RDP on Windows."""


@check("EKR040", Ec2Nodes, synth=True)
def no_amazon_linux_2(nodes: Ec2Nodes) -> Answer:
    """A group that names no type gets AL2023 since Kubernetes 1.30, AL2 before."""
    family, image = nodes.family, nodes.image
    where = _image_at(nodes, image)
    if family == "custom":
        if started := _started_by_newer_system(nodes):
            return met("its user data is for AL2023 or Bottlerocket: Amazon Linux 2 would not join with it", started)
        raise UnknownValue(where, f"{image or nodes.get('AmiType')} does not say which system is in it")
    if family != "al2":
        return met(f"runs {FAMILY_NAMES[family]}", where)
    version = nodes.kubernetes_version
    if version >= _NO_AL2_SINCE:
        return open_(f"asks for Amazon Linux 2, which does not exist for Kubernetes {version[0]}.{version[1]}", where)
    return open_("runs Amazon Linux 2, which AWS stopped updating on 2025-11-26", where)


@check("EKR041", NodeGroup, synth=True)
def ami_type_is_stated(group: NodeGroup) -> Answer:
    """A custom image replaces the type, which must then be left out."""
    if image := group.image:
        return not_applicable(f"its launch template names the image {image}")
    kind = group.ami_type
    if not kind:
        return open_("leaves the operating system to the default of EKS", group.at("AmiType"))
    return met(f"says {kind}", group.at("AmiType"))


@check("EKR042", Ec2Nodes)
def image_is_not_pinned(nodes: Ec2Nodes) -> Answer:
    """A public SSM parameter that ends in a release number is a pin, too."""
    image = nodes.image
    where = _image_at(nodes, image)
    if begins_open(image):
        raise UnknownValue(where, f"is given by {without_gaps(image)}")
    if image.startswith("ssm:"):
        follows = not image.startswith("ssm:/aws/") or any(word in image for word in _NEWEST)
        name = image.removeprefix("ssm:")
        return met(f"reads its image from {name}", where) if follows else open_(f"pins its image: {name}", where)
    if image:
        return open_(f"pins its image: {image}", where)
    release = nodes.get("ReleaseVersion", "")
    # A running group always has one: EKR134 asks whether it is the latest.
    if release and nodes.facts.origin == "templates":
        return open_(f"pins the release {release}", nodes.at("ReleaseVersion"))
    return met("takes the newest release when it is created or updated", where)


@check("EKR045", StartsInstances, synth=True)
def imds_needs_a_token(nodes: StartsInstances) -> Answer | None:
    """AL2023 images require tokens by themselves; Amazon Linux 2 does not; of others AWS does not say. Karpenter's default does."""
    if isinstance(nodes, Ec2NodeClass):
        return _class_needs_a_token(nodes)
    if not isinstance(nodes, Ec2Nodes):
        return None
    instance = nodes.instance
    where = _at(nodes, instance, "MetadataOptions.HttpTokens")
    if instance and (off := _metadata_is_off(instance)):
        return off
    needs, who = _needs_token(nodes, instance)
    return met(f"requires a token: {who}", where) if needs else open_(f"needs no token (IMDSv1): {who}", where)


def _needs_token(nodes: Ec2Nodes, instance: Instance | None) -> tuple[bool, str]:
    """Returns whether metadata needs a token, and who says so. Raises UnknownValue."""
    tokens = instance.get("MetadataOptions.HttpTokens", "") if instance else ""
    if tokens:
        return tokens == "required", f"HttpTokens is {tokens}"
    family = nodes.family
    if family in ("al2", "al2023"):
        return family == "al2023", f"the default of {FAMILY_NAMES[family]}"
    where = _at(nodes, instance, "MetadataOptions.HttpTokens")
    raise UnknownValue(where, f"is not stated: {FAMILY_NAMES[family]} or the account's default decides")


@check("EKR046", StartsInstances, synth=True)
def imds_hop_limit_is_1(nodes: StartsInstances) -> Answer | None:
    """Where EKS makes the launch template: 1 for AL2023 (al2023.html), 2 for the others (launch-templates.html)."""
    if isinstance(nodes, Ec2NodeClass):
        return _class_has_hop_limit_1(nodes)
    if not isinstance(nodes, Ec2Nodes):
        return None
    instance = nodes.instance
    where = _at(nodes, instance, "MetadataOptions.HttpPutResponseHopLimit")
    if not instance:
        if nodes.family == "al2023":
            return met("gets a hop limit of 1 from EKS, as Amazon Linux 2023 does", where)
        return open_("gets a hop limit of 2 from EKS: pods reach the node's role", where)
    if off := _metadata_is_off(instance):
        return off
    limit = instance.get("MetadataOptions.HttpPutResponseHopLimit")
    if limit is None:
        raise UnknownValue(where, "is not stated: the image or the account's default decides")
    if str(limit) == "1":
        # The limit is one of tokens: without them every pod gets an answer.
        needs, who = _needs_token(nodes, instance)
        if needs:
            return met("has a hop limit of 1", where)
        tokens = instance.at("MetadataOptions.HttpTokens")
        return open_(f"has a hop limit of 1, but needs no token: {who}", tokens)
    return open_(f"has a hop limit of {limit}: pods reach the node's role", where)


@check("EKR047", StartsInstances, synth=True)
def volumes_are_encrypted(nodes: StartsInstances) -> Answer | None:
    """Every volume that is named, and every volume that the image brings."""
    if isinstance(nodes, Ec2NodeClass):
        return _class_encrypts(nodes)
    return _group_encrypts(nodes) if isinstance(nodes, Ec2Nodes) else None


def _group_encrypts(nodes: Ec2Nodes) -> Answer:
    instance = nodes.instance
    where = _at(nodes, instance, "BlockDeviceMappings")
    if not instance:
        return open_("leaves its volumes to EKS, which does not request encryption", where)
    plain: list[Evidence] = []
    named: set[str] = set()
    volumes, unknown = instance.items_seen("BlockDeviceMappings")
    for path, _ in volumes:
        if not instance.get(f"{path}.Ebs"):
            continue
        named.add(str(instance.get(f"{path}.DeviceName", "")))
        if str(instance.get(f"{path}.Ebs.Encrypted", False)).lower() != "true":
            plain.append(instance.at(f"{path}.Ebs.Encrypted"))
    if plain:
        return open_("does not request encryption of its volumes", *plain)
    if unknown:
        raise unknown
    family = nodes.family
    missing = [device for device in load("instance_families")["volumes"].get(family, ()) if device not in named]
    if missing:
        return open_(f"does not request encryption of {' and '.join(missing)}", where)
    if family == "custom" and not named:
        raise UnknownValue(where, "is not stated: the image decides whether its volumes are encrypted")
    return met(f"encrypts {' and '.join(sorted(named))}", where)


@check("EKR049", Ec2Nodes)
def ssh_is_not_open(nodes: Ec2Nodes) -> Answer:
    """What EKS opens for a key pair, and what the groups of the launch template open."""
    if nodes.get("RemoteAccess.Ec2SshKey") and not nodes.get("RemoteAccess.SourceSecurityGroups"):
        return open_(
            "has a key pair and no source security groups: EKS opens port 22 to 0.0.0.0/0",
            nodes.at("RemoteAccess.SourceSecurityGroups"),
        )
    instance = nodes.instance
    if not instance and nodes.get("RemoteAccess.SourceSecurityGroups"):
        return met("accepts SSH from named security groups only", nodes.at("RemoteAccess.SourceSecurityGroups"))
    if not instance:
        return met("opens no port for SSH", nodes.at("RemoteAccess"))
    paths = ["SecurityGroupIds", "SecurityGroups"]
    paths += [f"{path}.Groups" for path, _ in instance.items("NetworkInterfaces")]
    seen = [instance.items_seen(path) for path in paths]
    groups = [item for items, _ in seen for item in items]
    wide, unread = [], [unknown for _, unknown in seen if unknown]
    for at, value in groups:
        rules, unknown = _open_to_all(nodes, value, instance.at(at))
        wide += rules
        unread += [unknown] if unknown else []
    if wide:
        return open_("accepts SSH from the internet", *wide)
    if unread:
        raise unread[0]
    where = instance.at(groups[0][0] if groups else paths[0])
    return met("accepts SSH from nowhere, or from named sources only", where)


def _open_to_all(nodes: Ec2Nodes, value: object, where: Evidence) -> tuple[list[Evidence], UnknownValue | None]:
    """Returns the rules of a security group that let everybody in by SSH or RDP, and what of it is not known."""
    if isinstance(value, Reference) and value.attribute == "ClusterSecurityGroupId":
        # EKS's own group lets in nodes and control plane; the templates may add rules to it.
        group = nodes.facts.find(Cluster, value)
        rules, unknown = ingress_beside(group) if group else [], None
    elif made := nodes.facts.find(SecurityGroup, value):
        rules, unknown = made.ingress_seen
    else:
        return [], UnknownValue(where, f"the rules of {value} were not read")
    opened, unsaid = from_internet([rule for rule in rules if _lets_in(rule)])
    return [rule.owner.at(rule.path) for rule, _ in opened], unknown or unsaid


def _lets_in(rule: Rule) -> bool:
    if not has_gap(rule.protocol) and rule.protocol.lower() not in ("-1", "tcp", "6"):
        return False
    if has_gap(rule.protocol) or rule.protocol == "-1" or rule.from_port in (None, -1) or rule.to_port is None:
        return True
    return any(rule.from_port <= port <= rule.to_port for port in _LOGIN_PORTS)


def _class_needs_a_token(item: Ec2NodeClass) -> Answer:
    if item.get(f"{_OPTIONS}.httpEndpoint", "enabled") == "disabled":
        return met("has the metadata service off", item.at(f"{_OPTIONS}.httpEndpoint"))
    tokens, where = item.get(f"{_OPTIONS}.httpTokens"), item.at(f"{_OPTIONS}.httpTokens")
    if tokens in (None, "required"):
        return met(f"requires a token: {'httpTokens is required' if tokens else 'the default of Karpenter'}", where)
    return open_(f"needs no token (IMDSv1): httpTokens is {tokens}", where)


def _class_has_hop_limit_1(item: Ec2NodeClass) -> Answer:
    limit, where = item.get(f"{_OPTIONS}.httpPutResponseHopLimit", 1), item.at(f"{_OPTIONS}.httpPutResponseHopLimit")
    needs = _class_needs_a_token(item)
    if needs.status == "met" and "off" in needs.detail:
        return needs
    if str(limit) != "1":
        return open_(f"has a hop limit of {limit}: pods reach the node's role", where)
    # The limit is one of tokens: without them every pod gets an answer.
    return met("has a hop limit of 1", where) if needs.status == "met" else needs


def _class_encrypts(item: Ec2NodeClass) -> Answer:
    """Karpenter encrypts the volumes that it chooses itself; of those that are named, the mapping decides."""
    path = "spec.blockDeviceMappings"
    volumes = item.items(path)
    plain = [at for at in volumes if str(item.get(f"{at}.ebs.encrypted", False)).lower() != "true"]
    if plain:
        return open_("does not request encryption of its volumes", *(item.at(f"{at}.ebs.encrypted") for at in plain))
    if not volumes and item.get("spec.amiFamily", "") == "Custom":
        raise UnknownValue(item.at(path), "is not stated: the image decides whether its volumes are encrypted")
    return met("encrypts its volumes" if volumes else "encrypts its volumes: the default of Karpenter", item.at(path))


def _metadata_is_off(instance: Instance) -> Answer | None:
    path = "MetadataOptions.HttpEndpoint"
    return met("has the metadata service off", instance.at(path)) if instance.get(path) == "disabled" else None


def _at(nodes: Ec2Nodes, instance: Instance | None, path: str) -> Evidence:
    """Where a setting of the instances is, or would be."""
    return instance.at(path) if instance else nodes.at("LaunchTemplate")


def _started_by_newer_system(nodes: Ec2Nodes) -> Evidence | None:
    """Returns the user data that makes nodes join, if it is of a kind that Amazon Linux 2 does not read."""
    instance = nodes.instance
    try:
        text = instance.user_data if instance else ""
    except UnknownValue:
        return None
    newer = any(one in f"\n{text}" for one in ("\napiVersion: node.eks.aws/", "\n[settings.kubernetes]"))
    return instance.at("UserData") if instance and newer and "bootstrap.sh" not in text else None


def _image_at(nodes: Ec2Nodes, image: str) -> Evidence:
    return _at(nodes, nodes.instance, "ImageId") if image else nodes.at("AmiType")
