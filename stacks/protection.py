"""Protection stack: the last of a cluster, so the first to be deleted. CloudFormation refuses that before anything is lost."""

import aws_cdk as cdk
from constructs import Construct

from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.model import Environment
from stacks.environment_stack import EnvironmentStack


class ProtectionStack(EnvironmentStack):
    """A stack of nothing, with termination protection where the cluster has deletion protection.

    `cdk destroy` begins with it. Termination protection of the other stacks would come too early: the CLI switches it on before it
    makes a stack, and then cannot delete one whose first deploy failed to make it again.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        spec: ClusterSpec,
        *,
        environment: Environment,
    ) -> None:
        """Makes the stack."""
        super().__init__(
            scope,
            construct_id,
            environment,
            f"keeps the stacks of {spec.name} from being deleted by mistake",
            termination_protection=spec.control_plane.deletion_protection,
        )
        # A template needs a resource. This one makes nothing and costs nothing.
        cdk.CfnWaitConditionHandle(self, "Nothing")
