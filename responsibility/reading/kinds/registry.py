"""The kinds of compute that the review knows. A new one is a file beside this one, a line here, and its rows of the model."""

from responsibility.reading.kinds.auto_mode import AutoMode
from responsibility.reading.kinds.fargate import Fargate
from responsibility.reading.kinds.hybrid_nodes import HybridNodes
from responsibility.reading.kinds.kind import Kind
from responsibility.reading.kinds.managed_nodes import ManagedNodes
from responsibility.reading.kinds.self_managed_nodes import SelfManaged

KINDS: list[Kind] = [AutoMode(), ManagedNodes(), Fargate(), HybridNodes(), SelfManaged()]
"""In the order in which they are named."""
