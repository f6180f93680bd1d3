"""The launch template of a managed node group: image, user data, disks, network interfaces, capacity."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from aws_cdk import CfnTag, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.cluster_handle import Joining
from eks_constructs.compute.device_settings import network_interfaces
from eks_constructs.compute.managed_nodes.spec import NodeGroupSpec, device_of_group
from eks_constructs.compute.user_data import merged, mime, toml
from eks_constructs.spec import Misplaced
from eks_facts.files import load

# Pods have subnets of their own, so that a node's first network interface has no address for them.
_OWN_POD_SUBNETS = "((default_enis - 1) * (ips_per_eni - 1)) + 2"
Data = ec2.CfnLaunchTemplate


@dataclass(frozen=True)
class PodAddresses:
    """How the CNI gives pods their addresses: what an AMI of EKS learns from EKS, and another must be told."""

    prefixes: bool = False
    own_subnets: bool = False

    def check(self, spec: NodeGroupSpec) -> None:
        """Raises Misplaced, from the group, where nothing can compute how many pods its nodes take."""
        if spec.ami and spec.bottlerocket and self.own_subnets and not self.prefixes and not spec.kubelet.max_pods:
            raise Misplaced(
                "pods have subnets of their own, and Bottlerocket would count the addresses of the first network interface too;"
                " set kubelet.max_pods",
                "ami",
            )


def launch_template(
    scope: Construct,
    construct_id: str,
    spec: NodeGroupSpec,
    *,
    cluster: str,
    labels: Mapping[str, str],
    tags: Mapping[str, str],
    security_group_id: str,
    joining: Joining | None,
    pods: PodAddresses,
) -> ec2.CfnLaunchTemplate:
    """Makes it.

    Args:
        scope: parent construct.
        construct_id: id below the parent.
        spec: the group.
        cluster: its name.
        labels: of the nodes.
        tags: of instances, volumes and the template.
        security_group_id: that EKS made for the cluster.
        joining: what nodes with an AMI of their own must know of the cluster.
        pods: how they get addresses.
    """
    own_tags = [CfnTag(key=key, value=value) for key, value in tags.items()]
    user_data = _user_data(spec, cluster=cluster, labels=labels, joining=joining, pods=pods)
    groups = [security_group_id, *spec.security_group_ids]
    block = spec.capacity == "capacity-block"
    return Data(
        scope,
        construct_id,
        version_description=f"Nodes of {cluster}, group {spec.name}",
        launch_template_data=Data.LaunchTemplateDataProperty(
            image_id=_image(spec),
            instance_type=spec.instance_types[0] if block else None,
            user_data=Fn.base64(user_data) if user_data else None,
            metadata_options=Data.MetadataOptionsProperty(
                http_endpoint="enabled",
                http_tokens="required",
                # One hop: pods cannot take the node's role through the instance metadata service.
                http_put_response_hop_limit=1,
            ),
            block_device_mappings=_disks(spec),
            security_group_ids=groups if spec.security_group_ids and not spec.efa_interfaces else None,
            network_interfaces=_fabric(spec, groups) if spec.efa_interfaces else None,
            capacity_reservation_specification=_reservation(spec.capacity_reservation),
            instance_market_options=Data.InstanceMarketOptionsProperty(market_type="capacity-block") if block else None,
            placement=Data.PlacementProperty(group_name=spec.placement_group) if spec.placement_group else None,
            tag_specifications=[
                Data.TagSpecificationProperty(resource_type=kind, tags=own_tags) for kind in ("instance", "volume")
            ],
        ),
        tag_specifications=[
            Data.LaunchTemplateTagSpecificationProperty(resource_type="launch-template", tags=own_tags)
        ],
    )


def _image(spec: NodeGroupSpec) -> str | None:
    if spec.ami is None:
        return None
    # EKS takes ids alone, so CloudFormation reads the parameter and not EC2.
    return spec.ami.id or f"{{{{resolve:ssm:{spec.ami.ssm_parameter}}}}}"


def _disks(spec: NodeGroupSpec) -> list[ec2.CfnLaunchTemplate.BlockDeviceMappingProperty]:
    # Bottlerocket keeps its operating system on a small first volume, and images and logs on a second one.
    volumes = {"/dev/xvda": None, "/dev/xvdb": spec.volume_gib} if spec.bottlerocket else {"/dev/xvda": spec.volume_gib}
    return [
        Data.BlockDeviceMappingProperty(
            device_name=device,
            ebs=Data.EbsProperty(
                volume_type="gp3",
                volume_size=size,
                encrypted=True,
                kms_key_id=spec.volume_kms_key_arn,
                delete_on_termination=True,
            ),
        )
        for device, size in volumes.items()
    ]


def _fabric(spec: NodeGroupSpec, groups: list[str]) -> list[ec2.CfnLaunchTemplate.NetworkInterfaceProperty]:
    """Returns the network interfaces of a node: the first has its address, adapters carry the fabric's traffic alone.

    The cluster's security group has the rules that EFA needs: https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html
    """
    layout = network_interfaces(int(spec.efa_interfaces or 0), spec.instance_types[0])
    return [
        Data.NetworkInterfaceProperty(
            device_index=one.device,
            network_card_index=one.card,
            interface_type=one.type,
            groups=groups,
            delete_on_termination=True,
        )
        for one in layout
    ]


def _reservation(reservation: str | None) -> ec2.CfnLaunchTemplate.CapacityReservationSpecificationProperty | None:
    if reservation is None:
        return None
    target = (
        Data.CapacityReservationTargetProperty(capacity_reservation_resource_group_arn=reservation)
        if reservation.startswith("arn:")
        else Data.CapacityReservationTargetProperty(capacity_reservation_id=reservation)
    )
    return Data.CapacityReservationSpecificationProperty(capacity_reservation_target=target)


def _user_data(
    spec: NodeGroupSpec, *, cluster: str, labels: Mapping[str, str], joining: Joining | None, pods: PodAddresses
) -> str | None:
    pods.check(spec)
    if spec.ami is None:
        joining = None
    elif joining is None:
        raise ValueError(f"nothing says how nodes of group {spec.name} join the cluster {cluster}")
    if spec.bottlerocket:
        own = _bottlerocket(spec, cluster, labels, joining, pods) if joining else {}
        kubernetes = merged(own, spec.kubelet.bottlerocket())
        device = device_of_group(spec)
        devices = spec.device_settings({device}, spec.instance_types) if device else {}
        settings = merged({"kubernetes": kubernetes} if kubernetes else {}, devices)
        return toml(merged(settings, spec.user_data.bottlerocket))
    own = _node_config(spec, cluster, labels, joining, pods) if joining else {}
    if settings := spec.kubelet.settings():
        own = merged(own, {"kubelet": {"config": settings}})
    if spec.instance_store:
        strategy = {"mount": "Mount"}.get(spec.instance_store, spec.instance_store.upper())
        own["instance"] = {"localStorage": {"strategy": strategy}}
    return mime(list(spec.user_data.scripts), merged(own, spec.user_data.node_config))


# EKS sets labels and taints of nodes with an AMI of their own after they joined, too late for the first pods: user data has them.
# https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#mng-ami-id-conditions


def _bottlerocket(
    spec: NodeGroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining, pods: PodAddresses
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "api-server": joining.endpoint,
        "cluster-certificate": joining.certificate_authority,
        "cluster-name": cluster,
        "cluster-dns-ip": _dns(joining.service_cidr),
        "node-labels": dict(labels),
    }
    if pods.prefixes:
        found["max-pods"] = load("devices")["max_pods_with_prefixes"]
    if spec.taints:
        found["node-taints"] = {
            taint.key: [f"{one.value}:{one.effect}" for one in spec.taints if one.key == taint.key]
            for taint in spec.taints
        }
    return found


def _node_config(
    spec: NodeGroupSpec, cluster: str, labels: Mapping[str, str], joining: Joining, pods: PodAddresses
) -> dict[str, Any]:
    flags = ["--node-labels=" + ",".join(f"{key}={value}" for key, value in labels.items())]
    if spec.taints:
        taints = (f"{taint.key}={taint.value}:{taint.effect}" for taint in spec.taints)
        flags.append("--register-with-taints=" + ",".join(taints))
    kubelet: dict[str, Any] = {"flags": flags}
    if pods.prefixes:
        kubelet["config"] = {"maxPods": load("devices")["max_pods_with_prefixes"]}
    elif pods.own_subnets:
        kubelet["maxPodsExpression"] = _OWN_POD_SUBNETS
    return {
        "cluster": {
            "name": cluster,
            "apiServerEndpoint": joining.endpoint,
            "certificateAuthority": joining.certificate_authority,
            "cidr": joining.service_cidr,
        },
        "kubelet": kubelet,
    }


def _dns(service_cidr: str) -> str:
    """Returns the address of the cluster's DNS: the tenth of the services."""
    if "." in service_cidr and "/" in service_cidr:
        return str(IPv4Network(service_cidr)[10])
    return f"{Fn.select(0, Fn.split('/', service_cidr))}a"
