"""What every spec has in common: frozen, unknown keys forbidden, and the names AWS and Kubernetes accept."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Spec(BaseModel):
    """Base of every spec: immutable, strict, and without unknown keys."""

    # Not use_attribute_docstrings: it reads the source of every spec at import, a tenth of a synth's time.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Gives each key its description in the JSON schema."""
        made = handler(schema)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for key, text in descriptions(cls).items():
            if key in properties:
                properties[key] = {"description": text} | properties[key]
        return made


@cache
def descriptions(spec: type[BaseModel]) -> Mapping[str, str]:
    """Returns what the docstrings below the keys of a spec say, by key."""
    found: dict[str, str] = {}
    for one in reversed(spec.__mro__):
        if issubclass(one, Spec) and one is not Spec:
            (body,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
            for key, below in pairwise(body.body if isinstance(body, ast.ClassDef) else ()):
                match key, below:
                    case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                        found[name] = inspect.cleandoc(text)
    return found


class Misplaced(ValueError):
    """A rule that one value of a spec breaks: ``where`` leads to it from the spec (or list) whose validator found out."""

    def __init__(self, text: str, *where: str | int) -> None:
        super().__init__(text)
        self.where = where


class _Pattern:
    """A rule for text: a regular expression, which editors check too, and what it asks for in words."""

    def __init__(self, regex: str, rule: str) -> None:
        self._compiled = re.compile(regex, re.ASCII)
        self._rule = rule

    def _check(self, value: str) -> str:
        if not self._compiled.fullmatch(value):
            raise ValueError(self._rule)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        # JavaScript, whose expressions JSON schema has, knows no flags within one, and no \Z.
        plain = self._compiled.pattern.replace("(?i:aws:)", "[aA][wW][sS]:").replace("(?u:", "(?:").replace(r"\Z", "$")
        # patternErrorMessage is what the editors' YAML language server shows.
        new = {"pattern": f"^(?:{plain})$", "patternErrorMessage": self._rule}
        return {**made, "allOf": [*made.get("allOf", []), new]} if "pattern" in made else {**made, **new}


def pattern(regex: str, rule: str) -> _Pattern:
    """Returns a validator that matches a string against ``regex`` (in ASCII) and fails with ``rule``.

    The JSON schema has both, so that editors find what the loader finds.
    """
    return _Pattern(regex, rule)


class _AlsoSpelled:
    """Other spellings of the values that a key allows."""

    def __init__(self, spellings: Mapping[str, str]) -> None:
        self._spellings = dict(spellings)

    def _usual(self, value: Any) -> Any:
        return self._spellings.get(value, value) if isinstance(value, str) else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._usual, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        return {**made, "enum": [*made["enum"], *self._spellings]}


def also_spelled(spellings: Mapping[str, str]) -> _AlsoSpelled:
    """Lets a key with a fixed set of values be written as other tools spell them: ``spellings`` has the value for each.

    The JSON schema has both, so that editors take what the loader takes.
    """
    return _AlsoSpelled(spellings)


# What no host has an address in: https://www.iana.org/assignments/iana-ipv4-special-registry/.
_WITHOUT_HOSTS = {
    IPv4Network("0.0.0.0/8"): "means this network",
    IPv4Network("127.0.0.0/8"): "is the loopback range",
    IPv4Network("169.254.0.0/16"): "is the link-local range",
    IPv4Network("224.0.0.0/4"): "is for multicast",
    IPv4Network("240.0.0.0/4"): "is reserved",
}


def _ipv4_network(value: str) -> str:
    try:
        network = IPv4Network(value, strict=False)
    except ValueError as error:
        raise ValueError(f"must be an IPv4 network such as 10.0.0.0/16 ({str(error)[:100]})") from None
    if value != str(network):
        raise ValueError(f"must be an IPv4 network in CIDR notation, without host bits; that would be {network}")
    for block, why in _WITHOUT_HOSTS.items():
        if network.subnet_of(block):
            raise ValueError(f"{block} {why}, and no host has an address in it; choose another range")
    return value


def whole_number(value: object) -> object:
    """Returns the value. Raises ValueError for true, false and 1.0, which Python takes for 1 where numbers are listed."""
    if type(value) is not int:
        raise ValueError("it must be a whole number")
    return value


def distinct_values(values: list[str]) -> list[str]:
    """Returns the values. Raises Misplaced if one is there twice."""
    if (index := repeated(values)) is not None:
        raise Misplaced(f"{values[index]} is in the list twice; remove one", index)
    return values


Cidr = Annotated[
    str,
    AfterValidator(_ipv4_network),
    Field(examples=["10.0.0.0/16"], json_schema_extra={"pattern": r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$"}),
]
"""An IPv4 network in CIDR notation, without host bits."""

ClusterName = Annotated[
    str,
    pattern(
        r"[A-Za-z][A-Za-z0-9-]{0,99}",
        "must begin with a letter and have at most 100 letters, digits and hyphens (it names the cluster and its stack)",
    ),
]
"""Name of a cluster. https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html (name), less the
underscore, which the name of a CloudFormation stack cannot have."""

KubernetesName = Annotated[
    str,
    pattern(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?",
        "must be at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends",
    ),
]
"""An RFC 1123 label: the name of a Kubernetes namespace and of most objects."""

TagKey = Annotated[
    str,
    Field(max_length=128),
    pattern(
        r"(?!(?i:aws:))(?u:[\w.:/=+@-]([\w .:/=+@-]*[\w.:/=+@-])?)",
        "must be letters, digits, spaces within and _ . : / = + - @, not beginning with aws:",
    ),
]
TAGS_OF_CONTROLLERS = ("eks:", "eks.amazonaws.com/", "karpenter.sh/", "karpenter.k8s.aws/", "kubernetes.io/cluster/")
"""Tag keys begin so that EKS, Auto Mode and Karpenter set themselves; nodes with others of these are refused or taken for theirs."""

TagValue = Annotated[
    str,
    pattern(
        r"(?!(?i:aws:))(?u:([\w.:/=+@-]([\w .:/=+@-]{0,254}[\w.:/=+@-])?)?)",
        "must be at most 256 letters, digits, spaces within and _ . : / = + - @, not beginning with aws:",
    ),
]
"""https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html#tag-restrictions"""

DNS_NAME = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*"

LabelKey = Annotated[
    str,
    pattern(
        rf"((?=[^/]{{1,253}}/){DNS_NAME}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?",
        "must be a Kubernetes label key: an optional DNS prefix and '/', then at most 63 letters, digits, '-', '_', '.'",
    ),
]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

LabelValue = Annotated[
    str,
    pattern(
        r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?",
        "must be a Kubernetes label value: at most 63 letters, digits, '-', '_', '.', with a letter or digit at both ends",
    ),
]
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set"""

PARTITION = "aws(-cn|-us-gov|-eusc|-iso(-[bef])?)?"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html; the others: botocore's partitions.json."""
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# A path has at most 512 characters, names of roles and users 64, of policies 128. A path could hold more than these characters, and
# wildcards and variables of policies among them: nobody does that. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
IAM_PATH = r"(?!.{511,}/)([\w+=,.@:~-]+/)*"
IAM_NAME = r"[\w+=,.@-]{1,64}"
POLICY_ARN = rf"arn:{PARTITION}:iam::(\d{{12}}|aws):policy/{IAM_PATH}[\w+=,.@-]{{1,128}}"

RoleArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:iam::\d{{12}}:role/{IAM_PATH}{IAM_NAME}",
        "must be the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME",
    ),
]


def resource_id(prefix: str, what: str) -> _Pattern:
    """Returns a validator for ids of EC2: ``vpc-`` and 17 hexadecimal digits, or 8 in the oldest ones."""
    return pattern(rf"{prefix}-[0-9a-f]{{8}}([0-9a-f]{{9}})?", f"must be the id of {what}: {prefix}-0123456789abcdef0")


KmsKeyArn = Annotated[
    str,
    pattern(
        rf"arn:{PARTITION}:kms:[a-z0-9-]{{1,30}}:\d{{12}}:key/({UUID}|mrk-[0-9a-f]{{32}})",
        "must be the ARN of a KMS key: arn:aws:kms:REGION:ACCOUNT:key/ID, where ID is like 1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]
"""ARN of a customer managed KMS key (not of an alias).
https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id-key-ARN"""


def repeated(values: Iterable[str]) -> int | None:
    """Returns the index of the first duplicate, or None."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            return index
        seen.add(value)
    return None
