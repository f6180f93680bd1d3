"""What nodes are made of: image, user data, kubelet, network, capacity; of managed groups, Karpenter and Auto Mode."""

import tomllib

import pytest
import yaml

from eks_constructs.cluster_network import ClusterNetwork
from eks_constructs.compute.auto_mode.objects import node_class_manifest, node_pool_manifest
from eks_constructs.compute.auto_mode.spec import AutoModeSpec, AutoNodePoolSpec, NodeClassSpec
from eks_constructs.compute.karpenter.objects import charts, nodes
from eks_constructs.compute.karpenter.spec import KarpenterSpec
from eks_constructs.compute.managed_nodes.spec import NodeGroupSpec
from eks_constructs.compute.mix import KIND_LABEL
from eks_constructs.compute.user_data import toml
from tests.support.environments import minimal, validated
from tests.support.templates import of_type as resources
from tests.support.templates import only

NETWORK = ClusterNetwork("vpc-1", ["subnet-1"], None, [{"id": "subnet-1"}])
AMI = {"ami": {"id": "ami-0123456789abcdef0"}}


def made(synth, *, plane=None, network=None, addons=None, **fields):
    """The node group and the data of its launch template."""
    groups = [{"name": "general", "instance_types": ["m7i.large"], **fields}]
    data = minimal({"managed_nodes": {"groups": groups}})
    data["clusters"][0]["control_plane"] |= plane or {}
    data["clusters"][0] |= {"addons": addons} if addons else {}
    data["network"] |= network or {}
    data["region"] = "eu-west-1"
    template = synth(data)["t-compute-c"]
    launch = only(template, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]
    return only(template, "AWS::EKS::Nodegroup"), launch


def text(user_data):
    """The user data as an instance reads it, with X for what CloudFormation puts there."""
    body = user_data["Fn::Base64"]
    return (
        body if isinstance(body, str) else "".join(one if isinstance(one, str) else "X" for one in body["Fn::Join"][1])
    )


def node_config(user_data):
    part = text(user_data).split("Content-Type: application/node.eks.aws")[1].split("--//")[0]
    return yaml.safe_load(part)["spec"]


def test_a_group_that_says_nothing_has_no_user_data_and_no_groups(synth):
    _, launch = made(synth)
    assert {"UserData", "ImageId", "SecurityGroupIds", "NetworkInterfaces", "Placement"} & set(launch) == set()


def test_scripts_and_settings_are_parts_of_the_user_data(synth):
    fields = {
        "user_data": {
            "scripts": ["#!/bin/bash\necho one"],
            "node_config": {"kubelet": {"config": {"podPidsLimit": 100}}},
        },
        "kubelet": {"system_reserved": {"memory": "200Mi"}, "eviction_hard": {"memory.available": "5%"}},
        "instance_store": "raid0",
    }
    group, launch = made(synth, **fields)
    assert "#!/bin/bash\necho one\n" in text(launch["UserData"])
    assert node_config(launch["UserData"]) == {
        "kubelet": {
            "config": {
                "systemReserved": {"memory": "200Mi"},
                "evictionHard": {"memory.available": "5%"},
                "podPidsLimit": 100,
            }
        },
        "instance": {"localStorage": {"strategy": "RAID0"}},
    }
    assert group["AmiType"] == "AL2023_x86_64_STANDARD", "EKS merges it with what makes nodes join"


def test_bottlerocket_reads_toml(synth):
    fields = {
        "ami_type": "BOTTLEROCKET_x86_64",
        "kubelet": {"max_pods": 40, "kube_reserved": {"cpu": "100m"}},
        "user_data": {
            "bottlerocket": {"kernel": {"sysctl": {"net.core.somaxconn": "1024"}}, "ntp": {"time-servers": ["a", "b"]}}
        },
    }
    _, launch = made(synth, **fields)
    assert tomllib.loads(text(launch["UserData"]))["settings"] == {
        "kubernetes": {"max-pods": 40, "kube-reserved": {"cpu": "100m"}},
        "kernel": {"sysctl": {"net.core.somaxconn": "1024"}},
        "ntp": {"time-servers": ["a", "b"]},
    }


def test_nodes_with_an_ami_of_their_own_know_how_to_join(synth):
    taint = {"key": "dedicated", "value": "x", "effect": "NoSchedule"}
    data = minimal({"managed_nodes": {"groups": [
        {"name": "general", "instance_types": ["m7i.large"]},
        {"name": "own", "instance_types": ["m7i.large"], "taints": [taint], "labels": {"team": "a"}, **AMI},
    ]}})  # fmt: skip
    data["clusters"][0]["control_plane"]["service_cidr"] = "172.20.0.0/16"
    template = synth(data)["t-compute-c"]
    (launch,) = [
        one["Properties"]["LaunchTemplateData"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::EC2::LaunchTemplate" and "ImageId" in one["Properties"]["LaunchTemplateData"]
    ]
    (group,) = [one for one in resources(template, "AWS::EKS::Nodegroup").values() if "AmiType" not in one]
    assert {"Version", "ReleaseVersion"} & set(group) == set(), "EKS refuses them along with an AMI id"
    config = node_config(launch["UserData"])
    assert config["cluster"] == {
        "name": "c",
        "apiServerEndpoint": "X",
        "certificateAuthority": "X",
        "cidr": "172.20.0.0/16",
    }
    labels, taints = config["kubelet"]["flags"]
    assert {"team=a", f"{KIND_LABEL}=managed_nodes"} <= set(labels.removeprefix("--node-labels=").split(","))
    assert taints == "--register-with-taints=dedicated=x:NoSchedule"


def test_an_ami_may_come_from_a_parameter_and_bottlerocket_joins_too(synth):
    fields = {"ami": {"ssm_parameter": "/images/rocket:3"}, "ami_type": "BOTTLEROCKET_x86_64"}
    _, launch = made(synth, plane={"service_cidr": "172.20.0.0/16"}, **fields)
    assert launch["ImageId"] == "{{resolve:ssm:/images/rocket:3}}"
    kubernetes = tomllib.loads(text(launch["UserData"]))["settings"]["kubernetes"]
    assert kubernetes["cluster-dns-ip"] == "172.20.0.10"
    assert (kubernetes["cluster-name"], kubernetes["api-server"]) == ("c", "X")


@pytest.mark.parametrize(
    ("network", "addons", "kubelet"),
    [
        (
            {},
            {"vpc-cni": {"configuration": {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}}},
            {"config": {"maxPods": 110}},
        ),
        ({"pod_cidr": "100.64.0.0/16"}, None, {"maxPodsExpression": "((default_enis - 1) * (ips_per_eni - 1)) + 2"}),
        ({}, None, {}),
    ],
)
def test_an_ami_of_ones_own_is_told_how_many_pods_the_network_has_addresses_for(synth, network, addons, kubelet):
    _, launch = made(synth, plane={"service_cidr": "172.20.0.0/16"}, network=network, addons=addons, **AMI)
    found = node_config(launch["UserData"])["kubelet"]
    del found["flags"]
    assert found == kubelet


PREFIXES = {"vpc-cni": {"configuration": {"env": {"ENABLE_PREFIX_DELEGATION": "true"}}}}


@pytest.mark.parametrize(
    ("types", "network", "most"),
    [
        (["m7i.large"], {}, 110),
        (["m7i.large"], {"pod_cidr": "100.64.0.0/16"}, 110),
        (["t3.small"], {}, 110),
        (["t3.small", "t3.large"], {"pod_cidr": "100.64.0.0/16"}, 98),
        (["m7i.large", "t3.micro"], {}, 34),
        (["t3.micro"], {"pod_cidr": "100.64.0.0/16"}, 18),
    ],
)
def test_no_node_takes_more_pods_than_its_prefixes_have_addresses_for(synth, types, network, most):
    plane = {"service_cidr": "172.20.0.0/16"}
    _, launch = made(synth, plane=plane, network=network, addons=PREFIXES, **{**AMI, "instance_types": types})
    assert node_config(launch["UserData"])["kubelet"]["config"] == {"maxPods": most}


def test_more_security_groups_do_not_replace_the_clusters(synth):
    fabric = {"efa_interfaces": 2, "instance_types": ["c6in.32xlarge"]}
    for fields, place in (({}, lambda data: data), (fabric, lambda data: data["NetworkInterfaces"][1])):
        _, launch = made(synth, security_group_ids=["sg-0123456789abcdef0"], **fields)
        groups = place(launch)["Groups" if fields else "SecurityGroupIds"]
        assert groups[1:] == ["sg-0123456789abcdef0"], "after the cluster's own"


def test_the_fabric_has_an_interface_on_each_network_card(synth):
    _, launch = made(synth, instance_types=["c6in.32xlarge"], efa_interfaces=2, placement_group="training")
    assert [
        (one["InterfaceType"], one["NetworkCardIndex"], one["DeviceIndex"]) for one in launch["NetworkInterfaces"]
    ] == [
        ("interface", 0, 0),
        ("efa-only", 0, 1),
        ("efa-only", 1, 0),
    ]
    assert launch["Placement"] == {"GroupName": "training"}


def test_a_capacity_block_is_as_eks_wants_it(synth):
    fields = {
        "capacity": "capacity-block",
        "capacity_reservation": "cr-0123456789abcdef0",
        "subnet_ids": ["subnet-0123456789abcdef0"],
    }
    group, launch = made(synth, **fields)
    assert (group["CapacityType"], group["Subnets"]) == ("CAPACITY_BLOCK", ["subnet-0123456789abcdef0"])
    assert (group.get("InstanceTypes"), launch["InstanceType"]) == (None, "m7i.large")
    assert launch["InstanceMarketOptions"] == {"MarketType": "capacity-block"}
    assert launch["CapacityReservationSpecification"] == {
        "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
    }


def test_a_group_may_be_in_some_zones_and_say_how_it_is_updated(synth):
    network = {"availability_zones": ["eu-west-1a", "eu-west-1b"]}
    group, launch = made(
        synth, network=network, availability_zones=["eu-west-1b"], max_unavailable=2, tags={"cost": "a"}
    )
    everywhere, _ = made(synth, network=network)
    assert group["Subnets"] == everywhere["Subnets"][1:]
    assert group["UpdateConfig"] == {"MaxUnavailable": 2, "UpdateStrategy": "DEFAULT"}
    assert group["Tags"]["cost"] == "a"
    for one in launch["TagSpecifications"]:
        assert {"Key": "cost", "Value": "a"} in one["Tags"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kubelet": {"max_pods": 50}}, "EKS sets it itself"),
        ({**AMI, "release_version": "1.36.1-20261112"}, "the AMI decides"),
        ({"ami": {}}, "needs id or ssm_parameter"),
        ({"user_data": {"bottlerocket": {"kernel": {"lockdown": "none"}}}}, "the nodes have Amazon Linux"),
        ({"user_data": {"scripts": ["#!/bin/sh"]}, "ami_type": "BOTTLEROCKET_x86_64"}, "Bottlerocket reads settings alone"),
        ({"user_data": {"scripts": ["echo"]}}, "must begin with the program"),
        ({"user_data": {"node_config": {"cluster": {}}}}, "says how nodes join"),
        ({"user_data": {"node_config": {"kublet": {}}}}, "must be one of containerd"),
        ({"user_data": {"bottlerocket": {"kernel": {"x": 'a"b'}}}, "ami_type": "BOTTLEROCKET_x86_64"}, "EKS cannot merge"),
        ({"user_data": {"bottlerocket": {"kubernetes": {"api-server": "x"}}}, "ami_type": "BOTTLEROCKET_x86_64"}, "says how nodes join"),
        ({"instance_store": "raid0", "ami_type": "BOTTLEROCKET_x86_64"}, "bootstrap-commands"),
        ({"capacity": "capacity-block"}, "needs the id of the block"),
        ({"capacity": "capacity-block", "capacity_reservation": "cr-0123456789abcdef0"}, "one AZ"),
        ({"capacity": "spot", "capacity_reservation": "cr-0123456789abcdef0"}, "use no reservation"),
        ({"max_unavailable": 1, "max_unavailable_percentage": 10}, "a number or a share"),
        ({"kubelet": {"image_gc_low_threshold_percent": 90}}, "must be below the high one"),
        ({"subnet_ids": ["subnet-0123456789abcdef0"], "availability_zones": ["eu-west-1a"]}, "remove subnet_ids or this"),
    ],
)  # fmt: skip
def test_what_cannot_work_on_nodes_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        NodeGroupSpec(**{"name": "a", "instance_types": ["m7i.large"], **changes})


@pytest.mark.parametrize(
    ("fields", "network", "words"),
    [
        (AMI, {}, "set control_plane.service_cidr"),
        ({"availability_zones": ["eu-west-1a"]}, {}, "nothing says which AZs"),
        (
            {"availability_zones": ["eu-west-1c"]},
            {"availability_zones": ["eu-west-1a", "eu-west-1b"]},
            "no subnet in eu-west-1c",
        ),
        ({**AMI, "ami_type": "BOTTLEROCKET_x86_64"}, {"pod_cidr": "100.64.0.0/16"}, "set kubelet.max_pods"),
    ],
)
def test_what_the_cluster_does_not_have_for_nodes_is_refused(fields, network, words):
    data = minimal({"managed_nodes": {"groups": [{"name": "a", "instance_types": ["m7i.large"], **fields}]}})
    data["network"] |= network
    data["region"] = "eu-west-1"
    if "max_pods" in words:
        data["clusters"][0]["control_plane"]["service_cidr"] = "172.20.0.0/16"
    with pytest.raises(ValueError, match=words):
        validated(data)


def karpenter_objects(**spec):
    made = KarpenterSpec(**{"node_pools": [{"name": "a"}], **spec})
    return nodes(made, cluster="c", profile="p", network=NETWORK, tags={"env": "x"}).objects


def test_node_classes_of_karpenter_say_what_their_file_says():
    fields = {
        "ami": "bottlerocket@latest",
        "ami_ids": ["ami-0123456789abcdef0"],
        "user_data": {"bottlerocket": {"kernel": {"lockdown": "integrity"}}},
        "kubelet": {"max_pods": 30},
        "instance_store": "raid0",
        "security_group_ids": ["sg-0123456789abcdef0"],
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "capacity_reservation_ids": ["cr-0123456789abcdef0"],
        "placement_group": "training",
        "tags": {"cost": "a"},
    }
    pools = [{"name": "a"}, {"name": "b", "node_class": "own", "capacity": ["reserved"]}]
    default, own, *made = karpenter_objects(node_pools=pools, node_classes=[{"name": "own", **fields}])
    assert default["spec"]["amiSelectorTerms"] == [{"alias": "al2023@latest"}]
    assert {"userData", "kubelet", "amiFamily"} & set(default["spec"]) == set()
    spec = own["spec"]
    assert (spec["amiFamily"], spec["amiSelectorTerms"]) == ("Bottlerocket", [{"id": "ami-0123456789abcdef0"}])
    assert tomllib.loads(spec["userData"]) == {"settings": {"kernel": {"lockdown": "integrity"}}}
    assert (spec["kubelet"], spec["instanceStorePolicy"]) == ({"maxPods": 30}, "RAID0")
    assert spec["securityGroupSelectorTerms"] == [
        {"tags": {"aws:eks:cluster-name": "c"}},
        {"id": "sg-0123456789abcdef0"},
    ]
    assert spec["subnetSelectorTerms"] == [{"id": "subnet-0123456789abcdef0"}]
    assert spec["capacityReservationSelectorTerms"] == [{"id": "cr-0123456789abcdef0"}]
    assert spec["placementGroupSelector"] == {"name": "training"}
    assert (spec["tags"]["cost"], spec["tags"]["env"]) == ("a", "x")
    assert [one["spec"]["template"]["spec"]["nodeClassRef"]["name"] for one in made] == ["default", "own"]


def test_static_pools_of_karpenter_are_switched_on_in_its_chart():
    static = charts("c", host="managed_nodes", replicas=1, gates=["staticCapacity"])[1].values["settings"]
    assert static["featureGates"] == {"staticCapacity": True}
    assert "featureGates" not in charts("c", host="managed_nodes", replicas=1)[1].values["settings"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"node_pools": [{"name": "a", "node_class": "x"}]}, "there is no node class x"),
        ({"node_classes": [{"name": "x"}]}, "no node pool uses x"),
        ({"node_classes": [{"name": "default"}]}, "choose another"),
        ({"capacity_reservation_ids": ["cr-0123456789abcdef0"]}, "add reserved"),
        ({"ami": "al2023@v20261101", "ami_ids": ["ami-0123456789abcdef0"]}, "write al2023@latest"),
        ({"tags": {"karpenter.sh/nodepool": "x"}}, "Karpenter sets itself"),
    ],
)
def test_what_karpenter_cannot_do_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        KarpenterSpec(**{"node_pools": [{"name": "a"}], **changes})


def test_a_pool_says_which_instances_and_how_fast_they_go():
    budgets = [
        {"nodes": "0", "schedule": "0 8 * * mon-fri", "duration_hours": 10, "reasons": ["Underutilized"]},
        {"nodes": "2"},
    ]
    pool = AutoNodePoolSpec(
        name="a",
        instance_types=["m7g.large"],
        availability_zones=["eu-west-1a"],
        requirements=[{"key": "eks.amazonaws.com/instance-hypervisor", "operator": "In", "values": ["nitro"]}],
        capacity=["reserved", "spot"],
        startup_taints=[{"key": "wait", "effect": "NoSchedule"}],
        disruption_budgets=budgets,
        termination_grace_hours=2,
    )
    spec = node_pool_manifest(pool)["spec"]
    node = spec["template"]["spec"]
    assert {one["key"]: one.get("values") for one in node["requirements"]} == {
        "karpenter.sh/capacity-type": ["reserved", "spot"],
        "kubernetes.io/arch": ["arm64"],
        "node.kubernetes.io/instance-type": ["m7g.large"],
        "topology.kubernetes.io/zone": ["eu-west-1a"],
        "eks.amazonaws.com/instance-hypervisor": ["nitro"],
    }
    assert node["startupTaints"] == [{"key": "wait", "effect": "NoSchedule"}]
    assert node["terminationGracePeriod"] == "2h"
    assert spec["disruption"]["budgets"] == [
        {"nodes": "0", "schedule": "0 8 * * mon-fri", "duration": "10h", "reasons": ["Underutilized"]},
        {"nodes": "2"},
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instance_types": ["m7g.large"], "instance_categories": ["m"]}, "says it already"),
        ({"requirements": [{"key": "karpenter.sh/capacity-type", "operator": "Exists"}]}, "is what capacity says"),
        ({"requirements": [{"key": "a/b", "operator": "Gt", "values": ["x"]}]}, "needs a number"),
        ({"requirements": [{"key": "a/b", "operator": "In"}]}, "needs values"),
        ({"disruption_budgets": [{"nodes": "1", "schedule": "0 8 * * *"}]}, "go together"),
        ({"disruption_budgets": [{"nodes": "half"}]}, "a number or a share"),
    ],
)
def test_what_a_pool_cannot_be_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        AutoNodePoolSpec(name="a", **changes)


def test_a_node_class_of_auto_mode_says_where_its_nodes_are():
    own = NodeClassSpec(
        name="own", subnet_ids=["subnet-0123456789abcdef0"], security_group_ids=["sg-0123456789abcdef0"]
    )
    spec = node_class_manifest(own, cluster="c", role_name="r", network=NETWORK, tags={})["spec"]
    assert spec["subnetSelectorTerms"] == [{"id": "subnet-0123456789abcdef0"}]
    assert spec["securityGroupSelectorTerms"][1:] == [{"id": "sg-0123456789abcdef0"}]


def test_reservations_that_no_pool_may_use_are_refused():
    classes = [{"name": "own", "capacity_reservation_ids": ["cr-0123456789abcdef0"]}]
    with pytest.raises(ValueError, match="add reserved to the capacity of one"):
        AutoModeSpec(node_classes=classes, node_pools=[{"name": "a", "node_class": "own"}])
    AutoModeSpec(node_classes=classes, node_pools=[{"name": "a", "node_class": "own", "capacity": ["reserved"]}])


def test_roles_of_nodes_have_the_policies_of_the_file(synth):
    policies = {"node_policies": ["AmazonS3ReadOnlyAccess"]}
    data = minimal({
        "managed_nodes": {"groups": [{"name": "a", "instance_types": ["m7i.large"]}], **policies},
        "karpenter": {"node_pools": [{"name": "b"}], "session_manager": True, **policies},
    })  # fmt: skip
    templates = synth(data)
    found = [
        str(one["ManagedPolicyArns"])
        for template in templates.values()
        for one in resources(template, "AWS::IAM::Role").values()
        if "ec2.amazonaws.com" in str(one["AssumeRolePolicyDocument"])
    ]
    assert [("AmazonS3ReadOnlyAccess" in one) for one in found] == [True, True]
    assert sum("AmazonSSMManagedInstanceCore" in one for one in found) == 1


@pytest.mark.parametrize("kind", ["managed_nodes", "self_managed_nodes", "karpenter"])
@pytest.mark.parametrize("prefix", ["", "arn:aws:iam::aws:policy/"])
def test_a_policy_that_the_nodes_have_anyway_is_on_their_role_once(synth, kind, prefix):
    group = {"groups": [{"name": "a", "instance_types": ["m7i.large"]}]}
    section = {"node_pools": [{"name": "b"}]} if kind == "karpenter" else group
    section = {"groups": [{"name": "b", "instance_types": ["m7i.large"]}]} if kind == "self_managed_nodes" else section
    section |= {"session_manager": True, "node_policies": [f"{prefix}AmazonSSMManagedInstanceCore"]}
    plane = {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"}
    templates = synth(minimal({"managed_nodes": group, kind: section}, control_plane=plane))
    roles = [role for template in templates.values() for role in resources(template, "AWS::IAM::Role").values()]
    listed = [[str(one) for one in role["ManagedPolicyArns"]] for role in roles if "ManagedPolicyArns" in role]
    assert sum("SSMManagedInstanceCore" in one for arns in listed for one in arns) == 1


def test_settings_without_values_say_nothing():
    assert toml({}) is None


@pytest.mark.parametrize(
    ("spec", "usual", "other"),
    [
        (NodeGroupSpec, {"capacity": "spot"}, {"capacity": "SPOT"}),
        (NodeGroupSpec, {"capacity": "on-demand"}, {"capacity": "ON_DEMAND"}),
        (AutoNodePoolSpec, {"capacity": ["on-demand", "spot"]}, {"capacity": ["ON_DEMAND", "SPOT"]}),
        (
            NodeGroupSpec,
            {"taints": [{"key": "a", "effect": "NoExecute"}]},
            {"taints": [{"key": "a", "effect": "NO_EXECUTE"}]},
        ),
    ],
)
def test_the_spelling_of_the_api_means_the_same(spec, usual, other):
    rest = {"name": "general"} | ({"instance_types": ["m7i.large"]} if spec is NodeGroupSpec else {})
    assert spec(**rest, **usual) == spec(**rest, **other)


@pytest.mark.parametrize(
    ("says", "left_out"),
    [
        ({"instance_generation_above": 3}, True),
        ({"instance_generation_above": 4}, False),
        ({"instance_types": ["m7i.large"]}, False),
    ],
    ids=["old generations", "later ones", "named types"],
)
def test_pools_leave_out_instances_that_take_no_ipv6(says, left_out):
    """https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html"""

    def excluded(pool, domain):
        requirements = pool["spec"]["template"]["spec"]["requirements"]
        return {"key": f"{domain}/instance-hypervisor", "operator": "NotIn", "values": ["xen"]} in requirements

    for ipv6 in (True, False):
        own = KarpenterSpec(node_pools=[{"name": "own", **says}])
        made = nodes(own, cluster="one", profile="p", network=NETWORK, tags={}, ipv6=ipv6)
        assert excluded(made.objects[-1], "karpenter.k8s.aws") is (left_out and ipv6)
        pool = node_pool_manifest(AutoNodePoolSpec(name="own", **says), ipv6=ipv6)
        assert excluded(pool, "eks.amazonaws.com") is (left_out and ipv6)
