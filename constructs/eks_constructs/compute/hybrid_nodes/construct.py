"""The AWS side of hybrid nodes: their role, the trust in their certificates, their way into the cluster."""

import re
from collections.abc import Sequence

from aws_cdk import CfnOutput
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam_resources
from aws_cdk import aws_rolesanywhere as rolesanywhere
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.compute.hybrid_nodes.rights import statements, trust_certificates, trust_ssm
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec, IamRolesAnywhereSpec
from eks_constructs.roles import IamSpec, Statement, role, role_name, shortened
from eks_facts.files import limit
from eks_facts.role_policies import narrowest

HOUR = 3600
ROLE_OUTPUT, ANCHOR_OUTPUT, PROFILE_OUTPUT = "HybridNodesRoleArn", "HybridNodesTrustAnchorArn", "HybridNodesProfileArn"
"""Outputs of the stack, by which `python -m delivery hybrid` fills in the nodes' files."""


def hybrid_role_name(iam: IamSpec, environment: str, cluster: str) -> str:
    """Returns the name of the nodes' role, by which people make an SSM activation."""
    return role_name(iam, _role(iam, environment, cluster))


def _role(iam: IamSpec, environment: str, cluster: str) -> str:
    """Returns it without the prefix: with that, and the path, Systems Manager takes as much as IAM takes for a name."""
    room = limit("role_name") - len(iam.path.lstrip("/")) - len(iam.name_prefix or "")
    return shortened("-".join(filter(None, (environment, cluster, "hybrid-nodes"))), room)


def _id_of(cidr: str) -> str:
    # Without a letter between the numbers two ranges could have one logical id.
    return re.sub(r"[./]", "x", cidr)


class HybridNodes(Construct):
    """What hybrid nodes need in AWS before they join.

    Attributes:
        role_arn: of the Hybrid Nodes role.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: HybridNodesSpec,
        *,
        cluster: ClusterHandle,
        iam: IamSpec,
        environment: str,
        security_group_id: str,
        pod_identity: bool,
        dns_in_the_cloud: bool,
        pulls: Sequence[Statement] = (),
    ) -> None:
        """Makes it; ``dns_in_the_cloud``: CoreDNS has replicas on nodes in the VPC, too, which hybrid pods then ask."""
        super().__init__(scope, construct_id)
        anywhere = spec.credentials.iam_roles_anywhere
        anchor_arn = self._trust_anchor(anywhere, cluster) if anywhere else None
        self.role_arn = spec.role_arn or self._role(
            spec, cluster, iam, environment, anchor_arn, pod_identity=pod_identity, pulls=pulls
        )
        CfnOutput(scope, ROLE_OUTPUT, value=self.role_arn, description="Role of the hybrid nodes")
        if anywhere and anchor_arn:
            profile = rolesanywhere.CfnProfile(
                self,
                "Profile",
                name=_role(iam, environment, cluster.name),
                enabled=True,
                role_arns=[self.role_arn],
                duration_seconds=anywhere.session_hours * HOUR,
                # The node's name is the session's: https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-creds.html
                accept_role_session_name=True,
            )
            text = "Trust anchor of the hybrid nodes' certificates"
            CfnOutput(scope, ANCHOR_OUTPUT, value=anchor_arn, description=text)
            text = "Profile of IAM Roles Anywhere for the hybrid nodes"
            CfnOutput(scope, PROFILE_OUTPUT, value=profile.attr_profile_arn, description=text)
        eks.CfnAccessEntry(self, "Access", cluster_name=cluster.ref, principal_arn=self.role_arn, type="HYBRID_LINUX")
        self._let_in(spec, security_group_id, dns=dns_in_the_cloud)

    def _trust_anchor(self, spec: IamRolesAnywhereSpec, cluster: ClusterHandle) -> str:
        if spec.trust_anchor_arn:
            return spec.trust_anchor_arn
        source = rolesanywhere.CfnTrustAnchor.SourceDataProperty(
            acm_pca_arn=spec.private_ca_arn, x509_certificate_data=spec.ca_bundle
        )
        made = rolesanywhere.CfnTrustAnchor(
            self,
            "TrustAnchor",
            name=f"{cluster.name}-hybrid-nodes",
            enabled=True,
            source=rolesanywhere.CfnTrustAnchor.SourceProperty(
                source_type="AWS_ACM_PCA" if spec.private_ca_arn else "CERTIFICATE_BUNDLE", source_data=source
            ),
        )
        return made.attr_trust_anchor_arn

    def _role(
        self,
        spec: HybridNodesSpec,
        cluster: ClusterHandle,
        iam: IamSpec,
        environment: str,
        anchor_arn: str | None,
        *,
        pod_identity: bool,
        pulls: Sequence[Statement],
    ) -> str:
        anywhere = spec.credentials.iam_roles_anywhere
        made: iam_resources.CfnRole = role(
            self,
            "NodeRole",
            spec=iam,
            name=_role(iam, environment, cluster.name),
            description=f"Hybrid nodes of {cluster.name}: join the cluster and pull images",
            trust=trust_certificates(anchor_arn) if anchor_arn else trust_ssm(),
            managed=narrowest("hybrid_nodes_anywhere" if anywhere else "hybrid_nodes_ssm"),
            statements=[*statements(cluster, ssm=anywhere is None, pod_identity=pod_identity), *pulls],
            named=True,
        )
        if anywhere and anywhere.session_hours > 1:
            # AWS asks for more than a session of the profile has; a role without it allows one hour.
            made.max_session_duration = min(12, anywhere.session_hours + 1) * HOUR
        return made.attr_arn

    def _let_in(self, spec: HybridNodesSpec, group_id: str, *, dns: bool) -> None:
        """Opens the cluster's security group to the sites; outbound it allows everything, kubelets and webhooks with it."""
        names = {(443, "tcp"): "Https", (53, "tcp"): "DnsTcp", (53, "udp"): "DnsUdp", (8472, "udp"): "VxlanUdp"}
        for cidr, protocol, port, text in spec.opens(dns=dns):
            ec2.CfnSecurityGroupIngress(
                self,
                f"{names[port, protocol]}From{_id_of(cidr)}",
                group_id=group_id,
                ip_protocol=protocol,
                from_port=port,
                to_port=port,
                cidr_ip=cidr,
                description=text,
            )
