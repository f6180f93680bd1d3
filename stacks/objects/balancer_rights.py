"""Rights of the AWS Load Balancer Controller beyond load balancers, read from the annotations that need them."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from delivery.object_kind import kind_of
from delivery.placeholders import fill
from eks_constructs.load_balancer_controller import application_load_balancers
from eks_constructs.manifests import KubernetesObject
from eks_constructs.pseudo import Aws
from eks_constructs.roles import Statement, allow
from eks_facts.files import load
from stacks.objects.exposure import made_by_aws, text_of
from stacks.objects.rules.setting import ANNOTATIONS, Found, Setting


def rights_of(objects: Iterable[KubernetesObject], cluster: str) -> list[Statement]:
    """Returns a statement for each feature that objects with load balancers of the controller ask for."""
    found: dict[str, set[str]] = {}
    for item in objects:
        for feature, row, text in _asked(item):
            found.setdefault(feature, set()).update([_resource(row, text)] if "resource" in row else [])
    values = {
        "AWS_REGION": Aws.REGION,
        "AWS_ACCOUNT_ID": Aws.ACCOUNT_ID,
        "AWS_PARTITION": Aws.PARTITION,
        "CLUSTER_NAME": cluster,
    }
    features = load("balancer_features")["features"]
    statements = []
    for feature in sorted(found):
        row = features[feature]
        resources = [fill(arn, values) for arn in sorted(found[feature])]
        if row.get("load_balancers"):
            resources.append(application_load_balancers())
        statements.append(allow(row["actions"], resources or "*", sid=f"Use{feature}"))
    return statements


def features(item: KubernetesObject, setting: Setting) -> Found:
    """Annotations that need rights the controller cannot get."""
    if not setting.placement.rule.needs_controller or not made_by_aws(item, setting.placement, setting.known):
        return  # Auto Mode's rights are AWS's: ignored_annotations of compute_kinds.yaml says what it does not read.
    for annotation, instead in load("balancer_features")["refused"].items():
        if text_of(item, annotation):
            yield (*ANNOTATIONS, annotation), instead
    for feature, row, text in _asked(item):
        if setting.isolated and feature in ("Waf", "Shield"):
            yield (
                (*ANNOTATIONS, row["annotation"]),
                "the network has no way to the internet, where the controller would reach WAF and Shield: remove it",
            )
        if "resource" in row and not _resource(row, text).startswith("arn:"):
            yield (*ANNOTATIONS, row["annotation"]), f"found {text[:80]}; {row['must']}"


def _asked(item: KubernetesObject) -> Iterator[tuple[str, dict[str, Any], str]]:
    if kind_of(item) not in ("Ingress", "Service"):
        return
    for feature, row in load("balancer_features")["features"].items():
        text = text_of(item, row["annotation"])
        if text and text.lower() not in ("false", "none"):
            yield feature, row, text


def _resource(row: dict[str, Any], text: str) -> str:
    """Returns the ARN that an annotation names, in itself or under a key of its JSON; anything else: it names none."""
    if row["resource"] is True:
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return ""
    return str(found.get(row["resource"], "")) if isinstance(found, dict) else ""
