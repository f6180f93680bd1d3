"""What an author wrote is reconciled with what placement fills in and renames, or refused with file, line and key."""

import pytest

from eks_constructs.spec import Misplaced
from safe_io.errors import BadInput
from stacks.objects import folder as workload_folder
from tests.stacks.own_workloads import Workloads
from tests.stacks.test_order import needs
from tests.support.environments import NODES, minimal

FARGATE = {"profiles": [{"name": "apps", "selectors": [{"namespace": "fargate-*"}]}]}
ALL = {"auto_mode": {}, "managed_nodes": NODES, "fargate": FARGATE}
ALB, NLB = "alb.ingress.kubernetes.io", "service.beta.kubernetes.io/aws-load-balancer"


@pytest.fixture
def workloads(tmp_path, monkeypatch):
    monkeypatch.setattr(workload_folder, "FOLDER", tmp_path)
    return Workloads(tmp_path)


def thing(kind, spec=None, api="v1", name="app", annotations=None, **fields):
    metadata = {"name": name} | ({"annotations": annotations} if annotations else {})
    return (
        {"apiVersion": api, "kind": kind, "metadata": metadata} | ({"spec": spec} if spec is not None else {}) | fields
    )


def service(annotations=None, **spec):
    return thing("Service", {"type": "LoadBalancer", "ports": [{"port": 443}], **spec}, annotations=annotations)


def ingress(annotations=None, **spec):
    backend = {"service": {"name": "app", "port": {"number": 80}}}
    spec = {"defaultBackend": backend, "tls": [{"hosts": ["a.example.com"]}], **spec}
    return thing("Ingress", spec, "networking.k8s.io/v1", annotations=annotations)


def claim(annotations=None, **spec):
    return thing("PersistentVolumeClaim", spec, annotations=annotations)


def pod(**spec):
    return thing("Pod", {"containers": [{"name": "app", "image": "pause"}], **spec})


def affinity(*terms):
    terms = [{"matchExpressions": [dict(zip(("key", "operator", "values"), one, strict=True))]} for one in terms]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


TYPE = "eks.amazonaws.com/compute-type"
OLD, BETA = "kubernetes.io/ingress.class", "volume.beta.kubernetes.io/storage-class"
NODES_OWN = ("managed_nodes",)
CLASHES = [
    # kind of compute, object, key that is named, what is said
    (
        "auto_mode",
        ingress({OLD: "alb"}),
        OLD,
        "found alb; remove it: spec.ingressClassName is filled in, with auto-alb",
    ),
    ("managed_nodes", ingress({OLD: "alb"}), OLD, "filled in, with alb on managed_nodes"),
    ("fargate", ingress({OLD: "nginx"}), OLD, "found nginx; remove it"),
    (
        "auto_mode",
        ingress(ingressClassName="alb"),
        "spec.ingressClassName",
        "found alb, a class that nothing in this cluster makes; it has auto-alb",
    ),
    (
        "managed_nodes",
        ingress(ingressClassName="nginx"),
        "spec.ingressClassName",
        "add it to the cluster's provided_elsewhere: nginx",
    ),
    (
        "auto_mode",
        ingress({f"{ALB}/scheme": "internet-facing"}),
        f"{ALB}/scheme",
        "which is not read: .*auto_mode.load_balancer_scheme .* is internal",
    ),
    ("auto_mode", ingress({f"{ALB}/scheme": "internal"}), f"{ALB}/scheme", "which is not read"),
    (
        "managed_nodes",
        ingress({f"{ALB}/scheme": "internet-facing"}),
        f"{ALB}/scheme",
        "load_balancer_scheme of the environment file decides",
    ),
    (
        "auto_mode",
        ingress({f"{ALB}/group.name": "a"}),
        f"{ALB}/group.name",
        "auto_mode does not read .*https://docs.aws.*alb.html",
    ),
    (
        "auto_mode",
        service({f"{NLB}-type": "external"}),
        f"{NLB}-type",
        "auto_mode does not read .*https://docs.aws.*nlb.html",
    ),
    ("auto_mode", service({f"{NLB}-proxy-protocol": "*"}), f"{NLB}-proxy-protocol", "use .*-attributes"),
    ("auto_mode", service({f"{NLB}-internal": "true"}), f"{NLB}-internal", "auto_mode.load_balancer_scheme .* decides"),
    (
        "managed_nodes",
        service({f"{NLB}-internal": "false"}),
        f"{NLB}-internal",
        "load_balancer_scheme .* it is internal: remove it",
    ),
    ("managed_nodes", service({f"{NLB}-scheme": "internet-facing"}), f"{NLB}-scheme", "found internet-facing"),
    (
        "auto_mode",
        service(loadBalancerClass="service.k8s.aws/nlb"),
        "spec.loadBalancerClass",
        "load balancers are of eks.amazonaws.com/nlb",
    ),
    (
        "managed_nodes",
        service(loadBalancerClass="eks.amazonaws.com/nlb"),
        "spec.loadBalancerClass",
        "of service.k8s.aws/nlb: remove it",
    ),
    ("auto_mode", claim({BETA: "gp2"}), BETA, "overrides spec.storageClassName, which is filled in with auto-gp3"),
    (
        "managed_nodes",
        thing("StatefulSet", {"volumeClaimTemplates": [claim({BETA: "gp2"})]}, "apps/v1"),
        BETA,
        "filled in with gp3",
    ),
    (
        "managed_nodes",
        claim(storageClassName="gp2"),
        "spec.storageClassName",
        "found gp2, a class that nothing .*managed_nodes has gp3",
    ),
    ("managed_nodes", claim(storageClassName="auto-gp3"), "spec.storageClassName", "found auto-gp3"),
    (
        "auto_mode",
        thing("StorageClass", api="storage.k8s.io/v1", provisioner="kubernetes.io/aws-ebs"),
        "provisioner",
        "made by ebs.csi.eks",
    ),
    (
        "managed_nodes",
        thing("StorageClass", api="storage.k8s.io/v1", provisioner="kubernetes.io/aws-ebs"),
        "provisioner",
        "made by ebs.csi.aws",
    ),
    (
        "auto_mode",
        thing("PersistentVolume", {"csi": {"driver": "fsx.csi.aws.com"}}),
        "spec.csi.driver",
        "found fsx.csi.aws.com, a driver that nothing",
    ),
    (
        "auto_mode",
        pod(volumes=[{"name": "a", "csi": {"driver": "secrets-store.csi.k8s.io"}}]),
        "volumes[0].csi.driver",
        "found secrets-store",
    ),
    (
        "auto_mode",
        pod(priorityClassName="high"),
        "spec.priorityClassName",
        "nothing in this cluster makes it. Add it to the workload",
    ),
    ("auto_mode", pod(runtimeClassName="gvisor"), "spec.runtimeClassName", "found gvisor"),
    ("auto_mode", pod(schedulerName="volcano"), "spec.schedulerName", "EKS runs default-scheduler alone"),
    (
        "managed_nodes",
        claim(accessModes=["ReadWriteMany"]),
        "spec.accessModes[0]",
        "gp3 makes EBS volumes, which one node uses at a time",
    ),
    (
        "auto_mode",
        thing("StatefulSet", {"volumeClaimTemplates": [claim(accessModes=["ReadOnlyMany"])]}, "apps/v1"),
        "accessModes[0]",
        "auto-gp3 makes EBS volumes",
    ),
    ("auto_mode", pod(nodeName="ip-10-0-0-1"), "spec.nodeName", "names one node"),
    (
        "auto_mode",
        pod(affinity=affinity((TYPE, "NotIn", ["auto", "fargate"]))),
        "nodeSelectorTerms",
        "no node meets it: .*compute-type=auto",
    ),
    ("auto_mode", pod(nodeSelector={TYPE: "ec2"}), TYPE, "found ec2; on auto_mode it must be auto"),
    (
        "auto_mode",
        thing("ServiceMonitor", {}, "monitoring.coreos.com/v1"),
        "apiVersion",
        "nothing in this cluster defines ServiceMonitor of monitoring",
    ),
    ("auto_mode", thing("Certificate", {}, "cert-manager.io/v1"), "apiVersion", "provided_elsewhere: cert-manager.io"),
    (
        "managed_nodes",
        thing("NodePool", {}, "karpenter.sh/v1"),
        "apiVersion",
        "nothing in this cluster defines NodePool",
    ),
    (
        "auto_mode",
        thing("TargetGroupBinding", {}, "elbv2.k8s.aws/v1beta1"),
        "apiVersion",
        "nothing in this cluster defines TargetGroupBinding",
    ),
    (
        "auto_mode",
        thing("Ingress", {}, "extensions/v1beta1"),
        "apiVersion",
        "which Kubernetes serves no more; write networking.k8s.io/v1",
    ),
    (
        "auto_mode",
        thing("ConfigMap", annotations={"cert-manager.io/inject-ca-from": "app/a"}),
        "inject-ca-from",
        "there is no cert-manager",
    ),
    (
        "auto_mode",
        thing("IngressClass", {"controller": "ingress.k8s.aws/alb"}, "networking.k8s.io/v1"),
        "spec.controller",
        "on auto_mode it is eks",
    ),
    (
        "managed_nodes",
        thing("ServiceAccount", annotations={"eks.amazonaws.com/role-arn": "arn:a"}),
        "role-arn",
        "EKS Pod Identity",
    ),
    (
        "auto_mode",
        thing("HorizontalPodAutoscaler", {"metrics": [{"type": "External"}]}, "autoscaling/v2"),
        "spec.metrics[0].type",
        "nothing in this cluster serves external.metrics.k8s.io",
    ),
    (
        "auto_mode",
        thing("StorageClass", api="storage.k8s.io/v1", name="auto-gp3"),
        "metadata.name",
        "this project makes the StorageClass of that name",
    ),
    ("managed_nodes", ingress({f"{ALB}/waf-acl-id": "abc"}), "waf-acl-id", "WAF Classic is at the end of its life"),
    ("fargate", ingress({f"{ALB}/wafv2-acl-name": "shop"}), "wafv2-acl-name", "name it by .*wafv2-acl-arn"),
    ("managed_nodes", ingress({f"{ALB}/wafv2-acl-arn": "shop"}), "wafv2-acl-arn", "must be the ARN of a web ACL"),
    ("managed_nodes", ingress({f"{ALB}/auth-idp-cognito": "{}"}), "auth-idp-cognito", "must be JSON with the ARN"),
    ("auto_mode", thing("NodePool", {}, "karpenter.sh/v1", "general-purpose"), "metadata.name", "makes the NodePool"),
    (
        "auto_mode",
        thing("CustomResourceDefinition", {"group": "karpenter.sh"}, "apiextensions.k8s.io/v1", "a.karpenter.sh"),
        "spec.group",
        "found karpenter.sh, which is served in this cluster already",
    ),
    (
        "auto_mode",
        {**thing("ConfigMap"), "metadata": {"name": "a", "namespace": "monitoring"}},
        "metadata.namespace",
        "found monitoring; .*make a workload",
    ),
    (
        "auto_mode",
        {**thing("Secret"), "metadata": {"name": "a", "namespace": "kube-system"}},
        "metadata.namespace",
        "Role and RoleBinding may be in",
    ),
]


@pytest.mark.parametrize(
    ("compute", "item", "key", "said"),
    CLASHES,
    ids=[f"{row[0]}-{row[1]['kind']}-{index}" for index, row in enumerate(CLASHES)],
)
def test_what_clashes_with_the_placement_is_refused_with_file_line_and_key(workloads, compute, item, key, said):
    workloads.write("app", [item])
    cluster = (
        {"managed_nodes": NODES}
        if compute == "managed_nodes"
        else {"fargate": FARGATE}
        if compute == "fargate"
        else None
    )
    with pytest.raises(BadInput, match=said) as refusal:
        workloads.objects({"name": "app", "compute": compute}, compute=cluster)
    place, _, _ = str(refusal.value).partition(": ")
    assert place.startswith(f"{workloads.folder}/app/base/all.yaml:")
    assert key in str(refusal.value)


PROVIDED = [
    (ingress(ingressClassName="nginx"), ["nginx"]),
    (ingress({OLD: "nginx"}), ["nginx"]),
    (service(loadBalancerClass="example.com/lb"), ["example.com/lb"]),
    (claim(storageClassName="fast"), ["fast"]),
    (thing("StorageClass", api="storage.k8s.io/v1", provisioner="fsx.csi.aws.com"), ["fsx.csi.aws.com"]),
    (pod(priorityClassName="high", runtimeClassName="gvisor"), ["high", "gvisor"]),
    (thing("ServiceMonitor", {}, "monitoring.coreos.com/v1"), ["monitoring.coreos.com"]),
    (thing("VirtualService", {}, "networking.istio.io/v1"), ["istio.io"]),
    (thing("HorizontalPodAutoscaler", {"metrics": [{"type": "Pods"}]}, "autoscaling/v2"), ["custom.metrics.k8s.io"]),
]


@pytest.mark.parametrize(("item", "provided"), PROVIDED, ids=[f"{row[0]['kind']}-{row[1][0]}" for row in PROVIDED])
def test_what_something_else_brings_is_left_as_it_is_written(workloads, item, provided):
    workloads.write("app", [item])
    with pytest.raises(BadInput, match="provided_elsewhere"):
        workloads.objects("app")
    (found,) = [one for one in workloads.objects("app", provided_elsewhere=provided) if one["kind"] == item["kind"]]
    assert found["metadata"].get("annotations") == item["metadata"].get("annotations")
    if item["kind"] in ("Ingress", "Service", "StorageClass"):
        assert {**found, "metadata": item["metadata"]} == item


BROUGHT = [
    thing("PriorityClass", api="scheduling.k8s.io/v1", name="high", value=1),
    thing("StorageClass", api="storage.k8s.io/v1", name="mine"),
    thing("IngressClass", {}, "networking.k8s.io/v1", name="outside"),
    thing(
        "CustomResourceDefinition",
        {"group": "a.example.com", "names": {"kind": "Cat"}, "scope": "Namespaced"},
        "apiextensions.k8s.io/v1",
    ),
]
USERS = [
    pod(priorityClassName="high"),
    claim(storageClassName="mine"),
    ingress(ingressClassName="outside"),
    thing("Cat", {}, "a.example.com/v1"),
]


def test_what_a_workload_brings_is_there_for_it_and_for_those_after_it(workloads):
    workloads.write("all", [*BROUGHT, *USERS])
    assert workloads.objects("all")
    workloads.write("first", BROUGHT)
    workloads.write("second", USERS)
    assert workloads.objects("first", "second")
    with pytest.raises(BadInput, match="nothing in this cluster defines Cat"):
        workloads.objects("second", "first")


def test_what_another_workload_brings_is_applied_before_what_uses_it(synth, workloads):
    workloads.write("first", BROUGHT)
    workloads.write("apart")
    workloads.write("user", USERS[:1])
    names = [{"name": name, "compute": "auto_mode"} for name in ("first", "apart", "user")]
    template = synth(minimal(workloads=names, delivery="kubectl"))["t-workloads-c"]
    first, apart, user = (
        {key for key in template["Resources"] if key.startswith(f"Kubectl{name}AutoMode")}
        for name in ("First", "Apart", "User")
    )
    assert user
    assert all(first & needs(template, key) for key in user)
    assert apart
    assert not any(first & needs(template, key) for key in apart)


def test_the_scope_of_a_custom_kind_is_that_of_its_definition_in_any_workload(workloads):
    definition = {"group": "a.example.com", "names": {"kind": "Cat"}, "scope": "Cluster"}
    workloads.write("first", [thing("CustomResourceDefinition", definition, "apiextensions.k8s.io/v1")])
    workloads.write("second", [thing("Cat", {}, "a.example.com/v1"), thing("Cat", {}, "b.example.com/v1")])
    cats = {
        one["apiVersion"]: one["metadata"]
        for one in workloads.objects("first", "second", provided_elsewhere=["b.example.com"])
        if one["kind"] == "Cat"
    }
    assert cats["a.example.com/v1"] == {"name": "app"}
    assert cats["b.example.com/v1"] == {"name": "app", "namespace": "second-auto-mode"}


# Kinds of other API groups that have the name of one of Kubernetes' or of EKS'.

NAMESAKES = [
    thing("Gateway", {"selector": {"istio": "ingress"}}, "networking.istio.io/v1"),
    thing("Service", {"type": "LoadBalancer", "template": {"spec": {"containers": []}}}, "serving.knative.dev/v1"),
    thing("Job", {"backoffLimit": 1, "tasks": ["pause"]}, "batch.example.com/v1"),
    thing("Ingress", {"rules": 5}, "networking.example.com/v1"),
    thing("NetworkPolicy", {}, "crd.example.com/v1"),
    thing("Cluster", {}, "postgresql.example.com/v1"),
    thing("DaemonSet", {}, "apps.example.com/v1"),
]


@pytest.mark.parametrize("item", NAMESAKES, ids=lambda item: item["apiVersion"])
@pytest.mark.parametrize("compute", ["managed_nodes", "fargate"])
def test_a_kind_of_another_group_is_left_as_it_is_written(workloads, compute, item):
    workloads.write("app", [item])
    found = workloads.objects(
        {"name": "app", "compute": compute},
        compute={"managed_nodes": NODES} if compute == "managed_nodes" else {"fargate": FARGATE},
        provided_elsewhere=[item["apiVersion"].partition("/")[0]],
    )[-1]
    namespace = "app-managed-nodes" if compute == "managed_nodes" else "fargate-app"
    assert found == {**item, "metadata": {"name": "app", "namespace": namespace}}


def test_classes_of_ones_own_get_the_drivers_and_controllers_of_the_placement(workloads):
    workloads.write("all", BROUGHT)
    found = {one["kind"]: one for one in workloads.objects("all")}
    assert found["StorageClass"]["provisioner"] == "ebs.csi.eks.amazonaws.com"
    assert found["IngressClass"]["spec"]["controller"] == "eks.amazonaws.com/alb"


def test_everything_that_clashes_is_told_at_once(workloads):
    workloads.write(
        "app",
        [ingress({OLD: "alb", f"{ALB}/scheme": "internal"}), service(loadBalancerClass="a/b"), claim({BETA: "gp2"})],
    )
    with pytest.raises(BadInput) as refusal:
        workloads.objects("app")
    lines = str(refusal.value).splitlines()
    assert len(lines) == 4
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


def test_what_agrees_with_the_placement_may_be_written(workloads):
    items = [
        ingress({f"{ALB}/scheme": "internal"}, ingressClassName="alb"),
        service({f"{NLB}-scheme": "internal"}, loadBalancerClass="service.k8s.aws/nlb"),
        claim(storageClassName="gp3"),
        pod(affinity=affinity((TYPE, "NotIn", ["auto", "fargate"]))),
    ]
    workloads.write("app", items)
    assert workloads.objects({"name": "app", "compute": "managed_nodes"}, compute={"managed_nodes": NODES})


def test_a_role_by_annotation_is_read_where_the_tokens_are_trusted(workloads):
    account = thing("ServiceAccount", annotations={"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/a"})
    workloads.write("app", [account])
    workloads.write(
        "bucket", [account, thing("ConfigMap", data={"a": "${BUCKET_NAME}"})], needs=["bucket"], service_account="app"
    )
    assert workloads.objects({"name": "app", "compute": "fargate"}, compute=ALL)
    with pytest.raises(BadInput, match="the role of this account is made here"):
        workloads.objects({"name": "bucket", "compute": "fargate"}, compute=ALL)


# Names of the namespace, wherever they are written.

RENAMED = {
    "http://app.old.svc.cluster.local:80/x": "http://app.app-auto-mode.svc.cluster.local:80/x",
    "postgres://db-0.db.old.svc/data": "postgres://db-0.db.app-auto-mode.svc/data",
    "other.old.svc": "other.app-auto-mode.svc",
    "http://app.old:80, http://app.old/": "http://app.app-auto-mode:80, http://app.app-auto-mode/",
    "system:serviceaccount:old:app": "system:serviceaccount:app-auto-mode:app",
    "--namespace=old": "--namespace=app-auto-mode",
    # not the namespace's name, or not surely
    "http://app.older.svc": "http://app.older.svc",
    "http://app.very-old.svc": "http://app.very-old.svc",
    "unknown.old": "unknown.old",
    "https://app.old.example.com": "https://app.old.example.com",
    "old": "old",
}


@pytest.mark.parametrize("written", RENAMED)
def test_dns_names_and_accounts_of_the_old_namespace_are_renamed_in_any_text(workloads, written):
    items = [thing("Namespace", name="old"), thing("Service", {"ports": []}), thing("ConfigMap", data={"a": written})]
    workloads.write("app", items, bare=True)
    (found,) = [one for one in workloads.objects("app") if one["kind"] == "ConfigMap"]
    assert found["data"]["a"] == RENAMED[written]


def test_references_to_the_old_namespace_are_renamed_in_objects(workloads):
    label = "kubernetes.io/metadata.name"
    webhook = {"name": "a.b.c", "clientConfig": {"service": {"name": "app", "namespace": "old", "path": "/"}}}
    webhook["namespaceSelector"] = {
        "matchExpressions": [{"key": label, "operator": "NotIn", "values": ["kube-system", "old"]}]
    }
    items = [
        thing("Namespace", name="old"),
        thing("ValidatingWebhookConfiguration", api="admissionregistration.k8s.io/v1", webhooks=[webhook]),
        thing(
            "RoleBinding",
            api="rbac.authorization.k8s.io/v1",
            subjects=[
                {"kind": "ServiceAccount", "name": "a", "namespace": "old"},
                {"kind": "ServiceAccount", "name": "b"},
                {"kind": "ServiceAccount", "name": "c", "namespace": "kube-system"},
                {"kind": "Group", "name": "system:serviceaccounts:old"},
            ],
        ),
        thing("ConfigMap", annotations={"example.com/from": "old/app", "example.com/to": "other/app"}),
        {
            **pod(
                affinity={
                    "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["old", "x"]}]}
                }
            ),
        },
        {
            **thing("Pod", name="b"),
            "spec": {
                "containers": [
                    {
                        "name": "app",
                        "image": "pause",
                        "args": ["-n", "old", "--leader-election-namespace=old"],
                        "env": [{"name": "POD_NAMESPACE", "value": "old"}, {"name": "COLOUR", "value": "old"}],
                    }
                ]
            },
        },
    ]
    workloads.write("app", items, bare=True)
    found = {(one["kind"], one["metadata"]["name"]): one for one in workloads.objects("app")}
    new = "app-auto-mode"
    (hook,) = found["ValidatingWebhookConfiguration", "app"]["webhooks"]
    assert hook["clientConfig"]["service"]["namespace"] == new
    assert hook["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system", new]
    subjects = found["RoleBinding", "app"]["subjects"]
    assert [one.get("namespace", one["name"]) for one in subjects] == [
        new,
        new,
        "kube-system",
        f"system:serviceaccounts:{new}",
    ]
    assert found["ConfigMap", "app"]["metadata"]["annotations"] == {
        "example.com/from": f"{new}/app",
        "example.com/to": "other/app",
    }
    terms = found["Pod", "app"]["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms == [{"namespaces": [new, "x"]}]
    (container,) = found["Pod", "b"]["spec"]["containers"]
    assert container["args"] == ["-n", new, f"--leader-election-namespace={new}"]
    assert [one["value"] for one in container["env"]] == [new, "old"]


def test_rights_in_a_namespace_of_every_cluster_are_one_workloads_alone(workloads):
    binding = {
        **thing("RoleBinding", api="rbac.authorization.k8s.io/v1", subjects=[{"kind": "ServiceAccount", "name": "a"}]),
        "metadata": {"name": "reader", "namespace": "kube-system"},
    }
    own = {**binding, "metadata": {"name": "reader"}}
    workloads.write("app", [binding, own])
    found = [one for one in workloads.objects("app") if one["kind"] == "RoleBinding"]
    assert [(one["metadata"]["namespace"], one["subjects"][0]["namespace"]) for one in found] == [
        ("kube-system", "app-auto-mode"),
        ("app-auto-mode", "app-auto-mode"),
    ]
    twice = [{"name": "app", "compute": "auto_mode"}, {"name": "app", "compute": "auto_mode", "namespace": "other"}]
    with pytest.raises(Misplaced, match="has the RoleBinding reader already"):
        workloads.objects(*twice)
