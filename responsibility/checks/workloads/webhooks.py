"""Duties at admission webhooks: they must not be able to stop the cluster."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import WebhookConfiguration
from responsibility.reading.resource import UnknownValue


@check(
    "EKR117",
    WebhookConfiguration,
    title="Webhooks that fail cannot stop every pod from starting",
    component="extensions",
    severity="medium",
    why="When the webhook's own pods are gone, the API server refuses every pod, theirs and kube-system's included: the"
    " cluster cannot heal itself.",
    fix="Exclude kube-system and the webhook's own namespace by namespaceSelector, or set failurePolicy to Ignore.",
    source="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/",
)
def webhook_cannot_block(config: WebhookConfiguration) -> Answer:
    """The failure policy is Fail where nothing is said. A selector, of namespaces or objects, limits the damage."""
    webhooks = config.items("webhooks")
    blocking = [path for path in webhooks if _blocks(config, path)]
    if blocking:
        for path in blocking:
            if config.get(f"{path}.matchConditions"):
                raise UnknownValue(config.at(f"{path}.matchConditions"), "expressions decide which pods it sees")
        return open_(
            f"{len(blocking)} of {len(webhooks)} webhooks refuse all pods when they do not answer",
            *(config.at(f"{path}.failurePolicy") for path in blocking),
        )
    return met("no webhook refuses all pods when it does not answer", config.at("webhooks"))


def _blocks(config: WebhookConfiguration, path: str) -> bool:
    if config.get(f"{path}.failurePolicy", "Fail") == "Ignore":
        return False
    if any(any(config.mapping(f"{path}.{kind}").values()) for kind in ("namespaceSelector", "objectSelector")):
        return False
    return any(
        {"", "*"} & set(config.texts(f"{rule}.apiGroups"))
        and {"pods", "*", "*/*", "pods/*"} & set(config.texts(f"{rule}.resources"))
        and {"CREATE", "*"} & set(config.texts(f"{rule}.operations"))
        for rule in config.items(f"{path}.rules")
    )
