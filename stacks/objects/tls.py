"""Requires a TLS decision for every load balancer of a workload: a certificate, TLS in the pods, or none."""

from collections.abc import Collection, Sequence

from delivery.object_kind import kind_of
from eks_constructs.spec import Misplaced
from stacks.environment.workload_spec import WorkloadDescription, WorkloadSpec
from stacks.objects.exposure import certificate_annotation, serves_tls
from stacks.objects.folder import SourceObject
from stacks.objects.needs import Needs

_ADVICE = {
    "certificate": ("certificate_arn", "name a certificate of AWS Certificate Manager for TLS"),
    "hostname": ("hostname", "name the host that AWS Certificate Manager has a certificate for"),
}
"""The key of the environment file for each placeholder, and what to write there."""


def check_tls(
    spec: WorkloadSpec,
    needs: Needs,
    balancers: Sequence[SourceObject],
    description: WorkloadDescription,
    left: Collection[str],
) -> None:
    """Raises Misplaced, with the way from the workload's spec, if TLS is neither configured nor waived, or both.

    Args:
        spec: the workload in the environment file.
        needs: what its objects need.
        balancers: its objects for which AWS makes a load balancer.
        description: its workload.yaml.
        left: placeholders of the objects as they are rendered: plain HTTP takes some away.
    """
    by_pods = description.tls == "pods"
    if spec.plain_http and (not balancers or by_pods):
        why = "its pods end TLS themselves (workload.yaml)" if by_pods and balancers else "it has no load balancer"
        raise Misplaced(f"{spec.name}: {why}, so it has nothing to do; remove it", "plain_http")
    for need, (key, advice) in _ADVICE.items():
        placeholder = key.upper()
        if getattr(spec, key) and placeholder not in left:
            raise Misplaced(f"{spec.name} {_unused(needs, key, bool(balancers))}; remove it", key)
        if placeholder in left and not getattr(spec, key):
            waive = ", or say plain_http: true for a trial" if balancers and not spec.plain_http else ""
            raise Misplaced(f"is missing; {advice}: {needs[need]} asks for it{waive}", key)  # type: ignore[index]
    if not spec.plain_http and not by_pods:
        for source in balancers:
            if not serves_tls(source.object):
                raise Misplaced(_question(source), "plain_http")


def _unused(needs: Needs, key: str, balanced: bool) -> str:
    other = "hostname" if key == "certificate_arn" else "certificate"
    if other in needs:
        return "finds its certificate otherwise, so it has nothing to do"
    if not balanced:
        return "has no load balancer, so it has nothing to do"
    return f"has no object that uses ${{{key.upper()}}}, so it has nothing to do"


def _question(source: SourceObject) -> str:
    item = source.object
    line, _ = source.file.message(("kind",), "")
    annotation = certificate_annotation(kind_of(item))
    certificate = (
        f"give it the annotation {annotation}: ${{CERTIFICATE_ARN}}, and certificate_arn here"
        if annotation
        else "give it a listener with protocol HTTPS"
    )
    return (
        f"is missing: {item['kind']} {item['metadata']['name']} ({source.file.path}:{line}) asks for a load balancer without TLS;"
        f" {certificate}; or say tls: pods in workload.yaml, if its pods end TLS themselves; or plain_http: true here, for a trial"
    )
