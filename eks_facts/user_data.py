"""What the user data of an instance gives its node: the kubelet's flags, nodeadm's configuration, or Bottlerocket's settings."""

import re
import tomllib
from dataclasses import dataclass, field

_LABELS = re.compile(r"--node-labels[= ]\"?'?([^\s\"',]+(?:,[^\s\"',]+)*)")
_TAINTS = re.compile(r"--register-with-taints[= ]\"?'?([^\s\"',]+(?:,[^\s\"',]+)*)")
_MAX_PODS = re.compile(r"(?:--max-pods[= ]|\bmaxPods\"?\s*:\s*)\"?'?(\d{1,4})\b")


@dataclass(frozen=True)
class NodeSettings:
    """What user data says.

    Attributes:
        labels: of the node.
        taints: of the node: key, value and effect, in the words of Kubernetes.
        max_pods: pods that the kubelet takes; 0: it does not say.
    """

    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[dict[str, str], ...] = ()
    max_pods: int = 0


def node_settings(text: str) -> NodeSettings:
    """Returns what user data, as plain text, says of its node.

    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
    """
    try:
        settings = tomllib.loads(text).get("settings", {}).get("kubernetes", {})
    except (tomllib.TOMLDecodeError, AttributeError):
        settings = {}
    labels = {str(key): str(value) for key, value in (settings.get("node-labels") or {}).items()}
    taints = [
        {"key": key, "value": value.rpartition(":")[0], "effect": value.rpartition(":")[2]}
        for key, values in (settings.get("node-taints") or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    for found in _LABELS.findall(text):
        labels |= dict(pair.split("=", 1) for pair in found.split(",") if "=" in pair)
    for found in _TAINTS.findall(text):
        for one in found.split(","):
            key, _, effect = one.rpartition(":")
            name, _, value = key.partition("=")
            taints.append({"key": name, "value": value, "effect": effect})
    flag = _MAX_PODS.search(text)
    return NodeSettings(labels, tuple(taints), int(settings.get("max-pods") or (flag[1] if flag else 0)))
