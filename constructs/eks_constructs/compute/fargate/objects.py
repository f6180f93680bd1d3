"""The Kubernetes objects that switch on Fargate's log router."""

from eks_constructs.manifests import KubernetesObject


def log_group_name(cluster: str) -> str:
    """Returns the log group of pods on Fargate."""
    return f"/aws/eks/{cluster}/fargate"


def log_router_manifests(cluster: str, region: str) -> list[KubernetesObject]:
    """Returns the objects that switch Fargate's log router on. The names are fixed by EKS.

    https://docs.aws.amazon.com/eks/latest/userguide/fargate-logging.html
    """
    output = "\n".join(
        [
            "[OUTPUT]",
            "    Name cloudwatch_logs",
            "    Match *",
            f"    region {region}",
            f"    log_group_name {log_group_name(cluster)}",
            "    log_stream_prefix fargate-",
            # The group exists, encrypted and with retention; the pods' role may not make another.
            "    auto_create_group false",
        ]
    )
    filters = "\n".join(["[FILTER]", "    Name kubernetes", "    Match kube.*", "    Merge_Log On", "    Keep_Log Off"])
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "aws-observability", "labels": {"aws-observability": "enabled"}},
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-logging", "namespace": "aws-observability"},
        "data": {"flb_log_cw": "false", "filters.conf": filters + "\n", "output.conf": output + "\n"},
    }
    return [namespace, config]
