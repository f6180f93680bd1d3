"""Names of EC2 instance types."""

from typing import Annotated

from eks_constructs.spec import pattern

InstanceType = Annotated[
    str, pattern(r"[a-z][a-z0-9-]{0,30}\.[a-z0-9-]{1,30}", "must be an EC2 instance type, such as m7g.large")
]
