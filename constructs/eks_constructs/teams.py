"""Teams: namespaces with quota, defaults and a network policy, who may work in them, and the AWS roles of their pods, as one block."""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.access import AccessEntrySpec, AccessSpec, NewRoleSpec, Principal
from eks_constructs.manifests import KubernetesObject, ManifestFile
from eks_constructs.pod_identities import AGENT_CIDRS, PodIdentitySpec
from eks_constructs.spec import (
    KubernetesName,
    LabelKey,
    LabelValue,
    Misplaced,
    Spec,
    distinct_values,
    pattern,
    repeated,
)
from eks_facts.quantities import quantity

ORDER = 12
"""Among the files of a cluster: after classes of nodes and storage, before charts."""
RESERVED = ("kube-system", "kube-public", "kube-node-lease", "default")

_COUNTED = (
    "pods|services(\\.(loadbalancers|nodeports))?|persistentvolumeclaims|configmaps|secrets|replicationcontrollers"
)
QuotaName = Annotated[
    str,
    pattern(
        rf"cpu|memory|(requests|limits)\.(cpu|memory|ephemeral-storage)|requests\.storage|{_COUNTED}"
        r"|requests\.[a-z][a-z0-9.-]{0,100}/[a-z0-9-]{1,60}|count/[a-z]{1,60}(\.[a-z0-9.-]{1,100})?"
        r"|[a-z0-9-]{1,60}\.storageclass\.storage\.k8s\.io/(requests\.storage|persistentvolumeclaims)",
        "must be a resource that Kubernetes counts, such as requests.cpu, limits.memory, pods or count/jobs.batch",
    ),
]
"""https://kubernetes.io/docs/concepts/policy/resource-quotas/"""


def _quantity(value: str) -> str:
    if quantity(value) < 0:
        raise ValueError("must not be negative")
    return value


Quantity = Annotated[
    str,
    pattern(
        r"(0|[1-9]\d{0,11})(\.\d{1,3})?(m|k|[KMGTPE]i|[MGTPE])?",
        'must be a quantity in quotes, such as "10", 500m or 64Gi',
    ),
    AfterValidator(_quantity),
]


class ContainerLimitsSpec(Spec):
    """What a container gets that says nothing itself, and the most that one may have."""

    default_requests: dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity] = {"cpu": "100m", "memory": "128Mi"}
    """Requests of a container that has none."""
    default_limits: dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity] = {"memory": "512Mi"}
    """Limits of a container that has none."""
    max: dict[Literal["cpu", "memory", "ephemeral-storage"], Quantity] = {}
    """The most that a container may have as limit, by resource. A container must then say its limit, or have it by default."""

    @model_validator(mode="after")
    def _ordered(self) -> "ContainerLimitsSpec":
        order = (("default_requests", "default_limits"), ("default_requests", "max"), ("default_limits", "max"))
        for low, high in order:
            for resource in set(getattr(self, low)) & set(getattr(self, high)):
                if quantity(getattr(self, low)[resource]) > quantity(getattr(self, high)[resource]):
                    raise Misplaced(f"is above {high}; Kubernetes refuses that", low, resource)
        if missing := sorted(set(self.max) - set(self.default_limits)):
            raise Misplaced(
                f"has {missing[0]}, and default_limits does not: pods that say no limit of their own would be refused",
                "max",
                missing[0],
            )
        return self


class TeamSpec(Spec):
    """A team and its namespaces."""

    name: KubernetesName
    """Name of the team. Its people are in the Kubernetes groups team:NAME and team:NAME:readers."""
    namespaces: Annotated[list[KubernetesName], Field(min_length=1, max_length=50), AfterValidator(distinct_values)]
    """Its namespaces. They are made, and stay in the cluster when they leave the file: nothing here deletes what runs in them."""
    members: list[Principal] = []
    """May change everything in the namespaces but quota and roles (ClusterRole edit)."""
    readers: list[Principal] = []
    """May look at everything in the namespaces but Secrets (ClusterRole view)."""
    labels: dict[LabelKey, LabelValue] = {}
    """More labels of its namespaces."""
    pod_security: Literal["privileged", "baseline", "restricted"] = "baseline"
    """Pod security standard that pods must meet: https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    quota: dict[QuotaName, Quantity] = {}
    """What each of the namespaces may have at most. A quota of requests or limits needs each pod to say its own, or to get it by
    `limits`."""
    limits: ContainerLimitsSpec = ContainerLimitsSpec()
    network: Literal["isolated", "open"] = "isolated"
    """`isolated`: pods reach each other within their namespace and DNS, and nothing else, until you add a NetworkPolicy. Pods on Fargate
    are not held to it."""
    pod_identities: list[PodIdentitySpec] = []
    """AWS roles of its pods, in its namespaces."""

    argo_cd_groups: Annotated[
        list[
            Annotated[
                str,
                pattern(
                    r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}",
                    "must be the id of a group of the Identity Center, or the name of one where Argo CD signs people in otherwise",
                ),
            ]
        ],
        AfterValidator(distinct_values),
    ] = []
    """Groups whose people see and sync the team's Applications in Argo CD (`delivery: gitops`)."""

    @property
    def group(self) -> str:
        """Kubernetes group of its members."""
        return f"team:{self.name}"

    @model_validator(mode="after")
    def _own_namespaces(self) -> "TeamSpec":
        for index, name in enumerate(self.namespaces):
            if name in RESERVED or name.startswith("kube-"):
                raise Misplaced(f"{name} belongs to Kubernetes; choose another", "namespaces", index)
        for index, one in enumerate(self.pod_identities):
            if one.namespace not in self.namespaces:
                raise Misplaced(
                    f"{one.namespace} is no namespace of the team; it has {', '.join(self.namespaces)}",
                    *("pod_identities", index, "namespace"),
                )
        return self


def check_teams(teams: Sequence[TeamSpec], access: AccessSpec, kinds: Sequence[str]) -> None:
    """Raises Misplaced, with the way from the list, for what two teams, or a team and the rest of the cluster, cannot have both."""
    if (index := repeated(team.name for team in teams)) is not None:
        raise Misplaced(f"{teams[index].name} is the name of two teams; choose another", index, "name")
    owner: dict[str, str] = {}
    there = {_key(principal): ".".join(map(str, where)) for where, principal in access.principals()}
    for index, team in enumerate(teams):
        for place, name in enumerate(team.namespaces):
            if name in owner:
                raise Misplaced(
                    f"{name} is a namespace of {owner[name]} already; choose another", index, "namespaces", place
                )
            owner[name] = team.name
        if team.network == "isolated" and list(kinds) == ["fargate"]:
            raise Misplaced(
                "pods on Fargate are held to no network policy; say network: open, or add nodes", index, "network"
            )
        seen: set[str] = set()
        for kind in ("members", "readers"):
            for place, principal in enumerate(getattr(team, kind)):
                where, key = (index, kind, place), _key(principal)
                if key in there:
                    raise Misplaced(
                        f"has access by access.{there[key]} already, and EKS takes one entry for each principal; add"
                        f" kubernetes_groups: [{team.group}] to an entry there, in place of this",
                        *where,
                    )
                if key in seen:
                    raise Misplaced("is in the team already; remove one", *where)
                seen.add(key)


def _key(principal: str | NewRoleSpec) -> str:
    return f"new_role: {principal.new_role}" if isinstance(principal, NewRoleSpec) else principal


def with_teams(access: AccessSpec, teams: Sequence[TeamSpec]) -> AccessSpec:
    """Returns the access of a cluster with that of its teams: who is in several has one entry with all of the groups."""
    groups: dict[str, tuple[str | NewRoleSpec, list[str]]] = {}
    for team in teams:
        for kind, group in (("members", team.group), ("readers", f"{team.group}:readers")):
            for principal in getattr(team, kind):
                groups.setdefault(_key(principal), (principal, []))[1].append(group)
    entries = [AccessEntrySpec(principal=who, kubernetes_groups=names) for who, names in groups.values()]
    return AccessSpec(**{**dict(access), "entries": [*access.entries, *entries]}) if entries else access


def team_files(teams: Sequence[TeamSpec], *, with_rights: Collection[str], on_sites: bool) -> Iterator[ManifestFile]:
    """Yields the Kubernetes objects of teams: their namespaces, which stay, and what holds in them.

    Args:
        teams: the teams of a cluster.
        with_rights: namespaces whose pods have AWS roles.
        on_sites: whether pods may run on hybrid nodes, whose network is Cilium's.
    """
    if not teams:
        return
    spaces = [_namespace(team, name) for team in teams for name in team.namespaces]
    yield ManifestFile(
        ORDER, "team-namespaces", spaces, "Namespaces of teams. They stay when a team leaves the file.", keep=True
    )
    rules = [
        item
        for team in teams
        for name in team.namespaces
        for item in _rules(team, name, _agent(on_sites) if name in with_rights else None)
    ]
    yield ManifestFile(
        ORDER + 1, "teams", rules, "What holds in the namespaces of teams: rights, quota, defaults, network."
    )


def _namespace(team: TeamSpec, name: str) -> KubernetesObject:
    labels = {
        **team.labels,
        "eks-platform/team": team.name,
        "pod-security.kubernetes.io/enforce": team.pod_security,
        "pod-security.kubernetes.io/warn": "restricted",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _rules(team: TeamSpec, namespace: str, agent: KubernetesObject | None) -> Iterator[KubernetesObject]:
    for name, role, group, people in (
        ("team-members", "edit", team.group, team.members),
        ("team-readers", "view", f"{team.group}:readers", team.readers),
    ):
        if people:
            yield {
                **_object("rbac.authorization.k8s.io/v1", "RoleBinding", name, namespace),
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
            }
    if team.quota:
        yield {**_object("v1", "ResourceQuota", "team", namespace), "spec": {"hard": dict(team.quota)}}
    limits = {
        "defaultRequest": team.limits.default_requests,
        "default": team.limits.default_limits,
        "max": team.limits.max,
    }
    if given := {key: dict(value) for key, value in limits.items() if value}:
        yield {**_object("v1", "LimitRange", "team", namespace), "spec": {"limits": [{"type": "Container", **given}]}}
    if team.network == "isolated":
        policy = ("networking.k8s.io/v1", "NetworkPolicy")
        everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        yield {**_object(*policy, "default-deny", namespace), "spec": everything}
        inside: list[KubernetesObject] = [{"podSelector": {}}]
        spec = {**everything, "ingress": [{"from": inside}], "egress": [{"to": inside}]}
        yield {**_object(*policy, "allow-namespace", namespace), "spec": spec}
        # By port alone: Auto Mode's DNS runs on the node, outside of any namespace, and CoreDNS elsewhere in kube-system.
        ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
        dns = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": ports}]}
        yield {**_object(*policy, "allow-dns", namespace), "spec": dns}
        if agent:
            spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [agent]}
            yield {**_object(*policy, "allow-pod-identity", namespace), "spec": spec}


def _agent(on_sites: bool) -> KubernetesObject:
    """Returns the rule that lets pods reach the Pod Identity agent of their node.

    Cilium calls its address ``host``, which no ipBlock matches; a rule without peers does: https://github.com/cilium/cilium/issues/34387
    """
    rule: KubernetesObject = {"ports": [{"protocol": "TCP", "port": 80}]}
    return rule if on_sites else {"to": [{"ipBlock": {"cidr": cidr}} for cidr in AGENT_CIDRS], **rule}


def _object(version: str, kind: str, name: str, namespace: str) -> KubernetesObject:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
