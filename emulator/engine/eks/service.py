"""EKS's operations on clusters, and the dispatch of all of them."""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from emulator.engine.eks import shapes
from emulator.engine.eks.lookups import Account
from emulator.engine.eks.rules import check
from emulator.engine.eks.state import Record, Refused, State, now

Parameters = dict[str, Any]
Answer = dict[str, Any]

LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
OPERATIONS: dict[str, Callable[["Eks", Parameters], Answer]] = {}
"""What the emulator answers, by the API's name of the operation."""


def operation(function: Callable[["Eks", Parameters], Answer]) -> Callable[["Eks", Parameters], Answer]:
    """Registers a function as the operation of its name: ``create_cluster`` is CreateCluster."""
    OPERATIONS["".join(word.capitalize() for word in function.__name__.split("_"))] = function
    return function


class Eks:
    """EKS in one account and region."""

    def __init__(self, state: State, account: Account) -> None:
        """Serves ``state``; looks subnets, roles and keys up in ``account``."""
        self.state, self.account = state, account

    def arn(self, resource: str) -> str:
        """Returns the ARN of an EKS resource, such as ``cluster/NAME``."""
        return f"arn:aws:eks:{self.state.region}:{self.state.account}:{resource}"

    def call(self, name: str, parameters: Parameters) -> Answer:
        """Runs an operation by the rules. Raises Refused."""
        with self.state.lock:
            self.state.settle()
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

    def begin_update(self, cluster: str, kind: str, owner: Record, changes: Mapping[str, Any], **names: str) -> Answer:
        """Records an update of ``owner`` that ends a moment later, and returns it as the API does."""
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
            owner["status"] = "ACTIVE"

        self.state.start(done)
        return {"update": update}


def page(items: list[Any], parameters: Parameters, key: str) -> Answer:
    """Returns a page of ``items`` under ``key``, and the token of the next one."""
    start = int(parameters.get("nextToken") or 0)
    end = start + int(parameters.get("maxResults") or 100)
    return {key: items[start:end], "nextToken": str(end) if end < len(items) else None}


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


@operation
def create_cluster(eks: Eks, parameters: Parameters) -> Answer:
    """Makes a cluster; its security group is EKS's own."""
    name = parameters["name"]
    vpc_config = parameters["resourcesVpcConfig"]
    vpc = eks.account.subnet(vpc_config["subnetIds"][0])
    network = {"serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4", **parameters.get("kubernetesNetworkConfig", {})}
    if network["ipFamily"] == "ipv6":
        network = {**network, "serviceIpv6Cidr": "fd00:ec2::/108"}
        network.pop("serviceIpv4Cidr", None)
    identifier = uuid.uuid4().hex.upper()
    group = eks.account.create_security_group(
        vpc.vpc_id if vpc else "",
        f"eks-cluster-sg-{name}-{identifier[:9].lower()}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any"
        " managed workloads.",
        {"aws:eks:cluster-name": name, f"kubernetes.io/cluster/{name}": "owned", "Name": f"eks-cluster-sg-{name}"},
    )
    access = {"authenticationMode": "CONFIG_MAP", **parameters.get("accessConfig", {})}
    access.pop("bootstrapClusterCreatorAdminPermissions", None)
    cluster: Record = {
        **{
            key: parameters[key]
            for key in (
                "name", "roleArn", "encryptionConfig", "outpostConfig", "zonalShiftConfig", "remoteNetworkConfig",
                "computeConfig", "storageConfig", "kubeApiServerConfig", "kubeSchedulerConfig",
                "kubeControllerManagerConfig",
            )
            if key in parameters
        },
        "arn": eks.arn(f"cluster/{name}"),
        "createdAt": now(),
        "version": parameters.get("version") or list(eks.account.catalog.versions)[-1],
        "endpoint": f"https://{identifier}.gr7.{eks.state.region}.eks.amazonaws.com",
        "resourcesVpcConfig": {
            "endpointPublicAccess": True, "endpointPrivateAccess": False, "securityGroupIds": [], **vpc_config,
            "clusterSecurityGroupId": group, "vpcId": vpc.vpc_id if vpc else "",
        },
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": False}, **network},
        "logging": logging_config(parameters.get("logging")),
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{eks.state.region}.amazonaws.com/id/{identifier}"}},
        "status": "CREATING",
        "certificateAuthority": {"data": shapes.certificate(name)},
        "platformVersion": "eks.1",
        "tags": parameters.get("tags", {}),
        "health": {"issues": []},
        "accessConfig": access,
        "upgradePolicy": parameters.get("upgradePolicy") or {"supportType": "EXTENDED"},
        "deletionProtection": parameters.get("deletionProtection", False),
        "controlPlaneScalingConfig": parameters.get("controlPlaneScalingConfig") or {"tier": "standard"},
    }  # fmt: skip
    public = cluster["resourcesVpcConfig"]
    public.setdefault("publicAccessCidrs", ["0.0.0.0/0"] if public["endpointPublicAccess"] else [])
    eks.state.clusters[name] = cluster

    def active() -> None:
        cluster["status"] = "ACTIVE"
        auto_node_role(eks, cluster)

    eks.state.start(active)
    return {"cluster": cluster}


def auto_node_role(eks: Eks, cluster: Record) -> None:
    """Makes the access entry of Auto Mode's nodes, as EKS does for the role of the built-in pools."""
    role = cluster.get("computeConfig", {}).get("nodeRoleArn")
    if cluster.get("computeConfig", {}).get("enabled") and role:
        own_access_entry(eks, cluster["name"], role, "EC2")


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


@operation
def describe_cluster(eks: Eks, parameters: Parameters) -> Answer:
    """Describes a cluster."""
    return {"cluster": eks.state.cluster(parameters["name"])}


@operation
def list_clusters(eks: Eks, parameters: Parameters) -> Answer:
    """Lists clusters by name."""
    return page(sorted(eks.state.clusters), parameters, "clusters")


@operation
def delete_cluster(eks: Eks, parameters: Parameters) -> Answer:
    """Deletes a cluster, its add-ons, access entries and associations, and its security group."""
    name = parameters["name"]
    cluster = eks.state.cluster(name)
    cluster["status"] = "DELETING"

    def gone() -> None:
        eks.state.clusters.pop(name, None)
        for key in [key for key in eks.state.children if key[1] == name]:
            del eks.state.children[key]
        for owned in [key for key in eks.state.policies if key[0] == name]:
            del eks.state.policies[owned]
        for owned in [key for key in eks.state.updates if key[0] == name]:
            del eks.state.updates[owned]
        eks.account.delete_security_group(cluster["resourcesVpcConfig"]["clusterSecurityGroupId"])

    eks.state.start(gone)
    return {"cluster": cluster}


@operation
def update_cluster_config(eks: Eks, parameters: Parameters) -> Answer:
    """Changes one thing of a cluster's configuration."""
    cluster = eks.state.cluster(parameters["name"])
    changes = {key: value for key, value in parameters.items() if key not in ("name", "clientRequestToken")}
    for key, value in changes.items():
        if key == "logging":
            cluster[key] = logging_config(value, cluster[key])
        elif isinstance(value, dict):
            cluster[key] = {**cluster.get(key, {}), **value}
        else:
            cluster[key] = value
    public = cluster["resourcesVpcConfig"]
    if not public["endpointPublicAccess"]:
        public["publicAccessCidrs"] = []
    elif not public["publicAccessCidrs"]:
        public["publicAccessCidrs"] = ["0.0.0.0/0"]
    auto_node_role(eks, cluster)
    kinds = {
        "logging": "LoggingUpdate", "resourcesVpcConfig": "EndpointAccessUpdate", "accessConfig": "AccessConfigUpdate",
        "upgradePolicy": "UpgradePolicyUpdate", "zonalShiftConfig": "ZonalShiftConfigUpdate",
        "computeConfig": "AutoModeUpdate", "deletionProtection": "DeletionProtectionUpdate",
    }  # fmt: skip
    kind = next((kinds[key] for key in changes if key in kinds), "ConfigUpdate")
    return eks.begin_update(cluster["name"], kind, cluster, changes)


@operation
def update_cluster_version(eks: Eks, parameters: Parameters) -> Answer:
    """Moves the control plane to another Kubernetes version."""
    cluster = eks.state.cluster(parameters["name"])
    cluster["version"] = parameters["version"]
    changes = {"version": parameters["version"], "platformVersion": cluster["platformVersion"]}
    return eks.begin_update(cluster["name"], "VersionUpdate", cluster, changes)


@operation
def list_updates(eks: Eks, parameters: Parameters) -> Answer:
    """Lists the updates of a cluster, or of one of its node groups, add-ons or capabilities."""
    eks.state.cluster(parameters["name"])
    wanted = {key: parameters[key] for key in ("nodegroupName", "addonName", "capabilityName") if key in parameters}
    found = [
        identifier
        for (cluster, identifier), update in eks.state.updates.items()
        if cluster == parameters["name"] and update["_owner"] == wanted
    ]
    return page(found, parameters, "updateIds")


@operation
def describe_update(eks: Eks, parameters: Parameters) -> Answer:
    """Describes an update."""
    key = (parameters["name"], parameters["updateId"])
    if key not in eks.state.updates:
        raise Refused("ResourceNotFoundException", f"No update found for ID: {parameters['updateId']}")
    return {"update": eks.state.updates[key]}


@operation
def describe_cluster_versions(eks: Eks, parameters: Parameters) -> Answer:
    """Answers the versions of the project's own catalog, with its support dates."""
    wanted = parameters.get("clusterVersions")
    today = now().date()
    found: list[Record] = []
    for version, dates in eks.account.catalog.versions.items():
        entry: Record = {"clusterVersion": version, "clusterType": "eks", "defaultVersion": False}
        standard, extended = dates.get("standard_until"), dates.get("extended_until")
        for key, day in (
            ("releaseDate", dates.get("released")),
            ("endOfStandardSupportDate", standard),
            ("endOfExtendedSupportDate", extended),
        ):
            entry[key] = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        extended_now = standard is not None and today > standard
        entry["versionStatus"] = "EXTENDED_SUPPORT" if extended_now else "STANDARD_SUPPORT"
        entry["status"] = entry["versionStatus"].lower().replace("_", "-")
        if (extended is None or today <= extended) and (not wanted or version in wanted):
            found.append(entry)
    return page(found, parameters, "clusterVersions")


def _tagged(eks: Eks, arn: str) -> Record:
    records = [*eks.state.clusters.values(), *eks.state.children.values()]
    for record in records:
        if arn in (value for key, value in record.items() if re.fullmatch(r"arn|\w+Arn", key) and key != "principalArn"):
            return record
    raise Refused("NotFoundException", f"No resource found for ARN: {arn}")


@operation
def tag_resource(eks: Eks, parameters: Parameters) -> Answer:
    """Adds tags."""
    record = _tagged(eks, parameters["resourceArn"])
    record["tags"] = {**record.get("tags", {}), **parameters["tags"]}
    return {}


@operation
def untag_resource(eks: Eks, parameters: Parameters) -> Answer:
    """Takes tags away."""
    record = _tagged(eks, parameters["resourceArn"])
    record["tags"] = {key: value for key, value in record.get("tags", {}).items() if key not in parameters["tagKeys"]}
    return {}


@operation
def list_tags_for_resource(eks: Eks, parameters: Parameters) -> Answer:
    """Lists tags."""
    return {"tags": _tagged(eks, parameters["resourceArn"]).get("tags", {})}
