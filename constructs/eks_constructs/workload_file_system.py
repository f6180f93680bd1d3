"""An EFS file system of a workload, for pods on Fargate: they mount it by ids, with nothing provisioned at run time."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs
from constructs import Construct

from eks_constructs.roles import arn, document

NFS = 2049
FOLDER = "/data"
"""What the access point shows its users as the root."""


class WorkloadFileSystem(Construct):
    """An encrypted file system with a mount target in each AZ, reached from the cluster alone, backed up every day.

    https://docs.aws.amazon.com/eks/latest/userguide/efs-csi.html (Fargate: static provisioning only)

    Attributes:
        file_system_id: its id.
        access_point_id: of the only way in: a folder that belongs to the workload's user, as whom everybody acts there.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        vpc_id: str,
        subnet_ids: Sequence[str],
        cluster_security_group_id: str,
        owner: tuple[int, int],
        retain: bool,
    ) -> None:
        """Makes the file system for pods that run as ``owner`` (user and group); with ``retain`` it outlives its stack.

        ``subnet_ids``: one of each AZ, which EFS takes a single mount target in.
        https://docs.aws.amazon.com/efs/latest/ug/manage-fs-access-create-delete-mount-targets.html
        """
        super().__init__(scope, construct_id)
        group = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description=f"NFS to the files of {name}, from pods of the cluster",
            vpc_id=vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=NFS,
                    to_port=NFS,
                    source_security_group_id=cluster_security_group_id,
                    description="NFS from pods of the cluster",
                )
            ],
            # Mount targets begin no connection; without a rule EC2 would allow all.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp",
                    from_port=252,
                    to_port=86,
                    cidr_ip="255.255.255.255/32",
                    description="Nothing out",
                )
            ],
        )
        cdk.Tags.of(group).add("Name", f"{name}-files")
        system = efs.CfnFileSystem(
            self,
            "FileSystem",
            encrypted=True,
            file_system_policy=_policy(),
            backup_policy=efs.CfnFileSystem.BackupPolicyProperty(status="ENABLED"),
            lifecycle_policies=[
                efs.CfnFileSystem.LifecyclePolicyProperty(transition_to_ia="AFTER_30_DAYS"),
                efs.CfnFileSystem.LifecyclePolicyProperty(transition_to_primary_storage_class="AFTER_1_ACCESS"),
            ],
        )
        cdk.Tags.of(system).add("Name", f"{name}-files")
        system.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else cdk.RemovalPolicy.DESTROY
        )
        self.mount_targets = [
            efs.CfnMountTarget(
                self,
                f"MountTarget{number}",
                file_system_id=system.ref,
                subnet_id=subnet_id,
                security_groups=[group.attr_group_id],
            )
            for number, subnet_id in enumerate(subnet_ids, start=1)
        ]
        user, group_id = owner
        access_point = efs.CfnAccessPoint(
            self,
            "AccessPoint",
            file_system_id=system.ref,
            posix_user=efs.CfnAccessPoint.PosixUserProperty(uid=str(user), gid=str(group_id)),
            root_directory=efs.CfnAccessPoint.RootDirectoryProperty(
                path=FOLDER,
                # The root of a file system is root's: EFS makes the folder, and gives it away, when it is first mounted.
                creation_info=efs.CfnAccessPoint.CreationInfoProperty(
                    owner_uid=str(user), owner_gid=str(group_id), permissions="0750"
                ),
            ),
        )
        cdk.Tags.of(access_point).add("Name", f"{name}-files")
        access_point.apply_removal_policy(
            cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else cdk.RemovalPolicy.DESTROY
        )
        self.file_system_id, self.access_point_id = system.ref, access_point.ref


def _policy() -> dict[str, object]:
    """Lets clients mount by an access point, over TLS, and in no other way.

    Without a policy whoever reaches a mount target mounts the root, as root. Clients are anonymous: the driver that Fargate
    brings signs nothing, so the security group says which. The policy cannot name its own file system or access point
    (CloudFormation would wait for itself), and need not: an access point belongs to one file system.
    https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
    """
    points = arn("elasticfilesystem", "access-point/*")
    return document(
        [
            {
                "Sid": "MountByAccessPoint",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
                "Condition": {
                    "Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"},
                    "ArnLike": {"elasticfilesystem:AccessPointArn": points},
                },
            },
            {
                "Sid": "OverTlsAlone",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]
    )
