"""The NodePool object of a pool: https://karpenter.sh/docs/concepts/nodepools/."""

from collections.abc import Mapping, Sequence

from eks_constructs.compute.node_pools import NodePoolSpec
from eks_constructs.manifests import KubernetesObject
from eks_facts.instances import xen_families


def node_pool(
    spec: NodePoolSpec,
    *,
    node_class: Mapping[str, str],
    label_domain: str,
    labels: Mapping[str, str],
    more_vcpus_than: int | None = None,
    without_families: Sequence[str] = (),
    nitro: bool = False,
) -> KubernetesObject:
    """Returns a NodePool. https://karpenter.sh/docs/concepts/nodepools/.

    Args:
        spec: the pool.
        node_class: group, kind and name of what its nodes are made of.
        label_domain: of the labels that tell instance types apart: eks.amazonaws.com, or karpenter.k8s.aws.
        labels: of the nodes.
        more_vcpus_than: smallest instances that are not taken.
        without_families: families of instances that are not taken, where the pool names no types.
        nitro: instances are of the AWS Nitro System, which IPv6 for pods needs (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html).
    """
    requirements: list[KubernetesObject] = [
        _requirement("karpenter.sh/capacity-type", spec.capacity),
        _requirement("kubernetes.io/arch", spec.processors),
    ]
    if spec.instance_types:
        requirements.append(_requirement("node.kubernetes.io/instance-type", spec.instance_types))
    else:
        requirements += [
            _requirement(f"{label_domain}/instance-category", spec.instance_categories),
            _requirement(f"{label_domain}/instance-generation", [str(spec.instance_generation_above)], "Gt"),
        ]
        if without_families:
            requirements.append(_requirement(f"{label_domain}/instance-family", without_families, "NotIn"))
        if nitro and spec.instance_generation_above < max(generation for _, generation in xen_families().values()):
            # Not `In nitro`: instances of bare metal have no hypervisor.
            requirements.append(_requirement(f"{label_domain}/instance-hypervisor", ["xen"], "NotIn"))
    if spec.availability_zones:
        requirements.append(_requirement("topology.kubernetes.io/zone", spec.availability_zones))
    requirements += [_requirement(one.key, one.values, one.operator) for one in spec.requirements]
    if more_vcpus_than is not None:
        requirements.append({"key": f"{label_domain}/instance-cpu", "operator": "Gt", "values": [str(more_vcpus_than)]})
    node: KubernetesObject = {
        "nodeClassRef": dict(node_class),
        "requirements": requirements,
        "expireAfter": f"{spec.expire_after_hours}h",
        "terminationGracePeriod": f"{spec.termination_grace_hours}h",
    }
    for key, taints in (("taints", spec.taints), ("startupTaints", spec.startup_taints)):
        if taints:
            node[key] = [{name: value for name, value in taint.model_dump().items() if value} for taint in taints]
    template: KubernetesObject = {"spec": node}
    if labels:
        template["metadata"] = {"labels": dict(labels)}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": spec.name},
        "spec": {"template": template, **_size(spec)},
    }


def _requirement(key: str, values: Sequence[str], operator: str = "In") -> KubernetesObject:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _size(spec: NodePoolSpec) -> KubernetesObject:
    budgets = [one.as_object() for one in spec.disruption_budgets]
    if spec.static_nodes is not None:
        # A tenth more (one at least) lets a node that is replaced start before the old one goes.
        room = spec.static_nodes + max(1, spec.static_nodes // 10)
        # Static pools ignore consolidateAfter, but Karpenter's CRD requires it beside budgets; 0s is the default.
        disruption = {"consolidateAfter": "0s", "budgets": budgets}
        return {"replicas": spec.static_nodes, "limits": {"nodes": str(room)}, "disruption": disruption}
    return {
        "limits": {"cpu": spec.cpu_limit} | ({"memory": spec.memory_limit} if spec.memory_limit else {}),
        "disruption": {
            "consolidationPolicy": spec.consolidation,
            "consolidateAfter": f"{spec.consolidate_after_seconds}s",
            "budgets": budgets,
        },
        **({"weight": spec.weight} if spec.weight else {}),
    }
