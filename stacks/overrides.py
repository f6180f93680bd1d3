"""Sets the properties that `overrides:` of an environment file names, after everything else."""

import difflib
from collections.abc import Iterator, Sequence

import aws_cdk as cdk
from constructs import Construct, IConstruct

from eks_constructs.spec import Misplaced
from stacks.environment.override_spec import OverrideSpec
from stacks.environment.problems import did_you_mean

METADATA = "eks-platform/overrides"
"""Key of a resource's metadata: property and reason of each override. responsibility/reading/overridden.py reads it."""


def apply(scope: Construct, overrides: Sequence[OverrideSpec]) -> None:
    """Sets the properties. Raises Misplaced: a path or a property that is not there."""
    done: dict[str, list[OverrideSpec]] = {}
    for index, override in enumerate(overrides):
        resource = _resource(scope, override.path, index)
        _check_property(resource.cfn_resource_type, override.property, index)
        its = done.setdefault(resource.node.path, [])
        its.append(override)
        if override.value is None:
            resource.add_property_deletion_override(override.property)
        else:
            resource.add_property_override(override.property, override.value)
        resource.add_metadata(METADATA, [{"Property": one.property, "Reason": one.reason} for one in its])


def _resource(scope: Construct, path: str, index: int) -> cdk.CfnResource:
    """Returns the resource at a path, or the only one that a construct there is about. Raises Misplaced."""
    found: IConstruct | None = scope
    for part in path.split("/"):
        found = found.node.try_find_child(part) if found else None
    if found and not cdk.CfnResource.is_cfn_resource(found):
        found = found.node.default_child
    if isinstance(found, cdk.CfnResource):
        return found
    paths = sorted(_paths(scope))
    near = difflib.get_close_matches(path, paths, n=3, cutoff=0.0)
    raise Misplaced(f"no resource has this path. The nearest: {', '.join(near)}", "overrides", index, "path")


def _paths(scope: Construct) -> Iterator[str]:
    for one in scope.node.find_all():
        if cdk.CfnResource.is_cfn_resource(one):
            yield one.node.path.removesuffix("/Resource")


def _check_property(kind: str, path: str, index: int) -> None:
    """Raises Misplaced for a property that CloudFormation's schema of a type does not have."""
    from cfnlint.schema import ResourceNotFoundError  # type: ignore[import-untyped]
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

    try:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    except ResourceNotFoundError:
        return  # a custom resource has whatever its function takes
    known = list(schema.get("properties", {}))
    name = path.split(".")[0]
    if known and name not in known:
        raise Misplaced(f"{kind} has no property {name}.{did_you_mean(name, known)}", "overrides", index, "property")
