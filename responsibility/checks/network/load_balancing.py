"""Checks of the load balancer controllers: one controller, the right label, dual-stack addresses, service-linked roles."""

from __future__ import annotations

from responsibility.checks.add_ons import software
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.charts import HelmChart
from responsibility.reading.eks import Cluster
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import Entrance, KubernetesObject, Namespace
from responsibility.reading.load_balancers import ALB, NLB, Balancer, Maker, ingress_balancer, service_balancer
from responsibility.reading.normalize import MANIFESTS
from responsibility.reading.objects import Objects
from responsibility.reading.partly_known import fits, fits_one
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import has_gap

_CONTROLLER = "aws-load-balancer-controller"
_GATES: dict[str, Maker] = {
    "elbv2.k8s.aws/pod-readiness-gate-inject": "controller",
    "eks.amazonaws.com/pod-readiness-gate-inject": "auto_mode",
}
"""Label of a namespace, and the controller whose webhook selects by it."""
_NAMES: dict[Maker, str] = {"controller": "the AWS Load Balancer Controller", "auto_mode": "Auto Mode"}
_AGENT, _AGENT_IPV6 = "169.254.170.23", "fd00:ec2::23"


@check("EKR173", Cluster)
def one_controller(cluster: Cluster) -> Answer:
    """AWS documents that both may be installed, told apart by their classes; not what becomes of the rules."""
    if not cluster.auto_load_balancing:
        return not_applicable("Auto Mode makes no load balancers here")
    found: list[Evidence] = []
    for chart in cluster.facts.belonging(HelmChart, cluster.resource.key):
        if _CONTROLLER in str(chart.get("Chart", "")):
            found.append(chart.at("Chart"))
    found += [
        item.at("metadata.name")
        for kind in ("Deployment",)
        for item in software.objects(cluster, kind)
        if item.bare_name == _CONTROLLER
    ]
    if found:
        return open_("has the AWS Load Balancer Controller beside Auto Mode's own", *found)
    return met("has no load balancer controller beside Auto Mode's own, as far as was read")


@check("EKR174", Namespace)
def gates_are_read(namespace: Namespace) -> Answer | None:
    """Applies to namespaces with one of the labels. Auto Mode's own is not on AWS's pages: its webhook's selector says it."""
    asked = {maker: key for key, maker in _GATES.items() if namespace.labels.get(key) == "enabled"}
    if not asked:
        return None
    here = namespace.at("metadata.labels")
    makers = _makers(namespace)
    if not makers:
        cluster = namespace.facts.get(Cluster, namespace.cluster_key)
        if cluster is None:
            raise UnknownValue(here, "who makes load balancers for it was not read")
        own = bool(software.runs(cluster, _CONTROLLER)) or not cluster.auto_load_balancing
        served: dict[Maker, bool] = {"auto_mode": cluster.auto_load_balancing, "controller": own}
        makers = {maker for maker, there in served.items() if there}
    missing = sorted(makers - asked.keys())
    if missing:
        wrong = " and ".join(asked.values())
        return open_(
            f"asks with {wrong}, but its load balancers are created by {' and '.join(_NAMES[one] for one in missing)}",
            here,
        )
    return met("uses the right label", here)


def _makers(namespace: Namespace) -> set[Maker]:
    """Returns which controllers of AWS make load balancers for objects of a namespace. Raises UnknownValue."""
    objects = namespace.facts.view(Objects)
    found: set[Maker] = set()
    for kind in MANIFESTS:
        for applied in namespace.facts.of_type(kind):
            applied.get("Manifest")  # it may have any object
    for kind in ("Service", "Ingress"):
        for item in objects.in_namespace(kind, namespace, namespace.bare_name):
            balancer = service_balancer(item) or ingress_balancer(item)
            if balancer and balancer.maker in _NAMES:
                found.add(balancer.maker)
    return found


@check("EKR176", Entrance)
def both_families(item: Entrance) -> Answer | None:
    """Applies to clusters whose IpFamily is ipv6."""
    balancer = service_balancer(item) or ingress_balancer(item)
    cluster = item.facts.get(Cluster, item.cluster_key)
    if not balancer or balancer.maker == "other" or cluster is None or cluster.ip_family != "ipv6":
        return None
    here = item.at("metadata.annotations")
    problems = []
    if balancer.maker == "legacy":
        problems.append("is created by the cloud provider of Kubernetes, which supports only IPv4")
    elif not _family(balancer).startswith("dualstack"):
        problems.append("has only IPv4 addresses")
    if balancer.target_type == "instance":
        problems.append("sends to nodes")
    return open_(" and ".join(problems), here) if problems else met("is dual-stack, with pods as targets", here)


def _family(balancer: Balancer) -> str:
    item = balancer.of
    if item.what == "Service":
        return item.annotation(f"{NLB}ip-address-type")
    by_class = balancer.params.get("spec.ipAddressType") if balancer.params else None
    return str(by_class or "") or item.annotation(f"{ALB}ip-address-type")


@check("EKR177", KubernetesObject)
def agent_is_reached(item: KubernetesObject) -> Answer | None:
    """Applies to policies that name the agent's IPv4 address, in clusters whose IpFamily is ipv6."""
    if item.what != "NetworkPolicy":
        return None
    peers = [
        (path, item.words_of(f"{path}.ipBlock.cidr"))
        for rule in item.items("spec.egress")
        for path in item.items(f"{rule}.to")
        if item.get(f"{path}.ipBlock")
    ]
    named = [path for path, cidr in peers if cidr.partition("/")[0] == _AGENT]
    cluster = item.facts.get(Cluster, item.cluster_key)
    if not named or cluster is None or cluster.ip_family != "ipv6":
        return None
    if any(cidr.partition("/")[0] in (_AGENT_IPV6, "::") for _, cidr in peers):
        return met("allows both addresses of the agent", item.at(named[0]))
    return open_(f"allows {_AGENT} and not [{_AGENT_IPV6}]", *(item.at(path) for path in named))


_LINKED = {
    "elasticloadbalancing:CreateLoadBalancer": ("elasticloadbalancing.amazonaws.com", "load balancer"),
    "ec2:CreateFleet": ("spot.amazonaws.com", "Spot instance"),
}
"""What needs a service-linked role once in an account, and the service whose role it is."""


@check("EKR178", Role)
def first_one_is_made(role: Role) -> Answer | None:
    """Applies to roles of pods that make load balancers or fleets by policies of their own. The account may have the role already."""
    if not role.is_for("pod_identity", "irsa"):
        return None
    said, unsaid = role.allowances
    made = {str(fact.resource.maybe("AWSServiceName")) for fact in role.facts.of_type("AWS::IAM::ServiceLinkedRole")}
    missing: dict[str, Evidence] = {}
    asked = False
    for action, (service, thing) in _LINKED.items():
        needs = [one for one in said if one.allow and _allows(_meant(one.actions), action)]
        if not needs:
            continue
        asked = True
        links = [one for one in said if one.allow and _allows(one.actions, "iam:CreateServiceLinkedRole")]
        known = [one for one in links if not one.unread]
        if service not in made and not any(_for(one.conditions, service) for one in known):
            unsaid = [*unsaid, *(UnknownValue(one.evidence, one.unread) for one in links if one.unread)]
            missing[f"{thing} ({service})"] = needs[0].evidence
    if missing and unsaid:
        raise unsaid[0]
    if missing:
        return open_(f"may not make the role for the account's first {' and '.join(missing)}", *missing.values())
    return met("may make the service-linked roles that it needs") if asked else None


def _meant(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns that say what a role is for: all of EC2 may be for anything."""
    return tuple(one for one in patterns if one.lower() not in ("*", "ec2:*"))


def _allows(patterns: tuple[str, ...], action: str) -> bool:
    return any(not has_gap(one) and fits(action.lower(), one.lower()) for one in patterns)


def _for(conditions: dict[str, object], service: str) -> bool:
    """Whether a statement's conditions, if it has some, let it make a service's role."""
    named = [
        str(value)
        for test in conditions.values()
        if isinstance(test, dict)
        for key, values in test.items()
        if str(key).lower() == "iam:awsservicename"
        for value in (values if isinstance(values, list) else [values])
    ]
    return not named or fits_one(service, named)
