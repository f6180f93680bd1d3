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
from eks_constructs.compute.hybrid_nodes.spec import COMPUTE_TYPE, ZONE, HybridNodesSpec, SiteSpec
from eks_constructs.compute.kind import ClusterContext
from eks_constructs.compute.placement import toleration
from eks_facts.files import load
from eks_facts.versions import minors_behind

FOLDER = "hybrid"
INDEX = "sites.json"
REGION = "${AWS_REGION}"
"""Placeholder where the environment names no region."""
CODE, ACTIVATION = "${ACTIVATION_CODE}", "${ACTIVATION_ID}"
_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide"


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
    yield "README.md", _readme(spec, context)
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
        yield f"{site.name}/README.md", _steps(spec, site, context)
        yield f"{site.name}/firewall.md", _firewall(spec, site, context)


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


def _cilium_series(spec: HybridNodesSpec) -> str:
    """Returns the newest series of Cilium that every site's operating system can run."""
    systems = load("hybrid_nodes")["systems"]
    return min(str(systems[site.operating_system]["cilium"]) for site in spec.sites)


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
    api = "cilium.io/v2alpha1" if _cilium_series(spec) == "1.17" else "cilium.io/v2"
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


def _readme(spec: HybridNodesSpec, context: ClusterContext) -> str:
    cilium = load("hybrid_nodes")["cilium"]
    sites = "\n".join(
        f"| [{site.name}]({site.name}/README.md) | {site.cidr or ', '.join(spec.remote_node_networks)} |"
        f" {site.kubernetes_version or context.kubernetes_version} |"
        f" {load('hybrid_nodes')['systems'][site.operating_system]['title']}, {site.architecture} |"
        for site in spec.sites
    )
    bgp = "\n   kubectl apply -f cilium-bgp.yaml" if any(site.bgp for site in spec.sites) else ""
    mixed = len(context.mix.kinds) > 1
    dns = (
        f"""
4. CoreDNS has replicas in the VPC and here. Let pods ask the nearest one ({_DOCS}/hybrid-nodes-webhooks.html):

   ```bash
   kubectl patch service kube-dns -n kube-system -p '{{"spec":{{"trafficDistribution":"PreferClose"}}}}'
   kubectl rollout restart deployment coredns -n kube-system   # spreads them, once nodes of sites are ready
   ```
"""
        if mixed
        else """
4. CoreDNS and other add-ons with Deployments run here: deploy again now, which makes them (docs/hybrid.md).
"""
    )
    return f"""# Hybrid nodes of {context.name}

Steps, in this order. No file here has a secret.

1. The network of each site: its firewall (`SITE/firewall.md`), and routes of your routers to {", ".join(context.vpc_cidrs) or "the VPC"}.
2. The nodes of each site:

| Site | Addresses of nodes | Kubernetes | Operating system |
|---|---|---|---|
{sites}

   They are NotReady until the next step.
3. Cilium, once for all sites, in AWS's build of it ({_DOCS}/hybrid-nodes-cni.html). Ranges and mask cannot change later:

   ```bash
   helm install cilium {cilium["chart"]} --version {cilium["versions"][_cilium_series(spec)]} \\
     --namespace kube-system --values cilium-values.yaml{bgp}
   kubectl get nodes -l {COMPUTE_TYPE}=hybrid
   ```
{dns}"""


def _steps(spec: HybridNodesSpec, site: SiteSpec, context: ClusterContext) -> str:
    system = load("hybrid_nodes")["systems"][site.operating_system]
    version = site.kubernetes_version or context.kubernetes_version
    provider, region = spec.credentials.provider, context.region or REGION
    containerd = system["containerd"]
    if minors_behind(version, load("hybrid_nodes")["containerd_2_from"]) >= 0:
        containerd = system.get("containerd_2", containerd)
    source = f" --containerd-source {containerd}" if containerd != "distro" else ""
    show = f"python -m delivery hybrid cdk.out --cluster {context.name} --site {site.name}"
    if provider == "ssm":
        credentials = f"""An activation, from your own machine (it registers {site.max_nodes} nodes at most). This prints the command:

   ```bash
   . .venv/bin/activate   # in the folder of this project
   {show}
   ```

   Its answer has an id and a code. The code is a secret until it expires: it belongs on the hosts, and in no file that is kept."""
        config, fill = "nodeConfig.yaml", f"put the activation's id and code in the place of {ACTIVATION} and {CODE}"
    else:
        credentials = f"""A certificate for each node, of the CA that the trust anchor names, with the node's name as its common name:
   `/etc/iam/pki/server.pem`, and its key `/etc/iam/pki/server.key`, on that host alone. This prints the values for the files here:

   ```bash
   . .venv/bin/activate   # in the folder of this project
   {show}
   ```"""
        config, fill = "NODE.yaml", "put them in the place of what is in ${...}"
    return f"""# Nodes of {site.name}

{system["title"]} on {site.architecture}, Kubernetes {version}; credentials by {"Systems Manager" if provider == "ssm" else "certificates"}.

1. {credentials}
2. On each host, as root, nodeadm and what it installs ({_DOCS}/hybrid-nodes-join.html):

   ```bash
   curl -fOL https://hybrid-assets.eks.amazonaws.com/releases/latest/bin/linux/{site.architecture}/nodeadm
   chmod +x nodeadm
   ./nodeadm install {version} --credential-provider {provider} --region {region}{source}
   ```
3. Copy `{config}` to the host as `/root/nodeConfig.yaml`, readable by root alone, and {fill}. Then:

   ```bash
   ./nodeadm config check -c file:///root/nodeConfig.yaml
   ./nodeadm init -c file:///root/nodeConfig.yaml
   ./nodeadm debug -c file:///root/nodeConfig.yaml   # if it does not join
   ```
4. To upgrade a node, one after the other: `kubectl drain NODE --ignore-daemonsets --delete-emptydir-data`, then
   `./nodeadm upgrade VERSION -c file:///root/nodeConfig.yaml` on it, then `kubectl uncordon NODE`.
5. To remove one: drain it, `./nodeadm uninstall` on it, then `kubectl delete node NODE`. EKS charges for its vCPUs until it is gone.
"""


def _firewall(spec: HybridNodesSpec, site: SiteSpec, context: ClusterContext) -> str:
    holds = {
        spec.credentials.provider: True,
        "pod_identity": "eks-pod-identity-agent" in context.addons,
        "pods": bool(spec.remote_pod_networks),
        "bgp": site.bgp is not None,
        "gateway": spec.hybrid_nodes_gateway,
        "cloud_dns": len(context.mix.kinds) > 1,
    }
    places = {
        "nodes": site.cidr or ", ".join(spec.remote_node_networks),
        # What no network routes leaves with the address of its node.
        "pods": ", ".join(spec.remote_pod_networks)
        or f"{site.cidr or ', '.join(spec.remote_node_networks)} (of the node)",
        "control_plane": f"{', '.join(context.vpc_cidrs) or 'the VPC'} (the control plane's network interfaces)",
        "vpc": ", ".join(context.vpc_cidrs) or "the VPC",
        "all nodes": ", ".join(spec.remote_node_networks),
        "the router": site.bgp.peer_address if site.bgp else "",
    }
    rows = []
    for row in load("hybrid_nodes")["firewall"]:
        if all(holds.get(one) for one in row.get("when", ())):
            source, target = places.get(row["from"], row["from"]), places.get(row["to"], row["to"])
            target = target.replace("REGION", context.region or "REGION")
            rows.append(
                f"| {row['direction']} | {row['protocol']} | {row['port']} | {source} | {target} | {row['why']} |"
            )
    return "\n".join(
        [
            f"# Firewall of {site.name}",
            "",
            f"As the site sees it: {_DOCS}/hybrid-nodes-networking.html. Answers to what is let through are let through.",
            "",
            "| Direction | Protocol | Port | From | To | Why |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
