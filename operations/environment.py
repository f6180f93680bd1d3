"""An environment, and the names of its stacks."""

import re
from collections.abc import Sequence
from datetime import date

from eks_constructs.network_spec import NetworkSpec
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from stacks.environment.cluster_spec import ClusterSpec
from stacks.environment.loading import load_environment
from stacks.environment.model import Environment
from stacks.environment.path import environment_path
from stacks.environment.problems import did_you_mean
from stacks.environment.stack_names import (
    access_stack,
    capabilities_stack,
    compute_stack,
    control_plane_stack,
    egress_stack,
    foundation_stack,
    network_stack,
    protection_stack,
    services_stack,
    workloads_stack,
)


def cluster_stacks(environment: Environment, cluster: ClusterSpec) -> list[str]:
    """Returns the names that stacks of a cluster may have, in the order in which they are deleted."""
    name = environment.name
    return [
        protection_stack(name, cluster.name),
        workloads_stack(name, cluster.name),
        capabilities_stack(name, cluster.name),
        services_stack(name, cluster.name),
        *compute_stacks(environment, cluster),
        access_stack(name, cluster.name),
        control_plane_stack(name, cluster.name),
    ]


def compute_stacks(environment: Environment, cluster: ClusterSpec) -> list[str]:
    """Returns the names of the stacks of a cluster's compute, in the order in which they are deleted."""
    nodes = cluster.compute.managed_nodes
    revisions = [one for one in nodes.revisions if one] if nodes else []
    return [compute_stack(environment.name, cluster.name, one) for one in [*revisions, None]]


def network_stacks(environment: Environment) -> list[str]:
    """Returns the names of the stacks of the networks that the environment makes, in the order in which they are deleted."""
    whose: list[str | None] = [None] if isinstance(environment.network, NetworkSpec) else []
    whose += [one.name for one in environment.clusters if isinstance(one.network, NetworkSpec)]
    return [named(environment.name, one) for one in whose for named in (egress_stack, network_stack)]


def only(environment: Environment, cluster: str) -> Environment:
    """Returns an environment with one of its clusters. Raises BadInput: it has none of that name."""
    found = [one for one in environment.clusters if one.name == cluster]
    if not found:
        names = [one.name for one in environment.clusters]
        text = f"CLUSTER={cluster}: there is no such cluster in {environment.name}.{did_you_mean(cluster, names)} There is: "
        raise BadInput(one_line(text + ", ".join(names)))
    return environment.model_copy(update={"clusters": found})


def stacks_in_templates(environment: Environment) -> list[str]:
    """Returns the names of the stacks that a synth makes for the clusters of an environment, without what they share."""
    from stacks.workloads import needs_stack

    left_out: set[str] = set()
    for one in environment.clusters:
        if one.existing:
            left_out |= {
                named(environment.name, one.name) for named in (control_plane_stack, access_stack, protection_stack)
            }
        if not one.capabilities:
            left_out.add(capabilities_stack(environment.name, one.name))
        if not one.has_services:
            left_out.add(services_stack(environment.name, one.name))
        if not one.has_compute_resources:
            left_out.add(compute_stack(environment.name, one.name))
        if not needs_stack(one, environment, before_pools=False):
            left_out.add(workloads_stack(environment.name, one.name))
    every = (stack for one in environment.clusters for stack in cluster_stacks(environment, one))
    return [stack for stack in every if stack not in left_out]


def stack_names(environment: Environment) -> set[str]:
    """Returns the names that stacks of the environment may have."""
    return {
        foundation_stack(environment.name),
        *network_stacks(environment),
        *(stack for cluster in environment.clusters for stack in cluster_stacks(environment, cluster)),
    }


def load(name: str, command: Sequence[str]) -> Environment:
    """Returns the environment that a call of the CDK is about.

    Args:
        name: of a file in environments/, or a path.
        command: the call; its ``-c today=...`` counts here too.

    Raises:
        BadInput: there is no such environment, or it is wrong.
    """
    said = context(command).get("today")
    try:
        today = date.fromisoformat(said) if said else None
    except ValueError:
        raise BadInput("today must be a date such as 2026-11-23") from None
    return load_environment(environment_path(name), today=today)


def context(command: Sequence[str]) -> dict[str, str]:
    """Returns what a call of the CDK says with ``-c KEY=VALUE``."""
    found = {}
    words = list(command)
    for place, word in enumerate(words):
        value = (
            words[place + 1]
            if word in ("-c", "--context") and place + 1 < len(words)
            else word.removeprefix("--context=")
        )
        if value != word or word.startswith("--context="):
            key, equals, text = value.partition("=")
            if equals and re.fullmatch(r"[\w@:/.-]+", key):
                found[key] = text
    return found
