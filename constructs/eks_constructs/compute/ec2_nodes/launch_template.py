"""The launch template of a group of EC2 nodes: image, user data, disks, network interfaces, capacity."""

from collections.abc import Mapping

from aws_cdk import CfnTag, Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from eks_constructs.cluster_handle import Joining
from eks_constructs.compute.device_settings import network_interfaces
from eks_constructs.compute.ec2_nodes.group import Ec2GroupSpec
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses, user_data
from eks_facts.files import load

Data = ec2.CfnLaunchTemplate


def launch_template(
    scope: Construct,
    construct_id: str,
    spec: Ec2GroupSpec,
    *,
    image_id: str | None,
    instance_type: str | None,
    capacity_block: bool,
    cluster: str,
    labels: Mapping[str, str],
    tags: Mapping[str, str],
    security_group_id: str,
    joining: Joining | None,
    pods: PodAddresses,
    instance_profile_arn: str | None = None,
    hop_limit: int = 1,
) -> ec2.CfnLaunchTemplate:
    """Makes it.

    Args:
        scope: parent construct.
        construct_id: id below the parent.
        spec: the group.
        image_id: its image, or a reference to it; None: EKS chooses it.
        instance_type: None: the group says it.
        capacity_block: the group's reservation is a Capacity Block.
        cluster: its name.
        labels: of the nodes.
        tags: of instances, volumes and the template.
        security_group_id: that EKS made for the cluster.
        joining: what nodes must know of the cluster; None: EKS tells them.
        pods: how they get addresses.
        instance_profile_arn: of the nodes' role; None: EKS makes it.
        hop_limit: of the instance metadata service. With 1, pods cannot take the nodes' role through it.
    """
    # EKS adds the cluster's security group to nodes whose launch template names none; nobody adds it to your own.
    own_groups = bool(spec.security_group_ids or instance_profile_arn)
    own_tags = [CfnTag(key=key, value=value) for key, value in tags.items()]
    text = user_data(spec, cluster=cluster, labels=labels, joining=joining, pods=pods)
    groups = [security_group_id, *spec.security_group_ids]
    return Data(
        scope,
        construct_id,
        version_description=f"Nodes of {cluster}, group {spec.name}",
        launch_template_data=Data.LaunchTemplateDataProperty(
            image_id=image_id,
            instance_type=instance_type,
            iam_instance_profile=Data.IamInstanceProfileProperty(arn=instance_profile_arn)
            if instance_profile_arn
            else None,
            user_data=Fn.base64(text) if text else None,
            metadata_options=Data.MetadataOptionsProperty(
                http_endpoint="enabled",
                http_tokens="required",
                http_put_response_hop_limit=hop_limit,
            ),
            block_device_mappings=_disks(spec),
            security_group_ids=groups if own_groups and not spec.efa_interfaces else None,
            network_interfaces=_fabric(spec, groups) if spec.efa_interfaces else None,
            capacity_reservation_specification=_reservation(spec.capacity_reservation),
            instance_market_options=Data.InstanceMarketOptionsProperty(market_type="capacity-block")
            if capacity_block
            else None,
            placement=Data.PlacementProperty(group_name=spec.placement_group) if spec.placement_group else None,
            tag_specifications=[
                Data.TagSpecificationProperty(resource_type=kind, tags=own_tags) for kind in ("instance", "volume")
            ],
        ),
        tag_specifications=[
            Data.LaunchTemplateTagSpecificationProperty(resource_type="launch-template", tags=own_tags)
        ],
    )


def _disks(spec: Ec2GroupSpec) -> list[ec2.CfnLaunchTemplate.BlockDeviceMappingProperty]:
    devices = load("instance_families")["volumes"][spec.image.family]
    return [
        Data.BlockDeviceMappingProperty(
            device_name=device,
            ebs=Data.EbsProperty(
                volume_type="gp3",
                volume_size=spec.volume_gib if device == devices[-1] else None,
                encrypted=True,
                kms_key_id=spec.volume_kms_key_arn,
                delete_on_termination=True,
            ),
        )
        for device in devices
    ]


def _fabric(spec: Ec2GroupSpec, groups: list[str]) -> list[ec2.CfnLaunchTemplate.NetworkInterfaceProperty]:
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
