"""The most naive `aws_eks_v2` app: what a tutorial's reader writes. Only the defaults, and no feature flags."""

import aws_cdk as cdk
from aws_cdk import aws_eks_v2 as eks
from aws_cdk.lambda_layer_kubectl_v34 import KubectlV34Layer

WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx:latest", "ports": [{"containerPort": 80}]}]},
        },
    },
}


class NaiveStack(cdk.Stack):
    """A cluster with two nodes, and a deployment on it."""

    def __init__(self, scope: cdk.App, name: str) -> None:
        super().__init__(scope, name)
        cluster = eks.Cluster(
            self,
            "Cluster",
            version=eks.KubernetesVersion.V1_34,
            default_capacity_type=eks.DefaultCapacityType.NODEGROUP,
            default_capacity=2,
            kubectl_provider_options=eks.KubectlProviderOptions(kubectl_layer=KubectlV34Layer(self, "Kubectl")),
        )
        cluster.add_manifest("Web", WEB)


app = cdk.App()
NaiveStack(app, "naive")
app.synth()
