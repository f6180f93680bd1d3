"""A fleet, whole and checked: its environments, in waves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fleet.spec import AccountSpec, FleetSpec
from fleet.wave_spec import WaveSpec
from safe_io.errors import BadInput
from safe_io.terminal import one_line
from safe_io.where import Where
from stacks.environment.model import Environment
from stacks.environment.problems import did_you_mean


@dataclass(frozen=True)
class Member:
    """An environment of a fleet."""

    path: Path
    where: Where
    """The key of the fleet file that names it."""
    environment: Environment

    @property
    def account(self) -> str:
        """Its account."""
        return str(self.environment.account)

    @property
    def region(self) -> str:
        """Its region."""
        return str(self.environment.region)


@dataclass(frozen=True)
class Wave:
    """A wave with its environments, in the order of the fleet file."""

    spec: WaveSpec
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Fleet:
    """A fleet, whole and checked."""

    path: Path
    spec: FleetSpec
    waves: tuple[Wave, ...]
    other_accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Accounts that each environment names beside its own, by its name."""

    @property
    def members(self) -> Iterator[tuple[Wave, Member]]:
        """Every environment, with its wave, in the order of the waves."""
        return ((wave, member) for wave in self.waves for member in wave.members)

    def account_of(self, member: Member) -> AccountSpec:
        """Returns what the fleet says of the account of an environment."""
        return self.spec.accounts[member.account]

    def wave(self, name: str) -> int:
        """Returns the index of a wave. Raises BadInput: there is none of that name."""
        names = [wave.spec.name for wave in self.waves]
        if name not in names:
            raise BadInput(
                one_line(
                    f"WAVE={name}: {self.path} has no such wave.{did_you_mean(name, names)} There is: {', '.join(names)}"
                )
            )
        return names.index(name)
