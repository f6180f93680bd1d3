"""Rotation of the cluster's certificate authority: a second one is added, every client learns it, then it is made active.

AWS rotates on Auto Mode and Fargate nodes. Every other node, kubeconfig and pipeline that holds the old certificate is yours, and EKS
takes no Kubernetes upgrade meanwhile. https://docs.aws.amazon.com/eks/latest/userguide/certificate-authority-rotation.html
"""

from typing import Annotated

import aws_cdk as cdk
from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.spec import Spec, pattern


class CertificateAuthoritySpec(Spec):
    """The certificate authorities of a cluster. It has one; a rotation takes two deploys."""

    successor: bool = False
    """Adds a successor, which everything then has to trust beside the one in use. EKS adds one by itself two years before the end."""
    active_id: Annotated[str, pattern(r"[A-Za-z0-9-]{1,100}", "must be the id of a certificate authority")] | None = (
        None
    )
    """Makes this one sign: the id that the output `SuccessorCertificateAuthorityId` shows, once its distribution status is COMPLETE and
    your nodes and clients trust it."""


def add_successor(scope: Construct, spec: CertificateAuthoritySpec, *, cluster: ClusterHandle) -> None:
    """Adds the successor and the output with its id, if the spec says so."""
    if not spec.successor:
        return
    successor = eks.CfnCertificateAuthority(scope, "SuccessorCertificateAuthority", cluster_name=cluster.ref)
    # EKS does not delete an authority that signs. It goes with the cluster.
    successor.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    cdk.CfnOutput(
        cdk.Stack.of(scope),
        "SuccessorCertificateAuthorityId",
        value=successor.attr_id,
        description="Id of the successor certificate authority, for control_plane.certificate_authority.active_id",
    )
