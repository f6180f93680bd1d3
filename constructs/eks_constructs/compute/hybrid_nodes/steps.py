"""What people read who join hybrid nodes: steps, commands and firewall rules, as Markdown."""

from eks_constructs.compute.hybrid_nodes.sites import COMPUTE_TYPE, SiteSpec
from eks_constructs.compute.hybrid_nodes.spec import HybridNodesSpec
from eks_constructs.compute.kind import ClusterContext
from eks_facts.files import load
from eks_facts.versions import minors_behind

REGION = "${AWS_REGION}"
"""Placeholder where the environment names no region."""
CODE, ACTIVATION = "${ACTIVATION_CODE}", "${ACTIVATION_ID}"
_DOCS = "https://docs.aws.amazon.com/eks/latest/userguide"


def cilium_series(spec: HybridNodesSpec) -> str:
    """Returns the newest series of Cilium that every site's operating system can run."""
    systems = load("hybrid_nodes")["systems"]
    return min(str(systems[site.operating_system]["cilium"]) for site in spec.sites)


def readme(spec: HybridNodesSpec, context: ClusterContext) -> str:
    """Returns the steps for a cluster, in their order."""
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
   helm install cilium {cilium["chart"]} --version {cilium["versions"][cilium_series(spec)]} \\
     --namespace kube-system --values cilium-values.yaml{bgp}
   kubectl get nodes -l {COMPUTE_TYPE}=hybrid
   ```
{dns}"""


def steps(spec: HybridNodesSpec, site: SiteSpec, context: ClusterContext) -> str:
    """Returns the commands on each host of a site."""
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


def firewall(spec: HybridNodesSpec, site: SiteSpec, context: ClusterContext) -> str:
    """Returns what a site's firewall lets through, as a table."""
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
