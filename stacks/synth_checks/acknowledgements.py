"""Acknowledges what cdk-nag and the review find and this project accepts: each finding once, with its reason (acknowledgements.yaml)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from constructs import IConstruct

from eks_constructs.compute.fargate import objects as fargate
from eks_constructs.construct_ids import pascal_case
from eks_constructs.rights import AllowSpec, MadeRoleSpec
from safe_io.yaml_file import load
from stacks.capabilities import CapabilitiesStack
from stacks.compute import ComputeStack
from stacks.network import NetworkStack
from stacks.platform import Platform
from stacks.workloads import WorkloadsStack

TABLE = Path(__file__).with_suffix(".yaml")
_PULLERS = re.compile(r"(NodeRole|PodExecutionRole|CacheRole)Policy$")
_NODE_ROLES = re.compile(r"/(ManagedNodes|Karpenter)/NodeRole$|AutoCustomNodeRole$")


@dataclass(frozen=True)
class Acknowledged:
    """Findings of one rule on some constructs, and why they stay."""

    path: str
    rule: str
    reason: str
    findings: tuple[str, ...] = ()


def _rows() -> Iterator[Acknowledged]:
    table = load(TABLE)
    for row in table["accepted"]:
        reason = (table["prescribed"] if row.get("prescribed") else "") + row["reason"]
        policies = [f"Policy::{{arn}}:iam::aws:policy/{name}" for name in row.get("policies", ())]
        rule = "AwsSolutions-IAM4" if policies else row["rule"]
        yield Acknowledged(row["path"], rule, reason, tuple(policies or row.get("findings", ())))


ACKNOWLEDGED = tuple(_rows())


def acknowledge(platform: Platform) -> None:
    """Acknowledges the findings of the table on the constructs of ``platform``, and what the environment file says of rights."""
    rows = [(re.compile(row.path), row) for row in ACKNOWLEDGED]
    for stack in platform.stacks:
        shared = _names(stack)
        for construct in stack.node.find_all():
            path = construct.node.path
            names = {**shared, "bucket": _bucket_beside(construct)}
            for pattern, row in rows:
                if pattern.search(path):
                    rules = [f"{row.rule}[{finding.format(**names)}]" for finding in row.findings] or [row.rule]
                    cdk.Validations.of(construct).acknowledge(
                        *(cdk.Acknowledgment(id=rule, reason=row.reason) for rule in rules)
                    )
        _acknowledge_rights_of_nodes(platform, stack)
        if isinstance(stack, ComputeStack | WorkloadsStack):
            _acknowledge_rights_of_pods(stack)
        if isinstance(stack, CapabilitiesStack):
            for kind, spec in stack.spec.chosen():
                if isinstance(spec, MadeRoleSpec):
                    own = stack.node.find_child("Capabilities").node.find_child(kind.lower())
                    _acknowledge_rights(own, "Role", spec.policies, spec.allow, "one capability (capabilities)")


def _acknowledge_rights_of_nodes(platform: Platform, stack: cdk.Stack) -> None:
    said = (
        (_managed(_node_policies(platform)), _NODE_ROLES, "the nodes (node_policies)"),
        (_caches(platform), _PULLERS, "whoever fills caches of images (registries)"),
    )
    for rules, roles, whose in said:
        for construct in stack.node.find_all() if rules else ():
            if roles.search(construct.node.path):
                _accept(construct, rules, whose)


def _node_policies(platform: Platform) -> list[str]:
    """Returns the policies that the environment file gives to nodes of a kind of compute."""
    sections = [section for cluster in platform.environment.clusters for _, section in cluster.compute.present()]
    return [policy for section in sections for policy in getattr(section, "node_policies", ())]


def _caches(platform: Platform) -> list[str]:
    """Returns cdk-nag's rules about the repositories of pull through caches, whose names nobody knows before the first pull."""
    prefixes = [one.pull_through_cache for one in platform.environment.registries.values() if one.pull_through_cache]
    arn = "arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository"
    return [f"AwsSolutions-IAM5[Resource::{arn}/{prefix}/*]" for prefix in prefixes]


def _acknowledge_rights_of_pods(stack: ComputeStack | WorkloadsStack) -> None:
    if identities := stack.node.try_find_child("PodIdentities"):
        for _, pod in stack.spec.all_pod_identities:
            own = identities.node.find_child(pod.construct_id)
            _acknowledge_rights(own, "Role", pod.policies, pod.allow, "one service account (pod_identities)")
    for own, asked in stack.identities if isinstance(stack, WorkloadsStack) else ():
        _acknowledge_rights(own, "Role", asked.policies, asked.allow, "one service account (workload.yaml)")
    if balancers := stack.node.try_find_child("LoadBalancerController"):
        rights = stack.spec.load_balancer_controller.allow
        _acknowledge_rights(balancers, "Role", (), rights, "one service account (load_balancer_controller)")
    if addons := stack.node.try_find_child("Addons"):
        for name, spec in stack.spec.addons.items():
            whose = f"one service account (addons.{name})"
            _acknowledge_rights(addons, f"{pascal_case(name)}Role", spec.policies, spec.allow, whose)


def _acknowledge_rights(
    own: IConstruct, role: str, policies: Sequence[str], rights: Sequence[AllowSpec], whose: str
) -> None:
    """Acknowledges what the environment file says of rights: whoever reviews the file decides; the review judges it."""
    wide = [f"Action::{action}" for one in rights for action in one.actions if "*" in action]
    wide += [f"Resource::{_spelt(text)}" for one in rights for text in one.resources if "*" in text]
    _accept(own.node.try_find_child(role), _managed(policies), whose)
    _accept(
        own.node.try_find_child(f"{role}Policy"), [f"AwsSolutions-IAM5[{one}]" for one in dict.fromkeys(wide)], whose
    )


def _managed(policies: Sequence[str]) -> list[str]:
    """Returns cdk-nag's rules about the managed policies of AWS among some."""
    named = [one if one.startswith("arn:") else f"arn:<AWS::Partition>:iam::aws:policy/{one}" for one in policies]
    return [f"AwsSolutions-IAM4[Policy::{one}]" for one in dict.fromkeys(named) if ":iam::aws:" in one]


def _accept(construct: IConstruct | None, rules: Sequence[str], whose: str) -> None:
    if construct and rules:
        reason = f"The environment file gives these rights to {whose}: they are reviewed there, and by the review."
        cdk.Validations.of(construct).acknowledge(*(cdk.Acknowledgment(id=rule, reason=reason) for rule in rules))


def _spelt(arn: str) -> str:
    """Returns an ARN as cdk-nag spells it, where placeholders became pseudo parameters."""
    for name, spelt in (("PARTITION", "Partition"), ("REGION", "Region"), ("ACCOUNT_ID", "AccountId")):
        arn = arn.replace(f"${{AWS_{name}}}", f"<AWS::{spelt}>")
    return arn


def _bucket_beside(construct: IConstruct) -> str:
    """Returns the logical id of the bucket beside a role, or nothing."""
    scope = construct.node.scope
    bucket = scope.node.try_find_child("Bucket") if scope else None
    resource = bucket.node.try_find_child("Bucket") if bucket else None
    return cdk.Stack.of(construct).get_logical_id(resource) if isinstance(resource, cdk.CfnElement) else ""


def _names(stack: cdk.Stack) -> dict[str, str]:
    """How cdk-nag spells what is known only at deploy time."""
    log_group = ""
    if isinstance(stack, NetworkStack):
        log_group = stack.log_groups.flow_logs
    elif isinstance(stack, ComputeStack):
        log_group = fargate.log_group_name(stack.spec.name)
    arn = "arn:<AWS::Partition>"
    return {"arn": arn, "logs": f"{arn}:logs:<AWS::Region>:<AWS::AccountId>:log-group", "log_group": log_group}
