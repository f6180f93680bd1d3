"""Releases of EKS's AMIs: what node groups get, and what Systems Manager's public parameters call the newest. Made up."""

from collections.abc import Iterable, Iterator


def default_ami_type(kubernetes_version: str) -> str:
    """Returns the AMI type of a node group that names none.

    https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-extended.html (Kubernetes 1.30)
    """
    return "AL2023_x86_64_STANDARD" if int(kubernetes_version.split(".")[1]) >= 30 else "AL2_x86_64"


def newest(ami_type: str, kubernetes_version: str) -> str:
    """Returns the newest release of an AMI type."""
    if ami_type.startswith("BOTTLEROCKET"):
        return f"1.{kubernetes_version.split('.')[1]}.0-5eed0000"
    return f"{kubernetes_version}.0-20261101"


def public_parameters(versions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields names and values of the public parameters that say so.

    https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html and retrieve-ami-id-bottlerocket.html
    """
    for version in versions:
        for architecture in ("x86_64", "arm64"):
            for variant in ("standard", "nvidia", "neuron"):
                folder = f"/aws/service/eks/optimized-ami/{version}/amazon-linux-2023/{architecture}/{variant}"
                yield f"{folder}/recommended/release_version", newest("AL2023", version)
            folder = f"/aws/service/bottlerocket/aws-k8s-{version}/{architecture}"
            yield f"{folder}/latest/image_version", newest("BOTTLEROCKET", version)
