"""CloudWatch alarms on what a control plane reports of itself, without an agent. The alarms: eks_facts/data/alarms.yaml."""

from typing import Annotated

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.cluster_handle import ClusterHandle
from eks_constructs.construct_ids import pascal_case
from eks_constructs.spec import PARTITION, Misplaced, Spec, distinct_values, pattern
from eks_facts.files import load

NAMESPACE = "AWS/EKS"
_MINUTE = 60

TopicArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:sns:[a-z0-9-]{{1,30}}:\d{{12}}:[A-Za-z0-9_-]{{1,256}}",
        "must be the ARN of an SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
]


def _known_alarm(name: str) -> str:
    known = load("alarms")["alarms"]
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return name


AlarmName = Annotated[
    str,
    AfterValidator(_known_alarm),
    Field(json_schema_extra=lambda schema: schema.update(enum=list(load("alarms")["alarms"]))),
]


class AlarmsSpec(Spec):
    """CloudWatch alarms for the control plane: on its errors, its latency, its database, and pods that find no node."""

    topics: Annotated[list[TopicArn], Field(min_length=1, max_length=5), AfterValidator(distinct_values)]
    """SNS topics, of the cluster's region, that hear of an alarm and of its end. An encrypted one must let cloudwatch.amazonaws.com
    use its key (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html)."""
    thresholds: dict[AlarmName, Annotated[int, Field(ge=0, le=1_000_000)]] = {}
    """Other thresholds, by the names and in the units of eks_facts/data/alarms.yaml."""
    without: Annotated[list[AlarmName], AfterValidator(distinct_values)] = []
    """Alarms that are left out."""

    @model_validator(mode="after")
    def _consistent(self) -> "AlarmsSpec":
        for name, threshold in self.thresholds.items():
            most = load("alarms")["alarms"][name].get("below")
            if most is not None and threshold >= most:
                raise Misplaced(f"nothing is above it; it must be below {most}", "thresholds", name)
            if name in self.without:
                raise Misplaced("is of an alarm that is left out; remove one of the two", "thresholds", name)
        if len(self.without) == len(load("alarms")["alarms"]):
            raise Misplaced("leaves no alarm; remove alarms", "without")
        return self


class Alarms(Construct):
    """The alarms of one control plane."""

    def __init__(self, scope: Construct, construct_id: str, spec: AlarmsSpec, *, cluster: ClusterHandle) -> None:
        """Makes them."""
        super().__init__(scope, construct_id)
        for name, row in load("alarms")["alarms"].items():
            if name in spec.without:
                continue
            threshold = spec.thresholds.get(name, row["threshold"])
            cloudwatch.CfnAlarm(
                self,
                pascal_case(name),
                alarm_description=f"{cluster.name}: {row['what']} ({threshold} {row['unit']}). {row['advice']}",
                metrics=_queries(row, cluster.name),
                comparison_operator="GreaterThanThreshold",
                threshold=threshold,
                evaluation_periods=row["minutes"] * _MINUTE // row["period"],
                # A control plane that nobody asks reports nothing of some metrics.
                treat_missing_data="notBreaching",
                alarm_actions=list(spec.topics),
                ok_actions=list(spec.topics),
            )


def _queries(row: dict[str, object], cluster: str) -> list[cloudwatch.CfnAlarm.MetricDataQueryProperty]:
    metrics: dict[str, str] = dict(row["metrics"])  # type: ignore[call-overload]
    expression = row.get("expression")
    found = [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id=key,
            return_data=not expression,
            metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=NAMESPACE,
                    metric_name=metric,
                    dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="ClusterName", value=cluster)],
                ),
                period=int(str(row["period"])),
                stat=str(row["statistic"]),
            ),
        )
        for key, metric in metrics.items()
    ]
    if expression:
        found.append(
            cloudwatch.CfnAlarm.MetricDataQueryProperty(
                id="rate", expression=str(expression), label=str(row["what"]), return_data=True
            )
        )
    return found
