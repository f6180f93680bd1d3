"""The ordered steps of an upgrade: what to change, who acts, how to see that it worked, how to go back."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from responsibility.reading.eks import Addon
from responsibility.reading.kinds.registry import KINDS
from responsibility.upgrade import steps_nodes
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change, Gate, Step
from responsibility.upgrade.ways import deploy, each, key_of, property_change
from responsibility.upgrade.words import step


def steps(upgrade: Upgrade, gates: list[Gate]) -> list[Step]:
    """Returns the steps of one cluster, in their order."""
    makers: dict[str, Callable[[Upgrade], Step]] = {
        "managed_nodes": steps_nodes.managed_nodes,
        "self_managed_nodes": steps_nodes.self_managed_nodes,
        "fargate": steps_nodes.fargate,
        "auto_mode": steps_nodes.auto_mode,
        "hybrid_nodes": lambda upgrade: step("hybrid_nodes", upgrade),
    }
    found = [
        _before(upgrade, gates),
        _control_plane(upgrade),
        _add_ons(upgrade),
        *(make(upgrade) for kind, make in makers.items() if kind in upgrade.cluster.kinds),
        *([steps_nodes.nodes_of_karpenter(upgrade)] if upgrade.cluster.has_karpenter else []),
        step("after", upgrade),
    ]
    return [one.model_copy(update={"number": number}) for number, one in enumerate(found, 1)]


def _before(upgrade: Upgrade, gates: list[Gate]) -> Step:
    blockers = sum(gate.verdict == "blocker" for gate in gates)
    asks = sum(gate.verdict == "ask" for gate in gates)
    todo = [f"remove {blockers} blocker{'s' * (blockers != 1)}"] if blockers else []
    todo += [f"ask the account {asks} question{'s' * (asks != 1)}"] if asks else []
    return step("before", upgrade, todo=" and ".join(todo) or "have nothing to fix")


def _control_plane(upgrade: Upgrade) -> Step:
    before, after, cluster = upgrade.before, upgrade.after, upgrade.cluster
    changes = [property_change(cluster, "Version", after)]
    if upgrade.environment:
        changes = [Change(where=key_of(upgrade, "control_plane.kubernetes_version"), before=before, after=after)]
        # Groups follow in a step of their own: a budget that blocks them then fails nothing else.
        for kind, groups in (("managed_nodes", cluster.node_groups), ("self_managed_nodes", cluster.self_managed)):
            if groups:
                key = key_of(upgrade, f"compute.{kind}.kubernetes_version")
                changes.append(Change(where=key, before="", after=before))
    nodes = [kind.rolled_back for kind in KINDS if kind.rolled_back and kind.has(cluster)]
    first = [f"{', '.join(nodes)} back to {before}"] if nodes else []
    first += [f"delete the Fargate pods that run {after}"] if "fargate" in cluster.kinds else []
    first += [f"add-ons back that do not fit {before}"] if cluster.addons else []
    order = f" First: {'; '.join(first)}." if first else ""
    if "auto_mode" in cluster.kinds:
        order += (
            " EKS rolls back Auto Mode's nodes first, within their disruption limits: minutes to days (by default it gives up"
            " after 12 hours)."
        )
    direct = [f"aws eks update-cluster-version --name {upgrade.name} --kubernetes-version {after}"]
    return step("control_plane", upgrade, changes=changes, commands=deploy(upgrade, direct=direct), order=order)


def _add_ons(upgrade: Upgrade) -> Step:
    addons = list(upgrade.cluster.addons.values())
    if not addons:
        of = "auto_mode" if upgrade.cluster.kinds == ["auto_mode"] else "yours"
        return step("add_ons", upgrade, words=f"add_ons_of_{of}")
    name, after = upgrade.name, upgrade.after
    fitting = {addon.name: _fitting(addon, after) for addon in addons}
    if upgrade.environment:
        where = f'{upgrade.file.replace(".yaml", ".lock.yaml", 1)}: addons."{after}"'
        changes = [Change(where=where, before="", after="a version for each add-on")]
    else:
        words = f"a version for {after}"
        changes = [property_change(addon, "AddonVersion", fitting[addon.name] or words) for addon in addons]
    direct = [
        f"aws eks update-addon --cluster-name {name} --addon-name {shlex.quote(addon)}"
        f" --addon-version {shlex.quote(version or 'VERSION')}"
        for addon, version in fitting.items()
    ]
    commands = deploy(upgrade, direct=direct)
    if upgrade.environment:
        env = upgrade.env
        commands = [f"make synth ENV={env} && python -m responsibility lock-addons --env {env}", *commands]
    described = (
        f"aws eks describe-addon --cluster-name {name} --addon-name $addon "
        "--query 'addon.[addonVersion,status,health.issues]'"
    )
    return step(
        "add_ons",
        upgrade,
        changes=changes,
        commands=commands,
        back_commands=_old_versions(name, addons),
        order=" If you write it before step 2, one deploy does both, in this order." if upgrade.environment else "",
        described=each(list(fitting), "addon", described),
    )


def _fitting(addon: Addon, kubernetes: str) -> str:
    """Returns EKS's default for a Kubernetes version, or else the newest that fits; empty = no account was asked, or none fits."""
    offered = addon.resource.maybe("Offered.Next", {})
    if not isinstance(offered, dict) or offered.get("Kubernetes") != kubernetes:
        return ""
    return str(offered.get("Default") or next(iter(offered.get("Versions", [])), ""))


def _old_versions(name: str, addons: list[Addon]) -> list[str]:
    """Returns how to bring add-ons back: to the versions of the template, where it names them."""
    command = f"aws eks update-addon --cluster-name {name} --addon-name $addon --addon-version "
    pinned = {
        addon.name: version for addon in addons if isinstance(version := addon.resource.maybe("AddonVersion"), str)
    }
    loose = [addon.name for addon in addons if addon.name not in pinned]
    commands = [each([one], "addon", command + shlex.quote(version)) for one, version in pinned.items()]
    return [*commands, each(loose, "addon", command + "OLD_VERSION")] if loose else commands
