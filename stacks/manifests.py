"""Which Kubernetes objects a cluster's own configuration consists of. They have no AWS ids that are made at deploy time."""

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.kind import merged
from eks_constructs.manifests import ManifestFile
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment


def cluster_manifests(cluster: ClusterSpec, *, environment: Environment, network: ClusterNetwork) -> list[ManifestFile]:
    """Returns the files of one cluster in the order in which they are applied."""
    context = environment.context_of(cluster)
    return merged(
        [file for kind, section in cluster.compute.active() for file in kind.files(section, context, network)]
    )
