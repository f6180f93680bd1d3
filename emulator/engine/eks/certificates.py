"""EKS's operations on the certificate authorities of a cluster: the one that signs, and its successor."""

import uuid
from datetime import datetime, timedelta

from emulator.engine.eks.service import Answer, Eks, Parameters, operation
from emulator.engine.eks.state import Record, now

KIND = "certificateAuthority"


def authorities(eks: Eks, cluster: str) -> list[Record]:
    """Returns the authorities of a cluster, oldest first; each cluster is made with one. Raises Refused."""
    created = eks.state.cluster(cluster)["createdAt"]
    if not (found := list(eks.state.of(KIND, cluster))):
        first: Record = {
            "id": f"ca-{uuid.uuid4().hex[:17]}",
            "createdAt": created,
            "createdBy": "EKS",
            "activatedAt": created,
            "activatedBy": "EKS",
            "signingStatus": "IN_USE",
            "distributionStatus": "COMPLETE",
            "validity": _validity(created),
        }
        eks.state.children[KIND, cluster, first["id"]] = first
        return [first]
    return found


@operation
def list_certificate_authorities(eks: Eks, parameters: Parameters) -> Answer:
    """Lists the authorities of a cluster."""
    return eks.page(authorities(eks, parameters["clusterName"]), parameters, "certificateAuthorities")


@operation
def describe_certificate_authority(eks: Eks, parameters: Parameters) -> Answer:
    """Describes an authority."""
    authorities(eks, parameters["clusterName"])
    found = eks.state.child(KIND, parameters["clusterName"], parameters["certificateAuthorityId"])
    return {"certificateAuthority": found}


@operation
def create_certificate_authority(eks: Eks, parameters: Parameters) -> Answer:
    """Adds a successor and distributes it."""
    name = parameters["clusterName"]
    authorities(eks, name)
    successor: Record = {
        "id": f"ca-{uuid.uuid4().hex[:17]}",
        "createdAt": now(),
        "createdBy": "CUSTOMER",
        "signingStatus": "NOT_USED",
        "distributionStatus": "IN_PROGRESS",
        "validity": _validity(now()),
    }
    eks.state.children[KIND, name, successor["id"]] = successor
    eks.state.start(lambda: successor.update(distributionStatus="COMPLETE"))
    return {**_update(eks, name, successor), "certificateAuthority": successor}


@operation
def activate_certificate_authority(eks: Eks, parameters: Parameters) -> Answer:
    """Makes the successor sign; the one before stays trusted."""
    name = parameters["clusterName"]
    chosen = eks.state.child(KIND, name, parameters["certificateAuthorityId"])
    for one in authorities(eks, name):
        one["signingStatus"] = "NOT_USED"
    chosen.update(signingStatus="IN_USE", activatedAt=now(), activatedBy="CUSTOMER")
    return {**_update(eks, name, chosen), "certificateAuthority": chosen}


@operation
def delete_certificate_authority(eks: Eks, parameters: Parameters) -> Answer:
    """Takes an authority that does not sign out of the trust bundle."""
    name = parameters["clusterName"]
    gone = eks.state.child(KIND, name, parameters["certificateAuthorityId"])
    del eks.state.children[KIND, name, gone["id"]]
    return {**_update(eks, name, gone), "certificateAuthority": gone}


def _validity(start: datetime) -> Record:
    return {"notBefore": start, "notAfter": start + timedelta(days=3650)}


def _update(eks: Eks, cluster: str, authority: Record) -> Answer:
    changes = {"certificateAuthorityId": authority["id"], "signingStatus": authority["signingStatus"]}
    return eks.begin_update(cluster, "CertificateAuthorityUpdate", eks.state.cluster(cluster), changes)
