"""Ways in from the internet."""

from datetime import date

import pytest
import yaml

from responsibility.document import Exposure
from responsibility.reading.reader import read
from responsibility.reading.sources import ManifestFile, Sources
from responsibility.reading.template import Template
from responsibility.review.exposure import exposure


def found(text: str, *objects: dict[str, object]) -> list[Exposure]:
    template = Template("main", "main.yaml", yaml.safe_load(text), text)
    return exposure(read(Sources("t", [template], [ManifestFile("o.yaml", "", list(objects))]), date(2026, 11, 24)))


CLUSTER = "Resources: {{C: {{Type: AWS::EKS::Cluster, Properties: {{ResourcesVpcConfig: {config}}}}}}}"


@pytest.mark.parametrize(
    ("config", "level"),
    [
        ("{}", "open"),
        ("{EndpointPublicAccess: true, PublicAccessCidrs: ['0.0.0.0/0', 10.0.0.0/8]}", "open"),
        ("{EndpointPublicAccess: true, PublicAccessCidrs: [203.0.113.0/24]}", "limited"),
        ("{EndpointPublicAccess: false}", "closed"),
        ("{EndpointPublicAccess: {Ref: Nothing}}", "unknown"),
        ("{PublicAccessCidrs: {Ref: Nothing}}", "unknown"),
    ],
)
def test_the_api(config: str, level: str) -> None:
    (way,) = found(CLUSTER.format(config=config))
    assert (way.way, way.level) == ("Kubernetes API", level)


def test_remote_networks_are_a_way_in() -> None:
    config = "{EndpointPublicAccess: false}, RemoteNetworkConfig: {RemoteNodeNetworks: [{Cidrs: [10.80.0.0/16, {Ref: Nothing}]}]}"
    ways = {way.level: way.words for way in found(CLUSTER.format(config=config)) if way.way == "remote network"}
    assert ways.keys() == {"limited", "unknown"}
    assert "10.80.0.0/16" in ways["limited"]


def test_a_security_group_is_read_with_the_rules_beside_it() -> None:
    ways = found("""
Resources:
  G: {Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 443, CidrIp: 10.0.0.0/8}]}}
  R: {Type: AWS::EC2::SecurityGroupIngress, Properties: {GroupId: {'Fn::GetAtt': [G, GroupId]}, IpProtocol: '-1', CidrIpv6: '::/0'}}
""")
    assert [(way.level, way.words, way.evidence[0].resource) for way in ways] == [
        ("open", "security group G: all ports from ::/0", "R")
    ]


@pytest.mark.parametrize(
    ("annotations", "spec", "level"),
    [
        ({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"}, {}, "open"),
        (
            {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"},
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
            "limited",
        ),
        ({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"}, {}, "closed"),
        ({}, {}, "open"),  # Kubernetes' own cloud provider makes it, and faces the internet
    ],
)
def test_a_service_with_a_load_balancer(annotations: dict[str, str], spec: dict[str, object], level: str) -> None:
    service = {
        "kind": "Service",
        "metadata": {"name": "web", "annotations": annotations},
        "spec": {"type": "LoadBalancer", **spec},
    }
    ways = found(CLUSTER.format(config="{EndpointPublicAccess: false}"), service)
    assert [way.level for way in ways if way.way == "load balancer"] == [level]


@pytest.mark.parametrize(
    ("annotations", "level"),
    [
        ({"scheme": "internet-facing"}, "open"),
        ({"scheme": "internet-facing", "inbound-cidrs": "10.0.0.0/8, 192.0.2.0/24"}, "limited"),
        ({"scheme": "internet-facing", "inbound-cidrs": "10.0.0.0/8,0.0.0.0/0"}, "open"),
        ({"scheme": "internet-facing", "security-groups": "sg-1", "inbound-cidrs": "10.0.0.0/8"}, "unknown"),
        ({"scheme": "internet-facing", "security-group-prefix-lists": "pl-1"}, "limited"),
        ({"scheme": "${SCHEME}"}, "unknown"),
        ({"scheme": "public"}, "unknown"),
        ({"target-type": "ip"}, "closed"),
    ],
)
def test_an_ingress_of_the_controller(annotations: dict[str, str], level: str) -> None:
    """As the controller reads its annotations, and as the check EKR095 does."""
    noted = {f"alb.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}
    ingress = {
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": noted},
        "spec": {"ingressClassName": "alb"},
    }
    ways = found(CLUSTER.format(config="{EndpointPublicAccess: false}"), ingress)
    assert [way.level for way in ways if way.way == "load balancer"] == [level]


def test_an_ingress_takes_the_scheme_of_its_class() -> None:
    # Whatever the Ingress says itself: the IngressClassParams go before its annotations.
    annotations = {"alb.ingress.kubernetes.io/scheme": "internal"}
    group = "networking.k8s.io/v1"
    ingress = {"apiVersion": group, "kind": "Ingress", "metadata": {"name": "web", "annotations": annotations}}
    ingress["spec"] = {"ingressClassName": "alb"}
    made = {"apiVersion": group, "kind": "IngressClass", "metadata": {"name": "alb"}}
    made["spec"] = {"controller": "eks.amazonaws.com/alb", "parameters": {"name": "alb"}}
    params = {"kind": "IngressClassParams", "metadata": {"name": "alb"}, "spec": {"scheme": "internet-facing"}}
    closed = CLUSTER.format(config="{EndpointPublicAccess: false}")
    assert found(closed, ingress, made, params)[0].level == "open"
    assert [way.level for way in found(closed, ingress, made)] == ["unknown", "closed"]


def test_the_open_ones_come_first() -> None:
    cluster = CLUSTER.format(config="{EndpointPublicAccess: false}")
    service = {
        "kind": "Service",
        "metadata": {
            "name": "web",
            "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"},
        },
        "spec": {"type": "LoadBalancer"},
    }
    assert [way.level for way in found(cluster, service)] == ["open", "closed"]


@pytest.mark.parametrize("kind", ["ElasticLoadBalancing", "ElasticLoadBalancingV2"])
@pytest.mark.parametrize(
    ("scheme", "level"),
    [
        ("", "open"),
        ("Scheme: internet-facing", "open"),
        ("Scheme: internal", "closed"),
        ("Scheme: {Ref: Nothing}", "unknown"),
    ],
)
def test_a_load_balancer_of_a_template(kind: str, scheme: str, level: str) -> None:
    (way,) = found(f"Resources: {{B: {{Type: AWS::{kind}::LoadBalancer, Properties: {{{scheme}}}}}}}")
    assert (way.way, way.level) == ("load balancer", level)


INSTANCE = """
Parameters: {{Place: {{Type: AWS::EC2::Subnet::Id}}}}
Resources:
  Front: {{Type: AWS::EC2::Subnet, Properties: {{MapPublicIpOnLaunch: true}}}}
  Back: {{Type: AWS::EC2::Subnet, Properties: {{MapPublicIpOnLaunch: false}}}}
  Shape:
    Type: AWS::EC2::LaunchTemplate
    Properties: {{LaunchTemplateData: {{NetworkInterfaces: [{{DeviceIndex: 0, AssociatePublicIpAddress: true}}]}}}}
  Card: {{Type: AWS::EC2::NetworkInterface, Properties: {{SubnetId: {{Ref: Back}}}}}}
  I: {{Type: AWS::EC2::Instance, Properties: {{{properties}}}}}
  {more}
"""


@pytest.mark.parametrize(
    ("properties", "more", "level"),
    [
        ("SubnetId: {Ref: Front}", "", "limited"),
        ("SubnetId: {Ref: Back}", "", "closed"),
        ("SubnetId: {Ref: Place}", "", "unknown"),
        ("ImageId: ami-1", "", "unknown"),  # the default subnet of the account
        ("NetworkInterfaces: [{DeviceIndex: 0, SubnetId: {Ref: Front}, AssociatePublicIpAddress: false}]", "", "closed"),
        ("NetworkInterfaces: [{DeviceIndex: 0, SubnetId: {Ref: Back}, AssociatePublicIpAddress: {Ref: Nothing}}]", "", "unknown"),
        ("SubnetId: {Ref: Back}, LaunchTemplate: {LaunchTemplateId: {Ref: Shape}}", "", "limited"),
        ("LaunchTemplate: {LaunchTemplateId: lt-1}", "", "unknown"),
        ("SubnetId: {Ref: Back}", "E: {Type: AWS::EC2::EIP, Properties: {InstanceId: {Ref: I}}}", "limited"),
        ("SubnetId: {Ref: Back}", "E: {Type: AWS::EC2::EIPAssociation, Properties: {InstanceId: {Ref: I}}}", "limited"),
        (
            "NetworkInterfaces: [{DeviceIndex: 0, NetworkInterfaceId: {Ref: Card}}]",
            "E: {Type: AWS::EC2::EIPAssociation, Properties: {NetworkInterfaceId: {Ref: Card}}}",
            "limited",
        ),
        ("NetworkInterfaces: [{DeviceIndex: 0, NetworkInterfaceId: {Ref: Card}}]", "", "closed"),
    ],
)  # fmt: skip
def test_the_address_of_an_instance(properties: str, more: str, level: str) -> None:
    (way,) = found(INSTANCE.format(properties=properties, more=more))
    assert (way.way, way.level) == ("instance", level)


AT_DEPLOY = {
    "a reference put together": "{'Fn::Sub': '{{{{resolve:ssm:/x/${{Stage}}}}}}'}",
    "a joined reference": "{'Fn::Join': ['', ['{{{{resolve:ssm:', '/x}}}}']]}",
    "a parameter's default": "{Ref: Hidden}",
    "a mapping": "{'Fn::FindInMap': [Stages, prod, Hidden]}",
    "a macro's placeholder": "~~/x~~",
    "a template engine's": "'{{{{ public }}}}'",
}


@pytest.mark.parametrize("value", AT_DEPLOY.values(), ids=AT_DEPLOY)
@pytest.mark.parametrize(
    ("resource", "way"),
    [
        (
            "{{Type: AWS::EKS::Cluster, Properties: {{ResourcesVpcConfig: {{EndpointPublicAccess: {}}}}}}}",
            "Kubernetes API",
        ),
        (
            "{{Type: AWS::EKS::Cluster, Properties: {{ResourcesVpcConfig: {{PublicAccessCidrs: [{}]}}}}}}",
            "Kubernetes API",
        ),
        ("{{Type: AWS::EC2::SecurityGroup, Properties: {{SecurityGroupIngress: [{{CidrIp: {}}}]}}}}", "security group"),
        ("{{Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {{Scheme: {}}}}}", "load balancer"),
    ],
)
def test_what_is_filled_in_at_the_deploy_is_unknown(resource: str, way: str, value: str) -> None:
    value = value.replace("{{{{", "{{").replace("}}}}", "}}").replace("${{", "${").replace("Stage}}", "Stage}")
    text = f"""
Parameters:
  Stage: {{Type: String, Default: prod}}
  Hidden: {{Type: String, Default: '{{{{resolve:ssm:/x}}}}'}}
Mappings: {{Stages: {{prod: {{Hidden: '{{{{resolve:ssm:/x}}}}'}}}}}}
Resources: {{A: {resource.format(value)}}}
"""
    (found_,) = found(text)
    assert (found_.way, found_.level) == (way, "unknown")
    assert "\ue000" not in found_.words


@pytest.mark.parametrize(("auth", "level"), [("NONE", "open"), ("AWS_IAM", "limited"), ("{Ref: Nothing}", "unknown")])
@pytest.mark.parametrize(
    "made",
    [
        "{Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: {'Fn::GetAtt': [F, Arn]}, AuthType: %s}}",
        "{Type: AWS::Serverless::Function, Properties: {FunctionUrlConfig: {AuthType: %s}}}",
    ],
)
def test_the_url_of_a_function_is_a_way_in(made: str, auth: str, level: str) -> None:
    (way,) = found(f"""
Resources:
  R: {{Type: AWS::IAM::Role, Properties: {{}}}}
  F: {{Type: AWS::Lambda::Function, Properties: {{Role: {{'Fn::GetAtt': [R, Arn]}}}}}}
  U: {made % auth}
""")
    assert (way.way, way.level, way.evidence[0].resource) == ("function URL", level, "U")
    assert ("with the rights of role R" in way.words) == ("Lambda::Url" in made and level != "unknown")
