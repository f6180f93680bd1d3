"""An app on the older `aws_eks` module, in which Lambda functions behind custom resources make the cluster.

What such apps that grew over years have: a managed node group, nodes of an Auto Scaling group of their own, a Fargate
profile, manifests, Helm charts (one without a version), an IAM role for a service account. No feature flags.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.lambda_layer_kubectl_v34 import KubectlV34Layer


def manifests(service_account: str) -> list[dict[str, Any]]:
    """A shop: its namespace, deployment and public load balancer."""
    container = {
        "name": "shop",
        "image": "public.ecr.aws/docker/library/nginx:1.29",
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    }
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "shop"}},
                "template": {
                    "metadata": {"labels": {"app": "shop"}},
                    "spec": {"serviceAccountName": service_account, "containers": [container]},
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {
                "type": "LoadBalancer",
                "selector": {"app": "shop"},
                "ports": [{"port": 80, "targetPort": 8080}],
            },
        },
    ]


class OlderStack(cdk.Stack):
    """A cluster with three kinds of compute, and a shop on it."""

    def __init__(self, scope: cdk.App, name: str) -> None:
        super().__init__(scope, name, env=cdk.Environment(account="111122223333", region="us-east-1"))
        vpc = ec2.Vpc(self, "Vpc", max_azs=3, nat_gateways=1)
        self.cluster = eks.Cluster(
            self,
            "Cluster",
            cluster_name="shop",
            version=eks.KubernetesVersion.V1_33,
            vpc=vpc,
            vpc_subnets=[ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)],
            default_capacity=0,
            endpoint_access=eks.EndpointAccess.PUBLIC_AND_PRIVATE.only_from("203.0.113.0/24", "198.51.100.7/32"),
            masters_role=iam.Role(self, "Admins", assumed_by=iam.AccountRootPrincipal()),
            cluster_logging=[eks.ClusterLoggingTypes.API, eks.ClusterLoggingTypes.AUDIT],
            kubectl_layer=KubectlV34Layer(self, "Kubectl"),
        )
        self.add_compute()
        self.add_workloads()

    def add_compute(self) -> None:
        """A managed node group, an Auto Scaling group that joins by the aws-auth ConfigMap, and a Fargate profile."""
        self.cluster.add_nodegroup_capacity(
            "Managed",
            instance_types=[ec2.InstanceType("m5.large"), ec2.InstanceType("m5a.large")],
            ami_type=eks.NodegroupAmiType.AL2023_X86_64_STANDARD,
            capacity_type=eks.CapacityType.SPOT,
            min_size=1,
            max_size=4,
            desired_size=2,
            disk_size=50,
            labels={"pool": "managed"},
        )
        self.cluster.add_auto_scaling_group_capacity(
            "SelfManaged",
            instance_type=ec2.InstanceType("t3.large"),
            min_capacity=1,
            max_capacity=3,
            machine_image_type=eks.MachineImageType.BOTTLEROCKET,
        )
        self.cluster.add_fargate_profile(
            "Batch", selectors=[eks.Selector(namespace="batch"), eks.Selector(namespace="reports")]
        )

    def add_workloads(self) -> None:
        """The shop with its bucket, and what it needs from others as Helm charts."""
        bucket = s3.Bucket(self, "Orders")
        account = self.cluster.add_service_account("ShopAccount", name="shop", namespace="shop")
        bucket.grant_read_write(account)
        namespace, *others = manifests(account.service_account_name)
        made = self.cluster.add_manifest("Namespace", namespace)
        account.node.add_dependency(made)
        self.cluster.add_manifest("Shop", *others).node.add_dependency(account)
        self.cluster.add_helm_chart(
            "MetricsServer",
            chart="metrics-server",
            repository="https://kubernetes-sigs.github.io/metrics-server/",
            namespace="kube-system",
            release="metrics-server",
            version="3.13.0",
            values={"replicas": 2},
        )
        self.cluster.add_helm_chart(
            "Ingress",
            chart="ingress-nginx",
            repository="https://kubernetes.github.io/ingress-nginx",
            namespace="ingress-nginx",
            create_namespace=True,
        )


# What a look-up in the account would answer, as `cdk.context.json` keeps it
ZONES = {"availability-zones:account=111122223333:region=us-east-1": ["us-east-1a", "us-east-1b", "us-east-1c"]}

app = cdk.App(context=ZONES)
OlderStack(app, "older")
app.synth()
