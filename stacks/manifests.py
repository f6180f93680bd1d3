"""Which Kubernetes objects a cluster's own configuration consists of. They hold no AWS ids that are made at deploy time."""

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.objects import (
    ingress_class_manifests,
    network_policy_manifest,
    node_class_manifest,
    node_pool_manifest,
)
from eks_constructs.compute.auto_mode.rights import custom_node_role_name
from eks_constructs.compute.fargate.objects import log_router_manifests
from eks_constructs.manifests import ManifestFile, storage_class
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment

REGION = "${AWS_REGION}"
"""Stands in a file where the environment names no region: `envsubst < FILE | kubectl apply -f -`."""


def cluster_manifests(cluster: ClusterSpec, *, environment: Environment, network: ClusterNetwork) -> list[ManifestFile]:
    """Returns the files of one cluster in the order in which they are applied."""
    files = []
    compute = cluster.compute
    auto = compute.active_auto_mode
    if compute.fargate and compute.fargate.logging:
        note = (
            "Fargate's built-in log router. Only pods that start later use it: kubectl rollout restart those that run."
        )
        if not environment.region:
            note += (
                f" {REGION}: the environment file names no region; fill it in (envsubst does) before you apply this."
            )
        files.append(
            ManifestFile(10, "fargate-logging", log_router_manifests(cluster.name, environment.region or REGION), note)
        )
    if auto and not compute.managed_nodes:
        # With managed nodes the vpc-cni add-on owns this ConfigMap (its enableNetworkPolicy). Kept: when nodes are added, the
        # add-on has taken it over by the time that it leaves the file, and deleting it would switch the policies off.
        files.append(
            ManifestFile(
                11,
                "network-policy",
                [network_policy_manifest()],
                "Switches on Auto Mode's network policy engine; until then it ignores NetworkPolicies.",
                keep=True,
            )
        )
    if auto and auto.node_classes:
        role = custom_node_role_name(environment.iam, environment.name, cluster.name)
        objects = [
            node_class_manifest(
                spec, cluster=cluster.name, role_name=role, network=network, tags=environment.tags_of_what_is_made
            )
            for spec in auto.node_classes
        ]
        files.append(ManifestFile(20, "node-classes", objects, "What nodes of Auto Mode are made of."))
    if auto and auto.node_pools:
        files.append(
            ManifestFile(
                21,
                "node-pools",
                [node_pool_manifest(spec) for spec in auto.node_pools],
                "Which nodes Auto Mode may add.",
            )
        )
    classes = []
    if auto:
        classes.append(
            storage_class(
                "auto-gp3",
                provisioner="ebs.csi.eks.amazonaws.com",
                default=True,
                only_on_auto_mode=compute.mix.kinds != ["auto_mode"],
                tags=auto.volume_tags,
            )
        )
    if compute.managed_nodes and any(addon.name == "aws-ebs-csi-driver" for addon in cluster.planned_addons()):
        classes.append(storage_class("gp3", provisioner="ebs.csi.aws.com", default=not auto))
    if classes:
        files.append(
            ManifestFile(
                30,
                "storage-classes",
                classes,
                "Encrypted gp3 volumes. Auto Mode and the EBS CSI add-on have drivers of their own;"
                " a claim without a class gets the default one,"
                " and with it nodes of that driver.",
            )
        )
    if auto:
        files.append(
            ManifestFile(
                40,
                "ingress-classes",
                ingress_class_manifests(
                    auto.load_balancer_scheme,
                    ipv6=cluster.control_plane.ip_family == "ipv6",
                    tags=environment.tags_of_what_is_made,
                ),
                "Application Load Balancers by Auto Mode's own controller.",
            )
        )
    return files
