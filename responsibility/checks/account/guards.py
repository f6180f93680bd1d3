"""Checks of services that guard an account's clusters: GuardDuty, and ECR's repositories."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.account_services import Detector, Repository
from responsibility.reading.facts import Fact
from responsibility.reading.resource import UnknownValue

_FIXED = ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION")
_RUNTIME = ("RUNTIME_MONITORING", "EKS_RUNTIME_MONITORING")
_AGENT = "EKS_ADDON_MANAGEMENT"


def _beside_a_cluster(fact: Fact) -> bool:
    return bool(fact.facts.of_type("AWS::EKS::Cluster"))


@check("EKR313", Repository)
def tags_are_fixed(repository: Repository) -> Answer | None:
    """Mutable is the default. Tags that a filter excludes are a decision."""
    if not _beside_a_cluster(repository):
        return None
    here = repository.at("ImageTagMutability")
    if repository.mutability in _FIXED:
        return met("keeps its tags", here)
    return open_("lets a tag be pushed again with another image", here)


@check("EKR314", Repository)
def images_are_scanned(repository: Repository) -> Answer | None:
    """By the repository, or by a rule of the registry's that is for every repository."""
    if not _beside_a_cluster(repository):
        return None
    here = repository.at("ImageScanningConfiguration.ScanOnPush")
    if repository.scans:
        return met("scans what is pushed", here)
    for registry in repository.facts.of_type("AWS::ECR::RegistryScanningConfiguration"):
        for path, _ in registry.resource.items("Rules"):
            if registry.get(f"{path}.ScanFrequency") == "MANUAL":
                continue
            filters = [registry.get(f"{one}.Filter") for one, _ in registry.resource.items(f"{path}.RepositoryFilters")]
            if "*" in filters:
                return met("is scanned by a rule of the registry", registry.at(path))
            raise UnknownValue(registry.at(path), "whether the rule is for this repository is not known here")
    return open_("requests no scan; only a setting of the account's registry could", here)


@check("EKR315", Detector)
def clusters_are_watched(detector: Detector) -> Answer | None:
    """The audit log, and what runs on the nodes, by an agent that GuardDuty installs itself."""
    if not _beside_a_cluster(detector):
        return None
    if not detector.enabled:
        return open_("is off", detector.at("Enable"))
    on, agent = set(), False
    for path, _ in detector.resource.items("Features"):
        if detector.get(f"{path}.Status") == "ENABLED":
            on.add(str(detector.get(f"{path}.Name")))
            for more, _ in detector.resource.items(f"{path}.AdditionalConfiguration"):
                agent = agent or (
                    detector.get(f"{more}.Name") == _AGENT and detector.get(f"{more}.Status") == "ENABLED"
                )
    audit = (
        "EKS_AUDIT_LOGS" in on or str(detector.get("DataSources.Kubernetes.AuditLogs.Enable", False)).lower() == "true"
    )
    agent = agent or any(
        addon.resource.maybe("AddonName") == "aws-guardduty-agent"
        for addon in detector.facts.of_type("AWS::EKS::Addon")
    )
    missing = [
        words
        for words, there in (
            ("the audit log of clusters", audit),
            ("what runs on nodes", bool(on & set(_RUNTIME))),
            ("nodes without an agent", agent or not on & set(_RUNTIME)),
        )
        if not there
    ]
    if missing:
        return open_(f"does not watch {' and '.join(missing)}", detector.at("Features"))
    return met("watches the audit log, and nodes on EC2", detector.at("Features"))
