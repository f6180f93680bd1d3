"""Rules for pods and service accounts: classes, nodes and roles."""

from typing import Any

from delivery.object_kind import kind_of
from eks_constructs.manifests import KubernetesObject
from safe_io.where import Where
from stacks.objects.exposure import text_of
from stacks.objects.pods import pod_templates
from stacks.objects.rules.setting import ANNOTATIONS, Found, Setting

_DEFAULT_SCHEDULER = "default-scheduler"
ROLE_OF_ACCOUNT = "eks.amazonaws.com/role-arn"


def pod(item: KubernetesObject, setting: Setting) -> Found:
    """Unknown classes, and nodes that contradict the placement."""
    for way, template in pod_templates(item):
        yield from _spec(way, template["spec"], setting)


def _spec(way: Where, spec: Any, setting: Setting) -> Found:
    for key, kind in (("priorityClassName", "PriorityClass"), ("runtimeClassName", "RuntimeClass")):
        name = spec.get(key)
        if name and not setting.known.has(kind, str(name)):
            yield (
                (*way, "spec", key),
                f"found {name}, and the API server refuses pods of a {kind} that is not there: nothing in this cluster makes it."
                f" Add it to the workload. {setting.elsewhere}: {name}",
            )
    scheduler = spec.get("schedulerName") or _DEFAULT_SCHEDULER
    if scheduler != _DEFAULT_SCHEDULER and not setting.known.is_provided(str(scheduler)):
        yield (
            (*way, "spec", "schedulerName"),
            f"found {scheduler}, and EKS runs {_DEFAULT_SCHEDULER} alone: without another one its pods stay Pending. Remove it."
            f" {setting.elsewhere}: {scheduler}",
        )
    if spec.get("nodeName"):
        yield (*way, "spec", "nodeName"), "names one node, past every placement; remove it"
    yield from _affinity(way, spec, setting)


def _affinity(way: Where, spec: Any, setting: Setting) -> Found:
    """Required node affinity that excludes every node of the placement."""
    keys = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    terms = spec
    for key in keys:
        terms = terms.get(key) if isinstance(terms, dict) else None
    if not isinstance(terms, list) or not terms:
        return
    selector = setting.placement.node_selector
    if all(any(_excludes(one, selector) for one in term.get("matchExpressions") or []) for term in terms):
        labels = ", ".join(f"{key}={value}" for key, value in selector.items())
        yield (*way, "spec", *keys), f"no node meets it: the placement selects nodes with {labels}; remove it"


def _excludes(expression: Any, selector: Any) -> bool:
    value, values = selector.get(expression.get("key")), expression.get("values") or []
    if value is None:
        return False
    return {
        "In": value not in values,
        "NotIn": value in values,
        "DoesNotExist": True,
    }.get(str(expression.get("operator")), False)


def account(item: KubernetesObject, setting: Setting) -> Found:
    """Roles by annotation, which only IRSA reads."""
    if kind_of(item) != "ServiceAccount" or not text_of(item, ROLE_OF_ACCOUNT):
        return
    where: Where = (*ANNOTATIONS, ROLE_OF_ACCOUNT)
    if item["metadata"]["name"] == setting.service_account:
        yield where, "remove it: the role of this account is made here, and found by the kind of compute"
    elif not setting.irsa:
        yield (
            where,
            "is read where the cluster's tokens are trusted by IAM (IRSA), and this project makes that trust for pods on Fargate"
            f" alone; on {setting.placement.spec.compute} associate the role by EKS Pod Identity, and remove it",
        )
