"""What boto3 describes, in CloudFormation's words: one reader for each resource type of this project."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

Record = dict[str, Any]
Clients = Callable[[str], Any]
"""From the name of a service to its boto3 client."""
Reader = Callable[[Clients, str], Record]
"""From clients and a physical id to properties and attributes."""

READERS: dict[str, Reader] = {}


def reader(resource_type: str) -> Callable[[Reader], Reader]:
    """Registers the decorated function."""

    def add(function: Reader) -> Reader:
        READERS[resource_type] = function
        return function

    return add


def tag_list(tags: Any) -> list[Record]:
    """Tags as CloudFormation lists them, without its own."""
    pairs = tags.items() if isinstance(tags, Mapping) else [(tag.get("Key"), tag.get("Value")) for tag in tags or []]
    return sorted(({"Key": key, "Value": value} for key, value in pairs if not key.startswith("aws:")), key=str)


def pascal(value: Any) -> Any:
    """Keys of EKS's API in CloudFormation's words."""
    if isinstance(value, Mapping):
        return {
            key[:1].upper() + key[1:]: one if key in ("labels", "tags") else pascal(one) for key, one in value.items()
        }
    return [pascal(one) for one in value] if isinstance(value, list) else value


# EKS


@reader("AWS::EKS::Cluster")
def cluster(clients: Clients, physical_id: str) -> Record:
    """EKS's answer; logging is spelt by type, the security group is EKS's own."""
    found = clients("eks").describe_cluster(name=physical_id)["cluster"]
    on = [kind for group in found["logging"]["clusterLogging"] if group["enabled"] for kind in group["types"]]
    return {
        **pascal(found),
        "Tags": tag_list(found["tags"]),
        "Logging": {"ClusterLogging": {"EnabledTypes": [{"Type": kind} for kind in on]}},
        "ClusterSecurityGroupId": found["resourcesVpcConfig"]["clusterSecurityGroupId"],
        "OpenIdConnectIssuerUrl": found["identity"]["oidc"]["issuer"],
        "CertificateAuthorityData": found["certificateAuthority"]["data"],
    }


@reader("AWS::EKS::Nodegroup")
def nodegroup(clients: Clients, physical_id: str) -> Record:
    """EKS's answer."""
    owner, name = physical_id.split("/")
    found = clients("eks").describe_nodegroup(clusterName=owner, nodegroupName=name)["nodegroup"]
    template = {key: value for key, value in pascal(found.get("launchTemplate", {})).items() if key != "Name"}
    return {**pascal(found), "Labels": found["labels"], "Tags": found["tags"], "LaunchTemplate": template}


@reader("AWS::EKS::Capability")
def capability(clients: Clients, physical_id: str) -> Record:
    """EKS's answer."""
    owner, _, name, _ = physical_id.split("/")[-4:]
    found = clients("eks").describe_capability(clusterName=owner, capabilityName=name)["capability"]
    return {**pascal(found), "Tags": tag_list(found.get("tags"))}


@reader("AWS::Logs::DeliverySource")
def delivery_source(clients: Clients, physical_id: str) -> Record:
    """CloudWatch's answer; it lists the one ARN."""
    found = clients("logs").get_delivery_source(name=physical_id)["deliverySource"]
    return {**pascal(found), "ResourceArn": found["resourceArns"][0], "Tags": tag_list(found.get("tags"))}


@reader("AWS::Logs::DeliveryDestination")
def delivery_destination(clients: Clients, physical_id: str) -> Record:
    """CloudWatch's answer."""
    found = clients("logs").get_delivery_destination(name=physical_id)["deliveryDestination"]
    arn = found["deliveryDestinationConfiguration"]["destinationResourceArn"]
    return {**pascal(found), "DestinationResourceArn": f"{arn}:*", "Tags": tag_list(found.get("tags"))}


@reader("AWS::Logs::Delivery")
def delivery(clients: Clients, physical_id: str) -> Record:
    """CloudWatch's answer."""
    found = clients("logs").get_delivery(id=physical_id)["delivery"]
    return {**pascal(found), "DeliveryId": found["id"], "Tags": tag_list(found.get("tags"))}


@reader("AWS::EKS::FargateProfile")
def fargate_profile(clients: Clients, physical_id: str) -> Record:
    """EKS's answer; labels are a list."""
    owner, name = physical_id.split("|")
    found = clients("eks").describe_fargate_profile(clusterName=owner, fargateProfileName=name)["fargateProfile"]
    selectors = [
        {"Namespace": one["namespace"], **({"Labels": tag_list(one["labels"])} if one.get("labels") else {})}
        for one in found["selectors"]
    ]
    return {**pascal(found), "Tags": tag_list(found["tags"]), "Selectors": selectors}


@reader("AWS::EKS::Addon")
def addon(clients: Clients, physical_id: str) -> Record:
    """EKS's answer; it names associations by ARN."""
    owner, name = physical_id.split("|")
    found = clients("eks").describe_addon(clusterName=owner, addonName=name)["addon"]
    associations = [
        clients("eks").describe_pod_identity_association(clusterName=owner, associationId=arn.split("/")[-1])[
            "association"
        ]
        for arn in found.get("podIdentityAssociations", [])
    ]
    return {
        **pascal(found),
        "Tags": tag_list(found["tags"]),
        "PodIdentityAssociations": [
            {"RoleArn": one["roleArn"], "ServiceAccount": one["serviceAccount"]} for one in associations
        ],
    }


@reader("AWS::EKS::IdentityProviderConfig")
def identity_provider(clients: Clients, physical_id: str) -> Record:
    """EKS's answer."""
    name, owner, kind = physical_id.split("|")
    found = clients("eks").describe_identity_provider_config(
        clusterName=owner, identityProviderConfig={"type": kind, "name": name}
    )["identityProviderConfig"][kind]
    claims = [{"Key": key, "Value": value} for key, value in found.get("requiredClaims", {}).items()]
    return {
        **pascal(found),
        "Tags": tag_list(found["tags"]),
        "Type": kind,
        "Oidc": {**pascal(found), "RequiredClaims": claims},
    }


@reader("AWS::EKS::AccessEntry")
def access_entry(clients: Clients, physical_id: str) -> Record:
    """EKS's answer, with the policies, which it answers apart."""
    principal, owner = physical_id.rsplit("|", 1)
    who = {"clusterName": owner, "principalArn": principal}
    found = clients("eks").describe_access_entry(**who)["accessEntry"]
    policies = clients("eks").list_associated_access_policies(**who)["associatedAccessPolicies"]
    scopes = [{key: value for key, value in one["accessScope"].items() if value} for one in policies]
    return {
        **pascal(found),
        "Tags": tag_list(found["tags"]),
        "AccessPolicies": [
            {"PolicyArn": one["policyArn"], "AccessScope": pascal(scope)}
            for one, scope in zip(policies, scopes, strict=True)
        ],
    }


# EC2


def _one(clients: Clients, operation: str, ids: str, identity: str, key: str) -> Record:
    (found,) = getattr(clients("ec2"), operation)(**{ids: [identity]})[key]
    return {**found, "Tags": tag_list(found.get("Tags"))}


@reader("AWS::EC2::VPC")
def vpc(clients: Clients, physical_id: str) -> Record:
    """EC2's answer, with two attributes that it answers apart."""
    ec2 = clients("ec2")
    found = _one(clients, "describe_vpcs", "VpcIds", physical_id, "Vpcs")
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        name = attribute[:1].upper() + attribute[1:]
        found[name] = ec2.describe_vpc_attribute(VpcId=physical_id, Attribute=attribute)[name]["Value"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [physical_id]}])["SecurityGroups"]
    found["DefaultSecurityGroup"] = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
    found["Ipv6CidrBlocks"] = [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])]
    return found


@reader("AWS::EC2::VPCCidrBlock")
def vpc_cidr(clients: Clients, physical_id: str) -> Record:
    """A further block of IPv4, or one of IPv6 that Amazon provides: ASSOCIATION|VPC."""
    association, owner = physical_id.split("|")
    found = _one(clients, "describe_vpcs", "VpcIds", owner, "Vpcs")
    blocks = {one["AssociationId"]: one["CidrBlock"] for one in found["CidrBlockAssociationSet"]}
    pools = {one["AssociationId"]: one["Ipv6Pool"] for one in found.get("Ipv6CidrBlockAssociationSet", [])}
    return {
        "VpcId": owner,
        "CidrBlock": blocks.get(association),
        "AmazonProvidedIpv6CidrBlock": pools.get(association) == "Amazon",
    }


@reader("AWS::EC2::EgressOnlyInternetGateway")
def egress_only_gateway(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; its VPC is one of a list."""
    found = _one(
        clients,
        "describe_egress_only_internet_gateways",
        "EgressOnlyInternetGatewayIds",
        physical_id,
        "EgressOnlyInternetGateways",
    )
    return {**found, "VpcId": found["Attachments"][0]["VpcId"]}


@reader("AWS::EC2::Subnet")
def subnet(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; the block of IPv6 is one of a list."""
    found = _one(clients, "describe_subnets", "SubnetIds", physical_id, "Subnets")
    blocks = [one["Ipv6CidrBlock"] for one in found.get("Ipv6CidrBlockAssociationSet", [])]
    return {**found, "Ipv6CidrBlock": blocks[0] if blocks else None}


@reader("AWS::EC2::InternetGateway")
def internet_gateway(clients: Clients, physical_id: str) -> Record:
    """EC2's answer."""
    return _one(clients, "describe_internet_gateways", "InternetGatewayIds", physical_id, "InternetGateways")


@reader("AWS::EC2::VPCGatewayAttachment")
def gateway_attachment(clients: Clients, physical_id: str) -> Record:
    """The attachment of an internet gateway: IGW|VPC."""
    owner = physical_id.split("|")[1]
    filters = [{"Name": "attachment.vpc-id", "Values": [owner]}]
    (found,) = clients("ec2").describe_internet_gateways(Filters=filters)["InternetGateways"]
    return {"InternetGatewayId": found["InternetGatewayId"], "VpcId": found["Attachments"][0]["VpcId"]}


@reader("AWS::EC2::EIP")
def address(clients: Clients, physical_id: str) -> Record:
    """EC2's answer, found by the address."""
    (found,) = clients("ec2").describe_addresses(Filters=[{"Name": "public-ip", "Values": [physical_id]}])["Addresses"]
    return {**found, "Tags": tag_list(found.get("Tags"))}


@reader("AWS::EC2::NatGateway")
def nat_gateway(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; its address is one of a list."""
    found = _one(clients, "describe_nat_gateways", "NatGatewayIds", physical_id, "NatGateways")
    return {**found, "AllocationId": found["NatGatewayAddresses"][0]["AllocationId"]}


@reader("AWS::EC2::RouteTable")
def route_table(clients: Clients, physical_id: str) -> Record:
    """EC2's answer."""
    return _one(clients, "describe_route_tables", "RouteTableIds", physical_id, "RouteTables")


@reader("AWS::EC2::Route")
def route(clients: Clients, physical_id: str) -> Record:
    """A route of a table: TABLE|DESTINATION."""
    table, destination = physical_id.split("|")
    found = _one(clients, "describe_route_tables", "RouteTableIds", table, "RouteTables")
    destinations = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
    (one,) = [one for one in found["Routes"] if destination in [one.get(key) for key in destinations]]
    return {**one, "RouteTableId": table}


@reader("AWS::EC2::SubnetRouteTableAssociation")
def association(clients: Clients, physical_id: str) -> Record:
    """An association, found by its id."""
    filters = [{"Name": "association.route-table-association-id", "Values": [physical_id]}]
    tables = clients("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    (found,) = [
        one for table in tables for one in table["Associations"] if one["RouteTableAssociationId"] == physical_id
    ]
    return dict(found)


@reader("AWS::EC2::VPCEndpoint")
def endpoint(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; groups are described with their names."""
    found = _one(clients, "describe_vpc_endpoints", "VpcEndpointIds", physical_id, "VpcEndpoints")
    document = found.get("PolicyDocument")
    return {
        **found,
        "SecurityGroupIds": [group["GroupId"] for group in found.get("Groups", [])],
        "PolicyDocument": json.loads(document) if document else None,
    }


@reader("AWS::EC2::FlowLog")
def flow_log(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; what a resource is, its id tells."""
    found = _one(clients, "describe_flow_logs", "FlowLogIds", physical_id, "FlowLogs")
    return {**found, "ResourceType": {"vpc": "VPC", "subnet": "Subnet"}[found["ResourceId"].split("-")[0]]}


def _rules(permissions: list[Record], other: str) -> list[Record]:
    """Rules of a group, one for each source, as templates spell them."""
    rules = []
    for one in permissions:
        base = {key: one[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in one}
        for key, member, name in (
            ("IpRanges", "CidrIp", "CidrIp"),
            ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"),
            ("UserIdGroupPairs", "GroupId", f"{other}SecurityGroupId"),
        ):
            for source in one.get(key, []):
                text = {"Description": source["Description"]} if source.get("Description") else {}
                rules.append({**base, name: source[member], **text})
    return rules


@reader("AWS::EC2::SecurityGroup")
def security_group(clients: Clients, physical_id: str) -> Record:
    """EC2's answer, with rules as templates spell them."""
    found = _one(clients, "describe_security_groups", "GroupIds", physical_id, "SecurityGroups")
    return {
        **found,
        "GroupDescription": found["Description"],
        "SecurityGroupIngress": _rules(found["IpPermissions"], "Source"),
        "SecurityGroupEgress": _rules(found["IpPermissionsEgress"], "Destination"),
    }


@reader("AWS::EC2::SecurityGroupIngress")
def ingress(clients: Clients, physical_id: str) -> Record:
    """A rule, found by its id."""
    rules = clients("ec2").describe_security_group_rules(SecurityGroupRuleIds=[physical_id])["SecurityGroupRules"]
    (found,) = rules
    return {
        **found,
        "CidrIp": found.get("CidrIpv4"),
        "SourceSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
    }


@reader("AWS::EC2::LaunchTemplate")
def launch_template(clients: Clients, physical_id: str) -> Record:
    """EC2's answers for the template and its latest version."""
    ec2 = clients("ec2")
    (found,) = ec2.describe_launch_templates(LaunchTemplateIds=[physical_id])["LaunchTemplates"]
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=physical_id, Versions=["$Latest"])
    (latest,) = versions["LaunchTemplateVersions"]
    return {
        "LaunchTemplateName": found["LaunchTemplateName"],
        "LaunchTemplateData": latest["LaunchTemplateData"],
        "VersionDescription": latest.get("VersionDescription"),
        "TagSpecifications": [{"ResourceType": "launch-template", "Tags": tag_list(found.get("Tags"))}],
        "LatestVersionNumber": str(found["LatestVersionNumber"]),
        "DefaultVersionNumber": str(found["DefaultVersionNumber"]),
    }


@reader("AWS::EC2::Instance")
def instance(clients: Clients, physical_id: str) -> Record:
    """EC2's answer; volumes are described apart."""
    ec2 = clients("ec2")
    (found,) = ec2.describe_instances(InstanceIds=[physical_id])["Reservations"][0]["Instances"]
    mappings = []
    for one in found["BlockDeviceMappings"]:
        (volume,) = ec2.describe_volumes(VolumeIds=[one["Ebs"]["VolumeId"]])["Volumes"]
        ebs = {"DeleteOnTermination": one["Ebs"]["DeleteOnTermination"], "Encrypted": volume["Encrypted"],
               "VolumeSize": volume["Size"], "VolumeType": volume["VolumeType"]}  # fmt: skip
        mappings.append({"DeviceName": one["DeviceName"], "Ebs": ebs})
    return {
        **found,
        "Tags": tag_list(found.get("Tags")),
        "BlockDeviceMappings": mappings,
        "SecurityGroupIds": [group["GroupId"] for group in found["SecurityGroups"]],
        "Monitoring": found["Monitoring"]["State"] == "enabled",
        "IamInstanceProfile": found["IamInstanceProfile"]["Arn"].split("/")[-1],
    }


# IAM and KMS


def _document(value: Any) -> Any:
    return json.loads(unquote(value)) if isinstance(value, str) else value


def _transit_attachment(clients: Clients, physical_id: str) -> Record:
    """EC2's answer."""
    found = clients("ec2").describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[physical_id])
    (one,) = found["TransitGatewayVpcAttachments"]
    return {**one, "Tags": tag_list(one["Tags"]), "Id": physical_id}


READERS |= dict.fromkeys(
    ("AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayVpcAttachment"), _transit_attachment
)


@reader("AWS::EC2::VPNGateway")
def vpn_gateway(clients: Clients, physical_id: str) -> Record:
    """EC2's answer."""
    (found,) = clients("ec2").describe_vpn_gateways(VpnGatewayIds=[physical_id])["VpnGateways"]
    return {**found, "Tags": tag_list(found["Tags"]), "VPNGatewayId": physical_id}


@reader("AWS::AutoScaling::AutoScalingGroup")
def auto_scaling_group(clients: Clients, physical_id: str) -> Record:
    """EC2 Auto Scaling's answer; subnets are one text, hooks are asked for apart."""
    auto_scaling = clients("autoscaling")
    (found,) = auto_scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[physical_id])["AutoScalingGroups"]
    hooks = auto_scaling.describe_lifecycle_hooks(AutoScalingGroupName=physical_id)["LifecycleHooks"]
    tags = [
        {key: one[key] for key in ("Key", "Value", "PropagateAtLaunch")}
        for one in found["Tags"]
        if not one["Key"].startswith("aws:")
    ]
    return {
        **found,
        "Cooldown": str(found["DefaultCooldown"]),
        "VPCZoneIdentifier": found["VPCZoneIdentifier"].split(","),
        "LifecycleHookSpecificationList": hooks,
        "Tags": sorted(tags, key=str),
    }


@reader("AWS::AutoScaling::LifecycleHook")
def lifecycle_hook(clients: Clients, physical_id: str) -> Record:
    """EC2 Auto Scaling's answer, found among the hooks of every group."""
    auto_scaling = clients("autoscaling")
    for group in auto_scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        hooks = auto_scaling.describe_lifecycle_hooks(AutoScalingGroupName=group["AutoScalingGroupName"])
        for one in hooks["LifecycleHooks"]:
            if one["LifecycleHookName"] == physical_id:
                return dict(one)
    raise LookupError(physical_id)


def _roles_anywhere(kind: str) -> Reader:
    def read(clients: Clients, physical_id: str) -> Record:
        client = clients("rolesanywhere")
        member = "trustAnchor" if kind == "trust_anchor" else kind
        found = getattr(client, f"get_{kind}")(**{f"{member}Id": physical_id})[member]
        source = found.get("source")
        if source:
            found["source"] = {"sourceType": source["sourceType"], "sourceData": source["sourceData"]}
        answered = pascal(found)
        tags = client.list_tags_for_resource(resourceArn=found[f"{member}Arn"])["tags"]
        return {**answered, "Tags": tag_list([{"Key": one["key"], "Value": one["value"]} for one in tags])}

    return read


READERS["AWS::RolesAnywhere::TrustAnchor"] = _roles_anywhere("trust_anchor")
READERS["AWS::RolesAnywhere::Profile"] = _roles_anywhere("profile")


@reader("AWS::IAM::Role")
def role(clients: Clients, physical_id: str) -> Record:
    """IAM's answer, with the policies, which it answers apart."""
    iam = clients("iam")
    found = iam.get_role(RoleName=physical_id)["Role"]
    policies = iam.list_attached_role_policies(RoleName=physical_id)["AttachedPolicies"]
    inline = [
        iam.get_role_policy(RoleName=physical_id, PolicyName=name)
        for name in iam.list_role_policies(RoleName=physical_id)["PolicyNames"]
    ]
    return {
        **found,
        "Tags": tag_list(found.get("Tags")),
        "Policies": [
            {"PolicyName": one["PolicyName"], "PolicyDocument": _document(one["PolicyDocument"])} for one in inline
        ],
        "AssumeRolePolicyDocument": _document(found["AssumeRolePolicyDocument"]),
        "ManagedPolicyArns": [one["PolicyArn"] for one in policies],
        "PermissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    }


@reader("AWS::IAM::ManagedPolicy")
def managed_policy(clients: Clients, physical_id: str) -> Record:
    """IAM's answer, with the document of the default version."""
    iam = clients("iam")
    found = iam.get_policy(PolicyArn=physical_id)["Policy"]
    version = iam.get_policy_version(PolicyArn=physical_id, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    return {**found, "ManagedPolicyName": found["PolicyName"], "PolicyDocument": _document(version["Document"])}


@reader("AWS::IAM::InstanceProfile")
def instance_profile(clients: Clients, physical_id: str) -> Record:
    """IAM's answer; roles by name."""
    found = clients("iam").get_instance_profile(InstanceProfileName=physical_id)["InstanceProfile"]
    return {**found, "Roles": [one["RoleName"] for one in found["Roles"]]}


@reader("AWS::IAM::OIDCProvider")
def oidc_provider(clients: Clients, physical_id: str) -> Record:
    """IAM's answer; its address is without a scheme, as IAM keeps it."""
    found = clients("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=physical_id)
    return {
        **found,
        "Url": f"https://{found['Url']}",
        "ClientIdList": found["ClientIDList"],
        "Tags": tag_list(found.get("Tags")),
    }


@reader("AWS::EKS::PodIdentityAssociation")
def pod_identity(clients: Clients, physical_id: str) -> Record:
    """EKS's answer, found by the ARN."""
    owner, identifier = physical_id.split("/")[-2:]
    found = clients("eks").describe_pod_identity_association(clusterName=owner, associationId=identifier)["association"]
    return {**pascal(found), "Tags": tag_list(found.get("tags"))}


@reader("AWS::KMS::Key")
def key(clients: Clients, physical_id: str) -> Record:
    """KMS's answers: the key, its policy, its rotation, its tags."""
    kms = clients("kms")
    found = kms.describe_key(KeyId=physical_id)["KeyMetadata"]
    tags = [
        {"Key": one["TagKey"], "Value": one["TagValue"]} for one in kms.list_resource_tags(KeyId=physical_id)["Tags"]
    ]
    return {
        **found,
        "Tags": tag_list(tags),
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=physical_id, PolicyName="default")["Policy"]),
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=physical_id)["KeyRotationEnabled"],
    }


@reader("AWS::KMS::Alias")
def alias(clients: Clients, physical_id: str) -> Record:
    """KMS's answer, found by name; a target is described by its id."""
    pages = clients("kms").get_paginator("list_aliases").paginate()
    (found,) = [one for page in pages for one in page["Aliases"] if one["AliasName"] == physical_id]
    return {**found, "TargetKeyId": found["TargetKeyId"]}


@reader("AWS::SQS::Queue")
def queue(clients: Clients, physical_id: str) -> Record:
    """What policies, rules and charts refer to."""
    found = clients("sqs").get_queue_attributes(QueueUrl=physical_id, AttributeNames=["QueueArn"])["Attributes"]
    return {"Arn": found["QueueArn"], "QueueName": physical_id.rsplit("/", 1)[-1]}


@reader("AWS::Events::Rule")
def rule(clients: Clients, physical_id: str) -> Record:
    """EventBridge's answers: the rule, its targets, its tags."""
    events = clients("events")
    found = events.describe_rule(Name=physical_id.rsplit("/", 1)[-1])
    return {
        **found,
        "EventPattern": json.loads(found["EventPattern"]),
        "Targets": events.list_targets_by_rule(Rule=found["Name"])["Targets"],
        "Tags": tag_list(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]),
    }


@reader("AWS::S3::Bucket")
def bucket(clients: Clients, physical_id: str) -> Record:
    """What policies refer to; S3 has the bucket, or this raises."""
    clients("s3").head_bucket(Bucket=physical_id)
    return {"Arn": f"arn:aws:s3:::{physical_id}"}
