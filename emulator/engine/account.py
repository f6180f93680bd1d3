"""EKS's view of the account: ministack's EC2, IAM and KMS."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from emulator.engine import port
from emulator.engine.eks.lookups import Role, Subnet


class Account:
    """Looks things up in ministack's stores, for the account and region of the request under way."""

    def audiences(self, provider: str) -> list[str] | None:
        """Returns the audiences of an OIDC provider, or None."""
        found = port.oidc_providers.get(provider)
        return None if found is None else list(found["ClientIDList"])

    def subnet(self, subnet_id: str) -> Subnet | None:
        """Returns a subnet, or None."""
        found = port.subnets.get(subnet_id)
        if found is None:
            return None
        return Subnet(found["VpcId"], found["AvailabilityZone"], _leads_to_internet_gateway(found))

    def vpc_ranges(self, vpc_id: str) -> list[str]:
        """Returns the IPv4 ranges of a VPC, the first one and those that were added."""
        vpc = port.vpcs.get(vpc_id)
        if vpc is None:
            return []
        return list(
            dict.fromkeys([vpc["CidrBlock"], *(one["CidrBlock"] for one in vpc.get("CidrBlockAssociations", []))])
        )

    def role(self, arn: str) -> Role | None:
        """Returns a role, or None."""
        for role in port.roles.values():
            if role["Arn"] == arn:
                inline = tuple(_document(one) for one in role.get("InlinePolicies", {}).values())
                tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags") or []}
                return Role(_document(role["AssumeRolePolicyDocument"]), frozenset(_policy_arns(role)), inline, tags)
        return None

    def principal_exists(self, arn: str) -> bool:
        """Whether a role or user exists."""
        return any(found["Arn"] == arn for store in (port.roles, port.users) for found in store.values())

    def key_problem(self, arn: str) -> str:
        """Returns why a KMS key cannot encrypt a cluster's data, or nothing."""
        key = port.kms_keys.get(arn.split("/")[-1])
        if key is None:
            return "the key does not exist"
        if key.get("KeyState", "Enabled") != "Enabled":
            return f"the key is {key['KeyState']}"
        if key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
            return "the key is not symmetric"
        return ""

    def launch_template(self, name_or_id: str) -> list[int] | None:
        """Returns the version numbers of a launch template, or None."""
        for template in port.launch_templates.values():
            if name_or_id in (template["LaunchTemplateId"], template["LaunchTemplateName"]):
                return [int(version["VersionNumber"]) for version in template["Versions"]]
        return None

    def create_security_group(self, vpc_id: str, name: str, description: str, tags: dict[str, str]) -> str:
        """Makes EKS's own security group: everything among its members, everything out."""
        group_id = str(port.new_security_group_id())
        everything = {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
        owner = port.account_id()
        port.security_groups[group_id] = {
            "GroupId": group_id,
            "GroupName": name,
            "Description": description,
            "VpcId": vpc_id,
            "OwnerId": owner,
            "IpPermissions": [{**everything, "UserIdGroupPairs": [{"GroupId": group_id, "UserId": owner}]}],
            "IpPermissionsEgress": [{**everything, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
        }
        port.ec2_tags[group_id] = [{"Key": key, "Value": value} for key, value in tags.items()]
        return group_id

    def delete_security_group(self, group_id: str) -> None:
        """Deletes EKS's own security group."""
        port.security_groups.pop(group_id, None)
        port.ec2_tags.pop(group_id, None)

    def security_group_vpc(self, group_id: str) -> str | None:
        """Returns the VPC of a security group, or None."""
        found = port.security_groups.get(group_id)
        return str(found["VpcId"]) if found else None


def _document(policy: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    return found


def _policy_arns(role: Mapping[str, Any]) -> list[str]:
    attached = role.get("AttachedPolicies", [])
    return [one["PolicyArn"] if isinstance(one, Mapping) else str(one) for one in attached]


def _leads_to_internet_gateway(subnet: Mapping[str, Any]) -> bool:
    tables = [table for table in port.route_tables.values() if table["VpcId"] == subnet["VpcId"]]
    own = [t for t in tables if any(a.get("SubnetId") == subnet["SubnetId"] for a in t.get("Associations", []))]
    main = [t for t in tables if any(a.get("Main") for a in t.get("Associations", []))]
    return any(
        str(route.get("GatewayId", "")).startswith("igw-")
        for table in (own or main)
        for route in table.get("Routes", [])
    )
