"""User data of nodes: what an instance reads when it starts, as MIME parts (Amazon Linux 2023, Ubuntu), TOML (Bottlerocket) or PowerShell
(Windows).

https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, model_validator

from eks_constructs.spec import Misplaced, Spec, distinct_values, pattern

_BOUNDARY = "//"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
MAX_BYTES = 16 * 1024
"""Of user data before it is encoded. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""


_READ = {
    "al2023": ("scripts", "node_config"),
    "bottlerocket": ("bottlerocket",),
    "ubuntu": ("scripts",),
    "windows": ("powershell",),
}
_HAVE = {
    "al2023": "the nodes have Amazon Linux",
    "bottlerocket": "Bottlerocket reads settings alone",
    "ubuntu": "the nodes have Ubuntu, which reads scripts alone",
    "windows": "the nodes have Windows, which reads PowerShell alone",
}


def _script(text: str) -> str:
    if f"--{_BOUNDARY}" in text:
        raise ValueError(f"must not contain --{_BOUNDARY}, which separates the parts of user data")
    if not text.isascii():
        raise ValueError("must be ASCII")
    return text


Script = Annotated[
    str,
    pattern(r"#!/[\s\S]*", "must begin with the program that runs it, such as #!/bin/bash"),
    AfterValidator(_script),
]


def _powershell(text: str) -> str:
    if "powershell>" in text.lower():
        raise ValueError("must be the script alone: the tags around it are filled in")
    return _script(text)


_OURS_AS_FLAGS = {
    "--node-labels": "labels",
    "--register-with-taints": "taints",
    "--max-pods": "kubelet.max_pods",
}
"""Flags of the kubelet that say what a key of the file says, and the key: a kubelet takes one of each."""
_JOINING = (
    *("api-server", "cluster-certificate", "cluster-name", "authentication-mode", "bootstrap-token", "cloud-provider"),
    *("hostname-override", "hostname-override-source", "provider-id", "standalone-mode"),
)
"""Settings of Bottlerocket by which a node joins, or does not: EKS knows a node by its private DNS name
(https://bottlerocket.dev/en/os/latest/#/api/settings/kubernetes/)."""
_OURS_IN_BOTTLEROCKET = {"node-labels": "labels", "node-taints": "taints", "max-pods": "kubelet.max_pods"}


def _node_config(value: dict[str, Any]) -> dict[str, Any]:
    known = ("containerd", "featureGates", "instance", "kubelet")
    for key, part in value.items():
        if key == "cluster":
            raise Misplaced("says how nodes join, which EKS or this project sets; remove it", key)
        if key not in known:
            raise Misplaced(f"must be one of {', '.join(known)}", key)
        if not isinstance(part, dict):
            raise Misplaced("must be a mapping", key)
    kubelet = value.get("kubelet") or {}
    config = kubelet.get("config")
    for key, whose in (("maxPods", "kubelet.max_pods"), ("registerWithTaints", "taints")):
        if isinstance(config, dict) and key in config:
            raise Misplaced(f"belongs in {whose} of its group or pool; move it there", "kubelet", "config", key)
    flags = kubelet.get("flags") or []
    for index, flag in enumerate(flags if isinstance(flags, list) else []):
        if ours := _OURS_AS_FLAGS.get(str(flag).partition("=")[0]):
            raise Misplaced(f"{flag} belongs in {ours} of its group or pool; move it there", "kubelet", "flags", index)
    return value


def _setting_problem(where: tuple[str, ...], value: Any) -> str | None:
    """Returns why EKS cannot merge a setting of Bottlerocket; None: it can."""
    values = value if isinstance(value, list) else [value]
    kinds = {type(one) for one in values}
    if len(kinds) > 1 or not kinds <= {str, int, bool}:
        return "must be a text, a whole number, true, false, or a list of one of them"
    if any(isinstance(one, str) and re.search(r'["\\\n]', one) for one in values):
        return "must have no quotes, backslashes and line breaks: EKS cannot merge them"
    if not all(_BARE_KEY.fullmatch(key) for key in where[:-1]):
        return "must be letters, digits, - and _ in the name of a table: EKS cannot merge others"
    if not re.fullmatch(r"[\w./-]+", where[-1], re.ASCII):
        return "must be letters, digits and - _ . /"
    return None


def _settings(value: dict[str, Any]) -> dict[str, Any]:
    for where, part in _leaves(value, ()):
        if problem := _setting_problem(where, part):
            raise Misplaced(problem, *where)
    kubernetes = value.get("kubernetes")
    if kubernetes is not None and not isinstance(kubernetes, dict):
        raise Misplaced("must be a mapping, such as {kube-reserved: {cpu: 100m}}", "kubernetes")
    for key in kubernetes or {}:
        if key in _JOINING:
            raise Misplaced("says how nodes join, which EKS or this project sets; remove it", "kubernetes", key)
        if ours := _OURS_IN_BOTTLEROCKET.get(key):
            raise Misplaced(f"belongs in {ours} of its group or pool; move it there", "kubernetes", key)
    return value


def _leaves(value: Any, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and (value or not where):
        for key, part in value.items():
            yield from _leaves(part, (*where, str(key)))
    elif where:
        yield where, value


class UserDataSpec(Spec):
    """What nodes do and set before they join. What EKS adds, to make them join, comes after it."""

    scripts: Annotated[list[Script], Field(max_length=10), AfterValidator(distinct_values)] = []
    """Scripts that Amazon Linux runs as root, in this order, on the first boot. They must not start the kubelet."""
    node_config: Annotated[dict[str, Any], AfterValidator(_node_config)] = {}
    """`spec` of a NodeConfig of nodeadm, for Amazon Linux: containerd, featureGates, instance, kubelet
    (https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/)."""
    bottlerocket: Annotated[dict[str, Any], AfterValidator(_settings)] = {}
    """Settings of Bottlerocket, without the leading `settings` (https://bottlerocket.dev/en/os/latest/#/api/settings/)."""
    powershell: Annotated[
        list[Annotated[str, pattern(r"\S[\s\S]*", "must be a script of PowerShell"), AfterValidator(_powershell)]],
        Field(max_length=10),
        AfterValidator(distinct_values),
    ] = []
    """Scripts that Windows runs, in this order, before a self-managed node joins."""

    @model_validator(mode="after")
    def _one_system(self) -> "UserDataSpec":
        if self.bottlerocket and (self.scripts or self.node_config):
            key = "scripts" if self.scripts else "node_config"
            raise Misplaced("is for Amazon Linux, and bottlerocket is not; remove one of the two", key)
        return self

    def check(self, family: str) -> None:
        """Raises Misplaced for what the operating system of a family of AMIs does not read."""
        for key in ("scripts", "node_config", "bottlerocket", "powershell"):
            if getattr(self, key) and key not in _READ[family]:
                raise Misplaced(f"{_HAVE[family]}; remove it, or change the AMI", "user_data", key)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Returns both, mappings merged and lists joined; ``other`` wins."""
    found = dict(one)
    for key, value in other.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = [*before, *value]
        else:
            found[key] = value
    return found


def mime(scripts: list[str], node_config: Mapping[str, Any]) -> str | None:
    """Returns user data of Amazon Linux 2023; None: there is nothing to say."""
    parts = [f'Content-Type: text/x-shellscript; charset="us-ascii"\n\n{text.rstrip()}\n' for text in scripts]
    if node_config:
        document = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": dict(node_config)}
        # Unbounded lines: a token of the CDK must stay in one piece.
        text = yaml.safe_dump(document, sort_keys=False, width=10**6)
        parts.append(f"Content-Type: application/node.eks.aws\n\n---\n{text}")
    if not parts:
        return None
    body = "".join(f"--{_BOUNDARY}\n{part}\n" for part in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{_BOUNDARY}"\n\n{body}--{_BOUNDARY}--\n'


def toml(settings: Mapping[str, Any]) -> str | None:
    """Returns user data of Bottlerocket, in the part of TOML that EKS can merge; None: there is nothing to say."""
    return "\n".join(_tables(settings, "settings")) or None


def _tables(table: Mapping[str, Any], name: str) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    if plain:
        yield f"[{name}]"
        for key, value in plain.items():
            yield f"{key if _BARE_KEY.fullmatch(key) else json.dumps(key)} = {json.dumps(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _tables(value, f"{name}.{key}")


def powershell(scripts: list[str]) -> str | None:
    """Returns user data of Windows; None: there is nothing to say. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html."""
    return "<powershell>\n" + "\n".join(text.rstrip() for text in scripts) + "\n</powershell>\n" if scripts else None
