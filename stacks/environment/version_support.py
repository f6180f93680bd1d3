"""Whether EKS takes the Kubernetes version of a control plane on a day."""

from dataclasses import dataclass
from datetime import date

from eks_constructs.control_plane import ControlPlaneSpec
from eks_facts.versions import kubernetes_versions

_STILL_RUNS = "(to look at or destroy one that still runs: -c today=YYYY-MM-DD, a day before)"


@dataclass(frozen=True)
class VersionProblem:
    """Why EKS refuses a version, and the key of the control plane to change."""

    key: str
    text: str


def version_problem(spec: ControlPlaneSpec, today: date) -> VersionProblem | None:
    """Returns what EKS would say of the version and support of a control plane; None: it takes them."""
    name, versions = spec.kubernetes_version, kubernetes_versions()
    version = versions[name]
    if version.extended_until and today > version.extended_until:
        return VersionProblem(
            "kubernetes_version",
            f"Kubernetes {name} is out of support since {version.extended_until} (extended support too), and EKS creates no"
            f" cluster with it; raise kubernetes_version, one minor version at a time {_STILL_RUNS}",
        )
    if version.standard_until and today > version.standard_until and spec.support == "STANDARD":
        # https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html (upgradePolicy)
        standard = [one for one, dates in versions.items() if not dates.standard_until or dates.standard_until >= today]
        return VersionProblem(
            "support" if "support" in spec.model_fields_set else "kubernetes_version",
            f"Kubernetes {name} is in extended support since {version.standard_until}, and EKS takes support: STANDARD for none that"
            " is: set control_plane.support: EXTENDED, which costs more, or raise kubernetes_version to one in standard support"
            f" ({', '.join(standard)}), one minor version at a time if the cluster is there already {_STILL_RUNS}",
        )
    return None
