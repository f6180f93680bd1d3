"""Facts about who may use the Kubernetes API by the ConfigMap ``aws-auth``, the way of before access entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from responsibility.findings import Evidence
from responsibility.reading.embedded import NoData, yaml_in
from responsibility.reading.kubernetes import KubernetesObject
from responsibility.reading.resource import UnknownValue
from responsibility.reading.values import all_known

MASTERS = "system:masters"
"""The group that may do everything, whatever RBAC says."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A line of the ConfigMap: an IAM principal, and the Kubernetes groups it is put into."""

    principal: str
    groups: tuple[str, ...]
    evidence: Evidence

    @property
    def is_node(self) -> bool:
        """Whether it lets nodes join."""
        return any(all_known(group) and group == "system:nodes" for group in self.groups)


class AwsAuth(KubernetesObject):
    """The ConfigMap ``aws-auth`` in ``kube-system``."""

    @property
    def mappings(self) -> list[Mapping]:
        """Its lines. Raises UnknownValue."""
        found = []
        for path, key in (("data.mapRoles", "rolearn"), ("data.mapUsers", "userarn")):
            for item in self._items(path):
                groups = item.get("groups")
                if not isinstance(groups, list | None):
                    raise UnknownValue(self.at(path), "groups is not a list")
                names = tuple(map(str, groups or ()))
                found.append(Mapping(str(item.get(key, "")), names, self.at(path)))
        return found

    def _items(self, path: str) -> list[dict[str, Any]]:
        text = self.get(path, "")
        try:
            items = yaml_in(text) if isinstance(text, str) else text
        except NoData:
            raise UnknownValue(self.at(path), "is not YAML, as far as the template shows") from None
        return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
