"""Workloads in the environment file: what follows from their kind of compute, and what is refused, with field, fact and source."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from eks_constructs.compute.registry import rules
from eks_constructs.spec import Misplaced
from eks_facts.files import load
from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from stacks.environment.workload_spec import WorkloadSpec
from stacks.objects import rendering as workload_objects
from stacks.objects.exposure import gate
from stacks.objects.file_owner import file_owner
from stacks.objects.folder import workload_folder
from stacks.objects.rendering import placed_workloads
from stacks.placement.kind_limits import limits_met
from stacks.placement.kinds import Placement
from tests.support.environments import NODES, TODAY, minimal, validated

FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"


def rendered(workloads, compute=None, **environment):
    """The objects of the only cluster's workloads."""
    found = validated({**minimal(compute, workloads=workloads), **environment})
    return [item for one in placed_workloads(found.clusters[0], found) for item in one.objects]


def kinds(objects):
    return {item["kind"] for item in objects}


def pod(**spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {"template": {"metadata": {}, "spec": {"containers": [{"name": "app"}], **spec}}},
    }


def container(**fields):
    return pod(containers=[{"name": "app", **fields}])


def thing(kind, spec=None, **fields):
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "app"}, "spec": spec or {}, **fields}


ARM = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}]}
            ]
        }
    }
}
TARGET = "alb.ingress.kubernetes.io/target-type"
CASES = [
    # limit, an object that meets it, one like it that does not
    ("daemon_set", thing("DaemonSet"), thing("Deployment")),
    ("privileged", container(securityContext={"privileged": True}), container(securityContext={"privileged": False})),
    ("host_network", pod(hostNetwork=True), pod(hostNetwork=False)),
    ("host_port", container(ports=[{"containerPort": 1, "hostPort": 1}]), container(ports=[{"containerPort": 1}])),
    (
        "accelerator",
        container(resources={"limits": {"nvidia.com/gpu": 1}}),
        container(resources={"limits": {"cpu": 1}}),
    ),
    ("arm", pod(affinity=ARM), pod(nodeSelector={"kubernetes.io/arch": "amd64"})),
    ("arm", pod(nodeSelector={"kubernetes.io/arch": "arm64"}), pod()),
    ("windows", pod(os={"name": "windows"}), pod(os={"name": "linux"})),
    (
        "instance_targets",
        {**thing("Ingress"), "metadata": {"name": "app", "annotations": {TARGET: "instance"}}},
        {**thing("Ingress"), "metadata": {"name": "app", "annotations": {TARGET: "ip"}}},
    ),
    (
        "block_storage",
        thing("PersistentVolume", {"csi": {"driver": "ebs.csi.aws.com"}}),
        thing("PersistentVolume", {"csi": {"driver": "nfs.csi.k8s.io"}}),
    ),
    (
        "file_storage",
        thing("PersistentVolume", {"csi": {"driver": "efs.csi.aws.com"}}),
        thing("PersistentVolume", {"csi": {"driver": "nfs.csi.k8s.io"}}),
    ),
    (
        "default_volumes",
        thing("PersistentVolumeClaim", {"resources": {}}),
        thing("PersistentVolumeClaim", {"storageClassName": "site"}),
    ),
    ("block_storage", thing("StorageClass", provisioner="ebs.csi.aws.com"), thing("StorageClass")),
    (
        "dynamic_volumes",
        thing("PersistentVolumeClaim"),
        thing("PersistentVolumeClaim", {"storageClassName": "", "volumeName": "files"}),
    ),
    (
        "dynamic_volumes",
        thing("StatefulSet", {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}),
        thing("StatefulSet"),
    ),
    (
        "size",
        container(resources={"requests": {"memory": "120Gi"}}),
        container(resources={"requests": {"memory": "119Gi"}}),
    ),
    ("size", container(resources={"requests": {"cpu": "16001m"}}), container(resources={"requests": {"cpu": "16"}})),
    ("custom_ami", thing("NodeClass", {"amiSelectorTerms": []}), thing("NodeClass", {"subnetSelectorTerms": []})),
    (
        "block_storage_driver",
        thing("StorageClass", provisioner="efs.csi.aws.com"),
        thing("StorageClass", provisioner="efs.csi.aws.com"),
    ),
    ("gateway", thing("Gateway"), thing("Ingress")),
    ("dynamic_resources", pod(resourceClaims=[{"name": "gpu"}]), pod(resourceClaims=[])),
]
OTHER_DRIVER = {"auto_mode": "ebs.csi.aws.com", "managed_nodes": "ebs.csi.eks.amazonaws.com"}
OTHER_DRIVER["self_managed_nodes"] = OTHER_DRIVER["managed_nodes"]
LIMITS = load("compute_kinds")["limits"]


@pytest.mark.parametrize(
    ("kind", "name", "bad", "good"),
    [
        pytest.param(kind, name, bad, good, id=f"{kind}-{name}-{index}")
        for index, (name, bad, good) in enumerate(CASES)
        for kind, facts in LIMITS.items()
        if name in facts
    ],
)
def test_a_limit_is_found_where_it_holds_and_nowhere_else(kind, name, bad, good):
    if name == "block_storage_driver":
        bad = {**bad, "provisioner": OTHER_DRIVER[kind]}
    assert [limit.fact for limit in limits_met(bad, kind)] == [LIMITS[kind][name]["fact"]]
    assert list(limits_met(good, kind)) == []


def windows(**spec):
    return pod(nodeSelector={"kubernetes.io/os": "windows"}, **spec)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        (
            "host_network",
            {"hostNetwork": True},
            {"hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": True}}},
        ),
        ("dynamic_resources", {"resourceClaims": [{"name": "gpu"}]}, {}),
        ("privileged", {"containers": [{"name": "a", "securityContext": {"privileged": True}}]}, {}),
        ("accelerator", {"containers": [{"name": "a", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}, {}),
    ],
)
def test_a_limit_of_windows_holds_for_its_pods_alone(name, bad, good):
    (limit,) = limits_met(windows(**bad), "managed_nodes")
    assert limit.fact == load("compute_kinds")["limits_of_windows"][name]["fact"]
    assert list(limits_met(windows(**good), "managed_nodes")) == []
    assert list(limits_met(pod(**bad), "managed_nodes")) == []


def test_every_limit_has_a_case():
    # Pod Identity is not asked for by an object: what needs a bucket gets IRSA on Fargate, below.
    assert {name for facts in LIMITS.values() for name in facts} - {name for name, _, _ in CASES} == {"pod_identity"}
    assert all(
        fact["source"].startswith("https://docs.aws.amazon.com/") for one in LIMITS.values() for fact in one.values()
    )


def test_a_refusal_names_workload_object_field_fact_and_source(tmp_path: Path, monkeypatch):
    base = tmp_path / "workloads/agent/base"
    base.mkdir(parents=True)
    (base.parent / "workload.yaml").write_text("what: An agent\nkinds: [fargate, managed_nodes]\n")
    (base / "namespace.yaml").write_text(
        yaml.dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
    )
    agent = container(image="pause", securityContext={"privileged": True})
    agent["spec"]["selector"] = {"matchLabels": {"app": "a"}}
    agent["spec"]["template"]["metadata"] = {"labels": {"app": "a"}}
    (base / "agent.yaml").write_text(yaml.dump(agent))
    monkeypatch.setattr(workload_objects, "workload_folder", lambda name: workload_folder(name, tmp_path / "workloads"))
    environment = tmp_path / "mine.yaml"
    environment.write_text(
        yaml.dump(minimal({"fargate": FARGATE}, workloads=[{"name": "agent", "compute": "fargate"}]))
    )
    with pytest.raises(BadInput) as refusal:
        load_environment(environment, today=TODAY)
    text = str(refusal.value)
    for part in (
        f"{environment}:",
        "clusters[0].workloads[0].compute",
        "agent cannot run on fargate",
        "Fargate runs no privileged containers",
        "https://docs.aws.amazon.com/eks/latest/userguide/fargate.html",
        "containers[0].securityContext.privileged of Deployment app",
    ):
        assert part in text
    environment.write_text(
        yaml.dump(minimal({"managed_nodes": NODES}, workloads=[{"name": "agent", "compute": "managed_nodes"}]))
    )
    load_environment(environment, today=TODAY)


def test_a_placeholder_needs_its_need(tmp_path: Path, monkeypatch):
    base = tmp_path / "workloads/files/base"
    base.mkdir(parents=True)
    (base.parent / "workload.yaml").write_text("what: Files\nkinds: [auto_mode]\n")
    (base / "all.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: files}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: files}\ndata: {bucket: '${BUCKET_NAME}'}\n"
    )
    monkeypatch.setattr(workload_objects, "workload_folder", lambda name: workload_folder(name, tmp_path / "workloads"))
    with pytest.raises(BadInput, match=r"\$\{BUCKET_NAME\} is filled in for workloads that need a bucket"):
        rendered([{"name": "files", "compute": "auto_mode"}])


def test_pods_go_to_their_kind_and_no_other():
    for compute, mix, selector in (
        ("auto_mode", {"auto_mode": {}}, {"eks.amazonaws.com/compute-type": "auto"}),
        ("managed_nodes", {"managed_nodes": NODES}, {"eks-platform/compute-kind": "managed_nodes"}),
    ):
        (load_,) = [
            one for one in rendered([{"name": "scale-out", "compute": compute}], mix) if one["kind"] == "Deployment"
        ]
        assert load_["spec"]["template"]["spec"]["nodeSelector"] == selector


def test_pods_go_to_the_pool_of_karpenter_that_is_named():
    pool = {"name": "more", "taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]}
    workloads = [{"name": "scale-out", "compute": "managed_nodes", "nodes": "more"}]
    objects = rendered(workloads, {"managed_nodes": NODES, "karpenter": {"node_pools": [pool]}})
    (spec,) = [one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment"]
    assert spec["nodeSelector"] == {"eks-platform/compute-kind": "karpenter", "karpenter.sh/nodepool": "more"}
    assert spec["tolerations"] == [{"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}]


def test_identity_is_an_annotation_on_fargate_alone():
    for compute, mix in (("managed_nodes", {"managed_nodes": NODES}), ("fargate", {"fargate": FARGATE})):
        (account,) = [
            one
            for one in rendered([{"name": "bucket-reader", "compute": compute}], mix)
            if one["kind"] == "ServiceAccount"
        ]
        annotations = account["metadata"].get("annotations", {})
        assert ("eks.amazonaws.com/role-arn" in annotations) == (compute == "fargate")


GATES = {
    kind: f"{group}/pod-readiness-gate-inject"
    for kind, group in (
        ("auto_mode", "eks.amazonaws.com"),
        ("managed_nodes", "elbv2.k8s.aws"),
        ("fargate", "elbv2.k8s.aws"),
    )
}
"""Whose webhook listens to which label."""


@pytest.mark.parametrize(("compute", "label"), GATES.items())
def test_a_rollout_waits_for_the_load_balancer_of_its_kind(compute, label):
    mix = {"auto_mode": {}, "managed_nodes": NODES, "fargate": FARGATE}
    for name, gated in (("web", True), ("scale-out", False)):
        workload = {"name": name, "compute": compute, **({"plain_http": True} if name == "web" else {})}
        (namespace,) = [one for one in rendered([workload], mix) if one["kind"] == "Namespace"]
        found = {key: value for key, value in namespace["metadata"]["labels"].items() if "readiness-gate" in key}
        assert found == ({label: "enabled"} if gated else {})


@pytest.mark.parametrize("written", GATES.values())
def test_the_label_of_either_controller_is_spelled_as_the_kind_reads_it(written):
    for compute, label in GATES.items():
        namespace = {"kind": "Namespace", "metadata": {"name": "a", "labels": {written: "disabled", "team": "b"}}}
        placement = Placement(WorkloadSpec(name="a", compute=compute), rules()[compute], "a", {}, {}, "node pool")
        gate(namespace, placement, exposed=True)
        assert namespace["metadata"]["labels"] == {"team": "b", label: "disabled"}


def test_network_policies_are_left_out_where_they_would_do_nothing():
    assert "NetworkPolicy" in kinds(rendered([{"name": "scale-out", "compute": "auto_mode"}]))
    assert "NetworkPolicy" not in kinds(rendered([{"name": "scale-out", "compute": "fargate"}], {"fargate": FARGATE}))


def test_a_gateway_serves_tls_by_its_host_name_or_plain_http():
    def listener(**how):
        objects = rendered(
            [{"name": "web", "compute": "auto_mode", "variant": "gateway", **how}],
            {"auto_mode": {"gateway_api": True}},
        )
        (gateway,) = [one for one in objects if one["kind"] == "Gateway"]
        (only,) = gateway["spec"]["listeners"]
        return only

    tls = listener(hostname="www.example.com")
    assert (tls["protocol"], tls["port"], tls["hostname"]) == ("HTTPS", 443, "www.example.com")
    plain = listener(plain_http=True)
    assert (plain["protocol"], plain["port"], plain.get("hostname")) == ("HTTP", 80, None)


def test_plain_http_leaves_nothing_of_tls():
    objects = rendered([{"name": "web", "compute": "auto_mode", "plain_http": True}])
    (ingress,) = [one for one in objects if one["kind"] == "Ingress"]
    annotations = ingress["metadata"]["annotations"]
    assert annotations["alb.ingress.kubernetes.io/listen-ports"] == '[{"HTTP": 80}]'
    assert not [key for key in annotations if "certificate" in key or "ssl" in key]


AUTO, MANAGED = {"auto_mode": {}}, {"managed_nodes": NODES}
WEB = {"name": "web", "compute": "auto_mode"}
REFUSED = [
    ("unknown", [{"name": "batches", "compute": "auto_mode"}], AUTO, "name", "no workload batches.*Did you mean batch"),
    ("variant", [{**WEB, "variant": "alb"}], AUTO, "variant", "no variant alb; it has: ingress, gateway, nlb"),
    ("no such kind", [{**WEB, "compute": "fargate"}], AUTO, "compute", "the cluster has no fargate; it has: auto_mode"),
    ("certificate", [WEB], AUTO, "certificate_arn", "is missing; name a certificate .* plain_http: true"),
    ("host name", [{**WEB, "variant": "gateway"}], {"auto_mode": {"gateway_api": True}}, "hostname", "is missing"),
    (
        "certificate and host name",
        [{**WEB, "hostname": "a.example.com", "certificate_arn": CERTIFICATE}],
        AUTO,
        "hostname",
        "finds its certificate otherwise",
    ),
    ("gateway", [{**WEB, "variant": "gateway", "plain_http": True}], AUTO, "variant", "needs the Gateway API"),
    (
        "no load balancer",
        [{"name": "batch", "compute": "auto_mode", "plain_http": True}],
        AUTO,
        "plain_http",
        "has no load balancer",
    ),
    (
        "block storage on Fargate",
        [{"name": "store", "compute": "fargate", "variant": "block"}],
        {"fargate": FARGATE},
        "compute",
        "Its variant for fargate is: efs",
    ),
    (
        "namespace twice",
        [{**WEB, "plain_http": True}, {"name": "batch", "compute": "auto_mode", "namespace": "web-auto-mode"}],
        AUTO,
        "namespace",
        "web has the namespace web-auto-mode already",
    ),
    (
        "reserved namespace",
        [{"name": "batch", "compute": "auto_mode", "namespace": "kube-system"}],
        AUTO,
        "namespace",
        "belongs to Kubernetes or EKS",
    ),
    (
        "cluster-wide object twice",
        [
            {"name": "extension", "compute": "auto_mode"},
            {"name": "extension", "compute": "auto_mode", "namespace": "other"},
        ],
        AUTO,
        "name",
        "has the CustomResourceDefinition .* already",
    ),
    ("no Karpenter", [{"name": "batch", "compute": "managed_nodes", "nodes": "more"}], MANAGED, "nodes", "There is: "),
    (
        "scheme of Auto Mode",
        [{**WEB, "plain_http": True, "load_balancer_scheme": "internet-facing"}],
        AUTO,
        "load_balancer_scheme",
        "on Auto Mode the cluster's auto_mode.load_balancer_scheme decides",
    ),
    (
        "namespace that no profile selects",
        [{"name": "batch", "compute": "fargate", "namespace": "elsewhere"}],
        {"fargate": FARGATE},
        "namespace",
        "no Fargate profile selects the namespace elsewhere",
    ),
    (
        "pods that Fargate would draw",
        [{"name": "batch", "compute": "auto_mode", "namespace": "fargate-batch"}],
        {**AUTO, "fargate": FARGATE},
        "namespace",
        "profile",
    ),
]


@pytest.mark.parametrize(
    ("workloads", "compute", "key", "text"), [pytest.param(*row, id=name) for name, *row in REFUSED]
)
def test_what_cannot_be_is_refused(workloads, compute, key, text):
    with pytest.raises(Misplaced, match=text) as refusal:
        rendered(workloads, compute)
    assert refusal.value.where[:3] == ("clusters", 0, "workloads")
    assert refusal.value.where[-1] == key


def test_a_certificate_of_another_region_is_refused():
    with pytest.raises(ValidationError, match="is a certificate of region eu-west-1"):
        rendered([{**WEB, "certificate_arn": CERTIFICATE}], region="us-west-2")


def test_an_add_on_that_is_switched_off_and_needed_is_refused():
    data = minimal(workloads=[{**WEB, "plain_http": True}], addons={"metrics-server": {"enabled": False}})
    environment = validated(data)
    with pytest.raises(Misplaced, match="web needs the add-on metrics-server"):
        placed_workloads(environment.clusters[0], environment)


def test_a_file_system_belongs_to_the_pods_that_mount_it():
    def workload(*users):
        volumes = [{"name": "files", "persistentVolumeClaim": {"claimName": "files"}}, {"name": "tmp", "emptyDir": {}}]
        mounts = [{"name": "files", "mountPath": "/data"}]
        own = [container(volumeMounts=mounts, **user)["spec"]["template"]["spec"]["containers"][0] for user in users]
        return [
            pod(securityContext={"runAsUser": 7}, volumes=volumes, containers=own),
            pod(containers=[{"name": "other"}]),
        ]

    group = {"securityContext": {"runAsGroup": 8}}
    assert file_owner(workload(group, group), "a") == (7, 8)
    assert file_owner(workload({"securityContext": {"runAsGroup": 8, "runAsUser": 9}}), "a") == (9, 8)
    for users in ((), ({},), (group, {"securityContext": {"runAsGroup": 9}})):
        with pytest.raises(Misplaced, match="each pod that mounts a claim must say the same runAsUser and runAsGroup"):
            file_owner(workload(*users), "a")
