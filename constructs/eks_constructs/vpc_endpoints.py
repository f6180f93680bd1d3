"""VPC endpoints: what nodes and pods reach without the internet. The list and its reasons: eks_facts/data/vpc_endpoints.yaml."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.construct_ids import pascal_case
from eks_constructs.pseudo import Aws
from eks_constructs.rights import statements_of
from eks_constructs.roles import document
from eks_constructs.vpc_endpoint_spec import Endpoint, VpcEndpointSpec
from eks_facts.files import load


def endpoint_services(*, defaults: bool, additional: Sequence[Endpoint]) -> dict[str, VpcEndpointSpec]:
    """Returns the endpoints to make, by service: those of the data in its order, then others."""
    said = {
        one.service: one
        for one in (VpcEndpointSpec(service=name) if isinstance(name, str) else name for name in additional)
    }
    rows = load("vpc_endpoints")
    made = [name for name, row in rows["gateway"].items() if row["default"] or name in said]
    made += [name for name, row in rows["interface"].items() if (defaults and row["default"]) or name in said]
    return {name: said.get(name, VpcEndpointSpec(service=name)) for name in [*made, *said]}


class VpcEndpoints(Construct):
    """The network's gateway endpoints and interface endpoints."""

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
        additional: Sequence[Endpoint],
    ) -> None:
        """Makes the endpoints of the VPC ``vpc_id``: reachable over TLS from ``client_cidrs``, one interface in each subnet."""
        super().__init__(scope, construct_id)
        found = endpoint_services(defaults=defaults, additional=additional)
        for service, spec in found.items():
            if spec.is_gateway:
                ec2.CfnVPCEndpoint(
                    self,
                    pascal_case(service),
                    vpc_id=vpc_id,
                    vpc_endpoint_type="Gateway",
                    service_name=_service_name(spec),
                    route_table_ids=route_table_ids,
                    policy_document=_policy(spec),
                    tags=[CfnTag(key="Name", value=f"{name}-{service}")],
                )
        services = {service: spec for service, spec in found.items() if not spec.is_gateway}
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
        for service, spec in services.items():
            ec2.CfnVPCEndpoint(
                self,
                pascal_case(service),
                vpc_id=vpc_id,
                vpc_endpoint_type="Interface",
                service_name=_service_name(spec),
                private_dns_enabled=not spec.has_whole_name if spec.private_dns is None else spec.private_dns,
                policy_document=_policy(spec),
                subnet_ids=subnet_ids,
                security_group_ids=[group.attr_group_id],
                tags=[CfnTag(key="Name", value=f"{name}-{service}")],
            )


def _service_name(spec: VpcEndpointSpec) -> str:
    return spec.service if spec.has_whole_name else f"com.amazonaws.{Aws.REGION}.{spec.service}"


def _policy(spec: VpcEndpointSpec) -> dict[str, Any] | None:
    # A principal that is anybody: the rights of who asks still count, and conditions narrow it.
    # https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
    statements = [{**one, "Principal": "*"} for one in statements_of(spec.allow)]
    return document(statements) if statements else None
