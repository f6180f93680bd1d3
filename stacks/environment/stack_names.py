"""The names of the stacks of an environment."""


def foundation_stack(environment: str) -> str:
    """Returns the name of the stack of what outlives clusters."""
    return f"{environment}-foundation"


def network_stack(environment: str, cluster: str | None = None) -> str:
    """Returns the name of the stack of the network that clusters share, or of a cluster's own."""
    return f"{environment}-network-{cluster}" if cluster else f"{environment}-network"


def egress_stack(environment: str, cluster: str | None = None) -> str:
    """Returns the name of the stack of the ways out of that network."""
    return f"{environment}-egress-{cluster}" if cluster else f"{environment}-egress"


def control_plane_stack(environment: str, cluster: str) -> str:
    """Returns the name of the stack of a cluster's control plane."""
    return f"{environment}-control-plane-{cluster}"


def access_stack(environment: str, cluster: str) -> str:
    """Returns the name of the stack of who gets at a cluster."""
    return f"{environment}-access-{cluster}"


def compute_stack(environment: str, cluster: str, revision: str | None = None) -> str:
    """Returns the name of the stack of a cluster's compute and add-ons, or of a revision of its node groups."""
    return f"{environment}-compute-{cluster}-{revision}" if revision else f"{environment}-compute-{cluster}"


def capabilities_stack(environment: str, cluster: str) -> str:
    """Returns the name of the stack of the controllers that AWS runs for a cluster."""
    return f"{environment}-capabilities-{cluster}"


def services_stack(environment: str, cluster: str) -> str:
    """Returns the name of the stack of AWS services that look after a cluster."""
    return f"{environment}-services-{cluster}"


def workloads_stack(environment: str, cluster: str) -> str:
    """Returns the name of the stack of a cluster's workloads."""
    return f"{environment}-workloads-{cluster}"


def protection_stack(environment: str, cluster: str) -> str:
    """Returns the name of a cluster's last stack, which nothing of the cluster is deleted before."""
    return f"{environment}-protection-{cluster}"


def fleet_stack(fleet: str) -> str:
    """Returns the name of the stack of a fleet's pipelines."""
    return f"eks-fleet-{fleet}"


def fleet_github_stack(fleet: str) -> str:
    """Returns the name of the stack of the roles that GitHub assumes for a fleet."""
    return f"eks-fleet-{fleet}-github"
