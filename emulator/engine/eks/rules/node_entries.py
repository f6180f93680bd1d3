"""Rules for access entries by their type: those of people, and those that nodes join with."""

import re
from collections.abc import Iterable, Iterator

from emulator.engine.eks.rules.table import API, GUIDE, REQUEST, Call, rule

_STANDARD = "STANDARD"
_TYPES = (_STANDARD, "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
_RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


def _type(call: Call) -> str:
    """Returns the type of the entry that a request is about: it is set when the entry is made, and stays."""
    if call.operation == "CreateAccessEntry":
        return str(call.get("type") or _STANDARD)
    found = call.state.children.get(("accessEntry", call.cluster_name, str(call.get("principalArn"))))
    return str(found["type"]) if found else _STANDARD


@rule("CreateAccessEntry", page=f"{API}API_CreateAccessEntry.html")
def entry_type_known(call: Call) -> Iterator[str]:
    """The type of an access entry is one that EKS has."""
    if (kind := _type(call)) not in _TYPES:
        yield f"The type {kind} is invalid. Valid values are [{', '.join(_TYPES)}]"


@rule("CreateAccessEntry", "UpdateAccessEntry", page=f"{API}API_CreateAccessEntry.html")
def groups_not_reserved(call: Call) -> Iterator[str]:
    """Kubernetes groups do not begin with system:, and only STANDARD entries have any."""
    groups: Iterable[str] = call.get("kubernetesGroups") or []
    if any(group.startswith(_RESERVED) for group in groups):
        yield f"The kubernetes group name is invalid: it must not start with {', '.join(_RESERVED)}"
    if groups and (kind := _type(call)) != _STANDARD:
        yield f"The kubernetesGroups cannot be set for an access entry of type {kind}"


@rule("CreateAccessEntry", "UpdateAccessEntry", page=f"{GUIDE}creating-access-entries.html")
def user_name_allowed(call: Call) -> Iterator[str]:
    """Only STANDARD entries have a user name of their own, which does not begin with system:, and has a colon before a session name."""
    name = call.get("username")
    if not name:
        return
    if (kind := _type(call)) != _STANDARD:
        yield f"The username cannot be set for an access entry of type {kind}"
    elif name.startswith(_RESERVED):
        yield f"The username is invalid: it must not start with {', '.join(_RESERVED)}"
    elif (found := re.search(r"\{\{SessionName(Raw)?\}\}", name)) and ":" not in name[: found.start()]:
        yield "The username is invalid: {{SessionName}} needs a colon before it"


@rule("CreateAccessEntry", page=f"{API}API_CreateAccessEntry.html")
def node_entry_of_a_role(call: Call) -> Iterator[str]:
    """Entries of nodes are of IAM roles of the cluster's account; no entry is of a service-linked role."""
    arn = str(call.get("principalArn"))
    if ":role/aws-service-role/" in arn:
        yield "The specified principalArn is invalid: service-linked roles have no access entries."
    if _type(call) != _STANDARD and not arn.startswith(f"arn:aws:iam::{call.state.account}:role/"):
        yield f"An access entry of type {_type(call)} needs an IAM role of account {call.state.account} as its principalArn"


@rule("AssociateAccessPolicy", page=f"{GUIDE}creating-access-entries.html", code=REQUEST)
def people_have_policies(call: Call) -> Iterator[str]:
    """Only STANDARD entries take access policies, and EC2 ones the policy of Auto Mode's nodes."""
    kind = _type(call)
    if kind not in (_STANDARD, "EC2"):
        yield f"Access policies cannot be associated with an access entry of type {kind}"
