"""EKS's operations on access entries, Pod Identity associations and capabilities."""

import uuid
from typing import Any

from emulator.engine.eks.service import Answer, Eks, Parameters, child_operations, operation
from emulator.engine.eks.state import Record, Refused, now

_NODE_NAMES = {
    **dict.fromkeys(("EC2_LINUX", "EC2_WINDOWS", "EC2"), "system:node:{{EC2PrivateDNSName}}"),
    **dict.fromkeys(("FARGATE_LINUX", "HYBRID_LINUX"), "system:node:{{SessionName}}"),
}
"""What EKS calls the nodes of each type. https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html"""

child_operations("accessEntry", "principalArn", "accessEntries")
child_operations("podIdentityAssociation", "associationId", "associations", member="association", whole=True)
child_operations("capability", "capabilityName", "capabilities", whole=True)


@operation
def create_access_entry(eks: Eks, parameters: Parameters) -> Answer:
    """Makes an access entry."""
    cluster, principal = parameters["clusterName"], parameters["principalArn"]
    kind = parameters.get("type") or "STANDARD"
    name = principal.split("/")[-1]
    default = _NODE_NAMES.get(kind)
    session = f"arn:aws:sts::{eks.state.account}:assumed-role/{name}/{{{{SessionName}}}}"
    entry: Record = {
        "clusterName": cluster,
        "principalArn": principal,
        "type": kind,
        "kubernetesGroups": ["system:nodes"] if default else parameters.get("kubernetesGroups", []),
        "username": parameters.get("username") or default or (session if ":role/" in principal else principal),
        "accessEntryArn": eks.arn(f"access-entry/{cluster}/role/{eks.state.account}/{name}/{uuid.uuid4()}"),
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": parameters.get("tags", {}),
    }
    eks.state.children["accessEntry", cluster, principal] = entry
    return {"accessEntry": entry}


@operation
def list_access_entries(eks: Eks, parameters: Parameters) -> Answer:
    """Lists access entries by principal, all or those with a policy."""
    cluster = parameters["clusterName"]
    eks.state.cluster(cluster)
    policy = parameters.get("associatedPolicyArn")
    found = [
        entry["principalArn"]
        for entry in eks.state.of("accessEntry", cluster)
        if policy is None or any(policy == one["policyArn"] for one in _policies(eks, cluster, entry["principalArn"]))
    ]
    return eks.page(sorted(found), parameters, "accessEntries")


@operation
def update_access_entry(eks: Eks, parameters: Parameters) -> Answer:
    """Changes groups or user name."""
    entry = eks.state.child("accessEntry", parameters["clusterName"], parameters["principalArn"])
    for key in ("kubernetesGroups", "username"):
        if key in parameters:
            entry[key] = parameters[key]
    entry["modifiedAt"] = now()
    return {"accessEntry": entry}


@operation
def delete_access_entry(eks: Eks, parameters: Parameters) -> Answer:
    """Deletes an access entry with its policies."""
    cluster, principal = parameters["clusterName"], parameters["principalArn"]
    eks.state.child("accessEntry", cluster, principal)
    del eks.state.children["accessEntry", cluster, principal]
    eks.state.policies.pop((cluster, principal), None)
    return {}


def _policies(eks: Eks, cluster: str, principal: str) -> list[Record]:
    return eks.state.policies.setdefault((cluster, principal), [])


@operation
def associate_access_policy(eks: Eks, parameters: Parameters) -> Answer:
    """Gives an access entry a policy, or the policy another scope."""
    cluster, principal = parameters["clusterName"], parameters["principalArn"]
    eks.state.child("accessEntry", cluster, principal)
    policies = _policies(eks, cluster, principal)
    policies[:] = [one for one in policies if one["policyArn"] != parameters["policyArn"]]
    policy: Record = {
        "policyArn": parameters["policyArn"],
        "accessScope": {"namespaces": [], **parameters["accessScope"]},
        "associatedAt": now(),
        "modifiedAt": now(),
    }
    policies.append(policy)
    return {"clusterName": cluster, "principalArn": principal, "associatedAccessPolicy": policy}


@operation
def disassociate_access_policy(eks: Eks, parameters: Parameters) -> Answer:
    """Takes a policy from an access entry."""
    policies = _policies(eks, parameters["clusterName"], parameters["principalArn"])
    kept = [one for one in policies if one["policyArn"] != parameters["policyArn"]]
    if len(kept) == len(policies):
        raise Refused("ResourceNotFoundException", f"No policy association found for {parameters['policyArn']}")
    policies[:] = kept
    return {}


@operation
def list_associated_access_policies(eks: Eks, parameters: Parameters) -> Answer:
    """Lists the policies of an access entry."""
    cluster, principal = parameters["clusterName"], parameters["principalArn"]
    eks.state.child("accessEntry", cluster, principal)
    answer = eks.page(_policies(eks, cluster, principal), parameters, "associatedAccessPolicies")
    return {"clusterName": cluster, "principalArn": principal, **answer}


@operation
def create_pod_identity_association(eks: Eks, parameters: Parameters) -> Answer:
    """Associates a service account with a role."""
    cluster = parameters["clusterName"]
    eks.state.cluster(cluster)
    identifier = f"a-{uuid.uuid4().hex[:17]}"
    kept = ("clusterName", "namespace", "serviceAccount", "roleArn", "disableSessionTags", "targetRoleArn", "policy")
    association: Record = {
        **{key: parameters[key] for key in kept if key in parameters},
        "associationArn": eks.arn(f"podidentityassociation/{cluster}/{identifier}"),
        "associationId": identifier,
        "externalId": f"{eks.state.region}/{identifier}" if parameters.get("targetRoleArn") else None,
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": parameters.get("tags", {}),
    }
    eks.state.children["podIdentityAssociation", cluster, identifier] = association
    return {"association": association}


def _association(eks: Eks, parameters: Parameters) -> Record:
    return eks.state.child("podIdentityAssociation", parameters["clusterName"], parameters["associationId"])


@operation
def list_pod_identity_associations(eks: Eks, parameters: Parameters) -> Answer:
    """Lists associations, all or of a namespace or service account."""
    eks.state.cluster(parameters["clusterName"])
    wanted = {key: parameters[key] for key in ("namespace", "serviceAccount") if key in parameters}
    found: list[Any] = [
        record
        for record in eks.state.of("podIdentityAssociation", parameters["clusterName"])
        if all(record[key] == value for key, value in wanted.items())
    ]
    return eks.page(found, parameters, "associations")


@operation
def update_pod_identity_association(eks: Eks, parameters: Parameters) -> Answer:
    """Changes an association's role."""
    association = _association(eks, parameters)
    for key in ("roleArn", "disableSessionTags", "targetRoleArn", "policy"):
        if key in parameters:
            association[key] = parameters[key]
    association["modifiedAt"] = now()
    return {"association": association}


@operation
def delete_pod_identity_association(eks: Eks, parameters: Parameters) -> Answer:
    """Deletes an association."""
    association = _association(eks, parameters)
    del eks.state.children["podIdentityAssociation", parameters["clusterName"], parameters["associationId"]]
    return {"association": association}


@operation
def create_capability(eks: Eks, parameters: Parameters) -> Answer:
    """Makes a capability."""
    cluster, name = parameters["clusterName"], parameters["capabilityName"]
    kept = ("clusterName", "capabilityName", "type", "roleArn", "configuration", "deletePropagationPolicy")
    capability: Record = {
        **{key: parameters[key] for key in kept if key in parameters},
        "arn": eks.arn(f"capability/{cluster}/{parameters['type'].lower()}/{name}/{uuid.uuid4().hex}"),
        "status": "CREATING",
        "health": {"issues": []},
        "createdAt": now(),
        "modifiedAt": now(),
        "tags": parameters.get("tags", {}),
    }
    eks.state.children["capability", cluster, name] = capability
    kubernetes = eks.control_planes.of(eks.state, cluster) if eks.control_planes else None

    def ready() -> None:
        if kubernetes:
            kubernetes.define(parameters["type"])
        capability.update(status="ACTIVE")

    eks.state.start(ready)
    return {"capability": capability}
