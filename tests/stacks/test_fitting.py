"""What pods ask for is held against what the nodes of their placement have: devices, disk, processors; taints let them in or not."""

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from tests.stacks.own_workloads import Workloads


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


PLAIN = {"name": "plain", "instance_types": ["m7i.large"]}
ARM = {"name": "arm", "ami_type": "AL2023_ARM_64_STANDARD", "instance_types": ["m7g.large"]}
GPU = {"name": "gpu", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["g6.xlarge", "g6.12xlarge"]}
NEURON = {"name": "neuron", "ami_type": "AL2023_x86_64_NEURON", "instance_types": ["inf2.xlarge"]}
BLACKWELL = {"name": "new", "ami_type": "AL2023_x86_64_NVIDIA", "instance_types": ["p6-b200.48xlarge"]}
MIG = {"name": "mig", "ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "instance_types": ["p4d.24xlarge"]}
SLICED = {"gpu_sharing": {"time_slices": 4}}
TAINT = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
FARGATE = {"fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}}


def groups(*these, **more):
    return {"managed_nodes": {"groups": list(these)}, **more}


def pools(*these):
    return {"auto_mode": {"node_pools": list(these)}}


def karpenter(ami="al2023@latest", efa_interfaces=None, **pool):
    made_of = {"ami": ami, "efa_interfaces": efa_interfaces} if efa_interfaces else {"ami": ami}
    return groups(PLAIN, karpenter={**made_of, "node_pools": [{"name": "more", **pool}]})


def fabric():
    pool = {"name": "p", "node_class": "fabric", "instance_types": ["g6.8xlarge"]}
    return {"auto_mode": {"node_classes": [{"name": "fabric", "efa_interfaces": 1}], "node_pools": [pool]}}


G = {"name": "g", "instance_categories": ["g"]}
OLD_INF = {"name": "inf", "instance_categories": ["inf"]}
INF = {**OLD_INF, "instance_generation_above": 1}


def pod(image="pause", limits=None, **spec):
    containers = [{"name": "app", "image": image, "resources": {"limits": limits or {}}}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {"containers": containers, **spec}}


def only_pod(objects):
    (found,) = [one for one in objects if one["kind"] == "Pod"]
    return found["spec"]


MANAGED, AUTO = {"compute": "managed_nodes"}, {"compute": "auto_mode"}
MORE = {**MANAGED, "nodes": "more"}
NVIDIA, CORES, EFA = "nvidia.com/gpu", "aws.amazon.com/neuroncore", "vpc.amazonaws.com/efa"
DISK = "ephemeral-storage"
FOUND = [
    # resource, how many, the cluster's compute, where the workload goes
    (NVIDIA, "1", groups(PLAIN, GPU), MANAGED),
    (NVIDIA, "4", groups(PLAIN, GPU), MANAGED),
    (NVIDIA, "8", groups(PLAIN, BLACKWELL), MANAGED),
    (NVIDIA, "1", groups(PLAIN, {**GPU, "taints": [TAINT]}), MANAGED),
    (NVIDIA, "1", groups({**GPU, "taints": [TAINT]}, auto_mode={}), MANAGED),
    (NVIDIA, "1", pools(G), AUTO),
    (NVIDIA, "8", pools({**G, "taints": [{"key": NVIDIA, "effect": "NoSchedule"}]}), AUTO),
    (NVIDIA, "1", pools({"name": "g", "instance_categories": ["c", "p"]}), AUTO),
    (NVIDIA, "1", karpenter(instance_categories=["g"]), MORE),
    (NVIDIA, "1", karpenter("bottlerocket@latest", instance_categories=["g"]), MORE),
    (CORES, "2", groups(PLAIN, NEURON), MANAGED),
    (CORES, "1", pools(INF), AUTO),
    (EFA, "1", pools(G), AUTO),
    (NVIDIA, "7", groups(PLAIN, {**MIG, "gpu_sharing": {"mig_profile": "1g.5gb"}}), MANAGED),
    (NVIDIA, "1", groups(PLAIN, {**GPU, **SLICED}), MANAGED),
    (f"{NVIDIA}.shared", "1", groups(PLAIN, {**GPU, "gpu_sharing": {"time_slices": 2, "rename": True}}), MANAGED),
    (CORES, "1", karpenter("bottlerocket@latest", instance_categories=["inf"], instance_generation_above=1), MORE),
    (CORES, "1", groups(PLAIN, {**NEURON, "ami_type": "BOTTLEROCKET_x86_64"}), MANAGED),
    (EFA, "4", groups(PLAIN, {**MIG, "efa_interfaces": 4}), MANAGED),
    (EFA, "1", karpenter(instance_types=["g6.8xlarge"], efa_interfaces=1), MORE),
    (EFA, "1", fabric(), AUTO),
    (DISK, "43Gi", groups(PLAIN), MANAGED),
    (DISK, "500Gi", {"auto_mode": {}}, AUTO),  # Auto Mode takes instances with disks of their own
    (NVIDIA, "0", {"auto_mode": {}}, AUTO),
    ("cpu", "1900m", groups(PLAIN), MANAGED),
    ("cpu", "40", groups({**PLAIN, "instance_types": ["m7i.large", "m7i.metal-24xl"]}), MANAGED),
    (
        "cpu",
        "150",
        groups({**PLAIN, "instance_types": ["m6a.metal"]}),
        MANAGED,
    ),  # its name does not say how many it has
    ("memory", "20Gi", groups({**PLAIN, "instance_types": ["c5n.2xlarge"]}), MANAGED),  # 21 GiB, where other c have 16
    ("cpu", "500", {"auto_mode": {}}, AUTO),
    ("memory", "4Ti", karpenter(instance_categories=["x"]), MORE),
]


@pytest.mark.parametrize(
    ("resource", "amount", "compute", "where"), FOUND, ids=[f"{row[0]}-{index}" for index, row in enumerate(FOUND)]
)
def test_what_some_node_has_is_found(workloads, resource, amount, compute, where):
    workloads.write("app", [pod(limits={resource: amount})])
    assert workloads.objects({"name": "app", **where}, compute=compute)


ABOVE_7 = {**G, "instance_generation_above": 7}
ARM_ABOVE_5 = {**G, "architectures": ["arm64"], "instance_generation_above": 5}
NAMED = {**MANAGED, "nodes": "plain"}
MISSING = [
    # ... and what is said
    (NVIDIA, "1", {"auto_mode": {}}, AUTO, r"no node pool has nvidia.com/gpu \(it may use: general-purpose, system\)"),
    (NVIDIA, "1", groups(PLAIN), MANAGED, "no node group has nvidia.com/gpu"),
    (NVIDIA, "1", groups(PLAIN, GPU, auto_mode={}), AUTO, "gpu of this cluster would have it"),
    (NVIDIA, "5", groups(PLAIN, GPU), MANAGED, r"no node has that many \(gpu: 4\)"),
    (NVIDIA, "1", groups({**PLAIN, "labels": {"a": "b"}}, GPU), NAMED, "no node group has nvidia.com/gpu"),
    (NVIDIA, "1", pools(ABOVE_7), AUTO, "no node pool has"),
    (NVIDIA, "1", pools(ARM_ABOVE_5), AUTO, "no node pool has"),
    (NVIDIA, "1", karpenter(instance_categories=["g"]), MANAGED, "more of this cluster would have it"),
    (CORES, "1", pools(OLD_INF), AUTO, "no node pool has aws.amazon.com/neuroncore"),
    ("aws.amazon.com/neuron", "2", groups(PLAIN, NEURON), MANAGED, r"that many \(neuron: 1\)"),
    (NVIDIA, "57", groups(PLAIN, {**MIG, "gpu_sharing": {"mig_profile": "1g.5gb"}}), MANAGED, r"that many \(mig: 56\)"),
    (NVIDIA, "2", groups(PLAIN, {**GPU, **SLICED}), MANAGED, "gives a container one turn"),
    (
        NVIDIA,
        "1",
        groups(PLAIN, {**GPU, "gpu_sharing": {"time_slices": 2, "rename": True}}),
        MANAGED,
        "no node group has",
    ),
    (NVIDIA, "1", groups(PLAIN, {**GPU, "device_allocation": "dra"}), MANAGED, "no node group has nvidia.com/gpu"),
    (EFA, "5", groups(PLAIN, {**MIG, "efa_interfaces": 4}), MANAGED, r"that many \(mig: 4\)"),
    (EFA, "2", fabric(), AUTO, r"that many \(p: 1\)"),
    (EFA, "1", pools({"name": "g", "instance_types": ["g6.xlarge"]}), AUTO, "no node pool has vpc.amazonaws.com/efa"),
    (EFA, "1", groups(PLAIN, GPU), MANAGED, "no node group has vpc.amazonaws.com/efa"),
    ("hugepages-2Mi", "64Mi", groups(PLAIN), MANAGED, "no node group has hugepages-2Mi"),
    ("hugepages-1Gi", "1Gi", FARGATE, {"compute": "fargate"}, "no Fargate profile has hugepages-1Gi"),
    ("nvidia.com/mig-1g.5gb", "1", groups(PLAIN, GPU), MANAGED, "provided_elsewhere"),
    ("cpu", "2", groups(PLAIN), MANAGED, r"has an instance with more \(plain: m7i.large\)"),
    ("memory", "8Gi", groups(PLAIN), MANAGED, "has an instance with more"),
    (
        "cpu",
        "5",
        pools({"name": "g", "instance_types": ["g6.xlarge"]}),
        {**AUTO, "nodes": "g"},
        "has an instance with more",
    ),
    (DISK, "45Gi", groups(PLAIN), MANAGED, r"less of a node's disk \(plain 44Gi\); raise volume_gib"),
]


@pytest.mark.parametrize(
    ("resource", "amount", "compute", "where", "said"),
    MISSING,
    ids=[f"{row[0]}-{index}" for index, row in enumerate(MISSING)],
)
def test_what_no_node_has_is_refused_with_the_line_that_asks(workloads, resource, amount, compute, where, said):
    workloads.write("app", [pod(limits={resource: amount})])
    with pytest.raises(Misplaced, match=said) as refusal:
        workloads.objects({"name": "app", **where}, compute=compute)
    assert refusal.value.where == ("clusters", 0, "workloads", 0, "nodes" if "nodes" in where else "compute")
    assert f"Pod app asks for {amount}" in str(refusal.value)
    assert f"{workloads.folder}/app/base/all.yaml:" in str(refusal.value)


def test_what_the_pod_itself_asks_for_counts_and_is_named(workloads):
    workloads.write("app", [pod(resources={"requests": {"cpu": "100"}})])
    with pytest.raises(Misplaced, match=r"asks for 100 CPUs \(.*spec\.resources\.requests\.cpu\)"):
        workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN))


def test_a_pod_may_name_the_type_of_its_node_if_there_is_one(workloads):
    label = "node.kubernetes.io/instance-type"
    two = groups(PLAIN, {**PLAIN, "name": "more", "instance_types": ["c7i.large", "c7i.xlarge"]})
    workloads.write("app", [pod(nodeSelector={label: "c7i.xlarge"})])
    assert workloads.objects({"name": "app", **MANAGED}, compute=two)
    assert workloads.objects("app"), "Auto Mode chooses among types that no file names"
    with pytest.raises(
        Misplaced, match=rf"ask for another {label} than their nodes have \(.*nodeSelector.*plain: m7i.large"
    ):
        workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN))


def test_resources_of_something_else_are_not_asked_about(workloads):
    workloads.write("app", [pod(limits={"example.com/fpga": "1"})])
    with pytest.raises(Misplaced, match=r"no node pool has example\.com/fpga"):
        workloads.objects("app")
    assert workloads.objects("app", provided_elsewhere=["example.com/fpga"])


def test_pods_with_a_device_tolerate_the_taint_that_keeps_others_off(workloads):
    workloads.write("model", [pod(limits={NVIDIA: "1"})])
    workloads.write("web", [pod()])
    compute = groups(PLAIN, {**GPU, "taints": [TAINT]})
    model, web = (only_pod(workloads.objects({"name": name, **MANAGED}, compute=compute)) for name in ("model", "web"))
    assert model["tolerations"] == [{"key": NVIDIA, "operator": "Exists", "effect": "NoSchedule"}]
    assert "tolerations" not in web


def test_taints_that_nothing_tolerates_are_told(workloads):
    closed = groups({**GPU, "taints": [TAINT]}, auto_mode={})
    workloads.write("web", [pod()])
    with pytest.raises(Misplaced, match="every node group has taints, so the pods of Pod app would run nowhere"):
        workloads.objects({"name": "web", **MANAGED}, compute=closed)
    workloads.write("none", [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}])
    assert workloads.objects({"name": "none", **MANAGED}, compute=closed)
    for name, given in (("all", {"operator": "Exists"}), ("one", {"key": NVIDIA, "operator": "Exists"})):
        workloads.write(name, [pod(tolerations=[given])])
        assert workloads.objects({"name": name, **MANAGED}, compute=closed)


# Processors: an image by its whole name says nothing of what it is made for.

WHOLE = "example.org/model:1"


def test_an_image_that_nothing_is_known_of_is_not_taken_for_one_that_fits_arm(workloads):
    workloads.write("app", [pod(WHOLE)])
    said = r"all.yaml:\d+: .*image: found example.org/model:1: nothing says that it is made for arm64"
    with pytest.raises(BadInput, match=said):
        workloads.objects({"name": "app", **MANAGED}, compute=groups(ARM))
    assert workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN))
    mixed = only_pod(workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN, ARM)))
    assert mixed["nodeSelector"]["kubernetes.io/arch"] == "amd64"


EXPRESSION = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
TERMS = {"nodeSelectorTerms": [{"matchExpressions": [EXPRESSION]}]}


@pytest.mark.parametrize(
    "says",
    [
        {"nodeSelector": {"kubernetes.io/arch": "arm64"}},
        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": TERMS}}},
    ],
    ids=["selector", "affinity"],
)
def test_a_pod_that_names_its_processor_is_believed(workloads, says):
    workloads.write("app", [pod(WHOLE, **says)])
    assert workloads.objects({"name": "app", **MANAGED}, compute=groups(ARM))
    with pytest.raises(BadInput, match=r"asks for another processor than its nodes have: plain with amd64"):
        workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN))


def claimed(*classes, how="exactly"):
    requests = [{"deviceClassName": one, "name": f"n{index}"} for index, one in enumerate(classes)]
    request = (
        {"name": "gpu", "exactly": {"deviceClassName": classes[0]}}
        if how == "exactly"
        else {"name": "gpu", how: requests}
    )
    template = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "one"},
        "spec": {"spec": {"devices": {"requests": [request]}}},
    }
    return [template, pod(resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "one"}])]


CLAIM, NEURON_CLAIM, EFA_CLAIM = "gpu.nvidia.com", "neuron.aws.com", "efa.networking.k8s.aws"
DRA = {"device_allocation": "dra"}
TAINTED = groups({**GPU, **DRA, "taints": [TAINT]}, PLAIN)
NEWER, OLDER = {"kubernetes_version": "1.36"}, {"kubernetes_version": "1.35"}


@pytest.mark.parametrize(
    ("classes", "compute", "where", "version"),
    [
        ([CLAIM], TAINTED, MANAGED, OLDER),
        ([NEURON_CLAIM], groups(PLAIN, {**NEURON, **DRA}), MANAGED, OLDER),
        ([CLAIM], pools(G), AUTO, NEWER),
        ([EFA_CLAIM], pools(G), AUTO, NEWER),
        (["another.example.com", CLAIM], pools(G), AUTO, NEWER),
    ],
)
def test_claims_go_where_a_driver_hands_the_device_out(workloads, classes, compute, where, version):
    workloads.write("app", claimed(*classes, how="firstAvailable" if len(classes) > 1 else "exactly"))
    spec = only_pod(workloads.objects({"name": "app", **where}, compute=compute, control_plane=version))
    if compute is TAINTED:
        # EKS adds tolerations for what pods ask by count alone.
        assert {"key": NVIDIA, "operator": "Exists", "effect": "NoSchedule"} in spec["tolerations"]


@pytest.mark.parametrize(
    ("name", "compute", "where", "version"),
    [
        (CLAIM, groups(PLAIN, GPU), MANAGED, NEWER),
        (CLAIM, pools(G), AUTO, OLDER),
        (NEURON_CLAIM, pools(INF), AUTO, NEWER),
        (CLAIM, groups(PLAIN, {**GPU, **DRA}, auto_mode={}), AUTO, NEWER),
    ],
)
def test_claims_that_no_driver_hands_out_there_are_refused(workloads, name, compute, where, version):
    workloads.write("app", claimed(name))
    with pytest.raises((BadInput, Misplaced), match=name.replace(".", r"\.")):
        workloads.objects({"name": "app", **where}, compute=compute, control_plane=version)


EMPTY = {**PLAIN, "name": "empty", "min_size": 0, "labels": {"for": "empty"}}
OWN_PLAIN = {"name": "own", "instance_types": ["m7i.large"], "min_size": 1}
ON_EMPTY = {**MANAGED, "nodes": "empty"}
SERVICES = {"control_plane": {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"}}


def controller(kind, **spec):
    template = {"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [{"name": "app", "image": "pause"}]}}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
    job = {"template": template}
    inner = {
        "CronJob": {"schedule": "0 1 * * *", "jobTemplate": {"spec": job}},
        "Job": job,
    }.get(kind, {"selector": {"matchLabels": {"app": "app"}}, "template": template})
    group = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    more = {"serviceName": "app"} if kind == "StatefulSet" else {}
    return {"apiVersion": group, "kind": kind, "metadata": {"name": "app"}, "spec": {**inner, **more, **spec}}


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Job", "CronJob"])
def test_pods_do_not_wait_for_nodes_that_nothing_adds(workloads, kind):
    workloads.write("app", [controller(kind)])
    with pytest.raises(Misplaced, match="would stay Pending: empty has no node"):
        workloads.objects({"name": "app", **ON_EMPTY}, compute=groups(PLAIN, EMPTY))


@pytest.mark.parametrize(
    ("item", "compute", "cluster"),
    [
        (controller("Deployment"), groups(PLAIN, EMPTY), {"provided_elsewhere": ["cluster-autoscaler"]}),
        (
            controller("Deployment"),
            groups(PLAIN, EMPTY, self_managed_nodes={"groups": [OWN_PLAIN], "cluster_autoscaler": {"enabled": True}}),
            SERVICES,
        ),
        (controller("Deployment"), groups(PLAIN, {**EMPTY, "desired_size": 1}), {}),
        (controller("Deployment"), groups(PLAIN, {**EMPTY, "desired_size": "keep"}), {}),
        (controller("Deployment", replicas=0), groups(PLAIN, EMPTY), {}),
        (controller("CronJob", suspend=True), groups(PLAIN, EMPTY), {}),
        (controller("Job", parallelism=0), groups(PLAIN, EMPTY), {}),
        (controller("DaemonSet"), groups(PLAIN, EMPTY), {}),
    ],
    ids=["elsewhere", "ours", "one", "kept", "no-replicas", "suspended", "no-parallelism", "daemon-set"],
)
def test_pods_may_name_a_group_that_gets_nodes_or_need_none(workloads, item, compute, cluster):
    workloads.write("app", [item])
    assert workloads.objects({"name": "app", **ON_EMPTY}, compute=compute, **cluster)


def test_an_empty_group_beside_one_with_nodes_is_no_problem(workloads):
    workloads.write("app", [controller("Deployment")])
    assert workloads.objects({"name": "app", **MANAGED}, compute=groups(PLAIN, EMPTY))
