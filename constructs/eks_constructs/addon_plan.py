"""Plans the EKS add-ons of a mix of compute: which, where they run, and their AWS roles. The rules: eks_facts/data/addons.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from eks_constructs.compute.mix import ComputeMix
from eks_constructs.rights import RightsSpec
from eks_constructs.spec import KubernetesName, Misplaced, pattern
from eks_facts.addons import addons, meant_addon
from eks_facts.files import load

AddonName = Annotated[
    str,
    pattern(
        r"[a-z0-9][a-z0-9_-]{0,98}[a-z0-9]",
        "must be the name of an EKS add-on, in small letters, such as cert-manager or datadog_operator",
    ),
    Field(json_schema_extra={"examples": list(load("addons")["addons"])}),
]
"""Any add-on of EKS: `aws eks describe-addon-versions --query 'addons[].addonName'`."""

ServiceName = Annotated[
    str,
    pattern(
        r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", "must be the name of a VPC endpoint, such as secretsmanager or ecr.api"
    ),
]

AddonVersion = Annotated[
    str,
    pattern(
        r"v\d{1,4}\.\d{1,4}\.\d{1,4}-eksbuild\.\d{1,4}",
        "must be the version of an EKS add-on, such as v1.20.4-eksbuild.2",
    ),
]


class AddonSpec(RightsSpec):
    """One add-on: what differs from its rules, or, of one without rules here, everything there is to say.

    Its rights (`policies`, `allow`, `role_arn`) take the place of those of its rules.
    """

    enabled: bool | None = None
    """Default: the rule for the mix of compute kinds (eks_facts/data/addons.yaml); an add-on that comes by itself nowhere is
    installed because it is here."""
    version: AddonVersion | None = None
    """Default: the lock file beside the environment file, else EKS's default on the day the add-on is made (it then stays)."""
    configuration: Annotated[dict[str, Any], Field(examples=[{"replicaCount": 3}])] = {}
    """Merged into ours; `aws eks describe-addon-configuration` shows the schema."""
    resolve_conflicts: Literal["OVERWRITE", "NONE", "PRESERVE"] = "OVERWRITE"
    """What an update does with settings that somebody changed in the cluster."""
    namespace: KubernetesName | None = None
    """Where EKS installs it (default: where EKS always does). A change removes the add-on and makes it again. Add-ons of AWS
    Marketplace (VENDOR_NAME) stay where they are: of those it says where the service account is."""
    service_account: KubernetesName | None = None
    """Whose pods get its rights in AWS (default: the one of its rules)."""
    endpoints: list[ServiceName] | None = None
    """AWS services that its pods call, by the names of their VPC endpoints, such as secretsmanager. Asked for where the network has
    no way to the internet and no rules say it."""

    @model_validator(mode="after")
    def _on_or_off(self) -> "AddonSpec":
        if self.service_account and not self.gives_rights:
            raise Misplaced("gets no rights; add policies, allow or role_arn, or remove it", "service_account")
        return self


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
    """Namespace, service account and rights of its role: `policies`, `statements`, `allow` or `role_arn`."""
    takes_role: bool = False
    """Whether a service account of it can have a role: an empty list takes back the one that it had."""
    namespace: str | None = None
    """Where EKS installs it, if the file says so."""
    known: bool = True
    """Whether there are rules for it."""
    fargate_selector: dict[str, Any] | None = field(default=None)
    """Namespace and labels of its pods, if a Fargate profile must draw them."""
    endpoints: Sequence[str] | None = ()
    """VPC endpoints it needs where there is no NAT, beside the default ones; None: nobody says."""


_OTHER: Mapping[str, Any] = {
    "default_for": [],
    "type": "deployment",
    "compute": load("addons")["addons"]["coredns"]["compute"],
    "stage": "after_nodes",
}
"""The rules of an add-on without a row. Whether it has a Deployment is not known: waiting for a node harms nobody."""


class AddonProblem(Misplaced):
    """An add-on that cannot work in the mix of compute kinds that asks for it."""


def plan_addons(specs: Mapping[str, AddonSpec], mix: ComputeMix) -> list[PlannedAddon]:
    """Returns the add-ons of a cluster in the order of the data.

    Args:
        specs: overrides, by name.
        mix: the cluster's compute kinds.

    Raises:
        AddonProblem: an add-on is switched on that has nothing to run on.
    """
    planned = []
    for name in [*addons(), *(name for name in specs if name not in addons())]:
        rule = _rule(name, specs)
        spec = specs.get(name, AddonSpec())
        host = mix.deployments_run_on if rule["type"] == "deployment" else None
        runs = (
            host in rule["compute"] and any(kind in mix.kinds for kind in rule.get("serves", mix.kinds))
            if rule["type"] == "deployment"
            else any(kind in mix.kinds for kind in rule["compute"])
        ) and not _unsupported(rule, mix)
        # Of an add-on that comes by itself nowhere, the file says something because it wants it.
        asked = spec.enabled or (spec.enabled is None and name in specs and not rule["default_for"])
        by_itself = spec.enabled is None and any(kind in mix.kinds for kind in rule["default_for"])
        if host and asked and runs and not _tolerates(rule, spec, mix):
            raise AddonProblem(
                f"{name} would run on {host}, whose nodes are all tainted, and which setting gives it a toleration is not known here:"
                " say configuration with tolerations, or give the cluster nodes without taints",
                name,
            )
        if asked and not runs:
            raise AddonProblem(f"{name} {_no_place(rule, mix)}; remove it", name)
        if not ((asked or by_itself) and runs):
            continue
        # Rights of the file's own take the place of the policy that asks for a newer version.
        if spec.version and not spec.gives_rights and (problem := too_old(name, spec.version)):
            raise AddonProblem(problem, name, "version")
        on_fargate = host == "fargate"
        planned.append(
            PlannedAddon(
                name=name,
                before_nodes=rule["stage"] == "before_nodes",
                on_fargate=on_fargate,
                after_pools=rule["type"] == "deployment" and mix.deployments_wait_for_pools,
                version=spec.version,
                configuration=_configuration(rule, mix, spec),
                resolve_conflicts=spec.resolve_conflicts,
                after=rule.get("after", ()),
                identity=_identity(name, rule, spec),
                takes_role="identity" in rule or spec.gives_rights,
                namespace=None if "_" in name or spec.namespace == rule.get("namespace") else spec.namespace,
                known=name in addons(),
                endpoints=rule.get("endpoints", () if name in addons() else None)
                if spec.endpoints is None
                else spec.endpoints,
                fargate_selector=_selector(name, rule, spec) if on_fargate else None,
            )
        )
    return planned


def _rule(name: str, specs: Mapping[str, AddonSpec]) -> Mapping[str, Any]:
    """Returns the rules of an add-on: its row, or what holds for any other. Raises AddonProblem: it is probably a typo."""
    if rule := addons().get(name):
        return rule
    if specs[name].version is None and (near := meant_addon(name)):
        raise AddonProblem(
            f"is not known here. Did you mean {near}? If EKS has an add-on {name}, name its version", name
        )
    return _OTHER


def _identity(name: str, rule: Mapping[str, Any], spec: AddonSpec) -> Mapping[str, Any] | None:
    """Returns whose pods get which rights; None: nobody any. Raises AddonProblem: it is not said whose."""
    row = dict(rule.get("identity", {}))
    if not (spec.gives_rights or row.get("policies") or row.get("statements")):
        return None
    row |= {"namespace": spec.namespace or rule.get("namespace", "kube-system" if rule is not _OTHER else None)}
    if spec.service_account:
        row["service_account"] = spec.service_account
    if missing := [key for key in ("service_account", "namespace") if not row.get(key)]:
        raise AddonProblem(
            f"{name} has rights, and nothing here says whose: add {' and '.join(missing)}"
            f" (aws eks describe-addon-configuration --addon-name {name} --addon-version ... shows the service account)",
            name,
        )
    if spec.gives_rights:
        row |= {"policies": spec.policies, "statements": None, "allow": spec.allow, "role_arn": spec.role_arn}
    return row


def _selector(name: str, rule: Mapping[str, Any], spec: AddonSpec) -> dict[str, Any]:
    """Returns what a Fargate profile draws its pods by. Raises AddonProblem: nobody knows."""
    namespace = spec.namespace or rule.get("namespace")
    if "fargate_selector" in rule:
        return {"namespace": namespace or "kube-system", "labels": rule["fargate_selector"]}
    if namespace in (None, "kube-system"):
        raise AddonProblem(
            f"{name} would run on Fargate, whose profile draws its pods by their namespace: add namespace, another than kube-system",
            name,
        )
    return {"namespace": namespace}


def not_beside(name: str, mix: ComputeMix) -> str:
    """Returns why AWS does not support an add-on in a cluster with a kind of the mix; nothing if it does."""
    return _unsupported(addons()[name], mix)


def _unsupported(rule: Mapping[str, Any], mix: ComputeMix) -> str:
    return next((str(why) for kind, why in rule.get("not_beside", {}).items() if kind in mix.kinds), "")


def _tolerates(rule: Mapping[str, Any], spec: AddonSpec, mix: ComputeMix) -> bool:
    """Returns whether the pods of a Deployment get the tolerations that their nodes ask for."""
    return not mix.deployments_tolerations or "placement" in rule or "'tolerations'" in str(spec.configuration)


def _no_place(rule: Mapping[str, Any], mix: ComputeMix) -> str:
    if why := _unsupported(rule, mix):
        return why
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
        return _no_place(addons()[name], mix)
    return None


def too_old(name: str, version: str) -> str | None:
    """Returns why a version of an add-on cannot be used (eks_facts/data/addons.yaml, `oldest`); None if it can."""
    oldest = addons().get(name, {}).get("oldest")
    if oldest is None or _numbers(version) >= _numbers(oldest["version"]):
        return None
    return f"found {version} of {name}: {oldest['why']}; take {oldest['version']} or later"


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").split("-")[0].split(".")]


def _configuration(rule: Mapping[str, Any], mix: ComputeMix, spec: AddonSpec) -> dict[str, Any] | None:
    # Left out of the template, earlier settings would stay: github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1913
    ours = {"configuration", "placement", "fargate_configuration", "beside"} & set(rule)
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
    """Returns the settings that a mix asks for: the node selector of a Deployment, where there is a choice."""
    host = mix.deployments_run_on
    beside = next((row for kind, row in rule.get("beside", {}).items() if kind in mix.kinds), None)
    if rule["type"] == "daemonset":
        return merge(beside or {}, rule.get("windows", {}) if mix.windows else {})
    if host == "fargate":
        return dict(rule.get("fargate_configuration", {}))
    # Fargate takes only pods that a profile selects; and a selector for nodes would keep CoreDNS pending while a cluster moves
    # from Fargate to nodes.
    if beside is not None:
        return dict(beside)
    selector = mix.deployments_selector
    tolerations = [dict(one) for one in mix.deployments_tolerations]
    settings = ({"nodeSelector": selector} if selector else {}) | ({"tolerations": tolerations} if tolerations else {})
    if not settings or "placement" not in rule:
        return {}
    return {rule["placement"]: settings} if rule["placement"] else settings
