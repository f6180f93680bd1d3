"""The Auto Scaling groups of a cluster's self-managed nodes, their role, and the way in for it.

https://docs.aws.amazon.com/eks/latest/userguide/worker.html
"""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_eks as eks
from aws_cdk import aws_iam as iam_resources
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle, Joining
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.ec2_nodes.launch_template import launch_template
from eks_constructs.compute.ec2_nodes.role import node_role
from eks_constructs.compute.ec2_nodes.settings import image_from
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.self_managed_nodes.refresh import update_policy
from eks_constructs.compute.self_managed_nodes.spec import SelfManagedGroupSpec, SelfManagedNodesSpec
from eks_constructs.compute.self_managed_nodes.tags import group_tags, tags_of_instances
from eks_constructs.construct_ids import pascal_case
from eks_constructs.roles import IamSpec, Statement

Group = autoscaling.CfnAutoScalingGroup


class SelfManagedNodes(Construct):
    """The Auto Scaling groups of a cluster.

    Attributes:
        role_arns: the nodes' IAM roles, without the CNI's permissions, by whether the nodes have Windows.
        groups: the L1 groups by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: SelfManagedNodesSpec,
        *,
        cluster: ClusterHandle,
        kubernetes_version: str,
        network: ClusterNetwork,
        iam: IamSpec,
        tags: Mapping[str, str],
        security_group_id: str,
        joining: Joining,
        pods: PodAddresses | None = None,
        pulls: Sequence[Statement] = (),
    ) -> None:
        """Makes the groups in the private subnets of ``network``; ``tags`` go to instances and volumes too.

        ``security_group_id`` is the one that EKS made; ``joining`` is what nodes must know of the cluster, ``pods`` how their pods get
        addresses.
        """
        super().__init__(scope, construct_id)
        self._cluster, self._network, self._tags = cluster, network, tags
        self._security_group_id, self._joining, self._pods = security_group_id, joining, pods or PodAddresses()
        self._version = spec.kubernetes_version or kubernetes_version
        self._autoscaled = spec.cluster_autoscaler.enabled
        self._profiles: dict[bool, str] = {}
        self.role_arns: dict[bool, str] = {}
        entries: dict[bool, eks.CfnAccessEntry] = {}
        # An access entry has one type, so Windows nodes have a role of their own.
        for windows in sorted({group.windows for group in spec.groups}):
            system = "Windows" if windows else ""
            existing = spec.windows_role_arn if windows else spec.role_arn
            if existing:
                arn, name = existing, existing.rpartition("/")[2]
            else:
                made = node_role(
                    self,
                    f"{system}NodeRole",
                    iam=iam,
                    cluster=cluster.name,
                    purpose=f"self-managed-nodes{'-windows' if windows else ''}",
                    policies=spec.node_policies,
                    session_manager=spec.session_manager,
                    statements=pulls,
                )
                arn, name = made.attr_arn, made.ref
            profile = iam_resources.CfnInstanceProfile(self, f"{system}NodeProfile", path=iam.path, roles=[name])
            self.role_arns[windows], self._profiles[windows] = arn, profile.attr_arn
            # EKS makes one by itself for managed node groups alone.
            kind = "EC2_WINDOWS" if windows else "EC2_LINUX"
            entries[windows] = eks.CfnAccessEntry(
                self, f"{system}NodeAccess", cluster_name=cluster.ref, principal_arn=arn, type=kind
            )
        self.groups = {group.name: self._group(group) for group in spec.groups}
        for group in spec.groups:
            # A node that comes before it is refused.
            self.groups[group.name].add_resource_dependency(entries[group.windows])

    def _group(self, spec: SelfManagedGroupSpec) -> Group:
        pascal = pascal_case(spec.name)
        cluster = self._cluster.name
        tags = {**self._tags, **spec.tags, "Name": f"{cluster}-{spec.name}"}
        labels = {**spec.labels, KIND_LABEL: "self_managed_nodes", **spec.device_labels}
        block = spec.capacity == "capacity-block"
        version = spec.kubernetes_version or self._version
        template = launch_template(
            self,
            f"{pascal}Template",
            spec,
            image_id=spec.ami.image_id
            if spec.ami
            else image_from(spec.image.image_parameter(version, spec.ami_release)),
            instance_type=spec.instance_types[0] if block else None,
            capacity_block=block,
            cluster=cluster,
            labels=labels,
            tags=tags,
            security_group_id=self._security_group_id,
            joining=self._joining,
            pods=self._pods,
            instance_profile_arn=self._profiles[spec.windows],
            hop_limit=spec.metadata_hop_limit,
        )
        made_from = Group.LaunchTemplateSpecificationProperty(
            launch_template_id=template.ref, version=template.attr_latest_version_number
        )
        group = Group(
            self,
            pascal,
            min_size=str(spec.min_size),
            max_size=str(spec.max_size),
            # Left out, CloudFormation sets it once and leaves alone what an autoscaler makes of it.
            desired_capacity=None if spec.desired_size is None else str(spec.desired_size),
            vpc_zone_identifier=spec.subnet_ids or self._network.subnets_in(spec.availability_zones, spec.local_zones),
            launch_template=made_from if block else None,
            mixed_instances_policy=None if block else _mixed(spec, made_from),
            capacity_rebalance=spec.capacity_rebalance if spec.capacity == "spot" else None,
            default_instance_warmup=spec.refresh.warmup_seconds,
            health_check_type="EC2",
            health_check_grace_period=spec.refresh.warmup_seconds,
            max_instance_lifetime=spec.max_lifetime_days * 86400 if spec.max_lifetime_days else None,
            # Of nodes that are new: an old launch template's have the oldest image.
            termination_policies=["OldestLaunchTemplate", "Default"],
            tags=[
                # Of instances, not of their volumes: those would look like ones that pods left.
                *(_tag(key, value, launched=True) for key, value in {**tags, **tags_of_instances(cluster)}.items()),
                *(
                    _tag(key, value, launched=False)
                    for key, value in group_tags(spec, cluster, labels, autoscaled=self._autoscaled).items()
                ),
            ],
        )
        group.cfn_options.update_policy = update_policy(spec.refresh)
        # A resource of its own, which goes before the group: the nodes of a group that is deleted have nobody left to drain them.
        autoscaling.CfnLifecycleHook(
            self,
            f"{pascal}Drain",
            auto_scaling_group_name=group.ref,
            lifecycle_transition="autoscaling:EC2_INSTANCE_TERMINATING",
            default_result="CONTINUE",
            heartbeat_timeout=spec.drain_seconds,
        )
        return group


def _mixed(
    spec: SelfManagedGroupSpec, made_from: Group.LaunchTemplateSpecificationProperty
) -> Group.MixedInstancesPolicyProperty:
    spot = spec.capacity == "spot"
    return Group.MixedInstancesPolicyProperty(
        launch_template=Group.LaunchTemplateProperty(
            launch_template_specification=made_from,
            overrides=[Group.LaunchTemplateOverridesProperty(instance_type=one) for one in spec.instance_types],
        ),
        instances_distribution=Group.InstancesDistributionProperty(
            on_demand_allocation_strategy="prioritized",
            on_demand_base_capacity=spec.on_demand_base if spot else 0,
            on_demand_percentage_above_base_capacity=spec.on_demand_percentage if spot else 100,
            # https://docs.aws.amazon.com/autoscaling/ec2/userguide/allocation-strategies.html
            spot_allocation_strategy="price-capacity-optimized" if spot else None,
        ),
    )


def _tag(key: str, value: str, *, launched: bool) -> Group.TagPropertyProperty:
    return Group.TagPropertyProperty(key=key, value=value, propagate_at_launch=launched)
