"""This project's own rules for generated templates: what cdk-nag does not look at, as a policy validation plugin of the CDK."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import jsii

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule."""

    rule: str
    logical_id: str
    path: str
    """Where in the resource, such as ``Properties/AmiType``."""


@dataclass(frozen=True)
class Rule:
    """A rule: what it demands, and how to find what breaks it in one template."""

    title: str
    fix: str
    find: Callable[[Mapping[str, Resource]], Iterator[tuple[str, str]]]


def _of(resources: Mapping[str, Resource], *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in resources.items():
        if resource["Type"] in kinds:
            yield logical_id, resource.get("Properties", {})


def _endpoint(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Cluster"):
        vpc = properties.get("ResourcesVpcConfig", {})
        if not vpc.get("EndpointPrivateAccess"):
            yield logical_id, "Properties/ResourcesVpcConfig/EndpointPrivateAccess"
        # EKS's own default is public.
        if vpc.get("EndpointPublicAccess", True) and not vpc.get("PublicAccessCidrs"):
            yield logical_id, "Properties/ResourcesVpcConfig/PublicAccessCidrs"


def _logging(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Cluster"):
        enabled = {
            kind["Type"] for kind in properties.get("Logging", {}).get("ClusterLogging", {}).get("EnabledTypes", [])
        }
        if len(enabled) < 5:
            yield logical_id, "Properties/Logging"


def _encryption(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Cluster"):
        if not properties.get("EncryptionConfig"):
            yield logical_id, "Properties/EncryptionConfig"


def _access_mode(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Cluster"):
        access = properties.get("AccessConfig", {})
        if access.get("AuthenticationMode") != "API" or access.get("BootstrapClusterCreatorAdminPermissions", True):
            yield logical_id, "Properties/AccessConfig"


def _ami(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Nodegroup"):
        if str(properties.get("AmiType", "AL2_x86_64")).startswith("AL2_"):
            yield logical_id, "Properties/AmiType"


def _launch_template(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Nodegroup"):
        if not properties.get("LaunchTemplate"):
            yield logical_id, "Properties/LaunchTemplate"
    for logical_id, properties in _of(resources, "AWS::EC2::LaunchTemplate"):
        data = properties.get("LaunchTemplateData", {})
        options = data.get("MetadataOptions", {})
        if options.get("HttpTokens") != "required" or options.get("HttpPutResponseHopLimit") != 1:
            yield logical_id, "Properties/LaunchTemplateData/MetadataOptions"
        volumes = data.get("BlockDeviceMappings", [])
        if not volumes or any(not volume.get("Ebs", {}).get("Encrypted") for volume in volumes):
            yield logical_id, "Properties/LaunchTemplateData/BlockDeviceMappings"


def _forced_updates(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::EKS::Nodegroup"):
        if properties.get("ForceUpdateEnabled"):
            yield logical_id, "Properties/ForceUpdateEnabled"


def _log_groups(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    for logical_id, properties in _of(resources, "AWS::Logs::LogGroup"):
        for key in ("RetentionInDays", "KmsKeyId"):
            if not properties.get(key):
                yield logical_id, f"Properties/{key}"


def _kubectl_skew(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    minors = [
        int(version.split(".")[1])
        for _, cluster in _of(resources, "AWS::EKS::Cluster")
        if re.fullmatch(r"1\.\d+", version := str(cluster.get("Version")))
    ]
    for logical_id, properties in _of(resources, "AWS::Lambda::LayerVersion"):
        kubectl = re.search(r"kubectl[ /]v?1\.(\d+)", str(properties.get("Description", "")))
        if kubectl and any(abs(int(kubectl[1]) - minor) > 1 for minor in minors):
            yield logical_id, "Properties/Description"


def _trust(resources: Mapping[str, Resource]) -> Iterator[tuple[str, str]]:
    services = {
        "eks.amazonaws.com",
        "eks-fargate-pods.amazonaws.com",
        "pods.eks.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
    for logical_id, properties in _of(resources, "AWS::IAM::Role"):
        trust = properties.get("AssumeRolePolicyDocument", {})
        for statement in trust.get("Statement", []) if "Statement" in trust else []:
            service = statement.get("Principal", {}).get("Service")
            # EKS tags sessions for Auto Mode alone, and AWS documents no condition on the cluster role together with it.
            if service == "eks.amazonaws.com" and "sts:TagSession" in statement.get("Action", []):
                continue
            if service in services and not statement.get("Condition"):
                yield logical_id, "Properties/AssumeRolePolicyDocument"


RULES = {
    "EKS-PLATFORM-1": Rule(
        "The API endpoint is private, or public for named networks only",
        "Set endpoint.public_access_cidrs to your networks, or leave it out",
        _endpoint,
    ),
    "EKS-PLATFORM-2": Rule(
        "All five types of control plane logs are on",
        "Enable api, audit, authenticator, controllerManager and scheduler",
        _logging,
    ),
    "EKS-PLATFORM-3": Rule(
        "Kubernetes API data is encrypted with a customer key",
        "Set EncryptionConfig: it cannot be added later without replacing the cluster",
        _encryption,
    ),
    "EKS-PLATFORM-4": Rule(
        "Access entries are the only way in, and the creator is no admin",
        "Set AuthenticationMode API and BootstrapClusterCreatorAdminPermissions false",
        _access_mode,
    ),
    "EKS-PLATFORM-5": Rule(
        "No node runs Amazon Linux 2",
        "Set AmiType: without it CloudFormation takes AL2, which has no AMI for Kubernetes 1.33 and later",
        _ami,
    ),
    "EKS-PLATFORM-6": Rule(
        "Nodes require IMDSv2 with one hop, on encrypted volumes",
        "Give the node group a launch template that says so",
        _launch_template,
    ),
    "EKS-PLATFORM-7": Rule("Node updates respect PodDisruptionBudgets", "Set force_update: false", _forced_updates),
    "EKS-PLATFORM-8": Rule(
        "Log groups are encrypted and have a retention", "Set KmsKeyId and RetentionInDays", _log_groups
    ),
    "EKS-PLATFORM-9": Rule(
        "kubectl is within one minor version of the API server",
        "Take the kubectl layer of the cluster's Kubernetes version",
        _kubectl_skew,
    ),
    "EKS-PLATFORM-10": Rule(
        "Roles that AWS services take name whom they act for",
        "Add aws:SourceArn, aws:SourceAccount or aws:RequestTag conditions to the trust policy",
        _trust,
    ),
}


def violations(template: Mapping[str, Any]) -> list[Violation]:
    """Returns what breaks a rule in one CloudFormation template."""
    resources = template.get("Resources", {})
    return [
        Violation(code, logical_id, path) for code, rule in RULES.items() for logical_id, path in rule.find(resources)
    ]


@jsii.implements(cdk.IPolicyValidationPlugin)
class PlatformPolicy:
    """The rules as a plugin: the CDK runs it after synthesis and fails on what it finds."""

    @property
    def name(self) -> str:
        """Name in the validation report."""
        return "EKS platform"

    @property
    def version(self) -> str:
        """Version of the rules."""
        return "1"

    @property
    def rule_ids(self) -> list[str]:
        """Codes of the rules."""
        return list(RULES)

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Returns what breaks a rule in the synthesised templates."""
        found = [
            (path, violation)
            for path in context.template_paths
            for violation in violations(json.loads(Path(path).read_bytes()))
        ]
        return cdk.PolicyValidationPluginReport(
            success=not found,
            violations=[
                cdk.PolicyViolation(
                    rule_name=violation.rule,
                    description=RULES[violation.rule].title,
                    fix=RULES[violation.rule].fix,
                    severity="error",
                    violating_resources=[
                        cdk.PolicyViolatingResource(
                            resource_logical_id=violation.logical_id, template_path=path, locations=[violation.path]
                        )
                    ],
                )
                for path, violation in found
            ],
        )
