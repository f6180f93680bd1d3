"""EKS's operations on OIDC identity providers of a cluster. Each is an update of the cluster that takes a moment."""

import uuid

from emulator.engine.eks.service import Answer, Eks, Parameters, operation
from emulator.engine.eks.state import Record

KIND = "identityProviderConfig"


@operation
def associate_identity_provider_config(eks: Eks, parameters: Parameters) -> Answer:
    """Adds a provider."""
    cluster, oidc = parameters["clusterName"], parameters["oidc"]
    name = oidc["identityProviderConfigName"]
    owner = eks.state.cluster(cluster)
    record: Record = {
        "usernameClaim": "sub",
        **oidc,
        "clusterName": cluster,
        "identityProviderConfigArn": eks.arn(f"identityproviderconfig/{cluster}/oidc/{name}/{uuid.uuid4()}"),
        "tags": parameters.get("tags", {}),
    }
    eks.state.children[KIND, cluster, name] = record
    record["status"] = "CREATING"
    update = eks.begin_update(cluster, "AssociateIdentityProviderConfig", owner, {"identityProviderConfig": [oidc]})
    eks.state.start(lambda: record.update(status="ACTIVE"))
    return {**update, "tags": record["tags"]}


@operation
def describe_identity_provider_config(eks: Eks, parameters: Parameters) -> Answer:
    """Describes a provider."""
    return {KIND: {"oidc": _record(eks, parameters)}}


@operation
def list_identity_provider_configs(eks: Eks, parameters: Parameters) -> Answer:
    """Lists the providers of a cluster."""
    eks.state.cluster(parameters["clusterName"])
    names = [one["identityProviderConfigName"] for one in eks.state.of(KIND, parameters["clusterName"])]
    return eks.page([{"type": "oidc", "name": name} for name in sorted(names)], parameters, f"{KIND}s")


@operation
def disassociate_identity_provider_config(eks: Eks, parameters: Parameters) -> Answer:
    """Takes a provider away."""
    cluster, record = parameters["clusterName"], _record(eks, parameters)
    record["status"] = "DELETING"
    update = eks.begin_update(cluster, "DisassociateIdentityProviderConfig", eks.state.cluster(cluster), {})
    eks.state.start(lambda: eks.state.children.pop((KIND, cluster, record["identityProviderConfigName"]), None))
    return update


def _record(eks: Eks, parameters: Parameters) -> Record:
    return eks.state.child(KIND, parameters["clusterName"], parameters[KIND]["name"])
