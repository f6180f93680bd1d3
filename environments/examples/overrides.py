"""What this environment has beyond its file: a parameter by which other stacks find the clusters' security groups."""

from aws_cdk import aws_ssm as ssm

from stacks.platform import Platform


def customize(platform: Platform) -> None:
    """Adds to the finished stacks. The overrides of the file and every check of the synth follow."""
    for stack in platform.control_planes:
        ssm.CfnParameter(
            stack,
            "SecurityGroupParameter",
            name=f"/{platform.environment.name}/{stack.spec.name}/security-group",
            description=f"Security group of the cluster {stack.spec.name}, for what its pods may reach",
            type="String",
            value=stack.security_group_id,
        )
