"""Log groups by name."""

from __future__ import annotations

from responsibility.reading.facts import Fact, Facts
from responsibility.reading.partly_known import joined, may_be
from responsibility.reading.values import Unknown, has_gap

_TYPES = ("Custom::LogRetention", "AWS::Logs::LogGroup")
"""What sets the retention of a log group; the first is the CDK's, for groups made elsewhere."""

_OF_A_CLUSTER = joined("/aws/eks/", str(Unknown("which cluster")), "/cluster")


class LogGroups(dict[str, Fact]):
    """What sets how long a log group keeps its logs, by the text of the group's name.

    Gaps stay in the text: the same gap in two names is the same parameter.
    """

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.may_be_a_cluster: list[Fact] = []
        """Those whose name is not known to the end and may be that of a control plane's group."""
        for group in (group for kind in _TYPES for group in facts.of_type(kind)):
            name = str(group.resource.properties.get("LogGroupName", ""))
            self[name] = group
            if has_gap(name) and may_be(name, _OF_A_CLUSTER):
                self.may_be_a_cluster.append(group)
