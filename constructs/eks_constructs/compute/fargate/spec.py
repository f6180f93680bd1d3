"""Fargate: AWS runs each pod in a micro-VM of its own; you say which pods, and restart them to move to a new version."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from eks_constructs.construct_ids import check_names
from eks_constructs.spec import KubernetesName, LabelKey, LabelValue, Misplaced, RoleArn, Spec, pattern
from eks_facts.files import limit

NamespacePattern = Annotated[
    str,
    pattern(
        r"[a-z0-9*?]([-a-z0-9*?]{0,61}[a-z0-9*?])?", "must be a namespace; * and ? match any characters and any one"
    ),
]


class FargateSelectorSpec(Spec):
    """Pods that run on Fargate: in this namespace, with all of these labels."""

    namespace: NamespacePattern
    """Namespace of the pods; `*` and `?` are wildcards."""
    labels: dict[LabelKey, LabelValue] = {}
    """Labels that the pods must have, all of them."""

    @model_validator(mode="after")
    def _within_limits(self) -> "FargateSelectorSpec":
        if len(self.labels) > limit("fargate_selector_labels"):
            raise Misplaced(
                f"has {len(self.labels)} labels; EKS allows {limit('fargate_selector_labels')} in a selector", "labels"
            )
        if not self.labels and globs_meet(self.namespace, "kube-system"):
            raise Misplaced(
                f"namespace {self.namespace} without labels would draw every system pod to Fargate;"
                " add labels (this project places CoreDNS itself)",
                "namespace",
            )
        return self

    def overlaps(self, other: "FargateSelectorSpec") -> bool:
        """Returns whether some pod could match both."""
        contradict = any(other.labels.get(key, value) != value for key, value in self.labels.items())
        return not contradict and globs_meet(self.namespace, other.namespace)


def globs_meet(one: str, other: str) -> bool:
    """Returns whether some text matches both patterns (``*`` and ``?``)."""
    # reach[j]: the part of `one` read so far and other[:j] can match the same text.
    reach = [True] + [False] * len(other)
    for j, right in enumerate(other):
        reach[j + 1] = reach[j] and right == "*"
    for left in one:
        row = [reach[0] and left == "*"]
        for j, right in enumerate(other):
            if left == "*" or right == "*":
                # A star matches nothing, or one more character of the other side.
                row.append(row[j] or reach[j + 1] or reach[j])
            else:
                row.append(reach[j] and (left == right or "?" in (left, right)))
        reach = row
    return reach[-1]


class FargateProfileSpec(Spec):
    """A set of pods that run on Fargate. Any change makes a new profile, and pods of the old one are not moved."""

    name: KubernetesName
    """Names the profile in this project; EKS's own name is generated, so that the profile can be replaced."""
    selectors: Annotated[list[FargateSelectorSpec], Field(min_length=1)]

    @model_validator(mode="after")
    def _within_limits(self) -> "FargateProfileSpec":
        if len(self.selectors) > limit("fargate_selectors"):
            raise Misplaced(
                f"has {len(self.selectors)} selectors; EKS allows {limit('fargate_selectors')} in a profile: split it",
                "selectors",
            )
        return self


def of_system(name: str) -> bool:
    """Returns whether a profile is one that this project makes for add-ons and controllers."""
    return re.fullmatch(r"system(-\d+)?", name) is not None


def _profiles(profiles: list[FargateProfileSpec]) -> list[FargateProfileSpec]:
    names = [profile.name for profile in profiles]
    check_names(names, what="profiles", made=("{id}",), taken=("PodExecutionRole", "PodExecutionRolePolicy"))
    if taken := [index for index, name in enumerate(names) if of_system(name)]:
        raise Misplaced(
            f"{names[taken[0]]} is the name of the profile that this project makes for CoreDNS; choose another",
            taken[0],
            "name",
        )
    # One place is kept for that profile.
    if len(profiles) >= limit("fargate_profiles"):
        raise ValueError(
            f"has {len(profiles)} profiles; EKS allows {limit('fargate_profiles')} in a cluster, and one is kept for CoreDNS:"
            " put several selectors into one profile"
        )
    before: list[tuple[str, FargateSelectorSpec]] = []
    for index, profile in enumerate(profiles):
        for place, selector in enumerate(profile.selectors):
            for name, other in before:
                if selector.overlaps(other):
                    raise Misplaced(
                        f"a pod in namespace {selector.namespace} could match this selector and {other.namespace}"
                        f" of profile {name}; make them exclude each other",
                        index,
                        "selectors",
                        place,
                        "namespace",
                    )
            before.append((profile.name, selector))
    return profiles


class FargateSpec(Spec):
    """Pods without nodes."""

    profiles: Annotated[list[FargateProfileSpec], Field(min_length=1), AfterValidator(_profiles)]
    pod_execution_role_arn: RoleArn | None = None
    """A role that exists, in place of one that is made: it must trust eks-fargate-pods.amazonaws.com, pull images and, with logging,
    write to the log group (https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html). A change replaces the profiles."""
    logging: bool = True
    """Ships the pods' logs to CloudWatch Logs through Fargate's built-in log router."""
