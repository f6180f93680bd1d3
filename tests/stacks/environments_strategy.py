"""Draws valid environments over the whole model, as plain data."""

from typing import Any

from hypothesis import strategies as st

X86 = [["m7i.large"], ["c7i.xlarge", "m6i.xlarge"], ["r7a.2xlarge"]]
ARM = [["m7g.large"], ["t4g.large"], ["c7gn.xlarge", "im4gn.xlarge"]]
AMIS = {
    "AL2023_x86_64_STANDARD": X86,
    "AL2023_ARM_64_STANDARD": ARM,
    "AL2023_x86_64_NVIDIA": [["g5.xlarge"], ["p4d.24xlarge"]],
    "AL2023_ARM_64_NVIDIA": [["g5g.xlarge"]],
    "AL2023_x86_64_NEURON": [["inf2.xlarge"], ["trn1.2xlarge"]],
    "BOTTLEROCKET_x86_64": X86,
    "BOTTLEROCKET_ARM_64": ARM,
    "BOTTLEROCKET_x86_64_NVIDIA": [["g6.xlarge"], ["p4d.24xlarge"]],
    "BOTTLEROCKET_ARM_64_FIPS": ARM,
}
VERSIONS = ["1.32", "1.33", "1.34", "1.35", "1.36", "1.37"]


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def networks(draw: st.DrawFn, second: int) -> dict[str, Any]:
    nat = draw(st.sampled_from(["none", "one", "per_az"]))
    prefix = draw(st.integers(16, 24))
    network = {"cidr": f"10.{second}.0.0/{prefix}", "nat": nat, "availability_zones": draw(st.integers(2, 4))}
    if nat == "none":
        network["public_subnets"] = draw(st.booleans())
    network |= draw(
        optional(isolated_subnets=st.booleans(), ipv6=st.booleans(), additional_endpoints=st.just(["sqs", "kms"]))
    )
    if draw(st.booleans()):
        network["pod_cidr"] = draw(st.sampled_from(["100.64.0.0/16", "100.65.0.0/18", f"10.{second + 100}.0.0/16"]))
    return network


EXISTING = {
    "vpc_id": "vpc-0123456789abcdef0",
    "cidr": "10.0.0.0/16",
    "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}


@st.composite
def node_groups(draw: st.DrawFn, name: str, version: str, *, untainted: bool) -> dict[str, Any]:
    ami = draw(st.sampled_from(sorted(AMIS)))
    low, more, most = draw(st.tuples(*[st.integers(0, 3)] * 3))
    group = {"name": name, "ami_type": ami, "instance_types": draw(st.sampled_from(AMIS[ami]))}
    group |= {"min_size": low, "desired_size": low + more, "max_size": low + more + most + 1}
    group |= draw(
        optional(
            capacity=st.sampled_from(["on-demand", "spot"]),
            volume_gib=st.integers(20, 500),
            labels=st.just({"team": "a", "example.com/x": ""}),
            node_repair=st.sampled_from([{"enabled": False}, {"stop_above_percentage": 10, "parallel_count": 3}, {}]),
            update_strategy=st.sampled_from(["DEFAULT", "MINIMAL"]),
            max_unavailable_percentage=st.integers(1, 100),
            kubernetes_version=st.sampled_from(
                [
                    one
                    for one in VERSIONS
                    if VERSIONS.index(version) - 1 <= VERSIONS.index(one) <= VERSIONS.index(version)
                ]
            ),
        )
    )
    if group.get("capacity") != "spot":
        group |= draw(optional(warm_pool=st.sampled_from([{}, {"enabled": False}, {"min_size": 1, "max_prepared": 5}])))
    group |= draw(devices(group, version))
    if untainted:
        group |= {"min_size": 1, "desired_size": 2, "max_size": 3}
    elif draw(st.booleans()):
        group["taints"] = [
            {"key": "dedicated", "value": "x", "effect": draw(st.sampled_from(["NoSchedule", "NoExecute"]))}
        ]
    return group


@st.composite
def devices(draw: st.DrawFn, group: dict[str, Any], version: str) -> dict[str, Any]:
    """How nodes with GPUs offer them; claims only where nodes a version behind have them too."""
    found: dict[str, Any] = {}
    if not group["ami_type"].endswith("_NVIDIA"):
        return found
    if version >= "1.35" and draw(st.booleans()):
        found["device_allocation"] = "dra"
    elif draw(st.booleans()):
        found["gpu_sharing"] = {"time_slices": draw(st.integers(2, 8)), "rename": draw(st.booleans())}
    if group["instance_types"] == ["p4d.24xlarge"] and draw(st.booleans()):
        found["efa_interfaces"] = draw(st.integers(1, 4))
    return found


@st.composite
def own_groups(draw: st.DrawFn, name: str, *, untainted: bool) -> dict[str, Any]:
    ami = draw(st.sampled_from([*sorted(AMIS), "UBUNTU_2404_x86_64"]))
    group = {"name": name, "ami_type": ami, "instance_types": draw(st.sampled_from(AMIS.get(ami, X86)))}
    group |= draw(
        optional(
            volume_gib=st.integers(20, 500),
            labels=st.just({"team": "a", "example.com/x": ""}),
            refresh=st.sampled_from([{"enabled": False}, {"min_healthy_percentage": 80}, {"checkpoints": [50, 100]}]),
            drain_seconds=st.integers(30, 7200),
        )
    )
    if not ami.startswith("AL2023"):
        group["kubelet"] = {"max_pods": 30}  # nothing else counts pods that have subnets of their own
    if draw(st.booleans()):
        group |= {"capacity": "spot", **draw(optional(on_demand_base=st.integers(0, 3)))}
    if untainted:
        group |= {"min_size": 1, "desired_size": 2, "max_size": 3}
    elif draw(st.booleans()):
        group |= {"min_size": 0, "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]}
    return group


WINDOWS = [
    "WINDOWS_CORE_2022_x86_64",
    "WINDOWS_FULL_2022_x86_64",
    "WINDOWS_CORE_2025_x86_64",
    "WINDOWS_FULL_2025_x86_64",
]


@st.composite
def windows_groups(draw: st.DrawFn, name: str, version: str, *, managed: bool) -> dict[str, Any]:
    """Windows nodes, which never come alone: another group has room for what is not theirs."""
    amis = [one for one in WINDOWS if "2025" not in one or version >= "1.35"]
    group = {"name": name, "ami_type": draw(st.sampled_from(amis)), "instance_types": draw(st.sampled_from(X86))}
    group |= {"volume_gib": draw(st.integers(50, 200)), "labels": {"windows": name}}
    group |= draw(optional(min_size=st.just(0), capacity=st.just("spot")))
    if not managed:
        group |= draw(optional(user_data=st.just({"powershell": ["Set-TimeZone -Id UTC"]})))
    return group


@st.composite
def auto_modes(draw: st.DrawFn) -> dict[str, Any]:
    auto: dict[str, Any] = draw(optional(load_balancer_scheme=st.just("internal")))
    if draw(st.booleans()):
        auto["built_in_node_pools"] = draw(st.lists(st.sampled_from(["general-purpose", "system"]), unique=True))
    if draw(st.booleans()) or auto.get("built_in_node_pools") == []:
        auto["node_classes"] = [
            {
                "name": "own",
                **draw(optional(ephemeral_storage_gib=st.integers(20, 200), network_policy=st.just("DefaultDeny"))),
            }
        ]
        auto["node_pools"] = [
            {
                "name": "own",
                "node_class": "own",
                **draw(optional(capacity=st.just(["spot"]), weight=st.integers(1, 100))),
            }
        ]
    return auto


SITES = {"gateway_id": "tgw-0123456789abcdef0", "routes": ["192.168.0.0/16"]}
PRIVATE_CA = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1234abcd-12ab-34cd-56ef-1234567890ab"


@st.composite
def hybrid_nodes(draw: st.DrawFn, version: str, pods_in: str) -> dict[str, Any]:
    named = draw(st.booleans())
    older = [one for one in VERSIONS if 0 <= VERSIONS.index(version) - VERSIONS.index(one) <= 3]
    # The old systems boot with cgroup v1, which kubelets from 1.35 on refuse.
    old = not named and VERSIONS.index(version) < VERSIONS.index("1.35")
    systems = ["al2023", "ubuntu-22.04", "rhel-9"] + (["ubuntu-20.04", "rhel-8"] if old else [])
    sites = [
        {
            "name": f"s{index}",
            **({"nodes": [f"n{index}"]} if named else draw(optional(max_nodes=st.integers(1, 1000)))),
            **draw(
                optional(
                    cidr=st.just(f"192.168.{16 + index}.0/24"),
                    kubernetes_version=st.sampled_from(older),
                    operating_system=st.sampled_from(systems),
                    architecture=st.sampled_from(["amd64", "arm64"]),
                    labels=st.just({"line": "a"}),
                    taints=st.just([{"key": "line", "value": "a", "effect": "NoSchedule"}]),
                )
            ),
        }
        for index in range(draw(st.integers(1, 3)))
    ]
    pods = draw(st.sampled_from(["remote_pod_networks", "unrouted_pod_networks"]))
    credentials = {"iam_roles_anywhere": {"private_ca_arn": PRIVATE_CA}} if named else {"ssm": {}}
    return {
        "remote_node_networks": ["192.168.16.0/20", "192.168.32.0/24"],
        pods: [pods_in],
        "credentials": credentials,
        "dns_forwarded": True,
        "sites": sites,
        **draw(optional(pods_per_node=st.sampled_from([32, 256]))),
    }


@st.composite
def computes(draw: st.DrawFn, version: str, *, windows: bool) -> dict[str, Any]:
    kinds = draw(
        st.lists(
            st.sampled_from(["auto_mode", "managed_nodes", "self_managed_nodes", "fargate"]), min_size=1, unique=True
        )
    )
    compute: dict[str, Any] = {}
    if "auto_mode" in kinds:
        compute["auto_mode"] = draw(auto_modes())
    if "managed_nodes" in kinds:
        count = draw(st.integers(1, 3))
        groups = [draw(node_groups(f"g{index}", version, untainted=index == 0)) for index in range(count)]
        compute["managed_nodes"] = {"groups": groups, **draw(optional(session_manager=st.booleans()))}
    if "self_managed_nodes" in kinds:
        groups = [draw(own_groups(f"own{index}", untainted=index == 0)) for index in range(draw(st.integers(1, 2)))]
        compute["self_managed_nodes"] = {"groups": groups}
    for kind in ("managed_nodes", "self_managed_nodes"):
        if windows and kind in kinds and draw(st.booleans()):
            name = f"win{kind[0]}"
            compute[kind]["groups"].append(draw(windows_groups(name, version, managed=kind == "managed_nodes")))
    if "fargate" in kinds:
        profiles = [
            {
                "name": f"p{index}",
                "selectors": [{"namespace": f"n{index}-{part}*"} for part in range(draw(st.integers(1, 5)))],
            }
            for index in range(draw(st.integers(1, 4)))
        ]
        compute["fargate"] = {"profiles": profiles, **draw(optional(logging=st.booleans()))}
    return compute


@st.composite
def control_planes(draw: st.DrawFn, network: dict[str, Any], version: str) -> dict[str, Any]:
    # EKS takes STANDARD for versions in standard support alone.
    extended = version in ("1.32", "1.33")
    plane: dict[str, Any] = {"kubernetes_version": version} | ({"support": "EXTENDED"} if extended else {})
    plane |= draw(
        optional(
            **({} if extended else {"support": st.sampled_from(["STANDARD", "EXTENDED"])}),
            deletion_protection=st.booleans(),
            zonal_shift=st.booleans(),
            scaling_tier=st.sampled_from(["standard", "tier-xl"]),
            endpoint=st.just({"public_access_cidrs": ["203.0.113.0/24"]}),
            api_server=st.just({"event_ttl": "30m"}),
            scheduler=st.just(
                {"scoring_strategy": "MostAllocated", "resource_weights": [{"name": "cpu", "weight": 2}]}
            ),
            controller_manager=st.just({"terminated_pod_gc_threshold": 100}),
            etcd=st.just(
                {"kms_key_arn": "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
            ),
        )
    )
    if network.get("ipv6") and "pod_cidr" not in network and draw(st.booleans()):
        plane["ip_family"] = "ipv6"
    elif draw(st.booleans()):
        plane["service_cidr"] = "172.20.0.0/16"
    return plane


@st.composite
def workloads(draw: st.DrawFn, compute: dict[str, Any]) -> list[dict[str, Any]]:
    """Workloads that need something of AWS, on the kinds of compute where a pod without tolerations finds a place."""
    pools = compute.get("auto_mode", {}).get("built_in_node_pools", ["general-purpose"])
    kinds = [kind for kind in compute if kind != "auto_mode" or "general-purpose" in pools]
    found = []
    for kind in kinds:
        if draw(st.booleans()):
            found.append({"name": "bucket-reader", "compute": kind})
        if kind == "fargate" and draw(st.booleans()):
            found.append({"name": "store", "compute": kind, "variant": "efs"})
    return found


def _with_hybrid_nodes(draw: st.DrawFn, network: dict[str, Any], clusters: list[dict[str, Any]]) -> None:
    """Gives clusters hybrid nodes beside their other compute, where their addresses allow it."""
    for cluster, pods in zip(clusters, ("192.168.64.0/18", "192.168.128.0/18"), strict=False):
        its_network, plane = cluster.get("network", network), cluster["control_plane"]
        if plane.get("ip_family") != "ipv6" and draw(st.booleans()):
            if "vpc_id" not in its_network:
                its_network["connections"] = [SITES]
            cluster["compute"]["hybrid_nodes"] = draw(hybrid_nodes(plane["kubernetes_version"], pods))
            if its_network.get("nat") != "none" and draw(st.booleans()):
                cluster["workloads"] = [*cluster.get("workloads", []), *_of_the_first_site(cluster)]


def _of_the_first_site(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    # A pod that tolerates no taint may have no site, and one without labels of its own cannot be chosen.
    sites = cluster["compute"]["hybrid_nodes"]["sites"]
    return [{"name": "batch", "compute": "hybrid_nodes", "nodes": sites[0]["name"]}]


@st.composite
def environments(draw: st.DrawFn) -> dict[str, Any]:
    network = draw(st.one_of(networks(1), st.just(EXISTING)))
    clusters = []
    for index in range(draw(st.integers(1, 2))):
        version = draw(st.sampled_from(VERSIONS))
        own = draw(networks(2 + index)) if index and draw(st.booleans()) else None
        plane = draw(control_planes(own or network, version))
        windows = plane.get("ip_family") != "ipv6" and "pod_cidr" not in (own or network)
        cluster = {
            "name": f"c{index}",
            "control_plane": plane,
            "access": {
                "admins": draw(
                    st.sampled_from([[{"new_role": "admin"}], ["role/Admin"], ["arn:aws:iam::123456789012:user/a"]])
                ),
                **draw(
                    optional(
                        readers=st.just([{"new_role": "reader"}]),
                        tunnel_host=st.booleans(),
                        entries=st.just(
                            [{"principal": "role/Dev", "policy": "AmazonEKSEditPolicy", "namespaces": ["dev"]}]
                        ),
                    )
                ),
            },
            "compute": draw(computes(version, windows=windows)),
            **({"network": own} if own else {}),
        }
        if "self_managed_nodes" in cluster["compute"]:
            if plane.get("ip_family") != "ipv6":
                plane["service_cidr"] = "172.20.0.0/16"
            # Groups without room of their own find it on the others; isolated networks need the endpoints of the controllers.
            if (own or network).get("nat") == "none":
                cluster["compute"]["self_managed_nodes"]["termination_handler"] = {"enabled": False}
        if (own or network).get("nat") != "none":
            cluster["workloads"] = draw(workloads(cluster["compute"]))
        if (own or network).get("nat") == "none":
            pass  # these add-ons need more than the default endpoints
        elif {"managed_nodes", "self_managed_nodes"} & set(cluster["compute"]):
            cluster |= draw(
                optional(addons=st.just({"external-dns": {"enabled": True}, "aws-efs-csi-driver": {"enabled": True}}))
            )
        elif list(cluster["compute"]) == ["fargate"]:
            cluster |= draw(optional(addons=st.just({"external-dns": {"enabled": True}})))
        clusters.append(cluster)
    _with_hybrid_nodes(draw, network, clusters)
    environment = {"name": "drawn", "network": network, "clusters": clusters}
    environment |= draw(
        optional(
            tags=st.just({"owner": "a team", "cost-center": "42"}),
            foundation=st.just({"retain": False, "log_retention_days": 7}),
            iam=st.just(
                {"path": "/eks/", "name_prefix": "x-", "permissions_boundary": "arn:aws:iam::123456789012:policy/B"}
            ),
        )
    )
    if draw(st.booleans()):
        environment |= {"account": "123456789012", "region": "eu-west-1"}
    return environment
