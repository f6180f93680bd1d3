"""IAM for pods: EKS Pod Identity where its agent runs, IAM roles for service accounts (IRSA) on Fargate."""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import Fn, ReferenceStrength, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from eks_constructs.pseudo import Aws
from eks_constructs.roles import IamSpec, Statement, arn, role, trust_service


class OidcProvider(Construct):
    """IAM's trust in a cluster's service account tokens. Needed for IRSA alone.

    Attributes:
        arn: ARN of the provider.
        issuer_url: issuer of the tokens.
    """

    def __init__(self, scope: Construct, construct_id: str, *, issuer_url: str) -> None:
        """Trusts the tokens of ``issuer_url``. IAM checks EKS issuers by its own list of authorities: no thumbprint."""
        super().__init__(scope, construct_id)
        provider = iam.CfnOIDCProvider(self, "Provider", url=issuer_url, client_id_list=["sts.amazonaws.com"])
        self.arn, self.issuer_url = provider.ref, issuer_url

    @property
    def issuer(self) -> str:
        """Issuer of the tokens, without ``https://``."""
        return Fn.select(1, Fn.split("//", self.issuer_url))

    def strengthen(self) -> None:
        """Makes other stacks refer to it by exports, which CloudFormation keeps as long as they are used."""
        self.arn = Stack.consume_reference(self.arn, ReferenceStrength.STRONG)
        self.issuer_url = Stack.consume_reference(self.issuer_url, ReferenceStrength.STRONG)

    def trust(self, *, namespace: str, service_account: str) -> str:
        """Returns a trust policy for one service account.

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
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return Fn.sub(document, {"Provider": self.arn, "Issuer": self.issuer})


def service_account_role(
    scope: Construct,
    construct_id: str,
    *,
    spec: IamSpec,
    cluster: str,
    namespace: str,
    service_account: str,
    oidc: OidcProvider | None = None,
    managed: Sequence[str] = (),
    statements: Sequence[Statement] = (),
) -> iam.CfnRole:
    """Makes a role that only the pods of one service account in one cluster can take.

    Through EKS Pod Identity, which needs an agent on the node; or, with ``oidc``, through IRSA, for Fargate.
    """
    return role(
        scope,
        construct_id,
        spec=spec,
        name=f"{cluster}-{service_account}",
        description=f"Pods of {namespace}/{service_account} in {cluster}, through {'IRSA' if oidc else 'EKS Pod Identity'}",
        trust=oidc.trust(namespace=namespace, service_account=service_account)
        if oidc
        else _trust_pod_identity(cluster, namespace, service_account),
        managed=managed,
        statements=statements,
    )


def _trust_pod_identity(cluster: str, namespace: str, service_account: str) -> dict[str, Any]:
    # EKS sends who asks as session tags, hence sts:TagSession and the conditions.
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    return trust_service(
        "pods.eks.amazonaws.com",
        tag_session=True,
        conditions={
            "StringEquals": {
                "aws:SourceAccount": Aws.ACCOUNT_ID,
                "aws:RequestTag/eks-cluster-arn": arn("eks", f"cluster/{cluster}"),
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            }
        },
    )
