"""What may be said of nodes beside their size: repair, warm pools, updates; node classes and pools of Auto Mode."""

import pytest

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.objects import node_class_manifest, node_pool_manifest
from eks_constructs.compute.auto_mode.spec import AutoNodePoolSpec, NodeClassSpec
from eks_constructs.compute.managed_nodes.spec import NodeGroupSpec
from tests.support.environments import minimal
from tests.support.templates import only


def test_repair_warm_pool_and_update_strategy_reach_the_group(synth):
    repair = {
        "stop_above_percentage": 10,
        "parallel_count": 3,
        "overrides": [
            {
                "condition": "AcceleratedHardwareReady",
                "reason": "NvidiaXID31Error",
                "wait_minutes": 15,
                "action": "NoAction",
            }
        ],
    }
    pool = {"min_size": 1, "max_prepared": 6, "state": "RUNNING"}
    fields = {"node_repair": repair, "warm_pool": pool, "update_strategy": "MINIMAL"}
    groups = [{"name": "general", "instance_types": ["m7i.large"], "min_size": 1, **fields}]
    template = synth(minimal({"managed_nodes": {"groups": groups}}))["t-compute-c"]
    nodes = only(template, "AWS::EKS::Nodegroup")
    assert nodes["NodeRepairConfig"] == {
        "Enabled": True,
        "MaxUnhealthyNodeThresholdPercentage": 10,
        "MaxParallelNodesRepairedCount": 3,
        "NodeRepairConfigOverrides": [
            {
                "NodeMonitoringCondition": "AcceleratedHardwareReady",
                "NodeUnhealthyReason": "NvidiaXID31Error",
                "MinRepairWaitTimeMins": 15,
                "RepairAction": "NoAction",
            }
        ],
    }
    assert nodes["WarmPoolConfig"] == {
        "Enabled": True,
        "MinSize": 1,
        "MaxGroupPreparedCapacity": 6,
        "PoolState": "RUNNING",
        "ReuseOnScaleIn": False,
    }
    assert nodes["UpdateConfig"]["UpdateStrategy"] == "MINIMAL"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"node_repair": {"stop_above_count": 1, "stop_above_percentage": 1}}, "not both"),
        ({"node_repair": {"parallel_count": 1, "parallel_percentage": 1}}, "not both"),
        ({"node_repair": {"enabled": False, "parallel_count": 1}}, "nothing else has an effect"),
        ({"warm_pool": {"min_size": 3, "max_prepared": 2}}, "more than max_prepared"),
        ({"warm_pool": {"state": "HIBERNATED"}, "ami_type": "BOTTLEROCKET_x86_64"}, "cannot hibernate"),
        ({"warm_pool": {"reuse_on_scale_in": True}, "ami_type": "BOTTLEROCKET_x86_64"}, "cannot go back"),
    ],
)
def test_what_eks_does_not_take_of_repair_and_warm_pools_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        NodeGroupSpec(**{"name": "a", "instance_types": ["m7i.large"], **changes})


def test_a_node_class_says_what_its_file_says():
    own = NodeClassSpec(
        name="own",
        fips=True,
        kernel_lockdown="integrity",
        capacity_reservation_ids=["cr-0123456789abcdef0"],
        placement_group="training",
        snat_policy="Disabled",
        ephemeral_storage_iops=6000,
        ephemeral_storage_throughput=500,
    )
    network = ClusterNetwork("vpc-1", [], None, [{"id": "subnet-1"}])
    spec = node_class_manifest(own, cluster="c", role_name="r", network=network, tags={})["spec"]
    assert spec["advancedSecurity"] == {"fips": True, "kernelLockdown": "integrity"}
    assert spec["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert spec["placementGroupSelector"] == {"name": "training"}
    assert (spec["snatPolicy"], spec["ephemeralStorage"]) == (
        "Disabled",
        {"size": "80Gi", "iops": 6000, "throughput": 500},
    )


def test_a_node_class_sets_the_kubelet_and_the_kernel():
    network = ClusterNetwork("vpc-1", [], None, [{"id": "subnet-1"}])

    def compute(**changes):
        own = NodeClassSpec(name="own", **changes)
        return node_class_manifest(own, cluster="c", role_name="r", network=network, tags={})["spec"].get(
            "advancedCompute"
        )

    assert compute() is None
    assert compute(
        kubelet={
            "max_pods": 30,
            "pod_pids_limit": 1024,
            "eviction_hard": {"memory.available": "200Mi"},
            "container_log_max_size": "20Mi",
            "container_log_max_files": 4,
            "single_process_oom_kill": False,
            "allowed_unsafe_sysctls": ["net.core.*"],
        }
    ) == {
        "kubelet": {
            "maxPods": 30,
            "podPidsLimit": 1024,
            "evictionHard": {"memory.available": "200Mi"},
            "containerLogMaxSize": "20Mi",
            "containerLogMaxFiles": 4,
            "singleProcessOOMKill": False,
            "allowedUnsafeSysctls": ["net.core.*"],
        }
    }
    assert compute(kernel_parameters={"vm.max_map_count": 262144}) == {
        "kernel": {"sysctl": {"vm.max_map_count": 262144}}
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"kubelet": {"max_pods": 111}},  # https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html
        {"kubelet": {"allowed_unsafe_sysctls": ["vm.max_map_count"]}},
        {"kubelet": {"cpu_manager_policy": "static"}},
        {"kernel_parameters": {"max_map_count": 1}},
    ],
)
def test_what_auto_mode_does_not_take_of_kubelet_and_kernel_is_refused(changes):
    with pytest.raises(ValueError, match=r"kubelet|kernel"):
        NodeClassSpec(name="own", **changes)


def test_a_static_pool_has_nodes_and_no_other_limit():
    spec = node_pool_manifest(AutoNodePoolSpec(name="own", node_class="own", static_nodes=20))["spec"]
    assert (spec["replicas"], spec["limits"], spec["disruption"]) == (
        20,
        {"nodes": "22"},
        # Karpenter's CRD requires consolidateAfter wherever disruption is set.
        {"consolidateAfter": "0s", "budgets": [{"nodes": "10%"}]},
    )
    assert "weight" not in spec
    for key, value in {"weight": 1, "cpu_limit": "10", "memory_limit": "1Gi", "consolidation": "WhenEmpty"}.items():
        with pytest.raises(ValueError, match=f"remove {key} or static_nodes"):
            AutoNodePoolSpec(name="own", node_class="own", static_nodes=2, **{key: value})


def test_a_pool_says_how_it_consolidates():
    spec = node_pool_manifest(AutoNodePoolSpec(name="own", node_class="own", consolidation="Balanced"))["spec"]
    assert spec["disruption"]["consolidationPolicy"] == "Balanced"


def test_a_node_class_selects_the_subnets_of_its_local_zones():
    zones = ["us-west-2-lax-1a", "us-west-2-phx-2a"]
    terms = {zone: {"tags": {"zone": zone}} for zone in zones}
    network = ClusterNetwork("vpc-1", [], None, [{"tags": {"tier": "private"}}], local_selectors=terms)
    for chosen, selected in (
        ({"local_zones": zones[1:]}, [terms[zones[1]]]),
        ({"subnet_ids": ["subnet-0123456789abcdef0"]}, [{"id": "subnet-0123456789abcdef0"}]),
        ({}, network.subnet_selector),
    ):
        one = NodeClassSpec(name="own", **chosen)
        made = node_class_manifest(one, cluster="c", role_name="r", network=network, tags={})
        assert made["spec"]["subnetSelectorTerms"] == selected
    with pytest.raises(ValueError, match="remove subnet_ids or this"):
        NodeClassSpec(name="own", local_zones=zones, subnet_ids=["subnet-0123456789abcdef0"])
