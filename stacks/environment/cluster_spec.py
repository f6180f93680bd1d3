"""What one cluster of an environment file consists of, and what must hold between its parts."""

from typing import Annotated

from pydantic import Discriminator, Tag, model_validator

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
from eks_constructs.compute.fargate.spec import FargateSelectorSpec
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.compute.spec import ComputeSpec
from eks_constructs.control_plane import ControlPlaneSpec, KubernetesVersion
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from eks_constructs.pod_identities import PodIdentitySpec
from eks_constructs.spec import ClusterName, Misplaced, Spec, pattern
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

class ClusterSpec(Spec):
    """One EKS cluster."""

    name: ClusterName
    network: AnyNetwork | None = None
    """A network of its own; default: the environment's."""
    control_plane: ControlPlaneSpec
    access: AccessSpec
    compute: ComputeSpec
    addons: dict[AddonName, AddonSpec] = {}
    """What differs from the rules of catalog/addons.yaml."""
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
    def _compute_fits(self) -> "ClusterSpec":
        context = ClusterContext(self.name, self.control_plane.kubernetes_version)
        for kind, section in self.compute.active():
            try:
                kind.check_cluster(section, context)
            except Misplaced as problem:
                raise Misplaced(str(problem), "compute", kind.name, *problem.where) from None
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
