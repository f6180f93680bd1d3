"""EKS, and the dispatch of its operations."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from emulator.engine.account import Account
from emulator.engine.eks import shapes
from emulator.engine.eks.rules import check
from emulator.engine.eks.state import Record, Refused, State, now
from emulator.engine.kubernetes.control_planes import START_SECONDS, ControlPlanes, Kubernetes

Parameters = dict[str, Any]
Answer = dict[str, Any]

LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
OPERATIONS: dict[str, Callable[["Eks", Parameters], Answer]] = {}
"""What the emulator answers, by the API's name of the operation."""


def operation(function: Callable[["Eks", Parameters], Answer]) -> Callable[["Eks", Parameters], Answer]:
    """Registers a function as the operation of its name: ``create_cluster`` is CreateCluster."""
    OPERATIONS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


def child_operations(kind: str, key: str, listed: str, *, member: str = "", whole: bool = False) -> None:
    """Registers Describe, List and Delete of one kind of what belongs to a cluster.

    Args:
        kind: one of LABELS.
        key: the parameter with its name, such as ``nodegroupName``; also a member of the record.
        listed: the member of List's answer.
        member: the member of the other answers; ``kind`` if not given.
        whole: whether List answers records and not names.
    """
    name = kind[:1].upper() + kind[1:]

    def describe(eks: Eks, parameters: Parameters) -> Answer:
        return {member or kind: eks.state.child(kind, parameters["clusterName"], parameters[key])}

    def list_all(eks: Eks, parameters: Parameters) -> Answer:
        eks.state.cluster(parameters["clusterName"])
        found = sorted(eks.state.of(kind, parameters["clusterName"]), key=lambda record: str(record[key]))
        return eks.page(found if whole else [record[key] for record in found], parameters, listed)

    def delete(eks: Eks, parameters: Parameters) -> Answer:
        record = eks.state.child(kind, parameters["clusterName"], parameters[key])
        record["status"] = "DELETING"
        eks.state.start(lambda: eks.state.children.pop((kind, parameters["clusterName"], parameters[key]), None))
        return {member or kind: record}

    plural = "Capabilities" if kind == "capability" else "AccessEntries" if kind == "accessEntry" else f"{name}s"
    OPERATIONS.update({f"Describe{name}": describe, f"List{plural}": list_all, f"Delete{name}": delete})


class Eks:
    """EKS in one account and region."""

    def __init__(self, state: State, account: Account, control_planes: ControlPlanes | None = None) -> None:
        """Serves ``state``; looks subnets, roles and keys up in ``account``, and starts clusters' Kubernetes by ``control_planes``."""
        self.state, self.account, self.control_planes = state, account, control_planes

    def arn(self, resource: str) -> str:
        """Returns the ARN of an EKS resource, such as ``cluster/NAME``."""
        return f"arn:aws:eks:{self.state.region}:{self.state.account}:{resource}"

    def call(self, name: str, parameters: Parameters) -> Answer:
        """Runs an operation by the rules. Raises Refused."""
        with self.state.lock:
            self.state.settle()
            self.state.fail(name)
            if name not in OPERATIONS:
                raise Refused("InvalidRequestException", f"The emulator does not answer eks:{name}")
            if problem := shapes.invalid(name, parameters):
                raise Refused("InvalidParameterException", problem)
            check(name, parameters, self.state, self.account)
            return OPERATIONS[name](self, parameters)

    def request(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> tuple[int, bytes, str]:
        """Answers an HTTP request: status, body, error code."""
        try:
            parsed = shapes.parse(method, path, query, json.loads(body) if body else {})
            if parsed is None:
                raise Refused("InvalidRequestException", f"No route for {method} {path}")
            return 200, shapes.answer(parsed[0], self.call(*parsed)), ""
        except Refused as refusal:
            text = {"message": refusal.message, "__type": refusal.code}
            return refusal.http_status, json.dumps(text).encode(), refusal.code

    def page(self, items: list[Any], parameters: Parameters, key: str) -> Answer:
        """Returns a page of ``items`` under ``key``, and the token of the next one."""
        start = int(parameters.get("nextToken") or 0)
        end = start + min(int(parameters.get("maxResults") or self.state.page_size), self.state.page_size)
        return {key: items[start:end], "nextToken": str(end) if end < len(items) else None}

    def begin_update(
        self,
        cluster: str,
        kind: str,
        owner: Record,
        changes: Mapping[str, Any],
        kubernetes: Kubernetes | None = None,
        **names: str,
    ) -> Answer:
        """Records an update of ``owner`` that ends a moment later, or when its Kubernetes is there; returns it as the API does."""
        update: Record = {
            "id": str(uuid.uuid4()),
            "status": "InProgress",
            "type": kind,
            "params": [
                {"type": key[:1].upper() + key[1:], "value": value if isinstance(value, str) else json.dumps(value)}
                for key, value in changes.items()
            ],
            "createdAt": now(),
            "errors": [],
            "_owner": names,
        }
        self.state.updates[cluster, update["id"]] = update
        owner["status"] = "UPDATING"

        def done() -> None:
            update["status"] = "Successful"
            if kubernetes and kubernetes.problem:
                update["status"] = "Failed"
                update["errors"] = [{"errorCode": "Unknown", "errorMessage": kubernetes.problem, "resourceIds": []}]
            owner["status"] = "ACTIVE"

        if kubernetes:
            self.state.start(done, ready=lambda: kubernetes.settled, patience=START_SECONDS)
        else:
            self.state.start(done)
        return {"update": update}


def logging_config(wanted: Mapping[str, Any] | None, present: Mapping[str, Any] | None = None) -> Record:
    """Returns which log types are on, as the API spells it, after ``wanted`` has changed ``present``."""
    on = {kind for group in (present or {}).get("clusterLogging", []) if group["enabled"] for kind in group["types"]}
    for group in (wanted or {}).get("clusterLogging", []):
        types = set(group.get("types", []))
        on = on | types if group.get("enabled") else on - types
    groups = [
        {"types": [kind for kind in LOG_TYPES if (kind in on) is enabled], "enabled": enabled}
        for enabled in (True, False)
    ]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def own_access_entry(eks: Eks, cluster: str, role: str, kind: str) -> None:
    """Makes an access entry on EKS's own account, for the role of nodes or of Fargate pods."""
    if eks.state.cluster(cluster)["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        return
    eks.state.children.setdefault(
        ("accessEntry", cluster, role),
        {
            "clusterName": cluster,
            "principalArn": role,
            "type": kind,
            "kubernetesGroups": ["system:nodes"],
            "username": "system:node:{{EC2PrivateDNSName}}",
            "accessEntryArn": eks.arn(f"access-entry/{cluster}/role/{eks.state.account}/{role.split('/')[-1]}/{uuid.uuid4()}"),
            "createdAt": now(),
            "modifiedAt": now(),
            "tags": {},
        },
    )  # fmt: skip
