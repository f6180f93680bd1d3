"""EKS's operations on clusters, their updates and tags."""

import re
import uuid
from datetime import UTC, datetime

from eks_facts.versions import kubernetes_versions
from emulator.engine.eks import shapes
from emulator.engine.eks.service import Answer, Eks, Parameters, logging_config, operation, own_access_entry
from emulator.engine.eks.state import Record, Refused, now
from emulator.engine.kubernetes.control_planes import START_SECONDS


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
        "version": parameters.get("version") or list(kubernetes_versions())[-1],
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
    kubernetes = eks.control_planes.start(eks.state, cluster) if eks.control_planes else None

    def active() -> None:
        if kubernetes:
            if kubernetes.endpoint is None:
                cluster["status"] = "FAILED"
                cluster["health"] = {
                    "issues": [{"code": "InternalFailure", "message": kubernetes.problem, "resourceIds": []}]
                }
                return
            cluster["endpoint"], cluster["certificateAuthority"]["data"] = kubernetes.endpoint
        cluster["status"] = "ACTIVE"
        auto_node_role(eks, cluster)

    if kubernetes:
        eks.state.start(active, ready=lambda: kubernetes.settled, patience=START_SECONDS)
    else:
        eks.state.start(active)
    return {"cluster": cluster}


def auto_node_role(eks: Eks, cluster: Record) -> None:
    """Makes the access entry of Auto Mode's nodes, as EKS does for the role of the built-in pools."""
    role = cluster.get("computeConfig", {}).get("nodeRoleArn")
    if cluster.get("computeConfig", {}).get("enabled") and role:
        own_access_entry(eks, cluster["name"], role, "EC2")


@operation
def describe_cluster(eks: Eks, parameters: Parameters) -> Answer:
    """Describes a cluster."""
    return {"cluster": eks.state.cluster(parameters["name"])}


@operation
def list_clusters(eks: Eks, parameters: Parameters) -> Answer:
    """Lists clusters by name."""
    return eks.page(sorted(eks.state.clusters), parameters, "clusters")


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
        if eks.control_planes:
            eks.control_planes.stop(eks.state, name)
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
        "remoteNetworkConfig": "RemoteNetworkConfigUpdate",
    }  # fmt: skip
    kind = next((kinds[key] for key in changes if key in kinds), "ConfigUpdate")
    return eks.begin_update(cluster["name"], kind, cluster, changes)


@operation
def update_cluster_version(eks: Eks, parameters: Parameters) -> Answer:
    """Moves the control plane to another Kubernetes version: the next one, or the one before, as a rollback."""
    cluster = eks.state.cluster(parameters["name"])
    versions = list(kubernetes_versions())
    back = versions.index(parameters["version"]) < versions.index(cluster["version"])
    cluster["version"] = parameters["version"]
    cluster["_upgraded"] = None if back else now()
    changes = {"version": parameters["version"], "platformVersion": cluster["platformVersion"]}
    kubernetes = eks.control_planes.of(eks.state, cluster["name"]) if eks.control_planes else None
    if kubernetes:
        kubernetes.move(parameters["version"])
    return eks.begin_update(
        cluster["name"], "VersionRollback" if back else "VersionUpdate", cluster, changes, kubernetes
    )


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
    return eks.page(found, parameters, "updateIds")


@operation
def describe_update(eks: Eks, parameters: Parameters) -> Answer:
    """Describes an update."""
    key = (parameters["name"], parameters["updateId"])
    if key not in eks.state.updates:
        raise Refused("ResourceNotFoundException", f"No update found for ID: {parameters['updateId']}")
    return {"update": eks.state.updates[key]}


@operation
def describe_cluster_versions(eks: Eks, parameters: Parameters) -> Answer:
    """Answers the versions of eks_facts, with their support dates."""
    wanted = parameters.get("clusterVersions")
    today = now().date()
    found: list[Record] = []
    for version, dates in kubernetes_versions().items():
        entry: Record = {"clusterVersion": version, "clusterType": "eks", "defaultVersion": False}
        standard, extended = dates.standard_until, dates.extended_until
        for key, day in (
            ("releaseDate", dates.released),
            ("endOfStandardSupportDate", standard),
            ("endOfExtendedSupportDate", extended),
        ):
            entry[key] = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
        extended_now = standard is not None and today > standard
        entry["versionStatus"] = "EXTENDED_SUPPORT" if extended_now else "STANDARD_SUPPORT"
        entry["status"] = entry["versionStatus"].lower().replace("_", "-")
        if (extended is None or today <= extended) and (not wanted or version in wanted):
            found.append(entry)
    return eks.page(found, parameters, "clusterVersions")


def _tagged(eks: Eks, arn: str) -> Record:
    records = [*eks.state.clusters.values(), *eks.state.children.values()]
    for record in records:
        if arn in (
            value for key, value in record.items() if re.fullmatch(r"arn|\w+Arn", key) and key != "principalArn"
        ):
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
