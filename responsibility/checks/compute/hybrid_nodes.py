"""Checks of clusters with hybrid nodes: what EKS asks of the cluster, what may run there, and how machines register."""

from collections.abc import Iterator
from typing import Any

from responsibility.checks.add_ons import software
from responsibility.checks.add_ons.settings import settings_of
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Addon, Cluster, FargateProfile
from responsibility.reading.embedded import NoData, json_in
from responsibility.reading.existing import EXISTING
from responsibility.reading.facts import Fact
from responsibility.reading.hybrid import Activation, known_ranges
from responsibility.reading.kubernetes import Entrance, WebhookConfiguration, Workload
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import leaves

_NONE = "has no remote networks"
_LABEL = "eks.amazonaws.com/compute-type"
_CLOUD_ONLY = ("vpc-cni", "aws-node", "aws-vpc-cni", "ebs-csi", "efs-csi", "fsx-csi")
"""Software that needs an EC2 instance below it: names hold one of these (hybrid-nodes-add-ons.html)."""
_WEBHOOKS = (
    "aws-load-balancer-controller",
    "amazon-cloudwatch-observability",
    "adot",
    "cert-manager",
    "metrics-server",
    "opentelemetry-operator",
)
"""Software that the control plane calls by the addresses of its pods (hybrid-nodes-webhooks.html)."""
_AGENT = "eks-pod-identity-agent"
_DAYS, _ROOM = 7, 10
"""An activation is for the machines of a day's work: it is wide if it lives longer and takes more than these."""


@check("EKR334", Cluster)
def cluster_takes_hybrid_nodes(cluster: Cluster) -> Answer:
    """EKS refuses remote networks otherwise, and without remote networks nothing joins by an entry HYBRID_LINUX."""
    if not known_ranges(cluster):
        if "hybrid_nodes" not in cluster.kinds:
            return not_applicable(_NONE)
        where = cluster.at("RemoteNetworkConfig")
        if cluster.resource.id == EXISTING:
            raise UnknownValue(
                where, "the cluster was made elsewhere, and its remote networks are not in what was read"
            )
        return open_("lets hybrid nodes in, and has no remote networks", where)
    mode, family = cluster.authentication_mode, cluster.ip_family
    wrong: list[tuple[str, Evidence]] = []
    if mode not in ("API", "API_AND_CONFIG_MAP"):
        words = mode or "the default, CONFIG_MAP"
        wrong.append((f"has the authentication mode {words}", cluster.at("AccessConfig.AuthenticationMode")))
    if family != "ipv4":
        wrong.append((f"has addresses of {family}", cluster.at("KubernetesNetworkConfig.IpFamily")))
    if wrong:
        return open_("; ".join(words for words, _ in wrong), *(at for _, at in wrong))
    return met(f"has IPv4 and the authentication mode {mode}", cluster.at("AccessConfig.AuthenticationMode"))


@check("EKR335", Cluster)
def webhooks_can_be_called(cluster: Cluster) -> Answer:
    """A remote pod network that is routed, or software that stays on nodes in AWS or on Fargate, where its pods are in the VPC."""
    ranges = known_ranges(cluster)
    if not ranges:
        return not_applicable(_NONE)
    if any(one.of == "pod" for one in ranges):
        return met("has a remote pod network", *(one.at for one in ranges if one.of == "pod"))
    found: list[tuple[str, Evidence]] = []
    called = False
    behind = _behind_webhooks(cluster)
    for item, name in _software(cluster):
        if item in behind or any(word in name for word in _WEBHOOKS):
            called = True
            if not _stays_in_aws(item):
                found.append((name, _rule_of(item)))
    if not called:
        if not software.shows_software(cluster) and not cluster.addons:
            raise UnknownValue(cluster.at("RemoteNetworkConfig"), "what is installed in the cluster was not read")
        return not_applicable("has no software with webhooks in what was read")
    if found:
        names = ", ".join(dict.fromkeys(name for name, _ in found))
        return open_(f"has no remote pod network, and {names} may run on hybrid nodes", *(at for _, at in found))
    return met("keeps its webhooks on nodes in AWS", cluster.at("RemoteNetworkConfig"))


@check("EKR343", Cluster)
def cloud_software_stays_in_aws(cluster: Cluster) -> Answer:
    """EKS add-ons bring the rule; their settings, charts and manifests may lack it."""
    if not known_ranges(cluster):
        return not_applicable(_NONE)
    found = [
        (item, name)
        for item, name in _software(cluster)
        if any(word in name for word in _CLOUD_ONLY) and not _drains_by_queue(cluster, item, name)
    ]
    bad: list[tuple[str, Evidence]] = []
    blind: UnknownValue | None = None
    for item, name in found:
        try:
            if not _stays_in_aws(item):
                bad.append((name, _rule_of(item)))
        except UnknownValue as unknown:
            blind = blind or unknown
    if bad:
        names = ", ".join(dict.fromkeys(name for name, _ in bad))
        return open_(f"lets {names} onto hybrid nodes, where they cannot run", *(at for _, at in bad))
    if blind:
        raise blind
    if not found:
        return not_applicable("has no software of EC2 nodes in what was read")
    return met(
        f"keeps {', '.join(dict.fromkeys(name for _, name in found))} on nodes in AWS",
        *(item.at() for item, _ in found),
    )


@check("EKR344", Cluster)
def agent_runs_on_hybrid_nodes(cluster: Cluster) -> Answer:
    """The add-on's DaemonSet for hybrid nodes is off by default: the other one asks the metadata service of EC2."""
    if not known_ranges(cluster):
        return not_applicable(_NONE)
    agent = next((addon for addon in cluster.addons.values() if addon.get("AddonName") == _AGENT), None)
    if agent is None:
        return not_applicable("has no Pod Identity agent in what was read")
    settings: Any = settings_of(agent)
    for step in ("daemonsets", "hybrid", "create"):
        settings = settings.get(step) if isinstance(settings, dict) else None
    at = agent.at("ConfigurationValues")
    if settings is True:
        return met("runs the Pod Identity agent on hybrid nodes", at)
    return open_("runs the Pod Identity agent on EC2 nodes alone", at)


@check("EKR342", Activation)
def activation_is_limited(activation: Activation) -> Answer:
    """One that has ended, or has no room, lets no machine in: whoever rebuilds one there finds out."""
    limit, count, end = activation.limit, activation.count, activation.end
    today = activation.facts.as_of
    where = (activation.at(activation.limit_path), activation.at(activation.end_path))
    if end and end < today:
        return open_(f"ended on {end}: no machine registers with it", where[1])
    room = limit - count
    if room <= 0:
        return open_(f"has registered all of its {limit} machines: no other one registers with it", where[0])
    if end and (end - today).days > _DAYS and room > _ROOM:
        return open_(f"lets whoever has its code register {room} more machines until {end}", *where)
    return met(
        f"registers {room} more {'machine' if room == 1 else 'machines'}{f' until {end}' if end else ' for a day'}",
        *where,
    )


def _software(cluster: Cluster) -> Iterator[tuple[Fact, str]]:
    """Yields add-ons, charts and workloads of a cluster with their names, in lower case."""
    key, facts = cluster.resource.key, cluster.facts
    for addon in cluster.addons.values():
        yield addon, str(addon.get("AddonName", "")).lower()
    for chart in facts.belonging(HelmChart, key):
        yield chart, str(chart.get("Chart", "") or chart.name).lower()
    for workload in facts.belonging(Workload, key):
        yield workload, workload.bare_name.lower()


def _behind_webhooks(cluster: Cluster) -> list[Fact]:
    """Returns the workloads that the webhooks of a cluster call, by the Services that they name."""
    key, facts = cluster.resource.key, cluster.facts
    services = set()
    for config in facts.belonging(WebhookConfiguration, key):
        for path in config.items("webhooks"):
            service = config.mapping(f"{path}.clientConfig.service")
            services.add((service.get("namespace"), service.get("name")))
    selectors = [
        (one.namespace, one.mapping("spec.selector"))
        for one in facts.belonging(Entrance, key)
        if one.what == "Service" and (one.namespace, one.bare_name) in services
    ]
    return [
        workload
        for workload in facts.belonging(Workload, key)
        for namespace, selector in selectors
        if selector and workload.namespace == namespace and selector.items() <= workload.pod_labels.items()
    ]


def _stays_in_aws(item: Fact) -> bool:
    """Whether a rule keeps the pods of something off hybrid nodes, or a Fargate profile takes them first. Raises UnknownValue."""
    if isinstance(item, Workload):
        item.raise_hidden(f"{item.spec_path}.affinity", f"{item.spec_path}.nodeSelector")
        return _excludes(item.pod("affinity", {}), item.pod("nodeSelector", {})) or item.on_fargate
    if isinstance(item, Addon):
        rules = list(_rules_in(settings_of(item)))
        return all(_excludes(rule, {}) for rule in rules)  # none: EKS's own rule holds
    values = item.get("Values")
    if leaves(values)[1]:
        raise UnknownValue(item.at("Values"), "a part of them is not known here")
    if isinstance(values, str):
        try:
            values = json_in(values)
        except NoData:
            raise UnknownValue(item.at("Values"), "is not JSON, as far as the template shows") from None
    rules = list(_rules_in(values))
    if not rules and _whole_namespace_on_fargate(item):
        return True
    if not rules:
        raise UnknownValue(item.at("Values"), "whether the chart itself keeps its pods off hybrid nodes was not read")
    return all(_excludes(rule, {}) for rule in rules)


def _drains_by_queue(cluster: Cluster, item: Fact, name: str) -> bool:
    """Whether something is the termination handler as a Deployment that reads a queue: on each node it would ask EC2's metadata."""
    if "node-termination-handler" not in name:
        return False
    if isinstance(item, HelmChart):
        return bool(software.chart_values(cluster, name).get("enableSqsTerminationDraining"))
    return isinstance(item, Workload) and item.what == "Deployment"


def _whole_namespace_on_fargate(chart: Fact) -> bool:
    """Whether a Fargate profile takes every pod of a chart's namespace."""
    profiles = chart.facts.belonging(FargateProfile, chart.cluster_key) if isinstance(chart, HelmChart) else []
    return any(
        profile.get(f"Selectors.{index}.Namespace") == chart.get("Namespace", "default")
        and not profile.get(f"Selectors.{index}.Labels", [])
        for profile in profiles
        for index, _ in enumerate(profile.selectors)
    )


def _rule_of(item: Fact) -> Evidence:
    """Returns where the rule for the pods of something is, or belongs."""
    if isinstance(item, Workload):
        return item.at(f"{item.spec_path}.affinity")
    return item.at("ConfigurationValues" if isinstance(item, Addon) else "Values")


def _rules_in(settings: Any) -> Iterator[Any]:
    """Yields every ``affinity`` with rules for nodes, at any depth."""
    todo = [settings]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if isinstance(found := item.get("affinity"), dict) and found.get("nodeAffinity"):
                yield found
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)


def _excludes(affinity: Any, selector: Any) -> bool:
    """Whether no hybrid node fits: every term of the required rules says so, or a label that only AWS's nodes have."""
    if isinstance(selector, dict) and any(_of_aws(str(key)) for key in selector):
        return True
    rule: Any = affinity
    for step in ("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"):
        rule = rule.get(step) if isinstance(rule, dict) else None
    terms = rule if isinstance(rule, list) else []
    return bool(terms) and all(
        isinstance(term, dict)
        and isinstance(rules := term.get("matchExpressions"), list)
        and any(_off_hybrid(one) for one in rules if isinstance(one, dict))
        for term in terms
    )


def _off_hybrid(expression: dict[str, Any]) -> bool:
    key, operator, found = str(expression.get("key")), expression.get("operator"), expression.get("values")
    values = [str(value) for value in found] if isinstance(found, list) else []
    if key == _LABEL:
        return (
            (operator == "NotIn" and "hybrid" in values)
            or (operator == "In" and "hybrid" not in values)
            or operator == "DoesNotExist"
        )
    return _of_aws(key) and operator in ("In", "Exists")


def _of_aws(key: str) -> bool:
    return key.startswith(
        ("eks.amazonaws.com/nodegroup", "eks.amazonaws.com/capacityType", "karpenter.sh/", "karpenter.k8s.aws/")
    )
