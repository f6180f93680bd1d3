"""What one cluster of an environment file consists of, and what must hold between its parts."""

import json
from typing import Annotated, Any

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

    def unchecked_settings(self, lock: "LockFile | None") -> list[str]:
        """Returns the settings of add-ons that neither a schema in ``lock`` nor one that is known here covers. Raises AddonProblem."""
        locked = lock.versions(self.control_plane.kubernetes_version) if lock else {}
        return self.check_addon_settings(
            lambda addon: lock.schema_of(addon.name, addon.version or locked.get(addon.name)) if lock else None
        )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


class LockFile(Spec):
    """Versions of add-ons, by Kubernetes version: ENVIRONMENT.lock.yaml beside the environment file."""

    addons: dict[KubernetesVersion, dict[AddonName, AddonVersion]]
    settings: dict[AddonName, dict[AddonVersion, str]] = {}
    """JSON schemas of what add-ons take as settings, by version."""

    @model_validator(mode="after")
    def _new_enough(self) -> "LockFile":
        for kubernetes, versions in self.addons.items():
            for name, version in versions.items():
                if problem := too_old(name, version):
                    raise Misplaced(f"{problem} (make lock-addons)", "addons", kubernetes, name)
        return self

    @model_validator(mode="after")
    def _schemas(self) -> "LockFile":
        for name, versions in self.settings.items():
            for version, text in versions.items():
                if not isinstance(_json(text), dict):
                    raise Misplaced("is no JSON schema (make lock-addons writes it)", "settings", name, version)
        return self

    def schema_of(self, name: str, version: str | None) -> dict[str, Any] | None:
        """Returns the schema of the settings of an add-on's version; None: it is not here."""
        versions: dict[str, str] = dict(dict(self.settings.items()).get(name, {}).items())  # type: ignore[call-overload]
        return _json(versions[version]) if version in versions else None

    def versions(self, kubernetes_version: str) -> dict[str, str]:
        """Returns the versions for a Kubernetes version, by add-on."""
        return dict(self.addons.get(kubernetes_version, {}).items())
