"""Where images and charts come from, and from where in their place: mirrors, and Amazon ECR's pull through cache."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import model_validator

from eks_constructs.image_caches import CacheRuleSpec, upstream_of
from eks_constructs.manifests import HelmChart
from eks_constructs.spec import DNS_NAME, Misplaced, Spec, pattern
from eks_facts.files import load

_PATH = r"[a-z0-9]+([._-]{1,2}[a-z0-9]+)*"
# A host has a dot or a port: one word alone is an image of Docker Hub.
_ADDRESS = rf"(?=[^/]{{0,253}}[.:])(?=.{{1,300}}\Z){DNS_NAME}(:\d{{1,5}})?(/{_PATH})*"
_OWN = re.compile(r"\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")

RegistryName = Annotated[
    str,
    pattern(
        rf"(https://)?{_ADDRESS}",
        "must be a registry, such as public.ecr.aws or docker.io/library, or the address of a chart repository: https://aws.github.io/eks-charts",
    ),
]


class RegistrySpec(Spec):
    """A registry, or a repository of charts, and its mirror or cache. With neither key: the network reaches it directly."""

    mirror: (
        Annotated[
            str,
            pattern(
                rf"((https|oci)://)?{_ADDRESS}",
                "must be a registry and path, such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror; of charts with oci:// or https://",
            ),
        ]
        | None
    ) = None
    """Registry and path with the same images (copied with their digests) or charts. The network must reach it."""
    pull_through_cache: (
        Annotated[
            str,
            pattern(
                rf"(?=.{{2,30}}\Z){_PATH}(/{_PATH})*",
                "must be the prefix of a pull through cache rule: 2 to 30 small letters, digits and . _ / -",
            ),
        ]
        | None
    ) = None
    """Repository prefix of the account's pull through cache rule for it in Amazon ECR: needs `account` and `region`. Roles that are made
    here for nodes and Fargate may fill the cache with what they pull, unless it is `filled`."""
    cache_rule: CacheRuleSpec | None = None
    filled: bool = False
    """Says that every image and chart was pulled through the cache once, from a network with internet. A network without needs that:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html."""

    @model_validator(mode="after")
    def _one_way(self) -> "RegistrySpec":
        if self.mirror and self.pull_through_cache:
            raise Misplaced("the registry has a mirror already; remove one of the two", "pull_through_cache")
        if self.filled and not self.pull_through_cache:
            raise Misplaced("says something of a pull through cache, and there is none; remove it", "filled")
        if self.cache_rule and not self.pull_through_cache:
            raise Misplaced(
                "makes a pull through cache, which needs a prefix: name one, pull_through_cache: ...", "cache_rule"
            )
        if self.filled and self.cache_rule and self.cache_rule.expire_days:
            raise Misplaced(
                "empties the cache that filled says is full; remove one of the two", "cache_rule", "expire_days"
            )
        return self


@dataclass(frozen=True)
class Source:
    """Where an image or a chart comes from."""

    reference: str
    """The address it has in the end."""
    rule: RegistrySpec | None
    """What the environment file says of the registry that it is written with; None: nothing."""
    upstream: str
    """That registry."""

    def problem(self, region: str | None) -> str | None:
        """Returns why a network without internet does not reach it, or None."""
        host = _host(self.reference)
        if own := _OWN.fullmatch(host):
            if region and own["region"] != region:
                return f"{host} is in another region, which VPC endpoints of {region} do not serve"
            if self.rule and self.rule.pull_through_cache and not self.rule.filled:
                return (
                    f"the first pull through {host}/{self.rule.pull_through_cache} needs the internet: pull each image and chart"
                    f" once from elsewhere, then say registries.{self.upstream}.filled: true"
                )
            return None
        # What the file names itself is reached: by a VPN, a peering, a proxy.
        return None if self.rule else f"{host} is on the internet"


def check_cache_rule(registry: str, rule: CacheRuleSpec, *, account: str | None, with_path: bool) -> None:
    """Raises Misplaced if Amazon ECR would refuse the rule. ``with_path``: IAM roles have a path."""
    found = upstream_of(registry)
    if not found:
        *most, last = (name.replace("*", "NAME") for name in load("cached_registries")["registries"])
        known = f"{', '.join(most)} and {last}"
        raise Misplaced(
            f"Amazon ECR caches whole registries: {known}; not {registry}. Name a mirror, or one of those", "cache_rule"
        )
    if found[1] and not rule.credentials_arn:
        raise Misplaced(f"{registry} demands credentials: name their secret, credentials_arn", "cache_rule")
    if rule.credentials_arn and not found[1]:
        raise Misplaced(f"{registry} takes no credentials; remove it", "cache_rule", "credentials_arn")
    for key in ("credentials_arn", "kms_key_arn"):
        arn = getattr(rule, key)
        if arn and account and arn.split(":")[4] != account:
            raise Misplaced(
                f"is of account {arn.split(':')[4]}, and the cache of {account}; name one of that account",
                "cache_rule",
                key,
            )
    if rule.kms_key_arn and with_path:
        raise Misplaced(
            "needs a role, and Amazon ECR takes none with a path for it, as iam.path gives it; remove one of the two",
            *("cache_rule", "kms_key_arn"),
        )


class Registries:
    """The registries of an environment."""

    def __init__(self, specs: Mapping[str, RegistrySpec], *, account: str | None, region: str | None) -> None:
        """``account`` and ``region``: of the pull through caches."""
        self._specs, self._account, self._region = specs, account, region

    @property
    def caches_to_fill(self) -> tuple[str, ...]:
        """The prefixes of pull through caches that pulls still fill."""
        found = (one.pull_through_cache for one in self._specs.values() if one.pull_through_cache and not one.filled)
        return tuple(dict.fromkeys(found))

    def image(self, reference: str) -> Source:
        """Returns where the image ``reference`` comes from; short names are Docker Hub's."""
        first, slash, _ = reference.partition("/")
        if not slash:
            reference = f"docker.io/library/{reference}"
        elif not re.search(r"[.:]|^localhost$", first):
            reference = f"docker.io/{reference}"
        return self._source(reference, "")

    def repository(self, address: str) -> Source:
        """Returns where a repository of charts, an https:// or oci:// address, is."""
        scheme, _, rest = address.partition("://")
        return self._source(rest if scheme == "oci" else address, f"{scheme}://" if scheme == "oci" else "")

    def git(self, address: str) -> Source:
        """Returns where a Git repository, an https:// or ssh:// address, is: a rule of its host says that it is reached."""
        host = _host(address).rpartition("@")[2]
        return self._source(f"https://{host}" if f"https://{host}" in self._specs else host.partition(":")[0], "")

    def _source(self, address: str, scheme: str) -> Source:
        fitting = [name for name in self._specs if address == name or address.startswith(f"{name}/")]
        name = max(fitting, key=len, default="")
        if not name:
            return Source(f"{scheme}{address}", None, _host(address))
        rule, rest = self._specs[name], address[len(name) :]
        stand_in = name
        if rule.pull_through_cache:
            suffix = "amazonaws.com.cn" if str(self._region).startswith("cn-") else "amazonaws.com"
            stand_in = f"{self._account}.dkr.ecr.{self._region}.{suffix}/{rule.pull_through_cache}"
        elif rule.mirror:
            stand_in = rule.mirror
        return Source(f"{'' if '://' in stand_in else scheme}{stand_in}{rest}", rule, name)

    def chart(self, chart: HelmChart) -> HelmChart:
        """Returns the chart with its own address, and those of its images, at their mirrors."""
        values = dict(chart.values)
        for path, repository in images_of(chart).items():
            source = self.image(repository)
            if source.reference != repository:
                _set(values, path.split("."), source.reference)
        return replace(chart, repository=self.repository(chart.repository).reference, values=values)


def images_of(chart: HelmChart) -> dict[str, str]:
    """Returns the repositories of a chart's images, by the values that name them; none of a chart that is not known."""
    return dict(load("reach")["charts"].get(chart.chart, {}) if chart.images is None else chart.images)


def has_known_images(chart: HelmChart) -> bool:
    """Returns whether the images of a chart can be pointed elsewhere."""
    return chart.images is not None or chart.chart in load("reach")["charts"]


def own_repositories(chart: HelmChart) -> tuple[str, str, str] | None:
    """Returns account, region and name of the private repository in Amazon ECR that a chart comes from; None: another registry."""
    host, _, path = chart.repository.partition("://")[2].partition("/")
    own = _OWN.fullmatch(host)
    if not own or not chart.repository.startswith("oci://"):
        return None
    return host[:12], own["region"], f"{path}/{chart.chart}"


def _host(address: str) -> str:
    return address.rpartition("://")[2].partition("/")[0]


def _set(values: dict[str, Any], path: list[str], value: str) -> None:
    *way, last = path
    for key in way:
        values[key] = dict(values.get(key, {}))
        values = values[key]
    values[last] = value
