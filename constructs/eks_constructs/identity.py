"""IAM for pods: EKS Pod Identity where its agent runs, IAM roles for service accounts (IRSA) on Fargate."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec, Statement, role, trust_service


@dataclass(frozen=True)
class OidcProvider:
    """IAM's trust in a cluster's service account tokens. Needed for IRSA alone."""

    arn: str
    """ARN of the provider."""
    issuer_url: str
    """Issuer of the tokens."""

    @property
    def issuer(self) -> str:
        """Issuer of the tokens, without ``https://``."""
        return Fn.select(1, Fn.split("//", self.issuer_url))

    def trust(
        self, *, namespace: str, service_account: str, also: "ClusterHandle | None" = None, tagged: bool = True
    ) -> str:
        """Returns a trust policy for one service account; with ``also``, for EKS Pod Identity in that cluster besides.

        The issuer is part of condition *keys*, which CloudFormation can fill in only if the document is a string.
        """
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": "${Provider}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    "${Issuer}:aud": "sts.amazonaws.com",
                    "${Issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
                }
            },
        }
        statements, values = [statement], {"Provider": self.arn, "Issuer": self.issuer}
        if also:
            names = {"account": "${AWS::AccountId}", "cluster_arn": "${ClusterArn}"}
            pods = _trust_pod_identity(namespace, service_account, tagged=tagged, **names)
            statements, values = [*statements, *pods["Statement"]], {**values, "ClusterArn": also.arn}
        return Fn.sub(json.dumps({"Version": "2012-10-17", "Statement": statements}), values)


def trust_tokens(scope: Construct, construct_id: str, *, issuer_url: str) -> iam.CfnOIDCProvider:
    """Makes IAM trust the tokens of a cluster. IAM checks EKS issuers by its own list of authorities: no thumbprint."""
    return iam.CfnOIDCProvider(scope, construct_id, url=issuer_url, client_id_list=["sts.amazonaws.com"])


def service_account_role(
    scope: Construct,
    construct_id: str,
    *,
    spec: IamSpec,
    cluster: ClusterHandle,
    namespace: str,
    service_account: str,
    purpose: str | None = None,
    oidc: OidcProvider | None = None,
    both: bool = False,
    tagged: bool = True,
    managed: Sequence[str] = (),
    statements: Sequence[Statement] = (),
) -> iam.CfnRole:
    """Makes a role that only the pods of one service account in one cluster can take.

    Through EKS Pod Identity, which needs an agent on the node; or, with ``oidc``, through IRSA, for Fargate; or ``both``. ``purpose``
    follows the cluster in the role's name, where names are set (default: the service account). ``tagged``: sessions bear
    EKS's tags, by which the role says whose pods they must be.
    """
    return role(
        scope,
        construct_id,
        spec=spec,
        name=f"{cluster.name}-{purpose or service_account}",
        description=f"Pods of {namespace}/{service_account} in {cluster.name}, through {_ways(oidc, both)}",
        trust=oidc.trust(
            namespace=namespace, service_account=service_account, also=cluster if both else None, tagged=tagged
        )
        if oidc
        else _trust_pod_identity(
            namespace, service_account, tagged=tagged, account=Aws.ACCOUNT_ID, cluster_arn=cluster.arn
        ),
        managed=managed,
        statements=statements,
    )


def _ways(oidc: OidcProvider | None, both: bool) -> str:
    return "EKS Pod Identity and IRSA" if oidc and both else "IRSA" if oidc else "EKS Pod Identity"


def associated_role(
    scope: Construct,
    construct_id: str,
    *,
    spec: IamSpec,
    cluster: ClusterHandle,
    namespace: str,
    service_account: str,
    purpose: str | None = None,
    oidc: OidcProvider | None = None,
    statements: Sequence[Statement] = (),
) -> iam.CfnRole:
    """Makes a role as service_account_role does, and the association by which EKS Pod Identity gives it to the pods.

    Both from the same names, so that the one fits the other. With ``oidc`` there is no association: the service account's
    annotation names the role.
    """
    made = service_account_role(
        scope,
        construct_id,
        spec=spec,
        cluster=cluster,
        namespace=namespace,
        service_account=service_account,
        purpose=purpose,
        oidc=oidc,
        statements=statements,
    )
    if oidc is None:
        eks.CfnPodIdentityAssociation(
            scope,
            "PodIdentity",
            cluster_name=cluster.ref,
            namespace=namespace,
            service_account=service_account,
            role_arn=made.attr_arn,
        )
    return made


def _trust_pod_identity(
    namespace: str, service_account: str, *, tagged: bool, account: str, cluster_arn: str
) -> dict[str, Any]:
    # EKS sends who asks as session tags, hence sts:TagSession and the conditions. Without tags the association alone says it.
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    who = {
        "aws:RequestTag/eks-cluster-arn": cluster_arn,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": service_account,
    }
    return trust_service(
        "pods.eks.amazonaws.com",
        tag_session=True,
        conditions={"StringEquals": {"aws:SourceAccount": account, **(who if tagged else {})}},
    )
