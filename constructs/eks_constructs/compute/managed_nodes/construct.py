"""The managed node groups of a cluster, their role and their launch templates."""

from collections.abc import Mapping

from aws_cdk import CfnTag
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.managed_nodes.spec import REVISION_LABEL, ManagedNodesSpec, NodeGroupSpec, plugin_label
from eks_constructs.compute.managed_nodes.updates import repair_config, warm_pool_config
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.taints import eks_effect
from eks_constructs.construct_ids import pascal_case
from eks_constructs.roles import IamSpec, role, trust_service
from eks_facts.role_policies import narrowest


class ManagedNodes(Construct):
    """The managed node groups of a cluster.

    Attributes:
        role_arn: the nodes' IAM role, without the CNI's permissions.
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
        sizes: Mapping[str, int] | None = None,
        revision: str | None = None,
    ) -> None:
        """Makes the groups of one revision, in the private subnets of ``network``; ``tags`` go to instances and volumes too.

        ``sizes``: desired sizes by name, of groups that an autoscaler changes: any deploy that changes a size sets it.
        """
        super().__init__(scope, construct_id)
        self._sizes = sizes or {}
        self._cluster = cluster
        self._version = spec.kubernetes_version or kubernetes_version
        self._network, self._tags = network, tags
        self.role_arn = spec.role_arn or self._role(spec, iam, revision)
        self.groups = {group.name: self._group(group) for group in spec.groups if group.revision == revision}

    def _role(self, spec: ManagedNodesSpec, iam: IamSpec, revision: str | None) -> str:
        """Makes the nodes' role; returns its ARN."""
        cluster = self._cluster.name
        managed = list(narrowest("ec2_nodes"))
        if spec.session_manager:
            managed.append("AmazonSSMManagedInstanceCore")
        # No confused-deputy condition: EC2 sends none when it takes an instance role.
        made = role(
            self,
            "NodeRole",
            spec=iam,
            name=f"{cluster}-nodes-{revision}" if revision else f"{cluster}-nodes",
            description=f"EC2 nodes of {cluster}: join the cluster and pull images",
            trust=trust_service("ec2.amazonaws.com"),
            managed=managed,
        )
        return made.attr_arn

    def _group(self, spec: NodeGroupSpec) -> eks.CfnNodegroup:
        pascal = pascal_case(spec.name)
        template = self._launch_template(spec, pascal)
        return eks.CfnNodegroup(
            self,
            pascal,
            cluster_name=self._cluster.ref,
            node_role=self.role_arn,
            subnets=self._network.private_subnet_ids,
            ami_type=spec.ami_type,
            capacity_type=spec.capacity_type,
            instance_types=list(spec.instance_types),
            version=None if spec.release_version else spec.kubernetes_version or self._version,
            release_version=spec.release_version,
            scaling_config=eks.CfnNodegroup.ScalingConfigProperty(
                min_size=spec.min_size,
                # EKS wants it of a new group; CloudFormation does nothing where a template no longer has it:
                # https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupScalingConfig.html
                desired_size=self._sizes.get(spec.name, None if spec.desired_size == "keep" else spec.desired),
                max_size=spec.max_size,
            ),
            update_config=eks.CfnNodegroup.UpdateConfigProperty(
                max_unavailable_percentage=spec.max_unavailable_percentage,
                update_strategy=spec.update_strategy,
            ),
            force_update_enabled=spec.force_update,
            node_repair_config=repair_config(spec.node_repair),
            warm_pool_config=warm_pool_config(spec.warm_pool),
            launch_template=eks.CfnNodegroup.LaunchTemplateSpecificationProperty(
                id=template.ref, version=template.attr_latest_version_number
            ),
            labels={
                **spec.labels,
                KIND_LABEL: "managed_nodes",
                **plugin_label(spec),
                **({REVISION_LABEL: spec.revision} if spec.revision else {}),
            },
            taints=[
                eks.CfnNodegroup.TaintProperty(key=taint.key, value=taint.value, effect=eks_effect(taint.effect))
                for taint in spec.taints
            ]
            or None,
            tags={**self._tags, "Name": f"{self._cluster.name}-{spec.name}"},
        )

    def _launch_template(self, spec: NodeGroupSpec, pascal: str) -> ec2.CfnLaunchTemplate:
        tags = [
            CfnTag(key=key, value=value)
            for key, value in {**self._tags, "Name": f"{self._cluster.name}-{spec.name}"}.items()
        ]
        bottlerocket = spec.ami_type.startswith("BOTTLEROCKET")
        # Bottlerocket keeps its operating system on a small first volume, and images and logs on a second one.
        volumes = {"/dev/xvda": None, "/dev/xvdb": spec.volume_gib} if bottlerocket else {"/dev/xvda": spec.volume_gib}
        return ec2.CfnLaunchTemplate(
            self,
            f"{pascal}Template",
            version_description=f"Nodes of {self._cluster.name}, group {spec.name}",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_endpoint="enabled",
                    http_tokens="required",
                    # One hop: pods cannot take the node's role through the instance metadata service.
                    http_put_response_hop_limit=1,
                ),
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name=device,
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            volume_type="gp3",
                            volume_size=size,
                            encrypted=True,
                            kms_key_id=spec.volume_kms_key_arn,
                            delete_on_termination=True,
                        ),
                    )
                    for device, size in volumes.items()
                ],
                tag_specifications=[
                    ec2.CfnLaunchTemplate.TagSpecificationProperty(resource_type=kind, tags=tags)
                    for kind in ("instance", "volume")
                ],
            ),
            tag_specifications=[
                ec2.CfnLaunchTemplate.LaunchTemplateTagSpecificationProperty(resource_type="launch-template", tags=tags)
            ],
        )
