"""`make deploy ENV=FLEET WAVE=...`: a wave's environments, one after the other, and what must hold before and after.

Each environment is deployed by `python -m operations deploy`, as one without a fleet is. What is done already is what CloudFormation
and EKS say: so a second run goes on where the first one stopped.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from delivery.account import Asked
from fleet.gates import GateShut, Look, running_version, wait
from fleet.loading import minor
from fleet.model import Fleet, Member, Wave
from fleet.wave_spec import ALL_WAVES
from operations.__main__ import LOOKUP_PROFILE
from responsibility.account.errors import AccountError
from safe_io.errors import FINDINGS, OK, BadInput
from safe_io.terminal import one_line

_ROOT = Path(__file__).parents[1]
QUALIFIER = "@aws-cdk/core:bootstrapQualifier"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
Run = Callable[[Sequence[str], dict[str, str]], int]
Ask = Callable[[str], str]
Say = Callable[[str], None]


class Deployer:
    """Deploys waves of one fleet."""

    def __init__(
        self,
        fleet: Fleet,
        command: Sequence[str],
        *,
        account_of: Callable[[Member], Asked],
        look: Look,
        run: Run,
        ask: Ask,
        say: Say,
        lookup_profile: Callable[[Member], str] | None = None,
    ) -> None:
        """Asks nothing yet.

        Args:
            fleet: the fleet.
            command: the call of the CDK that deploys everything of an environment, without its name.
            account_of: gives the account of an environment. Raises AccountError.
            look: says what keeps a gate shut.
            run: runs a program with an environment of its own; returns its exit code.
            ask: puts a question to the person; "" if nobody is there.
            say: prints a line of progress.
            lookup_profile: the profile that reads an account, where the CDK gets at it by the roles of the bootstrap.
        """
        self._lookup_profile = lookup_profile
        self._fleet, self._command, self._look = fleet, list(command), look
        self._account_of, self._run, self._ask, self._say = account_of, run, ask, say

    def deploy(self, name: str, *, approved: bool = False, wait_for_gate: Callable[..., None] = wait) -> int:
        """Deploys a wave, or with `all` every wave in order; returns 0, or 1 where it stopped.

        Args:
            name: of the wave.
            approved: whoever has to approve has done so elsewhere.
            wait_for_gate: waits for a gate.

        Raises:
            BadInput: the wave may not begin. Nothing was changed.
        """
        fleet = self._fleet
        first = 0 if name == ALL_WAVES else fleet.wave(name)
        last = len(fleet.waves) - 1 if name == ALL_WAVES else first
        try:
            if name != ALL_WAVES:
                self._check_earlier(first)
            for index in range(first, last + 1):
                self._check_versions(fleet.waves[index])
        except AccountError as problem:
            raise BadInput(one_line(f"{problem}. Nothing was changed.", 600)) from None
        for index in range(first, last + 1):
            if not self._wave(index, approved=approved, wait_for_gate=wait_for_gate):
                return FINDINGS
        return OK

    def deploy_one(self, wave: str, name: str) -> int:
        """Deploys one environment of a wave, for an engine that runs waves and gates itself; returns the exit code of the CDK.

        Raises BadInput: the wave has no such environment, or EKS would refuse its version. Nothing was changed.
        """
        found = self._fleet.waves[self._fleet.wave(wave)]
        member = next((one for one in found.members if one.environment.name == name), None)
        if member is None:
            names = ", ".join(one.environment.name for one in found.members)
            raise BadInput(one_line(f"--only {name}: wave {wave} has no such environment. It has: {names}"))
        try:
            self._check_versions(Wave(found.spec, (member,)))
        except AccountError as problem:
            raise BadInput(one_line(f"{problem}. Nothing was changed.", 600)) from None
        return self._through_operations("deploy", member)

    def _check_earlier(self, index: int) -> None:
        """Raises BadInput unless the waves before this one are deployed as their files say, and their gates open; AccountError."""
        for wave in self._fleet.waves[:index]:
            gate = self._fleet.spec.gate_of(wave.spec)
            for member in wave.members:
                shut = self._look(member, gate)
                if not shut:
                    self._say(f"{wave.spec.name}: {member.environment.name}: is it as its files say?")
                    if self._through_operations("diff", member):
                        shut = ["what is deployed differs from its files, as shown above"]
                if shut:
                    raise BadInput(
                        one_line(
                            f"wave {self._fleet.waves[index].spec.name} may not begin before wave {wave.spec.name} is done:"
                            f" {member.environment.name}: {'; '.join(shut)}. make deploy ENV={self._fleet.path} WAVE={wave.spec.name}."
                            " Nothing was changed.",
                            900,
                        )
                    )

    def _check_versions(self, wave: Wave) -> None:
        """Raises BadInput for a cluster that would go up by more than one minor version, which EKS refuses; AccountError."""
        for member in wave.members:
            account = self._account_of(member)
            for cluster in member.environment.clusters:
                found, wanted = running_version(cluster.name, account), cluster.control_plane.kubernetes_version
                if found and minor(wanted) > minor(found) + 1:
                    raise BadInput(
                        f"{member.environment.name}: cluster {cluster.name} runs Kubernetes {found} and its file says {wanted}: EKS goes"
                        f" up one minor version at a time, so set 1.{minor(found) + 1} first. Nothing was changed."
                    )

    def _wave(self, index: int, *, approved: bool, wait_for_gate: Callable[..., None]) -> bool:
        """Deploys a wave and waits for its gate; returns whether all went well."""
        wave = self._fleet.waves[index]
        name, members = wave.spec.name, wave.members
        if wave.spec.approval and not approved:
            by = ", ".join(wave.spec.approval.by)
            if self._ask(f"Wave {name} needs the approval of {by}. Approved? (y/n) ").strip().lower() not in (
                "y",
                "yes",
            ):
                self._stopped(index, f"nobody approved it (needed: {by})")
                return False
        for number, member in enumerate(members, 1):
            self._say(
                f"wave {name}, {number} of {len(members)}: {member.environment.name} in {member.account}, {member.region}"
            )
            if code := self._through_operations("deploy", member):
                left = [one.environment.name for one in members[number:]]
                rest = f"; not begun in this wave: {', '.join(left)}" if left else ""
                self._stopped(index, f"{member.environment.name} failed (exit code {code}){rest}")
                return False
        try:
            wait_for_gate(
                members,
                self._fleet.spec.gate_of(wave.spec),
                self._look,
                say=lambda text: self._say(f"wave {name}: {text}"),
            )
        except (GateShut, AccountError) as problem:
            self._stopped(index, f"its gate is shut: {problem}")
            return False
        self._say(f"wave {name}: done, and its gate is open")
        return True

    def _stopped(self, index: int, why: str) -> None:
        later = [wave.spec.name for wave in self._fleet.waves[index + 1 :]]
        self._say(one_line(f"wave {self._fleet.waves[index].spec.name}: stopped: {why}.", 2_000))
        if later:
            self._say(f"Nothing of {', '.join(later)} was touched.")
        self._say("The same command goes on from here.")

    def _through_operations(self, action: str, member: Member) -> int:
        """Deploys an environment, or compares it; returns the exit code."""
        account = self._fleet.account_of(member)
        words = [action if word == "deploy" else word for word in self._command]
        if action == "diff":
            words = [
                *(word for word in words if word not in ("--all", "--import-existing-resources")),
                "--fail",
                "--method",
                "template",
            ]
        context = [
            "-c",
            f"env={member.path}",
            *(["-c", f"{QUALIFIER}={account.qualifier}"] if account.qualifier != "hnb659fds" else []),
        ]
        if self._lookup_profile:
            profile = {}
            place = {LOOKUP_PROFILE: self._lookup_profile(member)}
        else:
            profile = {"AWS_PROFILE": account.profile} if account.profile else {}
            place = {}
        place |= {"AWS_REGION": member.region, "AWS_DEFAULT_REGION": member.region}
        program = [sys.executable, "-m", "operations", action, str(member.path), "--"]
        # A key in the environment would go before the profile.
        own = {name: value for name, value in os.environ.items() if not (profile and name in _KEYS)}
        return self._run([*program, *words, *context], {**own, **place, **profile})
