"""Checks of the role that EKS assumes, and of the Lambda functions that CDK changes a cluster with."""

import re
from collections.abc import Iterator

from eks_facts import role_policies
from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.findings import Evidence
from responsibility.reading.access import MASTERS, AwsAuth
from responsibility.reading.eks import AccessEntry, Cluster
from responsibility.reading.facts import Fact, Facts
from responsibility.reading.handlers import Handler, handlers_of
from responsibility.reading.iam import Role
from responsibility.reading.kubernetes import objects
from responsibility.reading.logs import LogGroups
from responsibility.reading.partly_known import searched
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import Reference, has_gap

CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
_CONTROLLER = "AmazonEKSVPCResourceController"
_OUTPOSTS = "AmazonEKSLocalOutpostClusterPolicy"
_KUBECTL = re.compile(r"kubectl[ /]v?1\.(\d{1,3})\b")
_MINOR = re.compile(r"1\.(\d{1,3})")
_POD_ENI = re.compile(r"""ENABLE_POD_ENI["']?\s*:\s*["']?true""", re.IGNORECASE)


@check("EKR035", Role)
def cluster_role_is_narrow(role: Role) -> Answer | None:
    """Which policies it needs depends on Auto Mode, and on security groups for pods."""
    clusters = [use.by for use in role.uses if use.purpose == "cluster" and isinstance(use.by, Cluster)]
    if not clusters:
        return None
    named, unsaid = role.attached
    auto_mode = any(cluster.auto_mode for cluster in clusters)
    allowed = {*role_policies.accepted("auto_mode_cluster" if auto_mode else "cluster"), _OUTPOSTS}
    found: list[tuple[str, Evidence]] = []
    for name, evidence in named:
        if name == _CONTROLLER:
            if not _moves_interfaces(clusters):
                found.append((f"{name}, though no pod has security groups of its own", evidence))
        elif name not in allowed:
            found.append((name, evidence))
    own, gaps = _own_rights(role)
    found += own
    unsaid = [*unsaid, *gaps]
    if found:
        return open_(f"has {' and '.join(name for name, _ in found)}", *(evidence for _, evidence in found))
    if unsaid:
        raise unsaid[0]
    return met("has what EKS needs, and no more")


_EKS_CALLS = ("ec2", "elasticloadbalancing", "autoscaling", "kms", "logs", "sts", "eks", "iam")
"""Services that EKS itself calls with the role: what is allowed of these is asked by the checks on IAM."""


def _own_rights(role: Role) -> tuple[list[tuple[str, Evidence]], list[UnknownValue]]:
    """Returns what policies of your own allow beside what EKS calls, and what of them was not read."""
    found: list[tuple[str, Evidence]] = []
    said, gaps = role.allowances
    for statement in said:
        more = [action for action in statement.actions if not _for_eks(action)] if statement.allow else []
        if more:
            words = f"the right to {' and '.join(more[:2])}{' and more' if len(more) > 2 else ''}"
            found.append((words, statement.evidence))
        elif statement.allow and statement.not_actions:
            found.append(("all rights but those that NotAction names", statement.evidence))
        elif statement.allow and any(map(has_gap, statement.actions)):
            gaps = [*gaps, UnknownValue(statement.evidence, "an action is not in the template")]
    return found, gaps


def _for_eks(action: str) -> bool:
    return has_gap(action) or action.partition(":")[0].lower() in _EKS_CALLS


def _moves_interfaces(clusters: list[Cluster]) -> bool:
    """Whether a cluster has security groups for pods, or Windows nodes. Raises UnknownValue."""
    keys = {cluster.resource.key for cluster in clusters}
    if any(policy.cluster_key in keys for policy in objects(clusters[0].facts, "SecurityGroupPolicy")):
        return True
    if any(str(group.get("AmiType", "")).startswith("WINDOWS") for item in clusters for group in item.node_groups):
        return True
    if any(nodes.family == "windows" for item in clusters for nodes in item.self_managed):
        return True
    for cluster in clusters:
        plugin = cluster.addons.get("vpc-cni")
        if plugin is None:
            reason = "whether pods have security groups of their own was not read: it has no add-on vpc-cni"
            raise UnknownValue(cluster.at(), reason)
        if searched(_POD_ENI, str(plugin.get("ConfigurationValues", ""))):
            return True
    return False


@check("EKR036", Cluster)
def no_kubectl_function(cluster: Cluster) -> Answer:
    """CDK's manifests and charts are applied by a function that the stack brings along."""
    handlers = cluster.facts.view(handlers_of).get(cluster.resource.key, [])
    administrators = _with_assumers(cluster.facts, dict(_administrators(cluster)))
    found: dict[str, Evidence] = {}
    functions = _functions_that_are(administrators, cluster, [handler.function for handler in handlers])
    if not handlers and not functions:
        return met("no Lambda function runs kubectl in it")
    unknown: UnknownValue | None = None
    for handler in handlers:
        roles = cluster.facts.find_all(Role, [handler.role, handler.assumes])
        rights = [administrators[role.resource.key] for role in roles if role.resource.key in administrators]
        if not rights:
            if not _is_limited(cluster, roles):
                unknown = UnknownValue(
                    handler.by.at("ServiceToken"), "the rights of the function behind it are not known"
                )
            continue
        for evidence in [_where(handler), *rights]:
            found[f"{evidence.resource} {evidence.path}"] = evidence
    if found:
        return open_("the Lambda function that runs kubectl is administrator", *found.values())
    if functions:
        return open_("a Lambda function is administrator", *functions)
    if unknown:
        raise unknown
    return met("the Lambda function that runs kubectl has no access policy for administrators")


def _functions_that_are(
    administrators: dict[str, Evidence], cluster: Cluster, handlers: list[Fact | None]
) -> list[Evidence]:
    """Returns where the roles of other Lambda functions are named that are administrators, and what makes them so.

    Raises UnknownValue for a role that may be one.
    """
    found: dict[str, Evidence] = {}
    functions = cluster.facts.of_type("AWS::Lambda::Function")
    for function in functions:
        key = _identity(cluster.facts, function.resource.maybe("Role"))
        if key and key in administrators and function not in handlers:
            for evidence in (function.at("Role"), administrators[key]):
                found[f"{evidence.resource} {evidence.path}"] = evidence
    for function in functions if administrators and not found else []:
        function.get("Role")
        if "" in administrators:
            raise UnknownValue(administrators[""], "which role it makes administrator is not known here")
    return list(found.values())


def _where(handler: Handler) -> Evidence:
    return handler.function.at("Role") if handler.function else handler.by.at("ServiceToken")


def _administrators(cluster: Cluster) -> Iterator[tuple[str, Evidence]]:
    """Yields the identity of each role that is administrator of a cluster, and what says so. Raises UnknownValue."""
    facts = cluster.facts
    for entry in facts.belonging(AccessEntry, cluster.resource.key):
        key = _identity(facts, entry.resource.maybe("PrincipalArn"))
        for index, (name, scope, _) in enumerate(entry.policies):
            if name == CLUSTER_ADMIN and scope == "cluster":
                yield key, entry.at(f"AccessPolicies.{index}")
    for config in facts.belonging(AwsAuth, cluster.resource.key):
        for mapping in config.mappings:
            if MASTERS in mapping.groups and (key := _identity(facts, mapping.principal)):
                yield key, mapping.evidence
    # The older custom resource: who makes the cluster is its administrator, and stays it.
    if maker := facts.find(Role, cluster.resource.maybe("AssumeRoleArn")):
        yield maker.resource.key, maker.at()


def _with_assumers(facts: Facts, administrators: dict[str, Evidence]) -> dict[str, Evidence]:
    """Returns the same, and the roles whose holders may become administrator by assuming one of them."""
    todo = list(administrators)
    while todo:
        role = facts.get(Role, todo.pop())
        for statement in role.trust if role else []:
            for kind, value in statement.principals if statement.allow else []:
                other = facts.find(Role, value) if kind == "AWS" else None
                if other and other.resource.key not in administrators:
                    administrators[other.resource.key] = statement.evidence
                    todo.append(other.resource.key)
    return administrators


def _identity(facts: Facts, value: object) -> str:
    """Returns the key of a role that was read, else its ARN; empty = it is not known which role it is."""
    if role := facts.find(Role, value):
        return role.resource.key
    return value if isinstance(value, str) and not has_gap(value) else ""


def _is_limited(cluster: Cluster, roles: list[Role]) -> bool:
    """Whether an access entry gives one of the roles something less."""
    entries = cluster.facts.belonging(AccessEntry, cluster.resource.key)
    keys = {role.resource.key for role in roles}
    principals = (cluster.facts.find(Role, entry.resource.maybe("PrincipalArn")) for entry in entries)
    return any(role is not None and role.resource.key in keys for role in principals)


@check("EKR037", Cluster)
def handler_logs_expire(cluster: Cluster) -> Answer | None:
    """Without a group of its own in the template, Lambda makes one."""
    handlers = cluster.facts.view(handlers_of).get(cluster.resource.key, [])
    if not handlers:
        return not_applicable("no Lambda function runs kubectl in it")
    found: dict[str, Evidence] = {}
    for handler in handlers:
        if handler.function is None:
            raise UnknownValue(handler.by.at("ServiceToken"), "the function behind it was not read")
        group = _log_group(handler.function)
        if group is None or not group.get("RetentionInDays"):
            found[handler.function.resource.key] = (
                group.at("RetentionInDays") if group else handler.function.at("LoggingConfig.LogGroup")
            )
    if found:
        return open_("the logs of the Lambda function that runs kubectl never expire", *found.values())
    return met("the logs of the Lambda function that runs kubectl expire")


@check("EKR217", Cluster, synth=True)
def kubectl_fits_the_cluster(cluster: Cluster) -> Answer:
    """CDK's kubectl layers name their version in their description."""
    handlers = cluster.facts.view(handlers_of).get(cluster.resource.key, [])
    if not handlers:
        return not_applicable("no Lambda function runs kubectl in it")
    function = next((handler.function for handler in handlers if handler.function), None)
    if function is None:
        raise UnknownValue(handlers[0].by.at("ServiceToken"), "the function behind it was not read")
    if not (version := _MINOR.fullmatch(str(cluster.get("Version", "")))):
        raise UnknownValue(cluster.at("Version"), "the Kubernetes version is not known")
    for layer in cluster.facts.find_all(Fact, function.get("Layers", [])):
        if found := _KUBECTL.search(str(layer.get("Description", ""))):
            words = f"has kubectl 1.{found[1]} for Kubernetes {version[0]}"
            fits = abs(int(found[1]) - int(version[1])) <= 1
            return met(words, layer.at("Description")) if fits else open_(words, layer.at("Description"))
    raise UnknownValue(function.at("Layers"), "no layer names its version of kubectl")


def _log_group(function: Fact) -> Fact | None:
    """Returns the log group of a function; None: the one that Lambda makes. Raises UnknownValue."""
    facts = function.facts
    value = function.get("LoggingConfig.LogGroup")
    if value is None:
        own = function.resource.maybe("FunctionName", "")
        names = [f"/aws/lambda/{Reference(function.resource.stack, function.resource.id)}", f"/aws/lambda/{own}"]
        return next((facts.view(LogGroups)[name] for name in names if name in facts.view(LogGroups)), None)
    group = facts.find(Fact, value) or facts.view(LogGroups).get(str(value))
    if group is None:
        raise UnknownValue(function.at("LoggingConfig.LogGroup"), "the log group was not read")
    return group
