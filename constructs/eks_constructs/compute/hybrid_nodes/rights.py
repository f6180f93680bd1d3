"""What a hybrid node may do in AWS, and who may take its role.

https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html, read 2026-11-28.
"""

from collections.abc import Sequence
from typing import Any

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.hybrid_nodes.spec import ACTIVATION_TAG
from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow, arn, document, trust_service


def statements(cluster: ClusterHandle, *, ssm: bool, pod_identity: bool) -> Sequence[Statement]:
    """Returns the statements of the role, beside AWS's managed policies."""
    # nodeadm describes the cluster when it joins it, and looks for its own access entry.
    found = [allow(["eks:DescribeCluster", "eks:ListAccessEntries"], cluster.arn, sid="FindTheCluster")]
    if pod_identity:
        found.append(allow(["eks-auth:AssumeRoleForPodIdentity"], cluster.arn, sid="ServePodIdentity"))
    if ssm:
        # `nodeadm uninstall` takes a node off Systems Manager: only one that an activation for this cluster registered.
        found.append(
            {
                **allow(["ssm:DeregisterManagedInstance"], arn("ssm", "managed-instance/*"), sid="LeaveSystemsManager"),
                "Condition": {"StringEquals": {f"ssm:resourceTag/{ACTIVATION_TAG}": cluster.arn}},
            }
        )
        # Lists all managed instances or none: it takes no resource.
        found.append(allow(["ssm:DescribeInstanceInformation"], "*", sid="FindItself"))
    return found


def trust_ssm() -> dict[str, Any]:
    """Returns the trust in Systems Manager, as it acts for this account and region."""
    return trust_service(
        "ssm.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnEquals": {"aws:SourceArn": arn("ssm", "*")},
        },
    )


def trust_certificates(trust_anchor_arn: str) -> dict[str, Any]:
    """Returns the trust in certificates of one anchor: a session has the name that the certificate has, and so has the node."""
    principal = {"Service": "rolesanywhere.amazonaws.com"}
    anchor = {"ArnEquals": {"aws:SourceArn": trust_anchor_arn}}
    named = {"StringEquals": {"sts:RoleSessionName": "${aws:PrincipalTag/x509Subject/CN}"}}
    return document(
        [
            {
                "Effect": "Allow",
                "Principal": principal,
                "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
                "Condition": anchor,
            },
            {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": {**named, **anchor}},
        ]
    )
