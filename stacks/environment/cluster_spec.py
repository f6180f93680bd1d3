"""What one cluster of an environment file consists of, and what must hold between its parts."""

from typing import Annotated

from pydantic import Discriminator, Tag, model_validator

from eks_constructs.addon_plan import (
    AddonName,
    AddonVersion,
    too_old,
)
from eks_constructs.cluster_spec import EksClusterSpec
from eks_constructs.control_plane import KubernetesVersion
from eks_constructs.network_spec import ExistingNetworkSpec, NetworkSpec
from eks_constructs.spec import Misplaced, Spec, pattern
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


class ClusterSpec(EksClusterSpec):
    """One EKS cluster."""

    network: AnyNetwork | None = None
    """A network of its own; default: the environment's."""
    delivery: Delivery = "files"
    """How Kubernetes objects get into the cluster: `files` for `make apply`, or `kubectl` in a Lambda function, by the stack.
    `handover` goes between: as `kubectl`, but CloudFormation lets go of the objects instead of deleting them."""
    workloads: list[WorkloadSpec] = []
    """Workloads of workloads/, and the compute each runs on."""
    provided_elsewhere: list[ApiName] = []
    """What something outside of this file brings into the cluster, and workloads may refer to: API groups (cert-manager.io), names
    of classes (nginx), drivers (secrets-store.csi.k8s.io)."""

    @property
    def delivered_by_stack(self) -> bool:
        """Whether CloudFormation applies the Kubernetes objects."""
        return self.delivery != "files"


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

    def versions(self, kubernetes_version: str) -> dict[str, str]:
        """Returns the versions for a Kubernetes version, by add-on."""
        return dict(self.addons.get(kubernetes_version, {}).items())
