"""AWS roles that a workload.yaml asks for: by the compute that the workload is placed on."""

import json

import pytest
import yaml

from safe_io.errors import BadInput
from stacks.environment.loading import load_environment
from tests.stacks.arns import resolved
from tests.support.environments import FARGATE, NODES, TODAY, minimal
from tests.support.synth import assembled
from tests.support.templates import of_type

RIGHTS = [
    {"service_account": "cart", "policies": ["AmazonSQSReadOnlyAccess"]},
    {
        "service_account": "pay-later",
        "allow": [{"actions": ["s3:GetObject"], "resources": ["arn:${AWS_PARTITION}:s3:::x-${AWS_ACCOUNT_ID}/*"]}],
    },
]


@pytest.fixture
def shop(tmp_path):
    """Returns data of an environment with a workload in a folder, whose workload.yaml says ``more``."""

    def made(compute, identities=RIGHTS, accounts=("cart", "pay-later"), **more):
        folder = tmp_path / "shop"
        (folder / "base").mkdir(parents=True, exist_ok=True)
        described = {"what": "A shop.", "kinds": ["managed_nodes", "fargate"], "pod_identities": identities}
        (folder / "workload.yaml").write_text(yaml.dump(described))
        objects = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}]
        objects += [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name},
                "automountServiceAccountToken": False,
            }
            for name in accounts
        ]
        (folder / "base/objects.yaml").write_text(yaml.dump_all(objects))
        sections = {"managed_nodes": NODES} if compute == "managed_nodes" else {"fargate": FARGATE}
        workload = {"name": "shop", "folder": str(folder), "compute": compute}
        return minimal(sections, workloads=[workload], **more)

    return made


def test_on_nodes_they_come_by_pod_identity(shop):
    template = assembled(shop("managed_nodes"), keep=False).templates["t-workloads-c"]
    found = {one["ServiceAccount"]: one for one in of_type(template, "AWS::EKS::PodIdentityAssociation").values()}
    assert {one["Namespace"] for one in found.values()} == {"shop-managed-nodes"}
    assert set(found) == {"cart", "pay-later"}
    role = template["Resources"][found["cart"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
    assert resolved(role["ManagedPolicyArns"]) == ["arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"]
    (policy,) = of_type(template, "AWS::IAM::ManagedPolicy").values()
    assert resolved(policy["PolicyDocument"])["Statement"][0]["Resource"] == ["arn:aws:s3:::x-123456789012/*"]


def test_on_fargate_the_service_accounts_are_annotated_with_them(shop):
    assembly = assembled(shop("fargate"), keep=False)
    template = assembly.templates["t-workloads-c"]
    assert not of_type(template, "AWS::EKS::PodIdentityAssociation")
    assert len(of_type(template, "AWS::IAM::Role")) == 2
    (text,) = [text for name, text in assembly.files["c"].items() if "apps" in name]
    accounts = [one for one in yaml.safe_load_all(text) if one["kind"] == "ServiceAccount"]
    assert {
        one["metadata"]["name"]: one["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] for one in accounts
    } == {
        "cart": "${ROLE_ARN_OF_CART}",
        "pay-later": "${ROLE_ARN_OF_PAY_LATER}",
    }
    (step,) = [
        one for one in json.loads(assembly.files["c"]["delivery.json"])["steps"] if one.get("workload") == "apps"
    ]
    assert set(step["outputs"]) == {"ROLE_ARN_OF_CART", "ROLE_ARN_OF_PAY_LATER"}
    assert set(step["outputs"].values()) <= set(template["Outputs"])


TARGET = {"service_account": "cart", "target_role_arn": "arn:aws:iam::111122223333:role/data"}


@pytest.mark.parametrize(
    ("identities", "compute", "text"),
    [
        (
            [{"service_account": "gone", "policies": ["A"]}],
            "managed_nodes",
            "no object is a ServiceAccount of that name",
        ),
        ([{"service_account": "cart"}], "managed_nodes", "gives no rights"),
        ([RIGHTS[0], RIGHTS[0]], "managed_nodes", "a service account takes one"),
        ([TARGET], "fargate", "which EKS Pod Identity alone knows"),
    ],
)
def test_roles_that_pods_could_not_get_are_refused(shop, tmp_path, identities, compute, text):
    file = tmp_path / "t.yaml"
    file.write_text(json.dumps(shop(compute, identities)))
    with pytest.raises(BadInput, match=text):
        load_environment(file, today=TODAY)


def test_the_agent_of_pod_identity_must_be_there(shop, tmp_path):
    file = tmp_path / "t.yaml"
    file.write_text(json.dumps(shop("managed_nodes", addons={"eks-pod-identity-agent": {"enabled": False}})))
    with pytest.raises(BadInput, match="eks-pod-identity-agent is switched off"):
        load_environment(file, today=TODAY)
