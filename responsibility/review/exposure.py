"""Ways in from the internet, and those that are closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from responsibility.document import Exposure
from responsibility.findings import evidence_of
from responsibility.reading.addresses import auto_mode_in_public, from_internet, public_address
from responsibility.reading.eks import Cluster, NodeGroup, SelfManagedNodes
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.hybrid import remote_ranges
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import KubernetesObject, objects
from responsibility.reading.load_balancers import Balancer, ingress_balancer, service_balancer
from responsibility.reading.network import SecurityGroup, ingress_beside, is_internet, subnets_at
from responsibility.reading.resource import UnknownValue

Level = Literal["open", "limited", "closed", "unknown"]
_BALANCERS = ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::ElasticLoadBalancing::LoadBalancer")
"""Application, Network and Gateway Load Balancers; Classic ones."""


def exposure(facts: Facts) -> list[Exposure]:
    """Returns every way in, the open ones first."""
    found = [
        *(_api(cluster) for cluster in facts.all(Cluster)),
        *_groups(facts),
        *_remote_networks(facts),
        *_nodes(facts),
        *_load_balancers(facts),
        *_instances(facts),
        *_function_urls(facts),
        *_not_read(facts),
    ]
    order = ("open", "unknown", "limited", "closed")
    return sorted(found, key=lambda item: order.index(item.level))


def _not_read(facts: Facts) -> Iterator[Exposure]:
    """Yields what an audit does not read, so that silence is not taken for an answer."""
    if facts.origin == "account":
        words = "load balancers of Services and Ingresses are not read: `aws elbv2 describe-load-balancers` lists them"
        yield Exposure(way="load balancer", level="unknown", words=words, evidence=[])


def _exposed(fact: Fact, way: str, level: Level, words: str, path: str) -> Exposure:
    words = f"{fact.words}: {words}"
    return Exposure(way=way, cluster=fact.cluster_key, level=level, words=words, evidence=[fact.at(path)])


def _api(cluster: Cluster) -> Exposure:
    endpoint = "ResourcesVpcConfig.EndpointPublicAccess"
    try:
        cidrs = cluster.public_ranges if cluster.public_access else []
    except UnknownValue as unknown:
        return _exposed(cluster, "Kubernetes API", "unknown", str(unknown), endpoint)
    if not cidrs:
        return _exposed(cluster, "Kubernetes API", "closed", "reached from inside the VPC only", endpoint)
    everyone = any(map(is_internet, cidrs))
    whence = "everywhere" if everyone else ", ".join(map(str, cidrs))
    words = f"anyone may try from {whence}; IAM and RBAC decide who gets in"
    level: Level = "open" if everyone else "limited"
    return _exposed(cluster, "Kubernetes API", level, words, "ResourcesVpcConfig.PublicAccessCidrs")


def _groups(facts: Facts) -> Iterator[Exposure]:
    groups = [(group.words, group.cluster_key, *group.ingress_seen) for group in facts.all(SecurityGroup)]
    for cluster in facts.all(Cluster):
        groups.append((f"EKS's security group of {cluster.words}", cluster.resource.key, ingress_beside(cluster), None))
    for words, key, rules, unread in groups:
        opened, unknown = from_internet(rules)
        if first := unread or unknown:
            yield Exposure(
                way="security group", level="unknown", words=f"{words}: {first}", evidence=[evidence_of(first)]
            )
        for rule, source in opened:
            yield Exposure(
                way="security group",
                level="open",
                cluster=key,
                words=f"{words}: {rule.ports} from {source}",
                evidence=[rule.owner.at(rule.path)],
            )


def _remote_networks(facts: Facts) -> Iterator[Exposure]:
    """Yields the networks outside of AWS whose machines reach the control plane by a private link."""
    for cluster in facts.all(Cluster):
        found, unknown = remote_ranges(cluster)
        if found:
            ranges = ", ".join(one.text for one in found)
            words = f"machines and pods of {ranges} are beside the VPC; security groups and your firewall decide"
            yield _exposed(cluster, "remote network", "limited", words, "RemoteNetworkConfig")
        if unknown:
            words = f"which networks outside of AWS it knows is not known: {unknown}"
            yield _exposed(cluster, "remote network", "unknown", words, "RemoteNetworkConfig")


def _nodes(facts: Facts) -> Iterator[Exposure]:
    nodes: list[NodeGroup | SelfManagedNodes] = [*facts.all(NodeGroup), *facts.all(SelfManagedNodes)]
    for group in nodes:
        path = "Subnets" if isinstance(group, NodeGroup) else "VPCZoneIdentifier"
        try:
            blind = next((subnet.unseen for subnet in subnets_at(group, path) if subnet.reach == "unknown"), None)
        except UnknownValue as unknown:
            blind = unknown
        public = [subnet for subnet in group.subnets if subnet.reach == "public"]
        remote = group.resource.maybe("RemoteAccess", {})
        if remote.get("Ec2SshKey") and not remote.get("SourceSecurityGroups"):
            words = "SSH (port 22) from every address that reaches the node"
            yield _exposed(group, "node", "open" if public else "limited", words, "RemoteAccess")
        if public:
            names = ", ".join(subnet.name for subnet in public)
            words = f"nodes are in public subnets ({names}); security groups decide"
            yield _exposed(group, "node", "limited", words, path)
        elif blind:
            yield _exposed(group, "node", "unknown", f"whether its subnets are public is not known: {blind}", path)
    for cluster in facts.all(Cluster):
        if "auto_mode" in cluster.kinds and (public := auto_mode_in_public(cluster)):
            names = ", ".join(subnet.name for subnet in public)
            words = f"nodes of Auto Mode may be in its public subnets ({names}); security groups decide"
            yield _exposed(cluster, "node", "limited", words, "ResourcesVpcConfig.SubnetIds")


def _load_balancers(facts: Facts) -> Iterator[Exposure]:
    for item in [*objects(facts, "Service"), *objects(facts, "Ingress")]:
        try:
            balancer = service_balancer(item) or ingress_balancer(item)
            if balancer:
                yield _balanced(item, balancer)
        except UnknownValue as unknown:
            yield _balancer(item, "unknown", str(unknown))
    for made in (one for kind in _BALANCERS for one in facts.of_type(kind)):
        yield _made(made)


def _made(balancer: Fact) -> Exposure:
    """A load balancer of a template: without a scheme it faces the internet."""
    level: Level
    try:
        internal = balancer.get("Scheme", "internet-facing") == "internal"
        level, words = ("closed", "internal") if internal else ("open", "internet-facing")
    except UnknownValue as unknown:
        level, words = "unknown", str(unknown)
    return Exposure(
        way="load balancer",
        level=level,
        cluster=balancer.cluster_key,
        words=f"load balancer {balancer.name}: {words}",
        evidence=[balancer.at("Scheme")],
    )


def _balanced(item: KubernetesObject, balancer: Balancer) -> Exposure:
    """A load balancer that a controller makes. Raises UnknownValue."""
    if balancer.maker == "other":
        return _balancer(item, "unknown", "a controller that is not AWS's serves it")
    who, words = balancer.callers
    by_class = balancer.params is not None and bool(balancer.params.get("spec.scheme"))
    levels: dict[str, Level] = {"nobody": "closed", "some": "limited", "everybody": "open"}
    return _balancer(item, levels[who], f"{words}{', by the IngressClassParams of its class' if by_class else ''}")


def _balancer(item: KubernetesObject, level: Level, words: str) -> Exposure:
    return _exposed(item, "load balancer", level, words, "metadata.annotations")


def _instances(facts: Facts) -> Iterator[Exposure]:
    for instance in facts.of_type("AWS::EC2::Instance"):
        level: Level
        try:
            why = public_address(instance)
            level = "limited" if why else "closed"
            words = f"has a public address ({why}); its security groups decide" if why else "has no public address"
        except UnknownValue as unknown:
            level, words = "unknown", f"whether it has a public address is not known: {unknown}"
        path = "NetworkInterfaces" if instance.resource.maybe("NetworkInterfaces") else "SubnetId"
        yield Exposure(
            way="instance",
            level=level,
            cluster=instance.cluster_key,
            words=f"instance {instance.name}: {words}",
            evidence=[instance.at(path)],
        )


def _function_urls(facts: Facts) -> Iterator[Exposure]:
    """Yields the URLs of Lambda functions: who calls one acts with the rights of its role."""
    for url in facts.of_type("AWS::Lambda::Url"):
        yield _function_url(url, facts.find(Fact, url.resource.maybe("TargetFunctionArn")), "AuthType")
    for function in facts.of_type("AWS::Serverless::Function"):
        if "FunctionUrlConfig" in function.resource.properties:
            yield _function_url(function, function, "FunctionUrlConfig.AuthType")


def _function_url(url: Fact, function: Fact | None, path: str) -> Exposure:
    level: Level
    try:
        level, who = ("open", "everybody") if url.get(path) == "NONE" else ("limited", "whom IAM lets")
        role = url.facts.find(Role, function.resource.maybe("Role")) if function else None
        words = f"has a URL that answers {who}{f', with the rights of {role.words}' if role else ''}"
    except UnknownValue as unknown:
        level, words = "unknown", f"whom its URL answers is not known: {unknown}"
    return Exposure(
        way="function URL",
        level=level,
        cluster=url.cluster_key,
        words=f"function {(function or url).name}: {words}",
        evidence=[url.at(path)],
    )
