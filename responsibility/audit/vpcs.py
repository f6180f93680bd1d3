"""The network of clusters: their VPCs with everything in them, read once for all clusters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from responsibility.audit.questions import UNLISTED, Questions
from responsibility.reading.resource import Resource
from responsibility.reading.values import Unknown

_AT_ONCE = 100
"""Values of a filter; EC2 takes 200 (docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html)."""
_KEYS = {"IpRanges": ("CidrIp", "CidrIp"), "Ipv6Ranges": ("CidrIpv6", "CidrIpv6")}


def read_network(ask: Questions, resources: list[Resource]) -> Iterator[Resource]:
    """Yields the VPCs of clusters, with subnets, routes, ways out, security groups, endpoints and flow logs.

    ``resources`` are the clusters and what belongs to them.
    """
    vpcs = _named(resources, "ResourcesVpcConfig.VpcId")
    yield from _vpcs(ask, vpcs)
    yield from _subnets(ask, vpcs, resources)
    if not vpcs:
        return
    yield from _security_groups(ask, vpcs, resources)
    yield from _gateways(ask, vpcs)
    call = ("ec2", "describe_vpc_endpoints")
    endpoints = _by_filter(ask, call[1], "VpcEndpoints", "vpc-id", vpcs)
    if isinstance(endpoints, Unknown):
        for vpc in vpcs:
            known = {"VpcId": vpc}
            yield ask.resource("AWS::EC2::VPCEndpoint", f"{vpc}/{UNLISTED}", endpoints, call=call, known=known)
    else:
        for one in endpoints:
            yield ask.resource("AWS::EC2::VPCEndpoint", one["VpcEndpointId"], one, call=call)
    call = ("ec2", "describe_flow_logs")
    logs = ask.items(*call, "FlowLogs")
    if isinstance(logs, Unknown):
        yield ask.resource("AWS::EC2::FlowLog", f"flow-log/{UNLISTED}", logs, call=call)
    else:
        for one in logs:
            yield ask.resource("AWS::EC2::FlowLog", one["FlowLogId"], one, call=call)


def _named(resources: list[Resource], *paths: str) -> list[str]:
    """Returns the values at some paths of resources, each once."""
    found: dict[str, None] = {}
    for value in (resource.maybe(path) for resource in resources for path in paths):
        for item in value if isinstance(value, list) else [value]:
            if item:
                found[str(item)] = None
    return list(found)


def _by_filter(ask: Questions, method: str, key: str, name: str, values: list[str]) -> list[Any] | Unknown:
    found: list[Any] = []
    for start in range(0, len(values), _AT_ONCE):
        some = ask.items("ec2", method, key, Filters=[{"Name": name, "Values": values[start : start + _AT_ONCE]}])
        if isinstance(some, Unknown):
            return some
        found += some
    return found


def _vpcs(ask: Questions, vpcs: list[str]) -> Iterator[Resource]:
    call, attribute = ("ec2", "describe_vpcs"), ("ec2", "describe_vpc_attribute")
    found = _by_filter(ask, call[1], "Vpcs", "vpc-id", vpcs)
    told = {} if isinstance(found, Unknown) else {one["VpcId"]: dict(one) for one in found}
    for vpc in vpcs:
        properties = found if isinstance(found, Unknown) else told.get(vpc)
        if properties is None:
            continue  # deleted meanwhile
        names = {}
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):
            value = ask.one(*attribute, name, VpcId=vpc, Attribute=name[:1].lower() + name[1:])
            names[name] = value["Value"] if isinstance(value, dict) else value
        if isinstance(properties, dict):
            properties |= names
        apis = dict.fromkeys(names, attribute)
        yield ask.resource("AWS::EC2::VPC", vpc, properties, call=call, known=names, apis=apis)


def _subnets(ask: Questions, vpcs: list[str], resources: list[Resource]) -> Iterator[Resource]:
    call, of_routes = ("ec2", "describe_subnets"), ("ec2", "describe_route_tables")
    subnets = _by_filter(ask, call[1], "Subnets", "vpc-id", vpcs)
    tables = _by_filter(ask, of_routes[1], "RouteTables", "vpc-id", vpcs)
    told = {one["SubnetId"]: one for one in _told(subnets)}
    routes = {"Routes": tables} if isinstance(tables, Unknown) else {}
    for name, one in told.items():
        properties = {**one, "Tags": one.get("Tags", []), **routes}
        yield ask.resource("AWS::EC2::Subnet", name, properties, call=call, apis=dict.fromkeys(routes, of_routes))
    untold = subnets if isinstance(subnets, Unknown) else Unknown("it is in no VPC that a cluster was known to use")
    for resource in resources:
        for name in _named([resource], "ResourcesVpcConfig.SubnetIds", "Subnets"):
            if name not in told:
                known = {"VpcId": resource.maybe("ResourcesVpcConfig.VpcId")}
                yield ask.resource("AWS::EC2::Subnet", name, untold, call=call, known=known)
    yield from _routes(ask, of_routes, list(_told(tables)), list(told.values()))


def _routes(ask: Questions, call: tuple[str, str], tables: list[Any], subnets: list[Any]) -> Iterator[Resource]:
    """Yields routes, and which table each subnet uses."""
    own = {a["SubnetId"]: t["RouteTableId"] for t in tables for a in t.get("Associations", []) if "SubnetId" in a}
    main = {t["VpcId"]: t["RouteTableId"] for t in tables if any(a.get("Main") for a in t.get("Associations", []))}
    for table in tables:
        name = table["RouteTableId"]
        yield ask.resource("AWS::EC2::RouteTable", name, {"VpcId": table["VpcId"]}, call=call)
        for index, route in enumerate(table.get("Routes", [])):
            if route.get("GatewayId") != "local":
                properties = {**route, "RouteTableId": name}
                yield ask.resource("AWS::EC2::Route", f"{name}/{index}", properties, call=call)
    for one in subnets:
        # A subnet without a table of its own uses the VPC's main one.
        name = own.get(one["SubnetId"]) or main.get(one["VpcId"])
        if name:
            properties = {"SubnetId": one["SubnetId"], "RouteTableId": name}
            kind = "AWS::EC2::SubnetRouteTableAssociation"
            yield ask.resource(kind, f"{one['SubnetId']}/{name}", properties, call=call)


def _gateways(ask: Questions, vpcs: list[str]) -> Iterator[Resource]:
    call = ("ec2", "describe_nat_gateways")
    for one in _told(_by_filter(ask, call[1], "NatGateways", "vpc-id", vpcs)):
        if one.get("State") not in ("deleted", "deleting", "failed"):
            yield ask.resource("AWS::EC2::NatGateway", one["NatGatewayId"], one, call=call)
    call = ("ec2", "describe_internet_gateways")
    for one in _told(_by_filter(ask, call[1], "InternetGateways", "attachment.vpc-id", vpcs)):
        for attachment in one.get("Attachments", []):
            name = one["InternetGatewayId"]
            properties = {"InternetGatewayId": name, "VpcId": attachment["VpcId"]}
            kind = "AWS::EC2::VPCGatewayAttachment"
            yield ask.resource(kind, f"{name}/{attachment['VpcId']}", properties, call=call)


def _told(found: list[Any] | Unknown) -> Iterable[Any]:
    """Returns what was answered. The rest shows as not read where it is needed."""
    return () if isinstance(found, Unknown) else found


def _security_groups(ask: Questions, vpcs: list[str], resources: list[Resource]) -> Iterator[Resource]:
    call = ("ec2", "describe_security_groups")
    found = _by_filter(ask, call[1], "SecurityGroups", "vpc-id", vpcs)
    if isinstance(found, Unknown):
        for name in _named(
            resources, "ResourcesVpcConfig.SecurityGroupIds", "ResourcesVpcConfig.ClusterSecurityGroupId"
        ):
            yield ask.resource("AWS::EC2::SecurityGroup", name, found, call=call)
        return
    for one in found:
        properties = {
            "GroupName": one["GroupName"],
            "GroupDescription": one.get("Description", ""),
            "VpcId": one.get("VpcId"),
            "SecurityGroupIngress": list(_rules(one.get("IpPermissions", []), "Source")),
            "SecurityGroupEgress": list(_rules(one.get("IpPermissionsEgress", []), "Destination")),
            "Tags": one.get("Tags", []),
        }
        yield ask.resource("AWS::EC2::SecurityGroup", one["GroupId"], properties, call=call)


def _rules(permissions: list[dict[str, Any]], other: str) -> Iterator[dict[str, Any]]:
    """Yields rules as CloudFormation writes them: one for each source."""
    sources = {
        **_KEYS,
        "UserIdGroupPairs": ("GroupId", f"{other}SecurityGroupId"),
        "PrefixListIds": ("PrefixListId", f"{other}PrefixListId"),
    }
    for one in permissions:
        base: dict[str, Any] = {key: one[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in one}
        for key, (member, name) in sources.items():
            for source in one.get(key, []):
                said = {"Description": source["Description"]} if source.get("Description") else {}
                yield {**base, name: source.get(member), **said}
