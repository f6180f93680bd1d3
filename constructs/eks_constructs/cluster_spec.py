"""The spec of one cluster, and the rules between its parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import PrivateAttr, model_validator

from eks_constructs.access import AccessSpec
from eks_constructs.addon_plan import AddonName, AddonProblem, AddonSpec, PlannedAddon, plan_addons
from eks_constructs.addon_settings import Schema, settings_problem, unchecked_settings
from eks_constructs.capabilities import CapabilitiesSpec
from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.fargate.spec import FargateSelectorSpec, globs_meet
from eks_constructs.compute.hybrid_nodes.sites import at_sites_alone
from eks_constructs.compute.kind import ClusterContext, merged
from eks_constructs.compute.spec import ComputeSpec
from eks_constructs.control_plane import ControlPlaneSpec
from eks_constructs.manifests import ManifestFile
from eks_constructs.network_connections import ConnectionSpec
from eks_constructs.pod_identities import PodIdentitySpec, Way
from eks_constructs.pod_security_groups import PodSecurityGroupsSpec, check_pod_security_groups, policy_files
from eks_constructs.roles import IamSpec
from eks_constructs.security_group_rules import check_group
from eks_constructs.spec import ClusterName, Misplaced, Spec
from eks_constructs.teams import TeamSpec, check_teams, team_files, with_teams
from eks_facts.addons import addons
from eks_facts.files import load

AGENT = "eks-pod-identity-agent"
_OF_CONTROLLERS = ("karpenter", "aws-load-balancer-controller", "aws-node-termination-handler", "cluster-autoscaler")
"""Service accounts of controllers that this project installs, in kube-system."""

Where = tuple[str | int, ...]


class EksClusterSpec(Spec):
    """One EKS cluster."""

    name: ClusterName
    """Name of the cluster in EKS. It is part of the names of its stacks."""
    control_plane: ControlPlaneSpec
    access: AccessSpec
    compute: ComputeSpec
    addons: dict[AddonName, AddonSpec] = {}
    """What differs from the rules of eks_facts/data/addons.yaml."""
    pod_identities: list[PodIdentitySpec] = []
    """AWS roles of applications and controllers: by EKS Pod Identity on nodes, by IRSA on Fargate."""
    teams: list[TeamSpec] = []
    """Teams: their namespaces with quota, defaults and network policy, their people, and the AWS roles of their pods (docs/teams.md)."""
    security_groups_for_pods: PodSecurityGroupsSpec | None = None
    capabilities: CapabilitiesSpec | None = None
    """Argo CD, ACK and kro, run by AWS outside of the cluster (docs/capabilities.md)."""
    _plan: tuple[dict[AddonName, AddonSpec], ComputeSpec, list[PlannedAddon]] | None = PrivateAttr(default=None)
    """What the plan was made of, and the plan: a copy with other add-ons or compute makes a new one."""

    def planned_addons(self, locked: Mapping[str, str] | None = None) -> list[PlannedAddon]:
        """Returns the add-ons of the cluster; ``locked`` has versions of some, by name. Raises AddonProblem."""
        if self._plan is None or self._plan[0] is not self.addons or self._plan[1] is not self.compute:
            self._plan = (self.addons, self.compute, plan_addons(dict(self.addons.items()), self.compute.mix))
        return [
            replace(addon, version=locked.get(addon.name)) if locked and not addon.version else addon
            for addon in self._plan[2]
        ]

    @property
    def has_compute_resources(self) -> bool:
        """Whether its add-ons and compute are AWS resources of yours: none are where Auto Mode does everything."""
        return (
            bool(self.all_pod_identities)
            or any(not addon.after_pools for addon in self.planned_addons())
            or any(kind.has_resources(section) for kind, section in self.compute.active())
        )

    def check_addon_settings(self, schemas: Callable[[PlannedAddon], Schema | None] = lambda _: None) -> list[str]:
        """Checks the settings of add-ons against their schemas: those that ``schemas`` gives, else those that are known here.

        Returns what cannot be checked: settings whose schema is not known. Raises AddonProblem for what EKS would refuse.
        """
        left = []
        specs: dict[str, AddonSpec] = dict(self.addons.items())
        for addon in self.planned_addons():
            spec = specs.get(addon.name)
            if spec is None or not spec.configuration:
                continue
            schema = schemas(addon)
            if refused := settings_problem(addon.name, spec.configuration, schema):
                where, text = refused
                raise AddonProblem(text, "addons", addon.name, "configuration", *where)
            left += [f"{addon.name}: {key}" for key in unchecked_settings(addon.name, spec.configuration, schema)]
        return left

    @property
    def prefixes(self) -> bool:
        """Whether the CNI gives nodes prefixes of addresses: with IPv6 always.

        https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses.html
        """
        spec = self.addons.get("vpc-cni")
        delegation = (
            str((spec.configuration.get("env") or {}).get("ENABLE_PREFIX_DELEGATION", "")).lower() if spec else ""
        )
        return self.control_plane.ip_family == "ipv6" or delegation == "true"

    def system_pods(self) -> list[Mapping[str, Any]]:
        """Returns namespace and labels of the pods of add-ons that Fargate must draw. Raises AddonProblem."""
        return [addon.fargate_selector for addon in self.planned_addons() if addon.fargate_selector]

    def context(
        self,
        *,
        iam: IamSpec,
        tags: Mapping[str, str],
        tags_of_what_is_made: Mapping[str, str] | None = None,
        environment: str = "",
        region: str | None = None,
        own_pod_subnets: bool = False,
        isolated: bool = False,
        connections: Sequence[ConnectionSpec] | None = None,
        vpc_cidrs: tuple[str, ...] = (),
        image_caches: tuple[str, ...] = (),
    ) -> ClusterContext:
        """Returns what its kinds of compute may know of it."""
        return ClusterContext(
            self.name,
            self.control_plane.kubernetes_version,
            environment=environment,
            region=region,
            ipv6=self.control_plane.ip_family == "ipv6",
            service_cidr=self.control_plane.service_cidr,
            prefixes=self.prefixes,
            own_pod_subnets=own_pod_subnets,
            isolated=isolated,
            connections=connections,
            vpc_cidrs=vpc_cidrs,
            image_caches=image_caches,
            public_endpoint=self.control_plane.endpoint.is_public,
            addons=frozenset(addon.name for addon in self.planned_addons()),
            mix=self.compute.mix,
            sections=self.compute.sections,
            iam=iam,
            tags=tags,
            tags_of_what_is_made=tags if tags_of_what_is_made is None else tags_of_what_is_made,
        )

    def own_files(self, context: ClusterContext, network: ClusterNetwork) -> list[ManifestFile]:
        """Returns the Kubernetes objects of its own configuration, in the order in which they are applied."""
        files = [file for kind, section in self.compute.active() for file in kind.files(section, context, network)]
        return merged(
            [
                *files,
                *team_files(
                    self.teams,
                    with_rights={one.namespace for _, one in self.all_pod_identities},
                    on_sites="hybrid_nodes" in self.compute.mix.kinds,
                ),
                *policy_files(self.security_groups_for_pods),
            ]
        )

    @property
    def all_pod_identities(self) -> list[tuple[Where, PodIdentitySpec]]:
        """The AWS roles of pods, those of teams too, each with the way to it."""
        found: list[tuple[Where, PodIdentitySpec]] = [
            (("pod_identities", index), one) for index, one in enumerate(self.pod_identities)
        ]
        for number, team in enumerate(self.teams):
            found += [
                (("teams", number, "pod_identities", index), one) for index, one in enumerate(team.pod_identities)
            ]
        return found

    @property
    def all_access(self) -> AccessSpec:
        """Who may use the Kubernetes API, people of teams too."""
        return with_teams(self.access, self.teams)

    @model_validator(mode="after")
    def _teams(self) -> "EksClusterSpec":
        try:
            check_teams(self.teams, self.access, self.compute.mix.kinds)
        except Misplaced as problem:
            raise Misplaced(str(problem), "teams", *problem.where) from None
        return self

    @model_validator(mode="after")
    def _security_groups_for_pods(self) -> "EksClusterSpec":
        if self.security_groups_for_pods:
            present = list(self.compute.active())
            windows = {
                (kind.name, index)
                for kind, section in present
                for index, group in enumerate(getattr(section, "groups", ()))
                if group.windows
            }
            types = [
                name
                for kind, section in present
                for where, name in kind.instance_types(section)
                if (kind.name, where[1]) not in windows
            ]
            others = set(self.compute.mix.kinds) - {"managed_nodes", "self_managed_nodes"}
            planned = [addon.name for addon in self.planned_addons()]
            try:
                check_pod_security_groups(self.compute.mix.kinds, planned, [] if others else types)
            except Misplaced as problem:
                raise Misplaced(str(problem), "security_groups_for_pods") from None
        return self

    @model_validator(mode="after")
    def _compute_fits(self) -> "EksClusterSpec":
        plane = self.control_plane
        context = ClusterContext(
            self.name,
            plane.kubernetes_version,
            ipv6=plane.ip_family == "ipv6",
            service_cidr=plane.service_cidr,
            public_endpoint=plane.endpoint.is_public,
        )
        for kind, section in self.compute.active():
            try:
                kind.check_cluster(section, context)
            except Misplaced as problem:
                raise Misplaced(str(problem), "compute", kind.name, *problem.where) from None
        return self

    @model_validator(mode="after")
    def _addons_can_run(self) -> "EksClusterSpec":
        try:
            selectors = [FargateSelectorSpec(**pods) for pods in self.system_pods()]
        except AddonProblem as problem:
            raise Misplaced(str(problem), "addons", *problem.where) from None
        ipv6 = self.control_plane.ip_family == "ipv6"
        env = (self.addons["vpc-cni"].configuration.get("env") or {}) if "vpc-cni" in self.addons else {}
        for name, value in load("addons")["cni_settings"][self.control_plane.ip_family].items():
            if str(env.get(name, value)).lower() != value:
                raise Misplaced(
                    f'must be "{value}" in a cluster with ip_family: {self.control_plane.ip_family}, else no pod gets an address'
                    " (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html); remove it: EKS sets it",
                    *("addons", "vpc-cni", "configuration", "env", name),
                )
        for addon in self.planned_addons() if ipv6 else ():
            if addons().get(addon.name, {}).get("ipv4_alone"):
                raise Misplaced(
                    f"{addon.name} does not work in a cluster with ip_family: ipv6"
                    " (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html); remove one of the two",
                    *("addons", addon.name),
                )
        for index, profile in enumerate(self.compute.fargate.profiles if self.compute.fargate else []):
            for place, selector in enumerate(profile.selectors):
                if clash := [one for one in selectors if one.overlaps(selector)]:
                    labels = ", ".join(f"{key}={value}" for key, value in clash[0].labels.items())
                    raise Misplaced(
                        f"the selector {selector.namespace} overlaps {clash[0].namespace} with {labels}:"
                        " this project makes a profile for those pods itself; remove the selector",
                        *("compute", "fargate", "profiles", index, "selectors", place, "namespace"),
                    )
        return self

    @model_validator(mode="after")
    def _addons_start_in_the_vpc(self) -> "EksClusterSpec":
        hybrid = self.compute.hybrid_nodes
        if hybrid is None or not hybrid.enabled or self.compute.mix.deployments_run_on == "hybrid_nodes":
            return self
        specs: Mapping[str, AddonSpec] = self.addons
        for name in sorted({addon.name for addon in self.planned_addons()} & set(specs)):
            rule, settings = addons().get(name, {}), specs[name].configuration
            key = rule.get("placement")
            pod = settings.get(key, {}) if key else settings
            if rule.get("type") == "daemonset" or not isinstance(pod, dict):
                continue
            if way := at_sites_alone(pod, [site.name for site in hybrid.sites]):
                raise Misplaced(
                    f"leaves {name} nodes of sites alone, and no deploy makes those: the first would wait for them, and fail. Beside"
                    " nodes in the VPC AWS wants CoreDNS on both sides, and what has webhooks in the VPC"
                    " (https://docs.aws.amazon.com/eks/latest/userguide/hybrid-nodes-webhooks.html); remove it",
                    *("addons", name, "configuration", *([key] if key else []), *way),
                )
        return self

    def ways_of(self, one: PodIdentitySpec) -> frozenset[Way]:
        """Returns the ways in which pods of a service account get their role: by the compute that runs pods of its namespace."""
        if one.irsa is not None:
            return frozenset({"irsa" if one.irsa else "pod_identity"})
        profiles = self.compute.fargate.profiles if self.compute.fargate else []
        drawing = [
            selector
            for profile in profiles
            for selector in profile.selectors
            if globs_meet(selector.namespace, one.namespace)
        ]
        if self.compute.mix.kinds == ["fargate"] or any(not selector.labels for selector in drawing):
            return frozenset({"irsa"})
        # Labels choose among the pods of the namespace: the others run on nodes.
        return frozenset({"irsa", "pod_identity"} if drawing else {"pod_identity"})

    @model_validator(mode="after")
    def _pod_identities(self) -> "EksClusterSpec":
        planned = self.planned_addons()
        taken = {
            (addon.identity["namespace"], addon.identity["service_account"]): f"the add-on {addon.name}"
            for addon in planned
            if addon.identity
        }
        taken |= {("kube-system", name): name for name in _OF_CONTROLLERS}
        names = {addon.name for addon in planned}
        for way, one in self.all_pod_identities:
            if other := taken.get((one.namespace, one.service_account)):
                raise Misplaced(
                    f"{one.namespace}/{one.service_account} has a role already, of {other}: a service account takes one",
                    *(*way, "service_account"),
                )
            taken[one.namespace, one.service_account] = ".".join(map(str, way))
            ways = self.ways_of(one)
            if one.irsa and not self.compute.fargate:
                raise Misplaced("is for pods on Fargate, and there is none; remove it", *way, "irsa")
            if one.irsa is False and self.compute.mix.kinds == ["fargate"]:
                raise Misplaced("the agent of EKS Pod Identity does not run on Fargate; remove irsa", *way, "irsa")
            if "irsa" in ways and (key := one.only_pod_identity):
                raise Misplaced(
                    f"pods of {one.namespace} can run on Fargate, where there is no EKS Pod Identity, which this is for; remove it,"
                    " or say irsa: false, if those of this service account never do",
                    *way,
                    key,
                )
            needs_agent = set(addons()[AGENT]["default_for"]) & set(self.compute.mix.kinds)
            if "pod_identity" in ways and needs_agent and AGENT not in names:
                raise Misplaced(
                    f"needs the add-on {AGENT}, which is switched off; switch it on, or remove this",
                    *way,
                )
        return self

    @model_validator(mode="after")
    def _rules_once(self) -> "EksClusterSpec":
        if not self.compute.remote_networks:
            return self
        context, plane = self.context(iam=IamSpec(), tags={}), self.control_plane
        made = {rule: kind.name for kind, section in self.compute.active() for rule in kind.opens(section, context)}
        check_group(plane.security_group_rules, plane.endpoint, made, tunnel_host=self.access.tunnel_host)
        return self
