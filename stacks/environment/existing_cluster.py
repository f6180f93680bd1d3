"""A cluster made elsewhere, as a compute stack needs to know it, from a file that a command writes.

`python -m operations look-up CLUSTER --file environments/existing/CLUSTER.yaml` writes it; a synth never calls AWS.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from eks_constructs.access import AccessSpec
from eks_constructs.cluster_handle import Joining
from eks_constructs.control_plane import ControlPlaneSpec, KubernetesVersion
from eks_constructs.endpoint import EndpointSpec
from eks_constructs.existing_network_spec import ExistingNetworkSpec, SubnetSpec
from eks_constructs.spec import Cidr, Spec, pattern, resource_id

NOBODY = AccessSpec.model_construct(admins=[], readers=[], entries=[], tunnel_host=False)
"""An existing cluster's access is not configured here."""


class ExistingClusterSpec(Spec):
    """A cluster that exists, as EKS and EC2 describe it."""

    looked_up: date
    """The day of the look-up."""
    kubernetes_version: KubernetesVersion
    authentication_mode: Literal["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"]
    ip_family: Literal["ipv4", "ipv6"]
    service_cidr: Cidr | None = None
    """IPv4 range of services; a cluster with `ipv6` has none."""
    endpoint: (
        Annotated[str, pattern(r"https://[\w./-]{1,300}", "must be an address that begins with https://")] | None
    ) = None
    certificate_authority: Annotated[str, pattern(r"[A-Za-z0-9+/=]{1,10000}", "must be base64")] | None = None
    """Of the API server, for nodes with an AMI of their own; a file of an older look-up has neither."""
    security_group_id: Annotated[str, resource_id("sg", "a security group")]
    """The security group that EKS made for the control plane and the nodes."""
    oidc_issuer: Annotated[str, pattern(r"https://[\w./-]{1,300}", "must be an address that begins with https://")]
    oidc_provider_arn: (
        Annotated[str, pattern(r"arn:aws[a-z-]*:iam::\d{12}:oidc-provider/[\w./-]{1,300}", "must be an ARN of IAM")]
        | None
    ) = None
    """IAM's trust in the issuer, which roles of pods on Fargate need."""
    vpc_id: Annotated[str, resource_id("vpc", "a VPC")]
    vpc_cidr: Cidr
    ipv6: bool = False
    """Whether the VPC has an IPv6 range."""
    subnets: Annotated[list[SubnetSpec], Field(min_length=2)]
    """For nodes and Fargate pods: those of the control plane that give no public addresses, unless you write others."""
    properties: dict[str, Any] = {}
    """The cluster as CloudFormation would describe it, for the review."""

    @property
    def control_plane(self) -> ControlPlaneSpec:
        """The control plane, for the rest of the model."""
        return ControlPlaneSpec.model_construct(
            **{
                **ControlPlaneSpec(kubernetes_version=self.kubernetes_version).__dict__,
                "ip_family": self.ip_family,
                "service_cidr": self.service_cidr,
                "endpoint": EndpointSpec.model_construct(
                    **{**EndpointSpec().__dict__, "public_access": self._public_beside_private}
                ),
            }
        )

    @property
    def _public_beside_private(self) -> bool:
        """Whether the API has both endpoints, as EKS answered; its own default is the public one."""
        found = self.properties.get("ResourcesVpcConfig")
        access = found if isinstance(found, dict) else {}
        return bool(access.get("EndpointPrivateAccess")) and access.get("EndpointPublicAccess") is not False

    @property
    def says_how_to_join(self) -> bool:
        """Whether nodes with an AMI of their own can know what they need."""
        return bool(self.endpoint and self.certificate_authority and self.service_cidr)

    def joining(self) -> Joining:
        """Returns what nodes with an AMI of their own must know: only if the file says it."""
        return Joining(str(self.endpoint), str(self.certificate_authority), str(self.service_cidr))

    @property
    def network(self) -> ExistingNetworkSpec:
        """The network that it runs in."""
        return ExistingNetworkSpec(
            vpc_id=self.vpc_id, cidr=self.vpc_cidr, private_subnets=list(self.subnets), ipv6=self.ipv6
        )
