"""Pull through caches of Amazon ECR: the rules, the template of the repositories they make, and the right to fill them."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated

from aws_cdk import CfnTag
from aws_cdk import aws_ecr as ecr
from constructs import Construct
from pydantic import Field

from eks_constructs.construct_ids import pascal_case
from eks_constructs.roles import IamSpec, Statement, allow, arn, role, trust_service
from eks_constructs.spec import KmsKeyArn, Spec, pattern
from eks_facts.files import load

SecretArn = Annotated[
    str,
    pattern(
        r"arn:aws:secretsmanager:[a-z0-9-]{1,30}:\d{12}:secret:ecr-pullthroughcache/[a-zA-Z0-9/_+=.@-]{1,500}",
        "must be the ARN of a secret whose name begins with ecr-pullthroughcache/:"
        " arn:aws:secretsmanager:REGION:ACCOUNT:secret:ecr-pullthroughcache/NAME-SUFFIX",
    ),
]


FILL = ("ecr:BatchImportUpstreamImage", "ecr:CreateRepository")
"""The actions that a pull through a cache needs beside those of any pull."""


class CacheRuleSpec(Spec):
    """A pull through cache rule of Amazon ECR, and the template of the repositories that it makes. Both are in the foundation; the
    repositories and their images stay when it is deleted. A prefix is one in an account and region: make its rule in one environment,
    and name it in the others."""

    credentials_arn: SecretArn | None = None
    """Secret in AWS Secrets Manager with the registry's user name and access token, which Docker Hub, GitHub, GitLab, Azure and
    Chainguard demand. Its name begins with `ecr-pullthroughcache/`. A rule cannot change its secret, only the secret its content:
    another ARN needs another prefix. https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-creating-secret.html"""
    kms_key_arn: KmsKeyArn | None = None
    """Key of the repositories' images; default: a key of Amazon S3. A repository never changes its key."""
    expire_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Days after which an image leaves the cache; the next pull fetches it again. Default: it stays."""


def upstream_of(registry: str) -> tuple[str, bool] | None:
    """Returns the address that a rule names for a registry, and whether Amazon ECR demands credentials; None: it caches no such."""
    known = load("cached_registries")["registries"]
    name = registry if registry in known else f"*.{registry.partition('.')[2]}"
    if name not in known:
        return None
    return known[name].get("address", registry), known[name]["credentials"]


def add_cache_rule(
    scope: Construct,
    registry: str,
    prefix: str,
    spec: CacheRuleSpec,
    *,
    iam: IamSpec,
    name: str,
    tags: Mapping[str, str],
) -> None:
    """Makes the rule for ``registry``, and the template of its repositories.

    ``name`` begins the name of the role, where names are set; ``tags`` are those of the repositories. Amazon ECR takes no role with a path
    for a template, and without a role gives no tags.
    """
    found = upstream_of(registry)
    if not found:
        raise ValueError(f"Amazon ECR caches no registry {registry}")
    own = pascal_case(prefix.replace("/", "-").replace(".", "-").replace("_", "-"))
    ecr.CfnPullThroughCacheRule(
        scope,
        f"{own}CacheRule",
        ecr_repository_prefix=prefix,
        upstream_registry_url=found[0],
        credential_arn=spec.credentials_arn,
    )
    tags = tags if iam.path == "/" else {}
    maker = None
    if spec.kms_key_arn or tags:
        maker = role(
            scope,
            f"{own}CacheRole",
            spec=iam,
            name=f"{name}-cache-{prefix.replace('/', '-')}",
            description=f"Amazon ECR: makes the repositories of the pull through cache {prefix}",
            # https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-create-iam.html
            trust=trust_service("ecr.amazonaws.com"),
            statements=_maker_rights(prefix, spec.kms_key_arn),
        )
    template = ecr.CfnRepositoryCreationTemplate(
        scope,
        f"{own}CacheTemplate",
        applied_for=["PULL_THROUGH_CACHE"],
        prefix=prefix,
        description=f"Repositories of the pull through cache of {registry}",
        encryption_configuration=ecr.CfnRepositoryCreationTemplate.EncryptionConfigurationProperty(
            encryption_type="KMS" if spec.kms_key_arn else "AES256", kms_key=spec.kms_key_arn
        ),
        # The cache moves a tag when the registry does.
        image_tag_mutability="MUTABLE",
        lifecycle_policy=_lifecycle(spec.expire_days) if spec.expire_days else None,
        custom_role_arn=maker.attr_arn if maker else None,
    )
    if tags:
        template.resource_tags = [CfnTag(key=key, value=value) for key, value in tags.items()]


def pull_statements(prefixes: Sequence[str]) -> list[Statement]:
    """Returns what a role needs to fill pull through caches with what it pulls.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
    """
    if not prefixes:
        return []
    repositories = [arn("ecr", f"repository/{prefix}/*") for prefix in prefixes]
    return [allow(FILL, repositories, sid="FillImageCaches")]


def _maker_rights(prefix: str, key_arn: str | None) -> list[Statement]:
    """https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates-custom.html."""
    found = [
        allow(["ecr:CreateRepository", "ecr:TagResource"], arn("ecr", f"repository/{prefix}/*"), sid="MakeRepositories")
    ]
    if key_arn:
        found.append(allow(["kms:CreateGrant", "kms:RetireGrant", "kms:DescribeKey"], key_arn, sid="UseTheKey"))
    return found


def _lifecycle(days: int) -> str:
    selection = {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    rule = {
        "rulePriority": 1,
        "description": "Pulled again when needed",
        "selection": selection,
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})
