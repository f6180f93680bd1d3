"""Which kind an object is: API groups may have kinds of the same name, such as Gateway, Service and Job."""

from functools import cache
from typing import Any

from eks_facts.cluster_apis import group_of
from eks_facts.files import load

KubernetesObject = dict[str, Any]


def kind_of(item: KubernetesObject) -> str:
    """Returns the kind of an object: KIND if it is Kubernetes', EKS' or of what this project installs, else KIND.GROUP.

    Istio's Gateway is ``Gateway.networking.istio.io``, and nobody asks it for a GatewayClass.
    """
    kind, group = str(item["kind"]), group_of(item)
    return kind if group in _known_groups() else f"{kind}.{group}"


@cache
def _known_groups() -> frozenset[str]:
    apis = load("cluster_apis")
    by_part = [group for part in apis["by"].values() for group in part["groups"]]
    return frozenset([*apis["kubernetes"]["groups"], *apis["eks"]["groups"], *by_part])
