"""What `registries:` of an environment may say together."""

from eks_constructs.registries import RegistrySpec, check_cache_rule
from eks_constructs.spec import Misplaced, repeated


def check_registries(
    registries: dict[str, RegistrySpec], *, account: str | None, region: str | None, with_path: bool
) -> None:
    """Raises Misplaced if two cache rules have one prefix, or a mirror or cache cannot replace its registry.

    ``with_path``: whether the environment's roles have an IAM path.
    """
    rules = {name: spec for name, spec in registries.items() if spec.cache_rule}
    prefixes = [str(spec.pull_through_cache) for spec in rules.values()]
    if (index := repeated(prefixes)) is not None:
        raise Misplaced(
            f"{prefixes[index]} has a rule already; choose another",
            *("registries", [*rules][index], "pull_through_cache"),
        )
    for name, spec in rules.items():
        if spec.cache_rule:
            try:
                check_cache_rule(name, spec.cache_rule, account=account, with_path=with_path)
            except Misplaced as problem:
                raise Misplaced(str(problem), "registries", name, *problem.where) from None
    for name, spec in registries.items():
        if spec.pull_through_cache and not (account and region):
            raise Misplaced(
                "is in the registry of an account and region: set both, account and region, at the top of the file",
                *("registries", name, "pull_through_cache"),
            )
        if name.startswith("https://") and spec.pull_through_cache:
            raise Misplaced(
                "Amazon ECR caches registries, and this is a repository of charts: name a mirror",
                *("registries", name, "pull_through_cache"),
            )
        if spec.mirror and ("://" in spec.mirror) != name.startswith("https://"):
            rule = (
                "must begin with oci:// or https://"
                if name.startswith("https://")
                else "must be a registry and path, without ://"
            )
            raise Misplaced(f"the mirror of {name} {rule}", *("registries", name, "mirror"))
