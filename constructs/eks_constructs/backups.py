"""A plan of AWS Backup for a cluster: its Kubernetes objects, and the volumes and file systems of its claims.

https://docs.aws.amazon.com/eks/latest/userguide/integration-backup.html
"""

from typing import Annotated

from aws_cdk import aws_backup as backup
from constructs import Construct
from pydantic import Field, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.roles import IamSpec, role, trust_service
from eks_constructs.spec import PARTITION, Misplaced, Spec, pattern

POLICIES = "service-role/AWSBackupServiceRolePolicyForBackup"
BUCKETS = "AWSBackupServiceRolePolicyForS3Backup"

VaultName = Annotated[
    str, pattern(r"[A-Za-z0-9_-]{2,50}", "must be the name of a backup vault: 2 to 50 letters, digits, - and _")
]
VaultArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:backup:[a-z0-9-]{{1,30}}:\d{{12}}:backup-vault:[A-Za-z0-9_-]{{2,50}}",
        "must be the ARN of a backup vault: arn:aws:backup:REGION:ACCOUNT:backup-vault:NAME",
    ),
]


def _list_of(value: str, *more: str) -> str:
    """Returns a pattern of one field: values, ranges and steps, and what else the field may be."""
    one = "|".join((rf"(\*|({value})(-({value}))?)(/\d{{1,3}})?", *more))
    return rf"({one})(,({one})){{0,60}}"


_HOUR = _list_of(r"[01]?\d|2[0-3]")
_DAY = _list_of(r"0?[1-9]|[12]\d|3[01]", "LW?", r"(0?[1-9]|[12]\d|3[01])W")
_MONTH = _list_of(r"0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC")
_WEEKDAY = _list_of(r"[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT", "[1-7]?L", "[1-7]#[1-5]")
_YEAR = _list_of(r"19[7-9]\d|2[01]\d\d")
Schedule = Annotated[
    str,
    pattern(
        # One minute: "The interval between backup jobs shouldn't be less than 60 minutes", says AWS Backup.
        rf"cron\([0-5]?\d {_HOUR} ({_DAY} {_MONTH} \?|\? {_MONTH} {_WEEKDAY}) {_YEAR}\)",
        "must be a schedule of six fields, such as cron(0 5 * * ? *): minute hour day month weekday year; the day or the weekday is ?,"
        " and the minute is one number: AWS Backup starts a job once an hour at most",
    ),
]
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html"""


class BackupSpec(Spec):
    """Backups of the cluster by AWS Backup. Switch EKS on once in the region's settings: `aws backup update-region-settings
    --resource-type-opt-in-preference EKS=true`."""

    schedule: Schedule = "cron(0 5 * * ? *)"
    """When, in UTC."""
    keep_days: Annotated[int, Field(ge=1, le=36_500)] = 35
    """Days that a backup is kept."""
    vault: VaultName | None = None
    """A vault that exists. Default: one is made in the foundation, with a key of its own, and stays as the foundation does."""
    copy_to: VaultArn | None = None
    """A vault of another region or account that gets a copy of each backup. Its policy must let this account copy into it."""
    buckets: bool = False
    """Also backs up buckets that pods mount (Mountpoint for S3). They need versioning and EventBridge notifications."""

    @model_validator(mode="after")
    def _elsewhere(self) -> "BackupSpec":
        if self.copy_to and self.vault and self.copy_to.endswith(f":backup-vault:{self.vault}"):
            raise Misplaced("has the name of the vault itself; a copy belongs elsewhere", "copy_to")
        return self


class Backups(Construct):
    """The plan, what it selects, and the role that AWS Backup takes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: BackupSpec,
        *,
        cluster: ClusterHandle,
        vault: str,
        iam: IamSpec,
    ) -> None:
        """Makes a plan for ``cluster`` that fills the vault of the name ``vault``."""
        super().__init__(scope, construct_id)
        kept = backup.CfnBackupPlan.LifecycleResourceTypeProperty(delete_after_days=spec.keep_days)
        plan = backup.CfnBackupPlan(
            self,
            "Plan",
            backup_plan=backup.CfnBackupPlan.BackupPlanResourceTypeProperty(
                backup_plan_name=f"{cluster.name}-eks",
                backup_plan_rule=[
                    backup.CfnBackupPlan.BackupRuleResourceTypeProperty(
                        rule_name="scheduled",
                        target_backup_vault=vault,
                        schedule_expression=spec.schedule,
                        lifecycle=kept,
                        copy_actions=[
                            backup.CfnBackupPlan.CopyActionResourceTypeProperty(
                                destination_backup_vault_arn=spec.copy_to, lifecycle=kept
                            )
                        ]
                        if spec.copy_to
                        else None,
                    )
                ],
            ),
        )
        # It makes itself an access entry in the cluster: https://docs.aws.amazon.com/aws-backup/latest/devguide/eks-backups.html
        taken = role(
            self,
            "Role",
            spec=iam,
            name=f"{cluster.name}-backup",
            description=f"AWS Backup saves {cluster.name} and the volumes of its pods with it",
            trust=trust_service("backup.amazonaws.com"),
            managed=[POLICIES, *([BUCKETS] if spec.buckets else [])],
        )
        backup.CfnBackupSelection(
            self,
            "Selection",
            backup_plan_id=plan.attr_backup_plan_id,
            backup_selection=backup.CfnBackupSelection.BackupSelectionResourceTypeProperty(
                selection_name=cluster.name, iam_role_arn=taken.attr_arn, resources=[cluster.arn]
            ),
        )
