"""VPC endpoints: what nodes and pods reach without the internet. The list and its reasons: eks_facts/data/vpc_endpoints.yaml."""

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.construct_ids import pascal_case
from eks_constructs.pseudo import Aws
from eks_facts.files import load


def endpoint_services(*, defaults: bool, additional: list[str]) -> list[str]:
    """Returns the names of the interface endpoints to make, in the order of the data."""
    interface = load("vpc_endpoints")["interface"]
    return [name for name, row in interface.items() if (defaults and row["default"]) or name in additional]


class VpcEndpoints(Construct):
    """The S3 gateway endpoint, and the network's interface endpoints."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc_id: str,
        client_cidrs: list[str],
        subnet_ids: list[str],
        route_table_ids: list[str],
        defaults: bool,
        additional: list[str],
    ) -> None:
        """Makes the endpoints of the VPC ``vpc_id``: reachable over TLS from ``client_cidrs``, one interface in each subnet."""
        super().__init__(scope, construct_id)
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{Aws.REGION}.s3",
            route_table_ids=route_table_ids,
            tags=[CfnTag(key="Name", value=f"{name}-s3")],
        )
        services = endpoint_services(defaults=defaults, additional=additional)
        if not services:
            return
        group = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description=f"TLS from {name} to its VPC endpoints",
            vpc_id=vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp", from_port=443, to_port=443, cidr_ip=cidr, description=f"TLS from {cidr}"
                )
                for cidr in client_cidrs
            ],
            # Without a rule of one's own EC2 adds "everything to everywhere"; endpoints open no connections.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp",
                    from_port=252,
                    to_port=86,
                    cidr_ip="255.255.255.255/32",
                    description="None: endpoints open no connections",
                )
            ],
            tags=[CfnTag(key="Name", value=f"{name}-endpoints")],
        )
        for service in services:
            ec2.CfnVPCEndpoint(
                self,
                pascal_case(service),
                vpc_id=vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{Aws.REGION}.{service}",
                private_dns_enabled=True,
                subnet_ids=subnet_ids,
                security_group_ids=[group.attr_group_id],
                tags=[CfnTag(key="Name", value=f"{name}-{service}")],
            )
