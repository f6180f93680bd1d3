"""The checks: each tests one duty of the customer's side. One module per part of the model."""

from importlib import import_module

from responsibility.checks.check import REGISTRY, Check
from responsibility.document import Origin

_MODULES = (
    "access",
    "add_on_needs",
    "add_ons",
    "addon_settings",
    "auto_mode",
    "block_storage",
    "charts",
    "cluster_role",
    "containers",
    "control_plane",
    "devices",
    "encryption",
    "fargate",
    "fargate_pods",
    "file_systems",
    "file_storage",
    "iam",
    "images",
    "ingresses",
    "instances",
    "life_cycle",
    "live_health",
    "live_surroundings",
    "live_versions",
    "load_balancing",
    "namespaces",
    "network",
    "node_entries",
    "node_roles",
    "nodes",
    "pods",
    "rbac",
    "registries",
    "served_objects",
    "storage_classes",
    "subnets",
    "trust",
    "trust_names",
    "versions",
    "webhooks",
    "workload_secrets",
    "workloads",
)


def all_checks(origin: Origin | None = None) -> list[Check]:
    """Returns every check, or those that make sense for an origin, by code."""
    for module in _MODULES:
        import_module(f"responsibility.checks.{module}")
    return [REGISTRY[code] for code in sorted(REGISTRY) if origin is None or REGISTRY[code].info.only in (None, origin)]
