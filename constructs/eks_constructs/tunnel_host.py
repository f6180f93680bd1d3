"""A way to a private endpoint: an EC2 instance without any open port, reached through AWS Systems Manager (docs/access.md)."""

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam_resources
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.roles import IamSpec, role, trust_service

# The newest AMI on the day the instance is made. To renew it, set tunnel_host to false, deploy, and set it again.
_AMI = "{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}}"


class TunnelHost(Construct):
    """The instance, its role and its security group.

    Attributes:
        instance_id: target of `aws ssm start-session`.
        security_group_id: to be let in by the cluster.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, cluster: ClusterHandle, network: ClusterNetwork, iam: IamSpec
    ) -> None:
        """Makes the host in the first private subnet of ``network``."""
        super().__init__(scope, construct_id)
        name = f"{cluster.name}-tunnel"
        host_role = role(
            self,
            "Role",
            spec=iam,
            name=name,
            description=f"Tunnel host of {cluster.name}: be reached through Systems Manager, nothing else",
            trust=trust_service("ec2.amazonaws.com"),
            managed=["AmazonSSMManagedInstanceCore"],
        )
        profile = iam_resources.CfnInstanceProfile(self, "Profile", path=iam.path, roles=[host_role.ref])
        group = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description=f"Tunnel host of {cluster.name}: nothing in, TLS out",
            vpc_id=network.vpc_id,
            security_group_egress=[
                # Systems Manager's addresses are not known in advance; without NAT they are the VPC's own endpoints.
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    cidr_ip="0.0.0.0/0",
                    description="TLS to Systems Manager and the Kubernetes API",
                )
            ],
            tags=[CfnTag(key="Name", value=name)],
        )
        instance = ec2.CfnInstance(
            self,
            "Instance",
            image_id=_AMI,
            instance_type="t4g.nano",
            subnet_id=network.private_subnet_ids[0],
            security_group_ids=[group.attr_group_id],
            iam_instance_profile=profile.ref,
            monitoring=False,
            ebs_optimized=True,
            metadata_options=ec2.CfnInstance.MetadataOptionsProperty(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            block_device_mappings=[
                ec2.CfnInstance.BlockDeviceMappingProperty(
                    device_name="/dev/xvda",
                    ebs=ec2.CfnInstance.EbsProperty(
                        encrypted=True, volume_type="gp3", volume_size=8, delete_on_termination=True
                    ),
                )
            ],
            propagate_tags_to_volume_on_creation=True,
            tags=[CfnTag(key="Name", value=name)],
        )
        self.instance_id = instance.ref
        self.security_group_id = group.attr_group_id
