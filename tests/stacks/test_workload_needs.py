"""Needs of a workload are read from its objects: controllers, add-ons, certificates; what workload.yaml says is held against them."""

import json

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.controllers import controllers, needs_load_balancer_controller
from stacks.objects import folder as workload_folder
from stacks.objects.balancer_rights import rights_of
from stacks.objects.rendering import placed_workloads
from tests.stacks.own_workloads import Workloads
from tests.support.environments import NODES, minimal, validated

FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}
ALL = {"auto_mode": {}, "managed_nodes": NODES, "fargate": FARGATE}
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
SSL = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"
ALB = "alb.ingress.kubernetes.io"


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def thing(kind, spec=None, api="v1", name="app", annotations=None, **fields):
    metadata = {"name": name} | ({"annotations": annotations} if annotations else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata} | ({"spec": spec} if spec else {}) | fields


def service(port=80, annotations=None, **spec):
    return thing("Service", {"type": "LoadBalancer", "ports": [{"port": port}], **spec}, annotations=annotations)


def ingress(annotations=None, **spec):
    backend = {"service": {"name": "app", "port": {"number": 80}}}
    return thing("Ingress", {"defaultBackend": backend, **spec}, "networking.k8s.io/v1", annotations=annotations)


def claim(**spec):
    return thing("PersistentVolumeClaim", {"accessModes": ["ReadWriteOnce"], **spec})


SCALER = thing(
    "HorizontalPodAutoscaler",
    {"scaleTargetRef": {"kind": "Deployment", "name": "app"}, "maxReplicas": 3},
    "autoscaling/v2",
)
SNAPSHOT = thing("VolumeSnapshot", {"source": {"persistentVolumeClaimName": "app"}}, "snapshot.storage.k8s.io/v1")
POLICY = thing("NetworkPolicy", {"podSelector": {}}, "networking.k8s.io/v1")
GATEWAY = [
    thing("GatewayClass", api="gateway.networking.k8s.io/v1"),
    thing(
        "Gateway",
        {"gatewayClassName": "app", "listeners": [{"name": "a", "port": 443, "protocol": "HTTPS"}]},
        "gateway.networking.k8s.io/v1",
    ),
]
EFS = thing("PersistentVolume", {"csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1"}})


@pytest.mark.parametrize("balancer", [service(), ingress()], ids=["Service", "Ingress"])
@pytest.mark.parametrize(("compute", "brought"), [("managed_nodes", True), ("fargate", True), ("auto_mode", False)])
def test_a_load_balancer_brings_its_controller_on_compute_that_has_none(workloads, balancer, compute, brought):
    workloads.write("door", [balancer])
    spec = {"name": "door", "compute": compute, "plain_http": True}
    environment = validated(minimal(ALL, workloads=[spec]))
    (cluster,) = environment.clusters
    assert needs_load_balancer_controller(cluster, environment) is brought
    names = [one.name for one in controllers(cluster, environment, None)]
    assert names == (["aws-load-balancer-controller"] if brought else [])


ADDONS = [
    # object, kind of compute, the add-on it needs, whether it is there by itself
    (SCALER, "auto_mode", "metrics-server", True),
    (SCALER, "managed_nodes", "metrics-server", True),
    (thing("HorizontalPodAutoscaler", {"maxReplicas": 3}, "autoscaling/v1"), "managed_nodes", "metrics-server", True),
    (SNAPSHOT, "auto_mode", "snapshot-controller", False),
    (SNAPSHOT, "managed_nodes", "snapshot-controller", False),
    (
        thing("VolumeSnapshotClass", api="snapshot.storage.k8s.io/v1", deletionPolicy="Retain"),
        "auto_mode",
        "snapshot-controller",
        False,
    ),
    (claim(dataSource={"kind": "VolumeSnapshot", "name": "a"}), "managed_nodes", "snapshot-controller", False),
    (POLICY, "managed_nodes", "vpc-cni", True),
    (claim(), "managed_nodes", "aws-ebs-csi-driver", True),
    (thing("StatefulSet", {"volumeClaimTemplates": [claim()]}, "apps/v1"), "managed_nodes", "aws-ebs-csi-driver", True),
    (thing("StorageClass", api="storage.k8s.io/v1"), "managed_nodes", "aws-ebs-csi-driver", True),
    (thing("PersistentVolume", {"csi": {"driver": "ebs.csi.aws.com"}}), "managed_nodes", "aws-ebs-csi-driver", True),
    (EFS, "managed_nodes", "aws-efs-csi-driver", False),
    (EFS, "auto_mode", "aws-efs-csi-driver", False),
    (
        thing("StorageClass", api="storage.k8s.io/v1", provisioner="efs.csi.aws.com"),
        "auto_mode",
        "aws-efs-csi-driver",
        False,
    ),
]


@pytest.mark.parametrize(
    ("item", "compute", "addon", "there"),
    ADDONS,
    ids=[f"{row[0]['kind']}-{row[1]}-{row[2]}-{index}" for index, row in enumerate(ADDONS)],
)
def test_the_add_on_that_an_object_needs_is_demanded(workloads, item, compute, addon, there):
    workloads.write("app", [item])
    spec = {"name": "app", "compute": compute}
    with pytest.raises(
        Misplaced,
        match=rf"app needs the add-on {addon}: {item['kind']} app \(.*all.yaml:\d+\); add {addon}: \{{enabled: true",
    ):
        workloads.objects(spec, compute=ALL, addons={addon: {"enabled": False}})
    assert workloads.objects(spec, compute=ALL, addons={} if there else {addon: {"enabled": True}})


@pytest.mark.parametrize(
    "item", [EFS | {"spec": {"csi": {"driver": "efs.csi.aws.com"}}}, POLICY], ids=["EFS", "NetworkPolicy"]
)
def test_what_a_kind_brings_by_itself_needs_no_add_on(workloads, item):
    workloads.write("app", [item])
    workloads.objects({"name": "app", "compute": "fargate"}, compute={"fargate": FARGATE})


def test_a_gateway_needs_the_gateway_api_whatever_workload_yaml_says(workloads):
    workloads.write("app", GATEWAY)
    with pytest.raises(Misplaced, match=r"app needs the Gateway API.*GatewayClass app"):
        workloads.objects("app")
    assert workloads.objects("app", compute={"auto_mode": {"gateway_api": True}})


DECLARED = [
    # what workload.yaml says, what is said of it
    ({"needs": ["network_policy"]}, r"needs: found network_policy, but no object asks for it; remove it"),
    ({"needs": ["certificate"]}, "found certificate, but no object asks for it"),
    ({"needs": ["gateway_api"]}, "found gateway_api, but no object asks for it"),
    ({"needs": ["bucket"], "service_account": "app"}, r"found bucket, but no object uses \$\{BUCKET_NAME\}"),
    ({"needs": ["file_system"]}, r"found file_system, but no object uses .*\$\{FILE_SYSTEM_ID\}"),
    ({"service_account": "other"}, "found other; no object is a ServiceAccount of that name. There is: app"),
    ({"variants": {"large": {"what": "x", "needs": ["network_policy"]}}}, "variants.large.needs: found network_policy"),
]


@pytest.mark.parametrize(("says", "said"), DECLARED, ids=[str(index) for index in range(len(DECLARED))])
def test_a_need_that_no_object_has_is_refused(workloads, says, said):
    files = {"base/a.yaml": thing("ServiceAccount"), "large/b.yaml": thing("ConfigMap")}
    workloads.write("app", files if "variants" in says else {"base/a.yaml": files["base/a.yaml"]}, **says)
    with pytest.raises(BadInput, match=said):
        workloads.objects("app")


def test_a_need_that_no_object_can_show_stays_one_that_is_said(workloads):
    workloads.write("operator", [thing("ConfigMap")], needs=["load_balancer_controller", "metrics_server"])
    environment = validated(
        minimal({"managed_nodes": NODES}, workloads=[{"name": "operator", "compute": "managed_nodes"}])
    )
    assert needs_load_balancer_controller(environment.clusters[0], environment)
    with pytest.raises(Misplaced, match=r"needs the add-on metrics-server: .*workload.yaml says so, and no object"):
        workloads.objects("operator", addons={"metrics-server": {"enabled": False}})


# The certificate question.

WITHOUT_TLS = [service(), service(port=8080), ingress(), ingress({f"{ALB}/listen-ports": '[{"HTTP": 80}]'})]
WITH_TLS = [
    service(annotations={SSL: CERTIFICATE}),
    service(port=443),
    service(ports=[{"port": 5671, "name": "tls"}, {"port": 8443}]),
    ingress({f"{ALB}/certificate-arn": CERTIFICATE}),
    ingress(tls=[{"hosts": ["a.example.com"]}]),
    ingress({f"{ALB}/listen-ports": '[{"HTTPS": 443}]'}, rules=[{"host": "a.example.com"}]),
]


@pytest.mark.parametrize("item", WITHOUT_TLS, ids=lambda item: item["kind"])
@pytest.mark.parametrize("compute", ["auto_mode", "managed_nodes", "fargate"])
def test_every_load_balancer_without_tls_is_asked_about(workloads, item, compute):
    workloads.write("door", [item])
    spec = {"name": "door", "compute": compute}
    with pytest.raises(
        Misplaced,
        match=rf"{item['kind']} app \(.*all.yaml:\d+\) asks for a load balancer without TLS; .*plain_http: true",
    ) as refusal:
        workloads.objects(spec, compute=ALL)
    assert refusal.value.where == ("clusters", 0, "workloads", 0, "plain_http")
    assert workloads.objects({**spec, "plain_http": True}, compute=ALL)


@pytest.mark.parametrize("item", WITH_TLS, ids=[f"{item['kind']}-{index}" for index, item in enumerate(WITH_TLS)])
def test_a_load_balancer_with_tls_is_not_asked_about(workloads, item):
    workloads.write("door", [item])
    assert workloads.objects("door")


def test_pods_that_end_tls_themselves_say_so_once(workloads):
    workloads.write("broker", [service(port=5432)], tls="pods")
    assert workloads.objects("broker")
    with pytest.raises(Misplaced, match="its pods end TLS themselves"):
        workloads.objects({"name": "broker", "compute": "auto_mode", "plain_http": True})


def test_a_service_inside_the_cluster_is_not_asked_about(workloads):
    workloads.write(
        "inner", [thing("Service", {"ports": [{"port": 80}]}), thing("Service", {"type": "NodePort"}, name="b")]
    )
    assert workloads.objects("inner")
    with pytest.raises(Misplaced, match="inner: it has no load balancer, so it has nothing to do"):
        workloads.objects({"name": "inner", "compute": "auto_mode", "plain_http": True})


def test_a_certificate_is_demanded_where_an_object_uses_it_and_nowhere_else(workloads):
    workloads.write("door", [service(port=443, annotations={SSL: "${CERTIFICATE_ARN}"})])
    door = {"name": "door", "compute": "auto_mode"}
    with pytest.raises(
        Misplaced, match=r"is missing; name a certificate .*: Service app \(.*\) asks for it, or say plain_http: true"
    ):
        workloads.objects(door)
    assert workloads.objects({**door, "certificate_arn": CERTIFICATE})
    assert workloads.objects({**door, "plain_http": True})
    with pytest.raises(Misplaced, match="door finds its certificate otherwise"):
        workloads.objects({**door, "certificate_arn": CERTIFICATE, "hostname": "a.example.com"})


def test_a_host_name_that_plain_http_needs_too_is_demanded(workloads):
    workloads.write("door", [ingress(rules=[{"host": "${HOSTNAME}"}])])
    door = {"name": "door", "compute": "auto_mode", "plain_http": True}
    with pytest.raises(Misplaced, match="is missing; name the host"):
        workloads.objects(door)
    (found,) = [one for one in workloads.objects({**door, "hostname": "a.example.com"}) if one["kind"] == "Ingress"]
    assert found["spec"]["rules"] == [{"host": "a.example.com"}]


def test_plain_http_leaves_no_host_to_find_a_certificate_by(workloads):
    workloads.write("door", [ingress(tls=[{"hosts": ["a.example.com"]}])])
    objects = workloads.objects({"name": "door", "compute": "auto_mode", "plain_http": True})
    assert [one["spec"].get("tls") for one in objects if one["kind"] == "Ingress"] == [None]


ACL = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/shop/1234abcd-12ab-34cd-56ef-1234567890ab"
POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_abcdefghi"


@pytest.mark.parametrize(
    ("annotations", "actions", "resource"),
    [
        ({f"{ALB}/wafv2-acl-arn": ACL}, {"wafv2:AssociateWebACL", "elasticloadbalancing:SetWebAcl"}, ACL),
        (
            {f"{ALB}/wafv2-acl-arn": ACL.replace("eu-west-1", "${AWS_REGION}")},
            {"wafv2:AssociateWebACL"},
            "arn:aws:wafv2:${Token[AWS.Region",
        ),
        ({f"{ALB}/shield-advanced-protection": "true"}, {"shield:CreateProtection"}, "*"),
        (
            {f"{ALB}/auth-type": "cognito", f"{ALB}/auth-idp-cognito": json.dumps({"userPoolARN": POOL})},
            {"cognito-idp:DescribeUserPoolClient"},
            POOL,
        ),
        ({f"{ALB}/shield-advanced-protection": "false", f"{ALB}/wafv2-acl-arn": "none"}, set(), ""),
    ],
)
def test_the_controller_gets_the_rights_that_annotations_ask_for_and_no_others(
    workloads, annotations, actions, resource
):
    item = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "door", "annotations": annotations},
        "spec": {"defaultBackend": {"service": {"name": "app", "port": {"number": 80}}}},
    }
    workloads.write("app", [item])
    spec = {"name": "app", "compute": "managed_nodes", "plain_http": True}
    given = rights_of(workloads.objects(spec, compute={"managed_nodes": NODES}), "c")
    assert {action for one in given for action in one["Action"]} >= actions
    assert len(given) == bool(actions)
    assert all(resource in str(one["Resource"]) for one in given)


TAGS = "service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"


@pytest.mark.parametrize(
    ("compute", "written", "wanted"),
    [
        ("auto_mode", None, {"cost-center=4711"}),
        ("auto_mode", "team=shop,cost-center=1", {"team=shop", "cost-center=1"}),
        ("managed_nodes", None, None),
    ],
)
def test_load_balancers_of_services_on_auto_mode_have_the_tags_of_the_file(workloads, compute, written, wanted):
    annotations = {SSL: "${CERTIFICATE_ARN}"} | ({TAGS: written} if written else {})
    item = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "door", "annotations": annotations},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
    }
    workloads.write("app", [item])
    spec = {"name": "app", "compute": compute, "certificate_arn": CERTIFICATE}
    mix = {"managed_nodes": NODES} if compute == "managed_nodes" else None
    found = validated({**minimal(mix, workloads=[spec]), "tags": {"cost-center": "4711"}})
    (made,) = [one for one in placed_workloads(found.clusters[0], found)[0].objects if one["kind"] == "Service"]
    tags = made["metadata"]["annotations"].get(TAGS)
    assert (set(tags.split(",")) - {"eks-platform/environment=t"} if tags else None) == wanted
