"""The Fargate profiles of a cluster and the role that their pods start with."""

from collections.abc import Sequence

from aws_cdk import aws_eks as eks
from constructs import Construct

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.fargate.objects import log_group_name
from eks_constructs.compute.fargate.spec import FargateProfileSpec, FargateSelectorSpec, FargateSpec
from eks_constructs.construct_ids import pascal_case
from eks_constructs.roles import IamSpec, Statement, allow, arn, role, trust_service
from eks_facts.files import limit
from eks_facts.role_policies import narrowest


class Fargate(Construct):
    """The Fargate profiles of a cluster, made and deleted one after the other, as EKS demands.

    Attributes:
        profiles: the L1 profiles by name, in the order in which they are made.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: FargateSpec,
        *,
        cluster: ClusterHandle,
        network: ClusterNetwork,
        iam: IamSpec,
        system_selectors: list[FargateSelectorSpec],
        pulls: Sequence[Statement] = (),
    ) -> None:
        """Makes the profiles of ``spec`` in private subnets, and those named ``system`` for ``system_selectors`` if there are any."""
        super().__init__(scope, construct_id)
        execution_role = spec.pod_execution_role_arn or self._role(spec, cluster.name, iam, pulls)
        profiles = list(spec.profiles)
        longest = limit("fargate_selectors")
        distinct = [one for index, one in enumerate(system_selectors) if one not in system_selectors[:index]]
        parts = [distinct[first : first + longest] for first in range(0, len(distinct), longest)]
        for number, part in reversed(list(enumerate(parts, start=1))):
            name = "system" if number == 1 else f"system-{number}"
            profiles.insert(0, FargateProfileSpec(name=name, selectors=part))
        self.profiles: dict[str, eks.CfnFargateProfile] = {}
        for profile in profiles:
            resource = eks.CfnFargateProfile(
                self,
                pascal_case(profile.name),
                cluster_name=cluster.ref,
                pod_execution_role_arn=execution_role,
                subnets=network.private_subnet_ids,
                selectors=[
                    eks.CfnFargateProfile.SelectorProperty(
                        namespace=selector.namespace,
                        labels=[
                            eks.CfnFargateProfile.LabelProperty(key=key, value=value)
                            for key, value in selector.labels.items()
                        ]
                        or None,
                    )
                    for selector in profile.selectors
                ],
            )
            if self.profiles:
                # EKS works on one profile of a cluster at a time.
                resource.add_resource_dependency(next(reversed(self.profiles.values())))
            self.profiles[profile.name] = resource

    def _role(self, spec: FargateSpec, cluster: str, iam: IamSpec, pulls: Sequence[Statement]) -> str:
        """Makes the role that pods start with; returns its ARN."""
        statements = []
        if spec.logging:
            group = arn("logs", f"log-group:{log_group_name(cluster)}")
            # ":*" are the log streams of this one group.
            statements = [
                allow(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    [group, f"{group}:*"],
                    sid="WriteToTheLogGroup",
                )
            ]
        made = role(
            self,
            "PodExecutionRole",
            spec=iam,
            name=f"{cluster}-fargate",
            description=f"Fargate in {cluster}: pull images and ship logs",
            # Only profiles of this cluster. https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html
            trust=trust_service(
                "eks-fargate-pods.amazonaws.com",
                conditions={"ArnLike": {"aws:SourceArn": arn("eks", f"fargateprofile/{cluster}/*")}},
            ),
            managed=narrowest("fargate_pods"),
            statements=[*statements, *pulls],
        )
        return made.attr_arn
