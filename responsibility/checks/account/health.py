"""Checks of an account: what EKS itself reports about health, insights and updates."""

from responsibility.checks.check import Answer, check, met, not_applicable, open_
from responsibility.reading.eks import Addon, Cluster, FargateProfile, NodeGroup, OfCluster
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue
from responsibility.reading.running import Capability, CertificateAuthority, Comparison, Insight, Update, day

_CHANGING = ("CREATING", "UPDATING", "PENDING", "DELETING")
"""Between two states: nothing is wrong with it yet."""
_CA_NOTICE = 730
"""Days before the end at which EKS adds a successor by itself."""


def _health(fact: Fact) -> Answer:
    issues = [str(fact.get(f"{path}.Code", "?")) for path, _ in fact.resource.items("Health.Issues")]
    status = str(fact.get("Status", ""))
    if issues:
        said = str(fact.resource.maybe("Health.Issues.0.Message", ""))
        return open_(f"is {status} with {', '.join(dict.fromkeys(issues))}: {said}", fact.at("Health.Issues"))
    if status in _CHANGING:
        return not_applicable(f"is {status} at the moment")
    if status != "ACTIVE":
        return open_(f"is {status}", fact.at("Status"))
    return met("is ACTIVE, without health issues", fact.at("Status"))


@check("EKR124", Cluster)
def cluster_is_healthy(cluster: Cluster) -> Answer:
    """A cluster whose creation failed stays FAILED."""
    return _health(cluster)


@check("EKR125", NodeGroup)
def node_group_is_healthy(group: NodeGroup) -> Answer:
    """By EKS's own word."""
    return _health(group)


@check("EKR126", Addon)
def addon_is_healthy(addon: Addon) -> Answer:
    """By EKS's own word."""
    return _health(addon)


@check("EKR127", FargateProfile)
def profile_is_healthy(profile: FargateProfile) -> Answer:
    """By EKS's own word."""
    return _health(profile)


@check("EKR128", Capability)
def capability_is_healthy(capability: Capability) -> Answer:
    """By EKS's own word."""
    return _health(capability)


@check("EKR150", Comparison)
def runs_as_written(comparison: Comparison) -> Answer:
    """Property by property; asked where templates were named (--assembly)."""
    words = str(comparison.get("Difference"))
    return open_(words, *comparison.places) if words else met("matches its template", *comparison.places)


def _insight(insight: Insight, category: str, *bad: str) -> Answer | None:
    if insight.category != category:
        return None
    if insight.status == "UNKNOWN":
        raise UnknownValue(
            insight.at("InsightStatus.Status"), str(insight.get("InsightStatus.Reason", "EKS cannot tell"))
        )
    if insight.status == "PASSING":
        return met("passes", insight.at("InsightStatus"))
    if insight.status not in bad:
        return None
    after = f" (for Kubernetes {version})" if (version := insight.get("KubernetesVersion")) else ""
    resources = [
        str(insight.get(f"{path}.KubernetesResourceUri") or insight.get(f"{path}.Arn", ""))
        for path, _ in insight.resource.items("Resources")
    ]
    named = f": {', '.join(filter(None, resources[:3]))}" if any(resources) else ""
    return open_(
        f"{insight.status}{after}: {insight.get('InsightStatus.Reason', '')}{named}", insight.at("InsightStatus")
    )


@check("EKR129", Insight)
def insight_has_no_error(insight: Insight) -> Answer | None:
    """Deprecated calls count for 30 days. Rollback insights are not read here: for a week after an upgrade their errors are normal."""
    return _insight(insight, "UPGRADE_READINESS", "ERROR")


@check("EKR130", Insight)
def insight_has_no_warning(insight: Insight) -> Answer | None:
    """The milder half of EKR129."""
    return _insight(insight, "UPGRADE_READINESS", "WARNING")


@check("EKR200", Insight)
def insight_has_no_misconfiguration(insight: Insight) -> Answer | None:
    """EKS's configuration insights look at hybrid nodes alone."""
    return _insight(insight, "MISCONFIGURATION", "ERROR", "WARNING")


@check("EKR202", CertificateAuthority)
def rotation_is_finished(authority: CertificateAuthority) -> Answer | None:
    """A successor that waits; and one that signs, with less than the time left at which EKS would add a successor."""
    where = authority.at("SigningStatus")
    if authority.get("SigningStatus") != "IN_USE":
        if authority.get("ActivatedAt"):
            return None  # it signed before: trusted until it ends, and of no further use
        planned = authority.get("ScheduledEvents.FirstAutoActivation", "")
        when = f", which EKS does by itself on {day(planned)}" if planned else ""
        return open_(f"waits to be activated{when}", where)
    ends = authority.get("Validity.NotAfter", "")
    if not ends:
        raise UnknownValue(authority.at("Validity.NotAfter"), "EKS does not say until when it is valid")
    left = (day(ends) - authority.facts.as_of).days
    if left <= _CA_NOTICE:
        return open_(f"ends on {day(ends)}, in {left} days, and no successor signs", authority.at("Validity.NotAfter"))
    return met(f"signs, and is valid until {day(ends)}", where)


@check("EKR131", Update)
def last_update_went_through(update: Update) -> Answer | None:
    """Of each type of update the newest counts."""
    same: list[Update] = [
        other
        for other in update.facts.belonging(Update, update.cluster_key)
        if other.get("Type") == update.get("Type") and _moment(other) > _moment(update)
    ]
    if same:
        return None
    if update.status not in ("Failed", "Cancelled"):
        return met(f"is {update.status}", update.at("Status"))
    codes = [str(update.get(f"{path}.ErrorCode", "?")) for path, _ in update.resource.items("Errors")]
    words = f" with {', '.join(codes)}" if codes else ""
    return open_(f"is {update.status} since {day(update.get('CreatedAt'))}{words}", update.at("Errors"))


def _moment(update: OfCluster) -> str:
    return str(update.get("CreatedAt", ""))
