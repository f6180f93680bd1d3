"""kubectl and helm through CloudFormation: a Lambda function of the CDK applies Kubernetes objects, and deletes them with the stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_eks as eks_l1
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.construct_ids import pascal_case
from eks_constructs.encryption import log_group
from eks_constructs.image_caches import FILL
from eks_constructs.manifests import HelmChart, KubernetesObject
from eks_constructs.pseudo import Aws
from eks_constructs.registries import own_repositories
from eks_constructs.roles import IamSpec, Statement, allow, prescribe, role, trust_service

LAYERS = (34, 36)
"""Minor versions of kubectl for which a layer is installed (requirements.txt)."""

HANDLER_TIMEOUT_MINUTES = 15

SIDE_BY_SIDE = 4
"""How many manifests and charts CloudFormation may have under way at the same time. Each keeps two functions busy, the
provider framework's and the handler; a new account can have as few as 10 at once, and others need some too
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""

_LAYER = Path(__file__).parent / "kubectl_layer"


class NoKubectl(Exception):
    """There is no kubectl for a Kubernetes version."""


def layer_for(kubernetes_version: str) -> int:
    """Returns the minor version of kubectl for a cluster: its own, or one beside it.

    https://kubernetes.io/releases/version-skew-policy/#kubectl. Raises NoKubectl.
    """
    minor = int(kubernetes_version.split(".")[1])
    fitting = sorted((layer for layer in LAYERS if abs(layer - minor) <= 1), key=lambda layer: abs(layer - minor))
    if not fitting:
        raise NoKubectl(
            f"Kubernetes {kubernetes_version}: kubectl of this project is for 1.{LAYERS[0] - 1} to 1.{LAYERS[-1] + 1}; use delivery: files"
        )
    return fitting[0]


@dataclass(frozen=True)
class Logging:
    """Where the handler's log goes."""

    name: str
    """Of the log group."""
    key_arn: str
    days: int


class Kubectl(Construct):
    """The handler that changes Kubernetes objects on CloudFormation's behalf.

    It is the cluster's administrator: no EKS access policy below that may make resource definitions, cluster roles and
    storage classes (https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html). Its role can be
    taken by Lambda alone, and the function is invoked by CloudFormation's custom resources.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cluster: ClusterHandle,
        kubernetes_version: str,
        subnet_ids: Sequence[str],
        security_group_id: str,
        iam_spec: IamSpec,
        logging: Logging,
        charts: Sequence[HelmChart] = (),
        handover: bool = False,
        caches: Sequence[str] = (),
    ) -> None:
        """Makes the handler, in the cluster's private subnets: its API endpoint may have no other way in.

        ``public_ecr``: it installs charts from there, for which the CDK's handler signs in. ``handover``: CloudFormation lets
        go of what it applies, instead of deleting it: somebody else is about to apply it.

        ``caches``: prefixes of the pull through caches that it fills with charts. Raises NoKubectl.
        """
        super().__init__(scope, construct_id)
        self._handle, self._handover = cluster, handover
        logs = log_group(self, "Logs", name=logging.name, key_arn=logging.key_arn, days=logging.days)
        logs.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        statements = [
            allow(["eks:DescribeCluster"], cluster.arn, sid="FindTheCluster"),
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{logs.attr_arn}:*", sid="WriteItsLog"),
        ]
        statements += _registry_rights(charts, caches)
        handler_role = role(
            self,
            "HandlerRole",
            spec=iam_spec,
            name=f"{cluster.name}-kubectl",
            description=f"kubectl for CloudFormation: administrator of the Kubernetes API of {cluster.name}",
            trust=trust_service("lambda.amazonaws.com"),
            managed=["service-role/AWSLambdaVPCAccessExecutionRole"],
            statements=statements,
        )
        entry = eks_l1.CfnAccessEntry(
            self,
            "Access",
            cluster_name=cluster.ref,
            principal_arn=handler_role.attr_arn,
            access_policies=[
                eks_l1.CfnAccessEntry.AccessPolicyProperty(
                    policy_arn=f"arn:{Aws.PARTITION}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                    access_scope=eks_l1.CfnAccessEntry.AccessScopeProperty(type="cluster"),
                )
            ],
        )
        # Imported here: only this mode pays for it.
        minor = layer_for(kubernetes_version)
        layer_class = getattr(import_module(f"aws_cdk.lambda_layer_kubectl_v{minor}"), f"KubectlV{minor}Layer")
        bare = eks.Cluster.from_cluster_attributes(self, "Bare", cluster_name=cluster.ref)
        provider = eks.KubectlProvider(
            self,
            "Provider",
            cluster=bare,
            kubectl_layer=layer_class(self, "Layer"),
            role=iam.Role.from_role_arn(self, "ImportedRole", handler_role.attr_arn, mutable=False),
        )
        # A condition that only the role which the CDK would make refers to.
        self.node.try_remove_child("HasEcrPublic")
        prescribe(provider, iam_spec)
        self._dress(provider, logs_name=logs.ref, subnet_ids=subnet_ids, security_group_id=security_group_id)
        self._cluster = eks.Cluster.from_cluster_attributes(
            self, "Cluster", cluster_name=cluster.ref, kubectl_provider=provider
        )
        # Kept until the last object is deleted: who deletes it needs access, rights and a log until then.
        self._first: list[IDependable] = [entry, logs, handler_role]

    def _dress(
        self, provider: eks.KubectlProvider, *, logs_name: str, subnet_ids: Sequence[str], security_group_id: str
    ) -> None:
        """Gives the CDK's two functions our log group, and the one that calls the cluster its place in the VPC.

        In front of that one comes `kubectl_layer/`, which deletes what the CDK's handler leaves behind.
        """
        deletion = lambda_.LayerVersion(
            self,
            "CompleteDeletion",
            code=lambda_.Code.from_asset(str(_LAYER), exclude=["**/__pycache__", "*.pyc"]),
            description="Deletes the Kubernetes objects that leave a manifest, of every kind",
        )
        for construct in provider.node.find_all():
            if not isinstance(construct, lambda_.Function):
                continue
            function = cast(lambda_.CfnFunction, construct.node.default_child)
            function.add_property_override("LoggingConfig", {"LogGroup": logs_name, "LogFormat": "JSON"})
            construct.node.try_remove_child("LogGroup")
            if construct.node.id == "Handler":
                construct.add_layers(deletion)
                function.handler = "complete_deletion.handler"
                function.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                    subnet_ids=list(subnet_ids), security_group_ids=[security_group_id]
                )
                function.add_property_override("Description", f"kubectl and helm for {self._handle.name}")
            elif function_role := construct.node.try_find_child("ServiceRole"):
                cast(
                    iam.CfnRole, function_role.node.default_child
                ).description = f"Lets the CDK's provider framework invoke the kubectl handler of {self._handle.name}"

    def apply(
        self, name: str, objects: Sequence[KubernetesObject], *, after: Sequence[IDependable], keep: bool = False
    ) -> Construct:
        """Applies objects after what they depend on, and deletes those that later leave the list.

        Args:
            name: id of the resource.
            objects: without empty values; they may contain CloudFormation references.
            after: what must be there first; it is deleted later.
            keep: CloudFormation lets go of them instead, when the resource or the stack is deleted.

        Raises ValueError: a value is missing, which the CDK would leave out without a word.
        """
        for item in objects:
            _check_complete(item, f"{item.get('kind')} {item.get('metadata', {}).get('name')}")
        manifest = eks.KubernetesManifest(
            self,
            pascal_case(name),
            cluster=self._cluster,
            manifest=[dict(item) for item in objects],
            prune=True,
            overwrite=True,  # a creation whose answer got lost is tried again: https://github.com/aws/aws-cdk/issues/34053
        )
        manifest.node.add_dependency(*self._first, *after)
        self._let_go(manifest, keep=keep)
        return manifest

    def install(self, chart: HelmChart, values: Mapping[str, Any], *, after: Sequence[IDependable]) -> Construct:
        """Installs a chart after what it depends on, and waits until it runs."""
        oci = chart.repository.startswith("oci://")
        installed = eks.HelmChart(
            self,
            pascal_case(f"chart-{chart.name}"),
            cluster=self._cluster,
            chart=chart.chart,
            repository=f"{chart.repository}/{chart.chart}" if oci else chart.repository,
            release=chart.name,
            namespace=chart.namespace,
            create_namespace=False,
            version=chart.version,
            values=dict(values),
            wait=True,
            timeout=cdk.Duration.minutes(HANDLER_TIMEOUT_MINUTES - 1),
        )
        installed.node.add_dependency(*self._first, *after)
        self._let_go(installed)
        return installed

    def _let_go(self, construct: Construct, *, keep: bool = False) -> None:
        """Makes CloudFormation retain what a construct applied.

        The policy counts when a resource leaves its template, too:
        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
        """
        if not (keep or self._handover):
            return
        inner = construct.node.default_child
        # Of a manifest it is the resource itself, of a chart a construct around it.
        resource = cast(cdk.CfnResource, inner.node.default_child if isinstance(inner, cdk.CustomResource) else inner)
        resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        if self._handover:
            # Without a change of properties there may be nothing to deploy, and the old deletion policy would stay.
            resource.add_property_override("HandedOver", "true")


def _registry_rights(charts: Sequence[HelmChart], caches: Sequence[str]) -> list[Statement]:
    """Returns what the handler may do in Amazon ECR: sign in, which takes no resource, and pull charts from private repositories."""
    statements: list[Statement] = []
    if any(chart.in_public_ecr for chart in charts):
        # https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html
        sign_in = ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"]
        statements.append(allow(sign_in, "*", sid="SignInToPublicEcr"))
    if own := [found for chart in charts if (found := own_repositories(chart))]:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
        arns = [f"arn:{Aws.PARTITION}:ecr:{region}:{account}:repository/{name}" for account, region, name in own]
        statements += [
            allow(["ecr:GetAuthorizationToken"], "*", sid="SignInToEcr"),
            allow(["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], arns, sid="PullCharts"),
        ]
        cached = [arn for arn in arns if any(f":repository/{prefix}/" in arn for prefix in caches)]
        if cached:
            statements.append(allow(FILL, cached, sid="FillImageCaches"))
    return statements


def _check_complete(value: Any, where: str) -> None:
    if value is None:
        raise ValueError(f"{where} has no value: the CDK would leave it out")
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        _check_complete(part, f"{where}/{key}")
