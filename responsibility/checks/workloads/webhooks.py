"""Checks of admission webhooks: they must not be able to stop the cluster."""

from __future__ import annotations

from responsibility.checks.check import Answer, check, met, open_
from responsibility.reading.kubernetes import WebhookConfiguration
from responsibility.reading.resource import UnknownValue


@check("EKR117", WebhookConfiguration)
def webhook_cannot_block(config: WebhookConfiguration) -> Answer:
    """The failure policy is Fail where nothing is said. A selector, of namespaces or objects, limits the damage."""
    webhooks = config.items("webhooks")
    blocking = [path for path in webhooks if _blocks(config, path)]
    if blocking:
        for path in blocking:
            if config.get(f"{path}.matchConditions"):
                raise UnknownValue(config.at(f"{path}.matchConditions"), "expressions decide which pods it sees")
        return open_(
            f"{len(blocking)} of {len(webhooks)} webhooks refuse all pods if they do not answer",
            *(config.at(f"{path}.failurePolicy") for path in blocking),
        )
    return met("no webhook refuses all pods if it does not answer", config.at("webhooks"))


def _blocks(config: WebhookConfiguration, path: str) -> bool:
    if config.get(f"{path}.failurePolicy", "Fail") == "Ignore":
        return False
    selectors = [config.mapping(f"{path}.{kind}") for kind in ("namespaceSelector", "objectSelector")]
    if any(value for selector in selectors for key, value in selector.items() if key):
        return False
    config.raise_hidden(*(f"{path}.{kind}" for kind in ("namespaceSelector", "objectSelector")))
    return any(
        {"", "*"} & set(config.texts(f"{rule}.apiGroups"))
        and {"pods", "*", "*/*", "pods/*"} & set(config.texts(f"{rule}.resources"))
        and {"CREATE", "*"} & set(config.texts(f"{rule}.operations"))
        for rule in config.items(f"{path}.rules")
    )
