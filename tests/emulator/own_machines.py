"""Templates of clusters with machines that EKS does not make: hybrid nodes, and Auto Scaling groups of your own."""

import base64
from typing import Any

from emulator.process import REGION

CLUSTER = "machines"
NODES, PODS = "10.80.0.0/16", "10.85.0.0/16"
TGW = "tgw-0123456789abcdef0"
CERTIFICATE = base64.b64encode(b"\x30\x82\x01\x0a" + b"not a certificate, but one in its looks").decode()
PEM = f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----"
USER_DATA = """apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    flags: ["--node-labels=team=a,tier=batch", "--register-with-taints=batch=true:NoSchedule"]
"""
Resources = dict[str, Any]


def resource(kind: str, depends_on: str | None = None, **properties: Any) -> dict[str, Any]:
    """Returns a resource."""
    return {"Type": kind, "Properties": properties} | ({"DependsOn": depends_on} if depends_on else {})


def get(name: str, attribute: str = "Arn") -> dict[str, Any]:
    """Returns an attribute of a resource."""
    return {"Fn::GetAtt": [name, attribute]}


def ref(name: str) -> dict[str, Any]:
    """Returns a reference to a resource."""
    return {"Ref": name}


def role(
    service: str, *policies: str, actions: tuple[str, ...] = ("sts:AssumeRole",), **properties: Any
) -> dict[str, Any]:
    """Returns a role that a service assumes."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return resource(
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [statement]},
        ManagedPolicyArns=[f"arn:aws:iam::aws:policy/{one}" for one in policies],
        **properties,
    )


def subnet(zone: int) -> dict[str, Any]:
    """Returns one of the two subnets."""
    return resource(
        "AWS::EC2::Subnet",
        VpcId=ref("Vpc"),
        CidrBlock=f"10.0.{zone}.0/24",
        AvailabilityZone=f"{REGION}{'ab'[zone]}",
    )


def cluster(**properties: Any) -> Resources:
    """Returns a cluster in a VPC of its own."""
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
        "SubnetA": subnet(0),
        "SubnetB": subnet(1),
        "Table": resource("AWS::EC2::RouteTable", VpcId=ref("Vpc")),
        "ClusterRole": role("eks.amazonaws.com", "AmazonEKSClusterPolicy"),
        "Cluster": resource(
            "AWS::EKS::Cluster",
            Name=CLUSTER,
            Version="1.36",
            RoleArn=get("ClusterRole"),
            AccessConfig={"AuthenticationMode": "API"},
            BootstrapSelfManagedAddons=False,
            ResourcesVpcConfig={
                "SubnetIds": [ref("SubnetA"), ref("SubnetB")],
                "EndpointPublicAccess": False,
                "EndpointPrivateAccess": True,
            },
            **properties,
        ),
    }


def hybrid() -> Resources:
    """Returns a cluster with hybrid nodes: two ways to credentials, the way to the site, the entry."""
    return {
        **cluster(
            RemoteNetworkConfig={"RemoteNodeNetworks": [{"Cidrs": [NODES]}], "RemotePodNetworks": [{"Cidrs": [PODS]}]}
        ),
        "Attachment": resource(
            "AWS::EC2::TransitGatewayAttachment",
            VpcId=ref("Vpc"),
            SubnetIds=[ref("SubnetA"), ref("SubnetB")],
            TransitGatewayId=TGW,
            Tags=[{"Key": "Name", "Value": "site"}],
        ),
        **{
            name: resource(
                "AWS::EC2::Route",
                "Attachment",
                RouteTableId=ref("Table"),
                DestinationCidrBlock=cidr,
                TransitGatewayId=TGW,
            )
            for name, cidr in (("NodeRoute", NODES), ("PodRoute", PODS))
        },
        "SiteRole": role(
            "ssm.amazonaws.com", "AmazonSSMManagedInstanceCore", "AmazonEC2ContainerRegistryPullOnly", RoleName="site"
        ),
        "Anchor": resource(
            "AWS::RolesAnywhere::TrustAnchor",
            Name="site",
            Enabled=True,
            Source={"SourceType": "CERTIFICATE_BUNDLE", "SourceData": {"X509CertificateData": PEM}},
            Tags=[{"Key": "site", "Value": "north"}],
        ),
        "CertificateRole": role(
            "rolesanywhere.amazonaws.com",
            "AmazonEC2ContainerRegistryPullOnly",
            actions=("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"),
        ),
        "Profile": resource(
            "AWS::RolesAnywhere::Profile",
            Name="site",
            Enabled=True,
            AcceptRoleSessionName=True,
            DurationSeconds=3600,
            RoleArns=[get("CertificateRole")],
        ),
        **{
            f"{name}Entry": resource(
                "AWS::EKS::AccessEntry", ClusterName=ref("Cluster"), PrincipalArn=get(name), Type="HYBRID_LINUX"
            )
            for name in ("SiteRole", "CertificateRole")
        },
    }


def self_managed() -> Resources:
    """Returns a cluster with an Auto Scaling group of Spot and other instances, a hook, and the handler's queue."""
    launching = "autoscaling:EC2_INSTANCE_TERMINATING"
    return {
        **cluster(),
        "NodeRole": role("ec2.amazonaws.com", "AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"),
        "Entry": resource(
            "AWS::EKS::AccessEntry", ClusterName=ref("Cluster"), PrincipalArn=get("NodeRole"), Type="EC2_LINUX"
        ),
        "InstanceProfile": resource("AWS::IAM::InstanceProfile", Roles=[ref("NodeRole")]),
        "Template": resource(
            "AWS::EC2::LaunchTemplate",
            LaunchTemplateData={
                "ImageId": "{{resolve:ssm:/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/image_id}}",
                "IamInstanceProfile": {"Arn": get("InstanceProfile")},
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                "UserData": {"Fn::Base64": USER_DATA},
            },
        ),
        "Group": resource(
            "AWS::AutoScaling::AutoScalingGroup",
            "Entry",
            MinSize="1",
            MaxSize="4",
            DesiredCapacity="2",
            VPCZoneIdentifier=[ref("SubnetA"), ref("SubnetB")],
            CapacityRebalance=True,
            MaxInstanceLifetime=1_209_600,
            MixedInstancesPolicy={
                "InstancesDistribution": {
                    "OnDemandBaseCapacity": 1,
                    "OnDemandPercentageAboveBaseCapacity": 0,
                    "SpotAllocationStrategy": "price-capacity-optimized",
                },
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": {
                        "LaunchTemplateId": ref("Template"),
                        "Version": get("Template", "LatestVersionNumber"),
                    },
                    "Overrides": [{"InstanceType": "m7i.large"}, {"InstanceType": "m6i.large"}],
                },
            },
            LifecycleHookSpecificationList=[
                {
                    "LifecycleHookName": "drain",
                    "LifecycleTransition": launching,
                    "HeartbeatTimeout": 300,
                    "DefaultResult": "CONTINUE",
                }
            ],
            Tags=[{"Key": f"kubernetes.io/cluster/{CLUSTER}", "Value": "owned", "PropagateAtLaunch": True}],
        ),
        "Queue": resource("AWS::SQS::Queue", MessageRetentionPeriod=300, SqsManagedSseEnabled=True),
        "QueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            Queues=[ref("Queue")],
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "events.amazonaws.com"},
                        "Action": "sqs:SendMessage",
                        "Resource": get("Queue"),
                    }
                ],
            },
        ),
        "Terminating": resource(
            "AWS::Events::Rule",
            EventPattern={"source": ["aws.autoscaling"], "detail-type": ["EC2 Instance-terminate Lifecycle Action"]},
            State="ENABLED",
            Targets=[{"Id": "Queue", "Arn": get("Queue")}],
        ),
    }
