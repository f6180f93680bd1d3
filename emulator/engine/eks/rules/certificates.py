"""Rules for the rotation of a cluster's certificate authority."""

from collections.abc import Iterator

from emulator.engine.eks.rules.table import API, GUIDE, IN_USE, LIMIT, Call, rule


@rule("CreateCertificateAuthority", page=f"{API}API_CreateCertificateAuthority.html", code=LIMIT)
def two_authorities(call: Call) -> Iterator[str]:
    """A cluster has at most two certificate authorities."""
    if len(list(call.state.of("certificateAuthority", call.cluster_name))) > 1:
        yield f"Cluster {call.cluster_name} has a successor certificate authority already"


@rule("ActivateCertificateAuthority", page=f"{API}API_ActivateCertificateAuthority.html")
def successor_distributed(call: Call) -> Iterator[str]:
    """A successor is distributed before it signs."""
    found = call.state.child("certificateAuthority", call.cluster_name, call.get("certificateAuthorityId"))
    if found["distributionStatus"] != "COMPLETE":
        yield f"The distribution status of {found['id']} is {found['distributionStatus']}; it must be COMPLETE"


@rule("DeleteCertificateAuthority", page=f"{API}API_DeleteCertificateAuthority.html", code=IN_USE)
def signer_stays(call: Call) -> Iterator[str]:
    """The certificate authority that signs is not deleted."""
    if (
        call.state.child("certificateAuthority", call.cluster_name, call.get("certificateAuthorityId"))["signingStatus"]
        == "IN_USE"
    ):
        yield "The certificate authority is in use"


@rule("UpdateClusterVersion", page=f"{GUIDE}certificate-authority-rotation.html")
def rotation_finished(call: Call) -> Iterator[str]:
    """No Kubernetes upgrade while a successor certificate authority waits to be activated."""
    waiting = [one for one in call.state.of("certificateAuthority", call.cluster_name) if not one.get("activatedAt")]
    if waiting:
        yield f"A certificate authority rotation of {call.cluster_name} is in progress: activate {waiting[0]['id']} first"
