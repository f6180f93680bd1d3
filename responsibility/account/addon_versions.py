"""Which version of an add-on EKS has for a Kubernetes version and the compute it runs on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from responsibility.account.errors import AccountError
from responsibility.account.session import Account

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)-eksbuild\.(\d+)")
"""The form of an EKS add-on's version. Those of the AWS Marketplace may look otherwise: a lock file does not take them."""
_NOT_KNOWN = {"ResourceNotFoundException", "InvalidParameterException"}


@dataclass(frozen=True)
class Choice:
    """The version that was chosen."""

    version: str
    note: str = ""
    """What a person should know of it; empty = it is what was asked for."""


@dataclass(frozen=True)
class _Offer:
    version: str
    order: tuple[int, ...]
    default: bool
    compute_types: frozenset[str]

    def runs_on(self, types: frozenset[str]) -> bool:
        # Where EKS names no compute types there is nothing to compare.
        return not self.compute_types or types <= self.compute_types


def choose(
    account: Account, addon: str, kubernetes: str, compute_types: frozenset[str], *, latest: bool = False
) -> Choice:
    """Asks EKS for the versions of an add-on and chooses one. Raises AccountError.

    Args:
        account: who is asked.
        addon: name of the add-on.
        kubernetes: version of the cluster.
        compute_types: what it has to run on, in EKS' words.
        latest: the newest version, not EKS' default.
    """
    at = f"eks:DescribeAddonVersions in {account.region}"
    try:
        infos = account.items("eks", "describe_addon_versions", "addons", addonName=addon, kubernetesVersion=kubernetes)
    except AccountError as error:
        if error.code in _NOT_KNOWN:
            raise AccountError(
                f"{error}. EKS does not know the add-on {addon}, or Kubernetes {kubernetes}, there", error.code
            ) from None
        raise
    offers = [offer for info in infos if info.get("addonName", addon) == addon for offer in _offers(info, kubernetes)]
    if not offers:
        raise AccountError(
            f"{at}: names no version of the add-on {addon} for Kubernetes {kubernetes}. Does EKS have both in that"
            " region, and is the add-on's name right? `aws eks describe-addon-versions` lists what there is"
        )
    fitting = [offer for offer in offers if offer.runs_on(compute_types)]
    wanted = " and ".join(sorted(compute_types))
    if not fitting:
        named = ", ".join(sorted(set().union(*(offer.compute_types for offer in offers))))
        note = f"EKS names no version of it for {wanted}, only for {named}; chosen without regard to that"
        return Choice(_pick(offers, latest).version, note)
    chosen = _pick(fitting, latest)
    if latest or chosen.default:
        return Choice(chosen.version)
    default = next((offer.version for offer in offers if offer.default), "")
    why = f"its default, {default}, is not for {wanted}" if default else "EKS names no default"
    return Choice(chosen.version, f"{why}; this is the newest")


def _pick(offers: list[_Offer], latest: bool) -> _Offer:
    defaults = [offer for offer in offers if offer.default and not latest]
    return max(defaults or offers, key=lambda offer: offer.order)


def _offers(info: dict[str, Any], kubernetes: str) -> list[_Offer]:
    """Returns the versions of an add-on that go with a Kubernetes version."""
    found = []
    for item in info.get("addonVersions") or []:
        match = _VERSION.fullmatch(str(item.get("addonVersion")))
        fits = [one for one in item.get("compatibilities") or [] if one.get("clusterVersion") == kubernetes]
        if match and fits:
            found.append(
                _Offer(
                    version=match[0],
                    order=tuple(int(part) for part in match.groups()),
                    default=any(one.get("defaultVersion") is True for one in fits),
                    compute_types=frozenset(item.get("computeTypes") or ()),
                )
            )
    return found
