"""Files for the people who join hybrid nodes: node configurations, steps, firewall rules, values of the CNI. No secret is in them."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from eks_constructs.compute.hybrid_nodes.construct import (
    ANCHOR_OUTPUT,
    PROFILE_OUTPUT,
    ROLE_OUTPUT,
    hybrid_role_name,
)
from eks_constructs.compute.hybrid_nodes.sites import COMPUTE_TYPE, ZONE, SiteSpec
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec
from eks_constructs.compute.hybrid_nodes.steps import ACTIVATION, CODE, REGION, cilium_series, firewall, readme, steps
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.compute.placement import toleration
from eks_facts.files import load

FOLDER = "hybrid"
INDEX = "sites.json"


def handouts(spec: HybridNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
    """Yields path and text of each file: FOLDER/CLUSTER/..., with a folder for each site."""
    files = dict(_files(spec, context))
    index = {
        "cluster": context.name,
        "environment": context.environment,
        "region": context.region,
        "provider": spec.credentials.provider,
        "role": _role(spec, context),
        "activation_hours": spec.credentials.ssm.activation_hours if spec.credentials.ssm else None,
        "outputs": {"role": ROLE_OUTPUT, "trust_anchor": ANCHOR_OUTPUT, "profile": PROFILE_OUTPUT},
        "sites": {
            site.name: {
                "max_nodes": site.max_nodes,
                "nodes": site.nodes,
                "kubernetes_version": site.kubernetes_version or context.kubernetes_version,
                "architecture": site.architecture,
                "networks": [site.cidr] if site.cidr else spec.remote_node_networks,
                "pod_networks": spec.pod_networks,
            }
            for site in spec.sites
        },
        "files": sorted(files),
    }
    for name, text in {**files, INDEX: json.dumps(index, indent=2) + "\n"}.items():
        yield f"{FOLDER}/{context.name}/{name}", text


def _role(spec: HybridNodesSpec, context: ClusterContext) -> str:
    """Returns the role by path and name, as Systems Manager takes it."""
    if spec.role_arn:
        return spec.role_arn.partition(":role/")[2]
    return context.iam.path.lstrip("/") + hybrid_role_name(context.iam, context.environment, context.name)


def _files(spec: HybridNodesSpec, context: ClusterContext) -> Iterator[tuple[str, str]]:
    yield "README.md", readme(spec, context)
    yield "cilium-values.yaml", _yaml("Values of Cilium for hybrid nodes alone: hybrid-nodes-cni.html", [_cilium(spec)])
    if announced := [site for site in spec.sites if site.bgp]:
        yield (
            "cilium-bgp.yaml",
            _yaml("Cilium announces the ranges of pods: hybrid-nodes-cilium-bgp.html", _bgp(announced, spec)),
        )
    for site in spec.sites:
        names: list[str | None] = [*site.nodes] or [None]
        for name in names:
            text = "Configuration of nodeadm. Fill in what is in ${...} on the host; keep the code of an activation out of any repository"
            yield f"{site.name}/{name or 'nodeConfig'}.yaml", _yaml(text, [_node_config(site, context, name)])
        yield f"{site.name}/README.md", steps(spec, site, context)
        yield f"{site.name}/firewall.md", firewall(spec, site, context)


def _yaml(text: str, objects: list[dict[str, Any]]) -> str:
    return f"# {text}.\n" + yaml.safe_dump_all(objects, sort_keys=False, width=120, explicit_start=len(objects) > 1)


def _node_config(site: SiteSpec, context: ClusterContext, name: str | None) -> dict[str, Any]:
    """Returns the NodeConfig of one node, or, with SSM, of all of a site: hybrid-nodes-nodeadm.html."""
    hybrid: dict[str, Any] = {}
    if "eks-pod-identity-agent" in context.addons:
        hybrid["enableCredentialsFile"] = True  # the agent's credentials: there is no instance metadata
    if name:
        hybrid["iamRolesAnywhere"] = {
            "nodeName": name,
            "trustAnchorArn": f"${{{ANCHOR_OUTPUT}}}",
            "profileArn": f"${{{PROFILE_OUTPUT}}}",
            "roleArn": f"${{{ROLE_OUTPUT}}}",
            "certificatePath": "/etc/iam/pki/server.pem",
            "privateKeyPath": "/etc/iam/pki/server.key",
        }
    else:
        hybrid["ssm"] = {"activationCode": CODE, "activationId": ACTIVATION}
    labels = ",".join(f"{key}={value}" for key, value in site.all_labels.items())
    kubelet: dict[str, Any] = {"flags": [f"--node-labels={labels}"]}
    if site.taints:
        kubelet["config"] = {"registerWithTaints": [taint.model_dump() for taint in site.taints]}
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "cluster": {"name": context.name, "region": context.region or REGION},
            "kubelet": kubelet,
            "hybrid": hybrid,
        },
    }


def _only_hybrid() -> dict[str, Any]:
    expression = {"key": COMPUTE_TYPE, "operator": "In", "values": ["hybrid"]}
    terms = [{"matchExpressions": [expression]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _cilium(spec: HybridNodesSpec) -> dict[str, Any]:
    values: dict[str, Any] = {
        "affinity": _only_hybrid(),
        "ipam": {
            "mode": "cluster-pool",
            "operator": {
                "clusterPoolIPv4MaskSize": 33 - spec.pods_per_node.bit_length(),
                "clusterPoolIPv4PodCIDRList": spec.pod_networks,
            },
        },
        "loadBalancer": {"serviceTopology": True},
        # It would restart pods of nodes in the VPC, whose addresses are not Cilium's.
        "operator": {"affinity": _only_hybrid(), "unmanagedPodWatcher": {"restart": False}},
        "envoy": {"enabled": False},
        # kube-proxy is an add-on of EKS, on these nodes too.
        "kubeProxyReplacement": "false",
    }
    closed = [
        [taint.model_dump() for taint in site.taints if taint.effect != "PreferNoSchedule"] for site in spec.sites
    ]
    if all(closed):
        # Nodes wait for its operator, which would find no node: a list of its own takes the place of the chart's.
        own = list({json.dumps(one): one for taints in closed for one in map(toleration, taints)}.values())
        values["operator"]["tolerations"] = [*load("hybrid_nodes")["cilium"]["operator_tolerations"], *own]
    if any(site.bgp for site in spec.sites):
        values["bgpControlPlane"] = {"enabled": True}
    if spec.hybrid_nodes_gateway:
        values |= {"vtep": {"enabled": True}, "l7Proxy": False}
    return values


def _bgp(sites: list[SiteSpec], spec: HybridNodesSpec) -> list[dict[str, Any]]:
    api = "cilium.io/v2alpha1" if cilium_series(spec) == "1.17" else "cilium.io/v2"
    advertised = {"advertise": "bgp"}
    objects: list[dict[str, Any]] = [
        {
            "apiVersion": api,
            "kind": "CiliumBGPAdvertisement",
            "metadata": {"name": "pods", "labels": advertised},
            "spec": {"advertisements": [{"advertisementType": "PodCIDR"}]},
        },
        {
            "apiVersion": api,
            "kind": "CiliumBGPPeerConfig",
            "metadata": {"name": "routers"},
            "spec": {
                "timers": {"holdTimeSeconds": 30, "keepAliveTimeSeconds": 10},
                "gracefulRestart": {"enabled": True, "restartTimeSeconds": 120},
                "families": [{"afi": "ipv4", "safi": "unicast", "advertisements": {"matchLabels": advertised}}],
            },
        },
    ]
    for site in sites:
        if site.bgp:
            peer = {
                "name": "router",
                "peerASN": site.bgp.peer_asn,
                "peerAddress": site.bgp.peer_address,
                "peerConfigRef": {"name": "routers"},
            }
            objects.append(
                {
                    "apiVersion": api,
                    "kind": "CiliumBGPClusterConfig",
                    "metadata": {"name": site.name},
                    "spec": {
                        "nodeSelector": {"matchLabels": {COMPUTE_TYPE: "hybrid", ZONE: site.name}},
                        "bgpInstances": [{"name": site.name, "localASN": site.bgp.local_asn, "peers": [peer]}],
                    },
                }
            )
    return objects
