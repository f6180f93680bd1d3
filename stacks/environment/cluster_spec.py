"""What one cluster of an environment file consists of, and what must hold between its parts."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag, ValidationInfo, WithJsonSchema, model_validator

from eks_constructs.access import AccessSpec
from eks_constructs.addon_plan import (
    AddonName,
    AddonProblem,
    AddonSpec,
    AddonVersion,
    PlannedAddon,
    plan_addons,
    too_old,
)
from eks_constructs.compute.auto_mode.spec import AutoModeSpec
from eks_constructs.compute.fargate.spec import FargateSelectorSpec, FargateSpec
from eks_constructs.compute.karpenter.objects import NEWEST_KUBERNETES, VERSION
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.managed_nodes.spec import ManagedNodesSpec
from eks_constructs.compute.mix import ComputeMix
from eks_constructs.control_plane import ControlPlaneSpec, KubernetesVersion
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from eks_constructs.pod_identities import PodIdentitySpec
from eks_constructs.spec import ClusterName, Misplaced, Spec, pattern
from eks_facts.files import load
from stacks.environment.existing_cluster import NOBODY, ExistingClusterSpec
from stacks.environment.workload_spec import Delivery, WorkloadSpec

AnyNetwork = Annotated[
    Annotated[NetworkSpec, Tag("new")] | Annotated[ExistingNetworkSpec, Tag("existing")],
    Discriminator(
        lambda value: (
            "existing"
            if isinstance(value, ExistingNetworkSpec) or (isinstance(value, dict) and "vpc_id" in value)
            else "new"
        )
    ),
]
"""A network to make, or (with `vpc_id`) one that exists."""

ApiName = Annotated[
    str,
    pattern(
        r"[a-z0-9]([a-z0-9./-]{0,251}[a-z0-9])?",
        "must be an API group, a class or a driver, such as cert-manager.io",
    ),
]

MAX_SKEW = 1
"""Minor versions that managed nodes may be behind: Kubernetes allows three, but EKS upgrades a control plane only when all its
managed node groups have caught up. https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html"""


class ComputeSpec(Spec):
    """The kinds of compute of a cluster, in any mix."""

    auto_mode: AutoModeSpec | None = None
    managed_nodes: ManagedNodesSpec | None = None
    karpenter: KarpenterSpec | None = None
    """EC2 nodes beside the managed ones, added and taken away by an autoscaler of yours."""
    fargate: FargateSpec | None = None

    @property
    def active_auto_mode(self) -> AutoModeSpec | None:
        """Auto Mode, unless it is off or on its way out."""
        return self.auto_mode if self.auto_mode and self.auto_mode.enabled else None

    @property
    def mix(self) -> ComputeMix:
        """What the rest of the cluster needs to know of it."""
        auto = self.active_auto_mode
        return ComputeMix(
            auto_mode=auto is not None,
            auto_mode_pools=bool(auto and "general-purpose" in auto.built_in_node_pools),
            auto_mode_own_pools=bool(auto and any(pool.open for pool in auto.node_pools)),
            managed_nodes=self.managed_nodes is not None,
            managed_nodes_closed=bool(self.managed_nodes and not self.managed_nodes.hosts_addons),
            karpenter=self.karpenter is not None,
            fargate=self.fargate is not None,
        )

    @model_validator(mode="after")
    def _karpenter_beside_managed_nodes(self) -> "ComputeSpec":
        if self.karpenter is None:
            return self
        if self.auto_mode:
            raise Misplaced("Auto Mode is Karpenter, run by AWS: take one of the two out", "karpenter")
        if self.managed_nodes is None:
            raise Misplaced("runs on managed nodes, and there are none; add managed_nodes", "karpenter")
        if not self.managed_nodes.hosts_addons:
            raise Misplaced(
                "runs on managed nodes, and no group has room for it: one needs a desired_size above 0, no taints and no revision",
                "karpenter",
            )
        groups = {group.name for group in self.managed_nodes.groups}
        for index, pool in enumerate(self.karpenter.node_pools):
            if pool.name in groups:
                raise Misplaced(
                    f"{pool.name} is a node group already; choose another", "karpenter", "node_pools", index, "name"
                )
        return self

    @model_validator(mode="after")
    def _room_for_addons(self) -> "ComputeSpec":
        if self.managed_nodes and self.mix.deployments_run_on is None:
            raise Misplaced(
                "no group can host CoreDNS and the other add-ons: one needs a desired_size above 0, no taints and no revision."
                " Auto Mode's pool general-purpose would do, too, a node pool of auto_mode without taints, or Fargate",
                *("managed_nodes", "groups"),
            )
        return self

    @model_validator(mode="after")
    def _something(self) -> "ComputeSpec":
        auto = self.active_auto_mode
        if self.managed_nodes or self.fargate:
            return self
        if auto is None:
            raise ValueError("names no compute, so no pod could run; add auto_mode: {}, managed_nodes or fargate")
        if not auto.built_in_node_pools and not auto.node_pools:
            raise Misplaced(
                "auto_mode has no node pools and there is no other compute; name built_in_node_pools or node_pools",
                "auto_mode",
                "built_in_node_pools",
            )
        return self


class ClusterSpec(Spec):
    """One EKS cluster."""

    name: ClusterName
    existing: (
        Annotated[
            ExistingClusterSpec,
            WithJsonSchema({"type": "string", "title": "Existing", "examples": ["existing/shop.yaml"]}),
        ]
        | None
    ) = None
    """The file, beside this one, that `python -m operations look-up` wrote of a cluster that was made elsewhere: only compute, add-ons
    and workloads are made for it. `network`, `control_plane` and `access` are then not said here."""
    network: AnyNetwork | None = None
    """A network of its own; default: the environment's."""
    control_plane: ControlPlaneSpec
    access: AccessSpec
    compute: ComputeSpec
    addons: dict[AddonName, AddonSpec] = {}
    """What differs from the rules of eks_facts/data/addons.yaml."""
    delivery: Delivery = "files"
    """How Kubernetes objects get into the cluster: `files` for `make apply`, or `kubectl` in a Lambda function, by the stack.
    `handover` goes between: as `kubectl`, but CloudFormation lets go of the objects instead of deleting them."""
    workloads: list[WorkloadSpec] = []
    """Workloads of workloads/, and the compute each runs on."""
    pod_identities: list[PodIdentitySpec] = []
    """AWS roles of applications and controllers: by EKS Pod Identity on nodes, by IRSA on Fargate."""
    provided_elsewhere: list[ApiName] = []
    """What something outside of this file brings into the cluster, and workloads may refer to: API groups (cert-manager.io), names
    of classes (nginx), drivers (secrets-store.csi.k8s.io)."""

    @model_validator(mode="before")
    @classmethod
    def _look_up(cls, data: Any, info: ValidationInfo) -> Any:
        """Takes what is not said of a cluster that exists from what was looked up."""
        file = data.get("existing") if isinstance(data, dict) else None
        if file is None:
            return data
        for key in ("network", "control_plane", "access"):
            if key in data:
                raise Misplaced("is the affair of who made the cluster, which exists; take it out", key)
        found = ((info.context or {}).get("existing") or {}).get(str(file))
        if found is None:
            raise Misplaced("must name the file of a look-up, such as existing/shop.yaml", "existing")
        return {
            **data,
            "existing": found,
            "network": found.network,
            "control_plane": found.control_plane,
            "access": NOBODY,
        }

    @model_validator(mode="after")
    def _joins(self) -> "ClusterSpec":
        if self.existing is None:
            return self
        if self.compute.auto_mode:
            raise Misplaced(
                "is a setting of the cluster itself, which exists: who made it switches it on; take it out",
                *("compute", "auto_mode"),
            )
        entries = "karpenter" if self.compute.karpenter else "delivery" if self.delivered_by_stack else None
        if entries and self.existing.authentication_mode == "CONFIG_MAP":
            raise Misplaced(
                "needs an access entry, and the cluster takes none: its authentication mode is CONFIG_MAP."
                f" aws eks update-cluster-config --name {self.name} --access-config authenticationMode=API_AND_CONFIG_MAP,"
                " then look it up again",
                *(("compute", entries) if entries == "karpenter" else (entries,)),
            )
        irsa = any(one.compute == "fargate" for one in self.workloads) or any(one.irsa for one in self.pod_identities)
        irsa = irsa or any(addon.on_fargate and addon.identity for addon in self.planned_addons())
        if irsa and not self.existing.oidc_provider_arn:
            raise Misplaced(
                "gives pods AWS roles by IAM's OIDC provider of the cluster, and the look-up found none. Make it"
                f" (aws iam create-open-id-connect-provider --url {self.existing.oidc_issuer} --client-id-list"
                " sts.amazonaws.com), then look it up again",
                *("compute", "fargate"),
            )
        return self

    @property
    def delivered_by_stack(self) -> bool:
        """Whether CloudFormation applies the Kubernetes objects."""
        return self.delivery != "files"

    def planned_addons(self, lock: "LockFile | None" = None) -> list[PlannedAddon]:
        """Returns the add-ons of the cluster, with the versions of ``lock``. Raises AddonProblem."""
        locked = lock.addons.get(self.control_plane.kubernetes_version, {}) if lock else {}
        return plan_addons(dict(self.addons.items()), self.compute.mix, locked=dict(locked.items()))

    @property
    def prefixes(self) -> bool:
        """Whether the CNI gives nodes prefixes of addresses: with IPv6 always.

        https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses.html
        """
        spec = self.addons.get("vpc-cni")
        told = str((spec.configuration.get("env") or {}).get("ENABLE_PREFIX_DELEGATION", "")).lower() if spec else ""
        return self.control_plane.ip_family == "ipv6" or told == "true"

    def system_selectors(self) -> list[FargateSelectorSpec]:
        """Returns what Fargate must draw for the add-ons that run there."""
        return [
            FargateSelectorSpec(**addon.fargate_selector) for addon in self.planned_addons() if addon.fargate_selector
        ]

    @model_validator(mode="after")
    def _node_versions(self) -> "ClusterSpec":
        versions = list(load("kubernetes_versions")["versions"])
        mine = versions.index(self.control_plane.kubernetes_version)
        nodes = self.compute.managed_nodes
        if nodes is None:
            return self
        named: list[tuple[tuple[str | int, ...], str | None]] = [((), nodes.kubernetes_version)]
        named += [(("groups", index), group.kubernetes_version) for index, group in enumerate(nodes.groups)]
        for where, version in named:
            if version and not 0 <= mine - versions.index(version) <= MAX_SKEW:
                raise Misplaced(
                    f"nodes would have Kubernetes {version}, the control plane {self.control_plane.kubernetes_version};"
                    f" nodes may be {MAX_SKEW} minor version behind, until the next upgrade, and never ahead",
                    *("compute", "managed_nodes", *where, "kubernetes_version"),
                )
        return self

    @model_validator(mode="after")
    def _karpenter_knows_the_version(self) -> "ClusterSpec":
        versions = list(load("kubernetes_versions")["versions"])
        mine = self.control_plane.kubernetes_version
        if self.compute.karpenter and versions.index(mine) > versions.index(NEWEST_KUBERNETES):
            raise Misplaced(
                f"Karpenter {VERSION} is for Kubernetes up to {NEWEST_KUBERNETES}, and the control plane has {mine};"
                " wait with the upgrade, or raise the version in constructs/eks_constructs/compute/karpenter/objects.py",
                *("compute", "karpenter"),
            )
        return self

    @model_validator(mode="after")
    def _addons_can_run(self) -> "ClusterSpec":
        try:
            selectors = self.system_selectors()
        except AddonProblem as problem:
            raise Misplaced(str(problem), "addons", *problem.where) from None
        for index, profile in enumerate(self.compute.fargate.profiles if self.compute.fargate else []):
            for place, selector in enumerate(profile.selectors):
                if clash := [one for one in selectors if one.overlaps(selector)]:
                    labels = ", ".join(f"{key}={value}" for key, value in clash[0].labels.items())
                    raise Misplaced(
                        f"the selector {selector.namespace} overlaps {clash[0].namespace} with {labels}:"
                        " this project makes a profile for those pods itself; take the selector out",
                        *("compute", "fargate", "profiles", index, "selectors", place, "namespace"),
                    )
        return self

    @model_validator(mode="after")
    def _pod_identities(self) -> "ClusterSpec":
        planned = self.planned_addons()
        taken = {
            (addon.identity["namespace"], addon.identity["service_account"]): f"the add-on {addon.name}"
            for addon in planned
            if addon.identity
        }
        taken |= {("kube-system", name): name for name in ("karpenter", "aws-load-balancer-controller")}
        names = {addon.name for addon in planned}
        for index, one in enumerate(self.pod_identities):
            if other := taken.get((one.namespace, one.service_account)):
                raise Misplaced(
                    f"{one.namespace}/{one.service_account} has a role already, of {other}: a service account takes one",
                    *("pod_identities", index, "service_account"),
                )
            taken[one.namespace, one.service_account] = f"pod_identities[{index}]"
            irsa = self.compute.mix.kinds == ["fargate"] if one.irsa is None else one.irsa
            if irsa and not self.compute.fargate:
                raise Misplaced(
                    "is for pods on Fargate, and there is none; take it out", "pod_identities", index, "irsa"
                )
            if not irsa and self.compute.mix.kinds == ["fargate"]:
                raise Misplaced(
                    "the agent of EKS Pod Identity does not run on Fargate; take irsa out",
                    "pod_identities",
                    index,
                    "irsa",
                )
            if not irsa and self.compute.managed_nodes and "eks-pod-identity-agent" not in names:
                raise Misplaced(
                    "needs the add-on eks-pod-identity-agent, which is switched off; switch it on, or take this out",
                    *("pod_identities", index),
                )
        return self


class LockFile(Spec):
    """Versions of add-ons, by Kubernetes version: ENVIRONMENT.lock.yaml beside the environment file."""

    addons: dict[KubernetesVersion, dict[AddonName, AddonVersion]]

    @model_validator(mode="after")
    def _new_enough(self) -> "LockFile":
        for kubernetes, versions in self.addons.items():
            for name, version in versions.items():
                if problem := too_old(name, version):
                    raise Misplaced(f"{problem} (make lock-addons)", "addons", kubernetes, name)
        return self
