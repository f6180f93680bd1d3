"""How long EKS supports a Kubernetes version, as of a day."""

from __future__ import annotations

from datetime import date

from eks_facts.versions import kubernetes_versions
from responsibility.document import VersionSupport


def minor(version: str) -> tuple[int, int]:
    """Returns a version that can be compared. Raises ValueError."""
    major, _, rest = version.partition(".")
    return int(major), int(rest)


def support(version: str, as_of: date) -> VersionSupport:
    """Returns the support of a version on a day; state ``unknown`` for one whose dates are not known."""
    known = kubernetes_versions().get(version)
    if known is None or known.standard_until is None or known.extended_until is None:
        return VersionSupport(version=version, released=known.released if known else None, state="unknown")
    if as_of <= known.standard_until:
        state, until = "standard", known.standard_until
    elif as_of <= known.extended_until:
        state, until = "extended", known.extended_until
    else:
        state, until = "ended", known.extended_until
    return VersionSupport(
        version=version,
        released=known.released,
        standard_until=known.standard_until,
        extended_until=known.extended_until,
        state=state,
        days_left=max((until - as_of).days, 0),
    )


def every(as_of: date) -> list[VersionSupport]:
    """Returns the support of every version EKS offers, oldest first."""
    return [support(version, as_of) for version in kubernetes_versions()]
