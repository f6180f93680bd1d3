"""The ordered steps of an upgrade: what to change, who acts, how to see that it worked, how to go back."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from responsibility.reading.eks import Addon
from responsibility.upgrade import steps_nodes
from responsibility.upgrade.account import GUIDE, UPDATE
from responsibility.upgrade.plan import Upgrade
from responsibility.upgrade.playbook import Change, Gate, Step
from responsibility.upgrade.ways import deploy, each, key_of, property_change

ROLLBACK = GUIDE + "rollback-cluster.html"


def steps(upgrade: Upgrade, gates: list[Gate]) -> list[Step]:
    """Returns the steps of one cluster, in their order."""
    found = [*_before(upgrade, gates), _control_plane(upgrade), *_add_ons(upgrade)]
    makers: dict[str, Callable[[Upgrade], Step]] = {
        "managed_nodes": steps_nodes.managed_nodes,
        "self_managed_nodes": steps_nodes.self_managed_nodes,
        "fargate": steps_nodes.fargate,
        "auto_mode": steps_nodes.auto_mode,
        "hybrid_nodes": steps_nodes.hybrid_nodes,
    }
    found += [make(upgrade) for kind, make in makers.items() if kind in upgrade.cluster.kinds]
    found.append(_after(upgrade))
    return [step.model_copy(update={"number": number}) for number, step in enumerate(found, 1)]


def _before(upgrade: Upgrade, gates: list[Gate]) -> Iterator[Step]:
    blockers = sum(gate.verdict == "blocker" for gate in gates)
    asks = sum(gate.verdict == "ask" for gate in gates)
    todo = [f"remove {blockers} blocker{'s' * (blockers != 1)}"] if blockers else []
    todo += [f"ask the account {asks} question{'s' * (asks != 1)}"] if asks else []
    yield Step(
        number=0,
        id="before",
        title="Get ready",
        who="customer",
        aws="",
        you=f"You {' and '.join(todo) or 'have nothing to repair'}; try the upgrade on a cluster that does not matter, and "
        "take a backup of the objects and volumes that you cannot make again.",
        verify=[
            f'aws eks list-insights --cluster-name {upgrade.name} --filter \'{{"categories":["UPGRADE_READINESS"]}}\''
        ],
        expect="every insight is PASSING",
        disruption="None.",
        back="Nothing has changed yet.",
        sources=[UPDATE, GUIDE + "cluster-insights.html"],
    )


def _control_plane(upgrade: Upgrade) -> Step:
    name, before, after = upgrade.name, upgrade.before, upgrade.after
    groups = upgrade.cluster.node_groups
    if upgrade.environment:
        changes = [Change(where=key_of(upgrade, "control_plane.kubernetes_version"), before=before, after=after)]
        if groups:  # the groups follow in a step of their own: a budget that blocks them then fails nothing else
            key = key_of(upgrade, "compute.managed_nodes.kubernetes_version")
            changes.append(Change(where=key, before="", after=before))
    else:
        changes = [property_change(upgrade.cluster, "Version", after)]
    kinds = {"managed_nodes": "node groups", "self_managed_nodes": "self-managed nodes", "hybrid_nodes": "hybrid nodes"}
    nodes = [words for kind, words in kinds.items() if kind in upgrade.cluster.kinds]
    first = [f"{', '.join(nodes)} back to {before}"] if nodes else []
    first += [f"delete the Fargate pods that run {after}"] if "fargate" in upgrade.cluster.kinds else []
    first += [f"add-ons back that do not fit {before}"] if upgrade.cluster.addons else []
    order = f" First: {'; '.join(first)}." if first else ""
    auto = (
        " EKS takes Auto Mode's nodes back first, within their disruption limits: minutes to days (it gives up after 12 hours"
        " unless told otherwise)."
        if "auto_mode" in upgrade.cluster.kinds
        else ""
    )
    return Step(
        number=0,
        id="control_plane",
        title=f"Upgrade the control plane from {before} to {after}",
        who="shared",
        aws="Starts new API servers, checks them, moves traffic over, and goes back by itself if a check fails.",
        you="You start it. It cannot be paused or stopped.",
        changes=changes,
        commands=deploy(upgrade, direct=[f"aws eks update-cluster-version --name {name} --kubernetes-version {after}"]),
        verify=[
            f"aws eks describe-cluster --name {name} --query 'cluster.[version,status]' --output text",
            "kubectl get --raw '/readyz?verbose'",
        ],
        expect=f"{after} ACTIVE; readyz check passed",
        disruption="Minutes. The API stays reachable, but its addresses change: clients must connect again. Pods keep running.",
        back=f"Within 7 days, by one version, while no ROLLBACK_READINESS insight is in ERROR.{order}{auto}"
        " Then write the old version where you changed it. A rollback of the CloudFormation stack does not do it.",
        back_commands=[
            f'aws eks list-insights --cluster-name {name} --filter \'{{"categories":["ROLLBACK_READINESS"]}}\'',
            f"aws eks update-cluster-version --name {name} --kubernetes-version {before}",
        ],
        kept="Data in etcd stays, objects of new APIs and fields included. After 7 days, after the next upgrade, or once a "
        "feature of the new version that cannot go back is on, there is no way back.",
        sources=[UPDATE, ROLLBACK],
    )


def _add_ons(upgrade: Upgrade) -> Iterator[Step]:
    addons = list(upgrade.cluster.addons.values())
    if not addons:
        yield _own_add_ons(upgrade)
        return
    name, after = upgrade.name, upgrade.after
    names = [addon.name for addon in addons]
    if upgrade.environment:
        where = f'environments/{upgrade.environment}.lock.yaml: addons."{after}"'
        changes = [Change(where=where, before="", after="a version for each add-on")]
        lock = (
            f"make synth ENV={upgrade.environment} && python -m responsibility lock-addons --env {upgrade.environment}"
        )
        commands = [lock, *deploy(upgrade)]
    else:
        changes = [
            property_change(addon, "AddonVersion", _fitting(addon, after) or f"a version for {after}")
            for addon in addons
        ]
        commands = deploy(
            upgrade,
            direct=[
                f"aws eks update-addon --cluster-name {name} --addon-name {shlex.quote(addon.name)}"
                f" --addon-version {shlex.quote(_fitting(addon, after) or 'VERSION')}"
                for addon in addons
            ],
        )
    yield Step(
        number=0,
        id="add_ons",
        title="Update the EKS add-ons",
        who="shared",
        aws="Applies the version that you name; it updates no add-on by itself.",
        you="You choose a version that fits; kube-proxy, vpc-cni and coredns first."
        + (" Written before step 2, one deploy does both, in this order." if upgrade.environment else ""),
        changes=changes,
        commands=commands,
        verify=[
            each(
                names,
                "addon",
                f"aws eks describe-addon --cluster-name {name} --addon-name $addon "
                "--query 'addon.[addonVersion,status,health.issues]'",
            ),
            "kubectl get pods -n kube-system",
        ],
        expect="ACTIVE, without health issues, and every pod is Running",
        disruption="Their pods restart one after the other. Settings that somebody changed by hand may be overwritten.",
        back="Any time, to a version that fits the control plane; before the control plane goes back.",
        back_commands=_old_versions(name, addons),
        kept="A rollback of the cluster leaves add-ons as they are. Note their versions now.",
        sources=[GUIDE + "updating-an-add-on.html", ROLLBACK],
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


def _own_add_ons(upgrade: Upgrade) -> Step:
    """A cluster whose add-ons are no EKS add-ons, or (Auto Mode) run inside of AWS."""
    auto = upgrade.cluster.kinds == ["auto_mode"]
    return Step(
        number=0,
        id="add_ons",
        title="Update what runs in kube-system",
        who="aws" if auto else "customer",
        aws="Auto Mode brings networking, DNS and storage itself, in the version of the nodes." if auto else "",
        you=""
        if auto
        else "No EKS add-on was read: you update kube-proxy, vpc-cni and coredns the way they were installed.",
        verify=["kubectl get daemonset,deployment -n kube-system -o wide"],
        expect="images that fit the new version",
        disruption="None of its own." if auto else "Their pods restart one after the other.",
        back="With the nodes." if auto else "The way they were installed.",
        sources=[GUIDE + ("automode.html" if auto else "eks-networking-add-ons.html")],
    )


def _after(upgrade: Upgrade) -> Step:
    return Step(
        number=0,
        id="after",
        title="Finish",
        who="customer",
        aws="Keeps the way back open for 7 days after the control plane's upgrade.",
        you=f"You bring kubectl (within one minor version of {upgrade.after}), controllers and charts of your own up; compare "
        "errors and latency with the days before; decide about the way back in time. Do not start the next upgrade "
        "before: it closes this way.",
        verify=["kubectl version", "kubectl get nodes", "kubectl get pods -A --field-selector status.phase!=Running"],
        expect=f"server and all nodes on {upgrade.after}; no pod that should run and does not",
        disruption="None of its own.",
        back="As in the steps above, until the 7 days are over.",
        sources=[UPDATE, ROLLBACK, "https://kubernetes.io/releases/version-skew-policy/"],
    )
