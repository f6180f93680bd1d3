"""Plans the EKS add-ons of a mix of compute: which, where they run, and their AWS roles. The rules: eks_facts/data/addons.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from eks_constructs.compute.mix import ComputeMix
from eks_constructs.spec import Misplaced, Spec, pattern
from eks_facts.files import load

AddonName = Literal[
    "eks-pod-identity-agent",
    "vpc-cni",
    "kube-proxy",
    "coredns",
    "aws-ebs-csi-driver",
    "metrics-server",
    "eks-node-monitoring-agent",
    "snapshot-controller",
    "aws-efs-csi-driver",
    "amazon-cloudwatch-observability",
    "external-dns",
]

AddonVersion = Annotated[
    str,
    pattern(
        r"v\d{1,4}\.\d{1,4}\.\d{1,4}-eksbuild\.\d{1,4}",
        "must be the version of an EKS add-on, such as v1.20.4-eksbuild.2",
    ),
]


class AddonSpec(Spec):
    """Overrides for one add-on."""

    enabled: bool | None = None
    """Default: the rule for the mix of compute kinds (eks_facts/data/addons.yaml)."""
    version: AddonVersion | None = None
    """Default: the lock file beside the environment file, else EKS's default on the day the add-on is made (it then stays)."""
    configuration: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 3}])] = {}
    """Merged into ours; `aws eks describe-addon-configuration` shows the schema."""
    resolve_conflicts: Literal["OVERWRITE", "NONE", "PRESERVE"] = "OVERWRITE"
    """What an update does with settings that somebody changed in the cluster."""


@dataclass(frozen=True)
class PlannedAddon:
    """An add-on of one cluster, decided."""

    name: str
    before_nodes: bool
    on_fargate: bool
    after_pools: bool
    """Its pods find a node only once the node pools of the environment file are applied."""
    version: str | None
    configuration: dict[str, Any] | None
    """Its settings; empty resets those of an earlier mix of compute, None leaves them alone."""
    resolve_conflicts: str
    after: Sequence[str] = ()
    identity: Mapping[str, Any] | None = None
    fargate_selector: dict[str, Any] | None = field(default=None)
    """Namespace and labels of its pods, if a Fargate profile must draw them."""
    endpoints: Sequence[str] = ()
    """VPC endpoints it needs where there is no NAT, beside the default ones."""


class AddonProblem(Misplaced):
    """An add-on that cannot work in the mix of compute kinds that asks for it."""


def plan_addons(
    specs: Mapping[str, AddonSpec], mix: ComputeMix, *, locked: Mapping[str, str] | None = None
) -> list[PlannedAddon]:
    """Returns the add-ons of a cluster in the order of the data.

    Args:
        specs: overrides, by name.
        mix: the cluster's compute kinds.
        locked: versions from the lock file, by name.

    Raises:
        AddonProblem: an add-on is switched on that has nothing to run on.
    """
    planned = []
    for name, rule in load("addons")["addons"].items():
        spec = specs.get(name, AddonSpec())
        host = mix.deployments_run_on if rule["type"] == "deployment" else None
        runs = (
            host in rule["compute"] and any(kind in mix.kinds for kind in rule.get("serves", mix.kinds))
            if rule["type"] == "deployment"
            else any(kind in mix.kinds for kind in rule["compute"])
        )
        wanted = any(kind in mix.kinds for kind in rule["default_for"]) if spec.enabled is None else spec.enabled
        if spec.enabled and not runs:
            raise AddonProblem(f"{name} {_no_place(rule, mix)}; remove it", name)
        if not (wanted and runs):
            continue
        if spec.version and (problem := too_old(name, spec.version)):
            raise AddonProblem(problem, name, "version")
        on_fargate = host == "fargate"
        namespace = rule.get("identity", {}).get("namespace", "kube-system")
        planned.append(
            PlannedAddon(
                name=name,
                before_nodes=rule["stage"] == "before_nodes",
                on_fargate=on_fargate,
                after_pools=rule["type"] == "deployment" and mix.deployments_wait_for_pools,
                version=spec.version or (locked or {}).get(name),
                configuration=_configuration(rule, mix, spec),
                resolve_conflicts=spec.resolve_conflicts,
                after=rule.get("after", ()),
                identity=rule.get("identity"),
                endpoints=rule.get("endpoints", ()),
                fargate_selector={"namespace": namespace, "labels": rule["fargate_selector"]}
                if on_fargate and "fargate_selector" in rule
                else None,
            )
        )
    return planned


def _no_place(rule: Mapping[str, Any], mix: ComputeMix) -> str:
    serves = rule.get("serves", mix.kinds)
    if not any(kind in mix.kinds for kind in serves):
        return f"is for {' or '.join(serves)}, and this cluster has none"
    runs_on = f"runs on {' or '.join(rule['compute'])}"
    if rule["type"] == "deployment" and mix.deployments_run_on is None:
        return f"{runs_on}, and nothing here has room for pods without tolerations"
    kinds = [mix.deployments_run_on] if rule["type"] == "deployment" else mix.kinds
    return f"{runs_on}; here it would have to run on {', '.join(map(str, kinds)) or 'nothing'}"


def why_not(name: str, mix: ComputeMix) -> str | None:
    """Returns why an add-on cannot run in a mix of compute kinds, without the add-on's name; None: it can."""
    try:
        plan_addons({name: AddonSpec(enabled=True)}, mix)
    except AddonProblem:
        return _no_place(load("addons")["addons"][name], mix)
    return None


def too_old(name: str, version: str) -> str | None:
    """Returns why a version of an add-on cannot be used (eks_facts/data/addons.yaml, `oldest`); None if it can."""
    oldest = load("addons")["addons"][name].get("oldest")
    if oldest is None or _numbers(version) >= _numbers(oldest["version"]):
        return None
    return f"found {version} of {name}: {oldest['why']}; take {oldest['version']} or later"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").split("-")[0].split(".")]


def _configuration(rule: Mapping[str, Any], mix: ComputeMix, spec: AddonSpec) -> dict[str, Any] | None:
    # Left out of the template, earlier settings would stay: github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1913
    ours = {"configuration", "placement", "fargate_configuration"} & set(rule)
    settings = merge(merge(rule.get("configuration", {}), _placement(rule, mix)), spec.configuration)
    return settings if settings or ours else None


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``base`` overridden by ``over``, recursively."""
    result = dict(base)
    for key, value in over.items():
        result[key] = (
            merge(result[key], value) if isinstance(value, Mapping) and isinstance(result.get(key), Mapping) else value
        )
    return result


def _placement(rule: Mapping[str, Any], mix: ComputeMix) -> dict[str, Any]:
    """Returns the node selector of a Deployment, where there is a choice."""
    host = mix.deployments_run_on
    if rule["type"] == "daemonset":
        return {}
    if host == "fargate":
        return dict(rule.get("fargate_configuration", {}))
    # Fargate takes only pods that a profile selects; and a selector for nodes would keep CoreDNS pending while a cluster moves
    # from Fargate to nodes.
    selector = mix.deployments_selector
    if not selector or "placement" not in rule:
        return {}
    return {rule["placement"]: {"nodeSelector": selector}} if rule["placement"] else {"nodeSelector": selector}
