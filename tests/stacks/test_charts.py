"""Charts, manifests and folders that the environment file adds: through both deliveries, where they run, and in which order."""

import json
from pathlib import Path

import pytest
import yaml

from safe_io.errors import BadInput
from stacks.controllers import controllers
from stacks.environment.loading import load_environment
from stacks.objects.rendering import placed_workloads
from tests.stacks.arns import resolved
from tests.support.environments import FARGATE, NODES, TODAY, minimal, validated
from tests.support.synth import assembled
from tests.support.templates import needs, of_type

ARGO = {
    "name": "argo-cd",
    "repository": "https://argoproj.github.io/argo-helm",
    "version": "9.1.0",
    "namespace": "argocd",
    "values": {"global": {"region": "${AWS_REGION}", "cluster": "${CLUSTER_NAME}", "shell": "$${HOME}"}},
}
ARM = {
    "groups": [
        {
            "name": "arm",
            "ami_type": "AL2023_ARM_64_STANDARD",
            "instance_types": ["m7g.large"],
            "min_size": 2,
            "max_size": 3,
        }
    ]
}
TAINTED = {
    "groups": [
        *NODES["groups"],
        {
            "name": "tools", "instance_types": ["m7i.large"], "labels": {"for": "tools"},
            "taints": [{"key": "for", "value": "tools", "effect": "NoSchedule"}],
        },
    ]
}  # fmt: skip


def placed(chart, compute=None, **cluster):
    environment = validated(minimal(compute or {"managed_nodes": NODES}, charts=[chart], **cluster))
    found = controllers(environment.clusters[0], environment, None)
    return next(one for one in found if one.name == chart["name"]).values


def file_of(folder: Path, compute=None, network=None, **cluster) -> Path:
    data = minimal(compute or {"managed_nodes": NODES}, **cluster)
    data["network"] |= network or {}
    file = folder / "t.yaml"
    file.write_text(json.dumps(data))
    return file


def charts_in(template):
    return {one["Release"]: one for one in of_type(template, "Custom::AWSCDK-EKS-HelmChart").values()}


def test_the_stack_installs_a_chart_after_its_namespace(synth):
    template = synth(minimal({"managed_nodes": NODES}, charts=[ARGO], delivery="kubectl"))["t-workloads-c"]
    chart = charts_in(template)["argo-cd"]
    assert (chart["Chart"], chart["Repository"], chart["Version"], chart["Namespace"]) == (
        *("argo-cd", ARGO["repository"], "9.1.0", "argocd"),
    )
    values = json.loads(resolved(chart["Values"]))
    assert values["global"] == {"region": "eu-west-1", "cluster": "c", "shell": "${HOME}"}
    (key,) = [key for key in template["Resources"] if "Chartargocd" in key.replace("-", "") or "ChartArgoCd" in key]
    namespace = next(key for key in template["Resources"] if "NamespaceArgocd" in key)
    assert namespace in needs(template, key)
    assert template["Resources"][namespace]["DeletionPolicy"] == "Retain", "what is in a namespace outlives its chart"


def test_files_have_charts_between_controllers_and_workloads():
    data = minimal({"managed_nodes": NODES}, charts=[ARGO, {"name": "external-secrets"}])
    files = assembled(data).files["c"]
    steps = [step["file"] for step in json.loads(files["delivery.json"])["steps"]]
    assert steps[-4:] == [
        *("51-namespace-argocd.yaml", "51-namespace-external-secrets.yaml"),
        *("52-argo-cd.helm.json", "52-external-secrets.helm.json"),
    ]
    known = json.loads(files["52-external-secrets.helm.json"])
    assert known["repository"] == "https://charts.external-secrets.io"
    assert known["version"]


@pytest.mark.parametrize(
    ("chart", "compute", "expected"),
    [
        ({}, {"managed_nodes": NODES}, {}),
        ({}, {"managed_nodes": NODES, "auto_mode": {}}, {"nodeSelector": {"eks-platform/compute-kind": "managed_nodes"}}),
        ({"compute": "auto_mode"}, {"managed_nodes": NODES, "auto_mode": {}}, {"nodeSelector": {"eks.amazonaws.com/compute-type": "auto"}}),
        (
            {"compute": "managed_nodes", "nodes": "tools", "node_settings": ["server", "worker.pod"]},
            {"managed_nodes": TAINTED},
            {
                "server": (tools := {
                    "nodeSelector": {"eks-platform/compute-kind": "managed_nodes", "for": "tools"},
                    "tolerations": [{"key": "for", "operator": "Equal", "value": "tools", "effect": "NoSchedule"}],
                }),
                "worker": {"pod": tools},
            },
        ),
        ({"architectures": ["amd64", "arm64"]}, {"managed_nodes": ARM}, {}),
        ({}, {"managed_nodes": {"groups": [*NODES["groups"], *ARM["groups"]]}}, {"nodeSelector": {"kubernetes.io/arch": "amd64"}}),
        ({}, {"fargate": FARGATE}, {}),
    ],
    ids=["one kind", "several kinds", "named kind", "named nodes", "arm", "both processors", "fargate"],
)  # fmt: skip
def test_where_a_chart_runs(chart, compute, expected):
    values = placed({**ARGO, "values": {}, **chart}, compute)
    assert values == expected


def test_its_own_values_win():
    chart = {**ARGO, "values": {"nodeSelector": {"eks-platform/compute-kind": "other"}, "a": 1}}
    values = placed(chart, {"managed_nodes": NODES, "auto_mode": {}})
    assert values == chart["values"]


def test_fargate_draws_the_pods_of_a_chart(synth):
    template = synth(minimal({"fargate": FARGATE}, charts=[ARGO]))["t-compute-c"]
    selectors = [one for value in of_type(template, "AWS::EKS::FargateProfile").values() for one in value["Selectors"]]
    assert {"Namespace": "argocd"} in selectors
    template = synth(minimal({"fargate": FARGATE}, charts=[{**ARGO, "namespace": "apps"}]))["t-compute-c"]
    drawn = [one for value in of_type(template, "AWS::EKS::FargateProfile").values() for one in value["Selectors"]]
    assert [one["Namespace"] for one in drawn].count("apps") == 1, "a profile of the file draws them already"


BAD = [
    ({"name": "mine"}, "repository: is missing; charts that are known without it: external-secrets"),
    ({**ARGO, "version": "^9"}, "must be one version, such as 1.2.3"),
    ({**ARGO, "repository": "http://example.com"}, "must be the address of a chart repository"),
    ({**ARGO, "nodes": "general"}, "charts[0].nodes: found \"general\"; is for charts whose compute is named"),
    ({**ARGO, "compute": "fargate"}, "charts[0].compute"),
    ({**ARGO, "compute": "managed_nodes", "nodes": "gone"}, "there is no node group gone"),
    ({**ARGO, "values": {"a": "${BUCKET_NAME}"}}, "charts[0].values.a: ${BUCKET_NAME} is not filled in"),
    ({**ARGO, "images": {"image": "quay.io/x:1.0"}}, "must be the repository of an image, without tag"),
    ({**ARGO, "architectures": ["arm64"]}, "its images are for arm64, and its nodes have amd64"),
    ({**ARGO, "node_settings": ["a b"]}, "must be keys with dots between"),
]  # fmt: skip


@pytest.mark.parametrize(("chart", "text"), BAD)
def test_a_chart_that_cannot_work_is_refused(tmp_path, chart, text):
    with pytest.raises(BadInput) as refusal:
        load_environment(file_of(tmp_path, charts=[chart]), today=TODAY)
    assert text in str(refusal.value)


def test_two_releases_have_two_names(tmp_path):
    with pytest.raises(BadInput, match="argo-cd is the name of two releases"):
        load_environment(file_of(tmp_path, charts=[ARGO, ARGO]), today=TODAY)
    switched = {"load_balancer_controller": {"enabled": True}}
    with pytest.raises(BadInput, match="is the name of a release of this project"):
        load_environment(
            file_of(tmp_path, charts=[{**ARGO, "name": "aws-load-balancer-controller"}], **switched), today=TODAY
        )


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        (ARGO, "which AWS services the chart argo-cd calls is not known here"),
        ({**ARGO, "endpoints": []}, "which images the chart argo-cd has"),
        ({**ARGO, "endpoints": [], "images": {"image.repository": "quay.io/argoproj/argocd"}}, "quay.io is on the internet"),
        ({**ARGO, "endpoints": ["sqs"], "images": {}}, "the chart argo-cd needs sqs"),
        ({**ARGO, "endpoints": [], "images": {}}, None),
    ],
)  # fmt: skip
def test_without_the_internet_a_chart_says_what_it_reaches(tmp_path, chart, text):
    file = file_of(tmp_path, network={"nat": "none"}, charts=[chart])
    if text is None:
        load_environment(file, today=TODAY)
        return
    with pytest.raises(BadInput, match=text):
        load_environment(file, today=TODAY)


def test_mirrors_take_the_place_of_a_charts_images():
    chart = {**ARGO, "values": {}, "images": {"image.repository": "quay.io/argoproj/argocd"}}
    data = minimal({"managed_nodes": NODES}, charts=[chart])
    data["registries"] = {"quay.io": {"mirror": "registry.example.com/quay"}}
    environment = validated(data)
    (found,) = [one for one in controllers(environment.clusters[0], environment, None) if one.name == "argo-cd"]
    assert found.values == {"image": {"repository": "registry.example.com/quay/argoproj/argocd"}}


WIDGET = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "p", "namespace": "argocd"},
    "spec": {},
}
POD = {
    "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "argocd"},
    "spec": {"containers": [{"name": "c", "image": "docker.io/library/busybox:1"}]},
}  # fmt: skip


def test_manifests_are_applied_as_written_after_the_charts_that_serve_them(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/one.yaml").write_text(yaml.dump(WIDGET))
    chart = {**ARGO, "provides": ["argoproj.io"]}
    more = [str(tmp_path / "more")]
    data = minimal({"managed_nodes": NODES}, charts=[chart], manifests=more, delivery="kubectl")
    template = assembled(data, keep=False).templates["t-workloads-c"]
    (key,) = [key for key in template["Resources"] if "ManifestsMore" in key]
    assert json.loads(resolved(template["Resources"][key]["Properties"]["Manifest"]))[0]["spec"] == {}
    charts = set(of_type(template, "Custom::AWSCDK-EKS-HelmChart"))
    assert charts & needs(template, key), "deleted in the other order: objects before what serves them"


@pytest.mark.parametrize(
    ("text", "compute", "said"),
    [
        (None, None, "there is no file or folder"),
        ("a: 1", None, "apiVersion"),
        (yaml.dump({**POD, "spec": {**POD["spec"], "nope": 1}}), None, "nope"),
        (yaml.dump(POD), {"managed_nodes": ARM}, "says nothing of kubernetes.io/arch"),
        (yaml.dump({**POD, "metadata": {"name": "${WHAT}"}}), None, "${WHAT} is not filled in"),
    ],
)  # fmt: skip
def test_manifests_that_cannot_work_are_refused(tmp_path, text, compute, said):
    if text is not None:
        (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(BadInput) as refusal:
        load_environment(file_of(tmp_path, compute, manifests=["own.yaml"]), today=TODAY)
    assert said in str(refusal.value)


def test_a_workload_may_be_in_a_folder_of_yours(tmp_path):
    folder = tmp_path / "deploy/shop"
    (folder / "base").mkdir(parents=True)
    (folder / "workload.yaml").write_text("what: A shop.\nkinds: [managed_nodes]\n")
    (folder / "base/settings.yaml").write_text(
        yaml.dump_all(
            [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}},
            ]
        )
    )
    (tmp_path / "environments").mkdir()
    shop = {"name": "shop", "folder": "../deploy/shop", "compute": "managed_nodes"}
    environment = load_environment(file_of(tmp_path / "environments", workloads=[shop]), today=TODAY)
    (placed,) = placed_workloads(environment.clusters[0], environment)
    assert [item["kind"] for item in placed.objects] == ["Namespace", "ConfigMap"]
    assert placed.objects[1]["metadata"]["namespace"] == "shop-managed-nodes"


@pytest.mark.parametrize(
    ("folder", "text"), [("../gone", "there is no folder"), (".", "there is no file"), ("", "must be the path")]
)
def test_a_folder_that_is_none_is_refused(tmp_path, folder, text):
    with pytest.raises(BadInput, match=text):
        load_environment(
            file_of(tmp_path, workloads=[{"name": "shop", "folder": folder, "compute": "managed_nodes"}]), today=TODAY
        )


def test_the_load_balancer_controller_is_a_switch(synth):
    allow = [{"actions": ["wafv2:GetWebACL"], "resources": ["*"]}]
    switch = {"enabled": True, "version": "3.4.1", "values": {"replicaCount": 3}, "allow": allow}
    template = synth(minimal({"auto_mode": {}}, load_balancer_controller=switch, delivery="kubectl"))["t-workloads-c"]
    chart = charts_in(template)["aws-load-balancer-controller"]
    assert chart["Version"] == "3.4.1"
    values = json.loads(resolved(chart["Values"]))
    assert (values["replicaCount"], values["clusterName"]) == (3, "c")
    (policy,) = [
        one for key, one in of_type(template, "AWS::IAM::ManagedPolicy").items() if "LoadBalancerController" in key
    ]
    assert policy["PolicyDocument"]["Statement"][-1]["Action"] == ["wafv2:GetWebACL"]
    assert of_type(template, "AWS::EKS::PodIdentityAssociation")


def test_a_controller_that_a_workload_needs_cannot_be_off(tmp_path):
    web = [{"name": "web", "compute": "managed_nodes", "plain_http": True}]
    file = file_of(tmp_path, workloads=web, load_balancer_controller={"enabled": False})
    with pytest.raises(
        BadInput, match=r"load_balancer_controller\.enabled: a workload needs the AWS Load Balancer Controller"
    ):
        load_environment(file, today=TODAY)


def test_karpenter_is_a_switch(synth):
    data = minimal(
        {
            "managed_nodes": NODES,
            "karpenter": {"version": "1.13.0", "node_repair": True, "values": {"logLevel": "debug"}},
        },
        delivery="kubectl",
    )
    template = synth(data)["t-workloads-c"]
    charts = charts_in(template)
    assert {charts[name]["Version"] for name in ("karpenter", "karpenter-crd")} == {"1.13.0"}
    values = json.loads(resolved(charts["karpenter"]["Values"]))
    assert (values["logLevel"], values["settings"]["featureGates"]) == ("debug", {"nodeRepair": True})
    manifests = " ".join(
        resolved(one["Manifest"]) for one in of_type(template, "Custom::AWSCDK-EKS-KubernetesResource").values()
    )
    assert "EC2NodeClass" in manifests
    assert '"NodePool"' not in manifests


ON_FARGATE = {
    "compute": {
        "managed_nodes": NODES,
        "fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "apps"}]}]},
    },
    "pod_identities": [
        {"namespace": space, "service_account": "reader-one", "policies": ["AmazonS3ReadOnlyAccess"]}
        for space in ("apps", "other")
    ],
}
"""Pods of `apps` get their role by IRSA, those of `other` by EKS Pod Identity."""


def with_role(folder: Path, placeholder: str, **cluster) -> dict:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "reader-one",
            "namespace": "apps",
            "annotations": {"eks.amazonaws.com/role-arn": f"${{{placeholder}}}"},
        },
    }
    file = folder / "account.yaml"
    file.write_text(yaml.safe_dump(account))
    chart = {**ARGO, "compute": "managed_nodes", "values": {"role": f"${{{placeholder}}}"}}
    return minimal(**ON_FARGATE, charts=[chart], manifests=[str(file)], **cluster)


@pytest.mark.parametrize("delivery", ["files", "kubectl"])
def test_roles_of_pod_identities_are_filled_into_charts_and_manifests(tmp_path, delivery):
    made = assembled(with_role(tmp_path, "ROLE_ARN_OF_APPS_READER_ONE", delivery=delivery), keep=False)
    template = made.templates["t-workloads-c"]
    output = template["Outputs"]["RoleOfAppsReaderOne"]["Value"]
    (stack, key) = (output["Fn::GetStackOutput"][one] for one in ("StackName", "OutputName"))
    exported = made.templates[stack]["Outputs"][key]["Value"]["Fn::GetAtt"]
    role = made.templates["t-compute-c"]["Resources"][exported[0]]
    assert (role["Type"], exported[1]) == ("AWS::IAM::Role", "Arn")
    assert "AssumeRoleWithWebIdentity" in str(role)
    if delivery == "kubectl":
        assert "Fn::GetStackOutput" in str(charts_in(template)["argo-cd"]["Values"])
        manifests = [
            str(one["Manifest"]) for one in of_type(template, "Custom::AWSCDK-EKS-KubernetesResource").values()
        ]
        assert any("eks.amazonaws.com/role-arn" in one and "Fn::GetStackOutput" in one for one in manifests)
        assert "ROLE_ARN_OF" not in str(template)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("OTHER_READER_ONE", "get their role by EKS Pod Identity, without an annotation"),
        (
            "APPS_WRITER",
            "is the role of no entry of pod_identities.*There is: ROLE_ARN_OF_APPS_READER_ONE, ROLE_ARN_OF_OTHER",
        ),
    ],
)
def test_roles_that_no_annotation_needs_are_refused(tmp_path, name, said):
    file = tmp_path / "t.yaml"
    data = with_role(tmp_path, f"ROLE_ARN_OF_{name}")
    file.write_text(json.dumps(data))
    with pytest.raises(BadInput, match=rf"account.yaml:\d+: metadata.annotations.*{said}"):
        load_environment(file, today=TODAY)
    data["clusters"][0]["manifests"] = []
    file.write_text(json.dumps(data))
    with pytest.raises(BadInput, match=rf"clusters\[0\].charts\[0\].values.role: .*{said}"):
        load_environment(file, today=TODAY)


@pytest.mark.parametrize(("file", "said"), [("demo.yaml", "demo"), ("examples/hub.yaml", "{folder}/examples/hub.yaml")])
def test_messages_name_an_environment_as_make_takes_it(file, said):
    folder = Path(__file__).parents[2] / "environments"
    assert load_environment(folder / file, today=TODAY).env == said.format(folder=folder)
