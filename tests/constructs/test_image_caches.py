"""Pull through caches of Amazon ECR: the rules, the repositories they make, and who may fill them."""

import json
from typing import Any

import pytest

from tests.support.synth import assembled
from tests.support.templates import Templates

CREDENTIALS = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ecr-pullthroughcache/hub-AbCdEf"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUP = {"name": "general", "instance_types": ["m7i.large"], "min_size": 2, "max_size": 4}
KINDS: dict[str, dict[str, Any]] = {
    "auto_mode": {"auto_mode": {"node_classes": [{"name": "own"}], "node_pools": [{"name": "p", "node_class": "own"}]}},
    "managed_nodes": {"managed_nodes": {"groups": [GROUP]}, "karpenter": {"node_pools": [{"name": "p"}]}},
    "self_managed_nodes": {"self_managed_nodes": {"groups": [GROUP]}},
    "fargate": {"fargate": {"profiles": [{"name": "apps", "selectors": [{"namespace": "apps"}]}]}},
}
ROLES = {
    "auto_mode": {"OneAutoNodeRole", "OneAutoCustomNodeRole"},
    "managed_nodes": {"ManagedNodesNodeRole", "KarpenterNodeRole"},
    "self_managed_nodes": {"SelfManagedNodesNodeRole"},
    "fargate": {"FargatePodExecutionRole"},
}


def templates(compute: dict[str, Any], registries: dict[str, Any], **more: Any) -> Templates:
    data = {
        "name": "caches",
        "account": "123456789012",
        "region": "eu-west-1",
        "network": {},
        "registries": registries,
        "clusters": [
            {
                "name": "one",
                "delivery": "files",
                "control_plane": {"kubernetes_version": "1.36", "service_cidr": "172.20.0.0/16"},
                "access": {"admins": ["role/Admin"]},
                "compute": compute,
            }
        ],
        **more,
    }
    return assembled(data).templates


def of_type(template: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in template["Resources"].values() if one["Type"] == name]


def who_fills(made: Templates) -> dict[str, list[str]]:
    """The roles that may fill caches, and the repositories."""
    found = {}
    for template in made.values():
        for logical_id, one in template["Resources"].items():
            for statement in one.get("Properties", {}).get("PolicyDocument", {}).get("Statement", []):
                if statement.get("Sid") == "FillImageCaches":
                    assert statement["Action"] == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
                    resources = statement["Resource"]
                    several = resources if isinstance(resources, list) else [resources]
                    name = next(
                        role for kind in ROLES.values() for role in kind if logical_id.startswith(f"{role}Policy")
                    )
                    found[name] = [json.dumps(resource).rpartition(":")[2].strip('"]} ') for resource in several]
    return found


def test_a_rule_is_made_with_the_template_of_its_repositories() -> None:
    made = templates(
        KINDS["auto_mode"],
        {
            "public.ecr.aws": {"pull_through_cache": "ecr-public", "cache_rule": {}},
            "docker.io": {
                "pull_through_cache": "hub",
                "cache_rule": {"credentials_arn": CREDENTIALS, "kms_key_arn": KEY, "expire_days": 30},
            },
        },
    )["caches-foundation"]
    public, hub = of_type(made, "AWS::ECR::PullThroughCacheRule")
    assert public["Properties"] == {"EcrRepositoryPrefix": "ecr-public", "UpstreamRegistryUrl": "public.ecr.aws"}
    assert hub["Properties"]["UpstreamRegistryUrl"] == "registry-1.docker.io"
    assert hub["Properties"]["CredentialArn"] == CREDENTIALS
    plain, own = (one["Properties"] for one in of_type(made, "AWS::ECR::RepositoryCreationTemplate"))
    assert plain["EncryptionConfiguration"] == {"EncryptionType": "AES256"}
    assert not {"CustomRoleArn", "LifecyclePolicy"} & {*plain}
    assert own["EncryptionConfiguration"] == {"EncryptionType": "KMS", "KmsKey": KEY}
    assert json.loads(own["LifecyclePolicy"])["rules"][0]["selection"]["countNumber"] == 30
    assert own["CustomRoleArn"] == {"Fn::GetAtt": ["HubCacheRole", "Arn"]}


def test_the_rule_and_the_template_leave_with_the_foundation() -> None:
    """Kept, they would refuse the next foundation: a prefix is one in an account."""
    made = templates(KINDS["fargate"], {"quay.io": {"pull_through_cache": "quay", "cache_rule": {}}})[
        "caches-foundation"
    ]
    for name in ("PullThroughCacheRule", "RepositoryCreationTemplate"):
        (one,) = of_type(made, f"AWS::ECR::{name}")
        assert "DeletionPolicy" not in one


def test_repositories_have_the_tags_of_the_file_unless_roles_have_a_path() -> None:
    """Amazon ECR sets tags by a role, and takes none with a path."""
    rule = {"quay.io": {"pull_through_cache": "quay", "cache_rule": {}}}
    made = templates(KINDS["fargate"], rule, tags={"owner": "me"})["caches-foundation"]
    (template,) = of_type(made, "AWS::ECR::RepositoryCreationTemplate")
    assert {"Key": "owner", "Value": "me"} in template["Properties"]["ResourceTags"]
    made = templates(KINDS["fargate"], rule, tags={"owner": "me"}, iam={"path": "/eks/"})["caches-foundation"]
    (template,) = of_type(made, "AWS::ECR::RepositoryCreationTemplate")
    assert not {"ResourceTags", "CustomRoleArn"} & {*template["Properties"]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_roles_that_pull_may_fill_the_caches(kind: str) -> None:
    """Without it the first pull of each image fails: Amazon ECR makes its repository with the rights of who pulls."""
    registries = {
        "quay.io": {"pull_through_cache": "quay"},
        "public.ecr.aws": {"pull_through_cache": "ecr-public", "cache_rule": {}},
        "registry.k8s.io": {"pull_through_cache": "k8s", "filled": True},
    }
    wanted = ["repository/quay/*", "repository/ecr-public/*"]
    assert who_fills(templates(KINDS[kind], registries)) == dict.fromkeys(ROLES[kind], wanted)
    assert who_fills(templates(KINDS[kind], {"registry.k8s.io": registries["registry.k8s.io"]})) == {}
