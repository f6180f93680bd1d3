"""A check of alarms on what a control plane reports of itself."""

from __future__ import annotations

from collections.abc import Iterator

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Cluster
from responsibility.reading.facts import Fact, key_of
from responsibility.reading.resource import UnknownValue

_NAMESPACE = "AWS/EKS"
"""EKS reports to it by itself (https://docs.aws.amazon.com/eks/latest/userguide/cloudwatch.html)."""


@check("EKR425", Cluster)
def alarms_watch_it(cluster: Cluster) -> Answer:
    """Applies where the templates make alarms. Which metrics are worth one is not judged."""
    alarms = cluster.facts.of_type("AWS::CloudWatch::Alarm")
    if not alarms:
        return not_applicable("no alarm is among what was read")
    silent: list[Fact] = []
    unknown: UnknownValue | None = None
    for alarm in alarms:
        try:
            if any(_watches(alarm, path, cluster) for path in _metrics(alarm)):
                if _tells(alarm):
                    return met(f"is watched by {alarm.words}", alarm.at())
                silent.append(alarm)
        except UnknownValue as error:
            unknown = unknown or error
    if unknown:
        raise unknown
    if silent:
        return open_(
            "has alarms that nobody gets: they have no action", *(alarm.at("AlarmActions") for alarm in silent)
        )
    return open_("has no alarm, and others have one", cluster.at())


def _metrics(alarm: Fact) -> Iterator[str]:
    """Yields the path before the properties of each metric."""
    if alarm.get("MetricName"):
        yield ""
    for path, _ in alarm.resource.items("Metrics"):
        if alarm.get(f"{path}.MetricStat"):
            yield f"{path}.MetricStat.Metric."


def _watches(alarm: Fact, path: str, cluster: Cluster) -> bool:
    if alarm.get(f"{path}Namespace") != _NAMESPACE:
        return False
    for of, _ in alarm.resource.items(f"{path}Dimensions"):
        if alarm.get(f"{of}.Name") == "ClusterName":
            value = alarm.get(f"{of}.Value", "")
            if key_of(value):
                return key_of(value) == cluster.resource.key
            return bool(value == cluster.given_name)
    return False


def _tells(alarm: Fact) -> bool:
    """Whether it does something when the metric is bad."""
    if str(alarm.get("ActionsEnabled", True)).lower() == "false":
        return False
    return bool(alarm.resource.items("AlarmActions"))
