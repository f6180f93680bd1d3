"""What a synth says of a cluster that is no problem: what it could not check, what waits for another command."""

import aws_cdk as cdk

from stacks.environment.cluster_spec import ClusterSpec, LockFile
from stacks.environment.model import Environment
from stacks.workloads import late_addons


def say_what_is_not_checked(
    stack: cdk.Stack, spec: ClusterSpec, environment: Environment, lock: LockFile | None
) -> None:
    """Prints which settings of add-ons were not checked against a schema, and how to check them; and placement groups in several AZs."""
    if left := spec.unchecked_settings(lock):
        cdk.Annotations.of(stack).add_info(
            f"{spec.name}: whether EKS takes these settings is not known here: {', '.join(left)}."
            f" make lock-addons ENV={environment.env} asks it for the settings that each add-on has."
        )
    if groups := in_several_zones(spec):
        cdk.Annotations.of(stack).add_info(
            f"{spec.name}: whether the placement groups of {', '.join(groups)} are cluster groups is not known here. Those are in one AZ"
            " (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html), and instances in others do not start:"
            " say availability_zones with the one."
        )


def in_several_zones(spec: ClusterSpec) -> list[str]:
    """Returns the groups of nodes with a placement group that are not kept to one AZ."""
    return [
        group.name
        for section in spec.compute.sections.values()
        for group in getattr(section, "groups", ())
        if group.placement_group and len(group.availability_zones or group.subnet_ids) != 1
    ]


def say_what_waits(stack: cdk.Stack, spec: ClusterSpec, environment: Environment, *, before_pools: bool) -> None:
    """Prints which add-ons wait for node pools that come with the Kubernetes objects."""
    waiting = ", ".join(addon.name for addon in late_addons(spec, before_pools=False))
    if not waiting or spec.delivered_by_stack:
        return
    if spec.compute.mix.deployments_run_on == "hybrid_nodes":
        text = f"{waiting} wait for hybrid nodes, which people join once the cluster is there (docs/hybrid.md). Then deploy again"
        cdk.Annotations.of(stack).add_info(f"{spec.name}: {text}.")
        return
    maker = "a sync of what make gitops writes" if spec.delivery == "gitops" else f"make apply ENV={environment.env}"
    steps = f"{maker} makes the node pools, then make deploy ENV={environment.env} what waits for them"
    if before_pools:
        text = f"Add-ons that are left out of this first deploy, for nothing would run them: {waiting}. {steps}"
    else:
        new = f"If {spec.name} is new, a plain cdk deploy wants -c before_pools={spec.name}"
        text = f"Add-ons that need the nodes of its node pools: {waiting}. {new}; {steps}"
    cdk.Annotations.of(stack).add_info(f"{spec.name}: {text}.")
