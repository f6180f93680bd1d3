"""The managed node groups of a cluster, their role and their launch templates."""

from collections.abc import Callable, Mapping, Sequence

from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle, Joining
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.ec2_nodes.launch_template import launch_template
from eks_constructs.compute.ec2_nodes.role import node_role
from eks_constructs.compute.ec2_nodes.user_data import PodAddresses
from eks_constructs.compute.managed_nodes.spec import REVISION_LABEL, ManagedNodesSpec, NodeGroupSpec
from eks_constructs.compute.managed_nodes.updates import repair_config, warm_pool_config
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.taints import eks_effect
from eks_constructs.construct_ids import pascal_case
from eks_constructs.roles import IamSpec, Statement


class ManagedNodes(Construct):
    """The managed node groups of a cluster.

    Attributes:
        role_arns: the nodes' IAM roles, without the CNI's permissions, by whether the nodes have Windows.
        groups: the L1 node groups by name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ManagedNodesSpec,
        *,
        cluster: ClusterHandle,
        kubernetes_version: str,
        network: ClusterNetwork,
        iam: IamSpec,
        tags: Mapping[str, str],
        security_group_id: str,
        joining: Callable[[], Joining] | None = None,
        pods: PodAddresses | None = None,
        sizes: Mapping[str, int] | None = None,
        pulls: Sequence[Statement] = (),
        revision: str | None = None,
    ) -> None:
        """Makes the groups of one revision, in the private subnets of ``network``; ``tags`` go to instances and volumes too.

        ``security_group_id`` is the one that EKS made; ``joining`` returns what nodes with an AMI of their own must know of the
        cluster, ``pods`` how their pods get addresses. ``sizes``: desired sizes by name, of groups that an autoscaler changes: any
        deploy that changes a size sets it.
        """
        super().__init__(scope, construct_id)
        self._sizes = sizes or {}
        self._security_group_id, self._joining, self._pods = security_group_id, joining, pods or PodAddresses()
        self._cluster = cluster
        self._version = spec.kubernetes_version or kubernetes_version
        self._network, self._tags = network, tags
        mine = [group for group in spec.groups if group.revision == revision]
        # EKS makes the access entries: one type to a role, so Windows nodes have one of their own.
        self.role_arns = {
            windows: (spec.windows_role_arn if windows else spec.role_arn)
            or node_role(
                self,
                "WindowsNodeRole" if windows else "NodeRole",
                iam=iam,
                cluster=cluster.name,
                purpose="-".join(["nodes", *([revision] if revision else []), *(["windows"] if windows else [])]),
                policies=spec.node_policies,
                session_manager=spec.session_manager,
                statements=pulls,
            ).attr_arn
            for windows in sorted({group.windows for group in mine})
        }
        self.groups = {group.name: self._group(group) for group in mine}

    def _group(self, spec: NodeGroupSpec) -> eks.CfnNodegroup:
        pascal = pascal_case(spec.name)
        tags = {**self._tags, **spec.tags, "Name": f"{self._cluster.name}-{spec.name}"}
        labels = {
            **spec.labels,
            KIND_LABEL: "managed_nodes",
            **spec.device_labels,
            **({REVISION_LABEL: spec.revision} if spec.revision else {}),
        }
        # EKS takes ids of images alone, so CloudFormation reads the parameter and not EC2; and it refuses an instance type along
        # with an AMI id, and one along with that of a Capacity Block's template.
        block, own_ami = spec.capacity == "capacity-block", spec.ami is not None
        if own_ami and self._joining is None:
            raise ValueError(f"nothing says how nodes of group {spec.name} join the cluster {self._cluster.name}")
        template = launch_template(
            self,
            f"{pascal}Template",
            spec,
            image_id=spec.ami.image_id if spec.ami else None,
            instance_type=spec.instance_types[0] if block else None,
            capacity_block=block,
            cluster=self._cluster.name,
            labels=labels,
            tags=tags,
            security_group_id=self._security_group_id,
            joining=self._joining() if spec.ami and self._joining else None,
            pods=self._pods,
        )
        return eks.CfnNodegroup(
            self,
            pascal,
            cluster_name=self._cluster.ref,
            node_role=self.role_arns[spec.windows],
            subnets=spec.subnet_ids or self._network.subnets_in(spec.availability_zones, spec.local_zones),
            ami_type=None if own_ami else spec.ami_type,
            capacity_type=spec.capacity_type,
            instance_types=None if block else list(spec.instance_types),
            version=None if spec.release_version or own_ami else spec.kubernetes_version or self._version,
            release_version=spec.release_version,
            scaling_config=eks.CfnNodegroup.ScalingConfigProperty(
                min_size=spec.min_size,
                # EKS wants it of a new group; CloudFormation does nothing where a template no longer has it:
                # https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
                desired_size=self._sizes.get(spec.name, None if spec.desired_size == "keep" else spec.desired),
                max_size=spec.max_size,
            ),
            update_config=eks.CfnNodegroup.UpdateConfigProperty(
                max_unavailable=spec.max_unavailable,
                max_unavailable_percentage=None if spec.max_unavailable else spec.max_unavailable_percentage,
                update_strategy=spec.update_strategy,
            ),
            force_update_enabled=spec.force_update,
            node_repair_config=repair_config(spec.node_repair),
            warm_pool_config=warm_pool_config(spec.warm_pool),
            launch_template=eks.CfnNodegroup.LaunchTemplateSpecificationProperty(
                id=template.ref, version=template.attr_latest_version_number
            ),
            labels=labels,
            taints=[
                eks.CfnNodegroup.TaintProperty(key=taint.key, value=taint.value, effect=eks_effect(taint.effect))
                for taint in spec.node_taints
            ]
            or None,
            tags=tags,
        )
