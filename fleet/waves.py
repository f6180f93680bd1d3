"""Which environments each wave of a fleet takes."""

from collections.abc import Sequence

from fleet.model import Member
from fleet.spec import FleetSpec
from fleet.wave_spec import ALL
from safe_io.yaml_file import YamlFile
from stacks.environment.problems import did_you_mean


def assigned(document: YamlFile, spec: FleetSpec, members: Sequence[Member]) -> list[list[int]]:
    """Returns the indices of the environments of each wave: every environment is in one.

    Waves that name environments take theirs first, then those of regions, then those of accounts; what is left is shared out by
    percentages. Raises BadInput: an environment is unknown, or in no wave, or a wave is empty.
    """
    waves: list[list[int]] = [[] for _ in spec.waves]
    names = [one.environment.name for one in members]
    left = list(range(len(members)))
    for index, wave in enumerate(spec.waves):
        for place, name in enumerate(wave.environments or []):
            if name not in names:
                document.fail(
                    ("waves", index, "environments", place),
                    f'found "{name}"; the fleet has no such environment.{did_you_mean(name, names)}',
                )
            waves[index].append(names.index(name))
            left.remove(names.index(name))
    for key, of in (("regions", "region"), ("accounts", "account")):
        for index, wave in enumerate(spec.waves):
            wanted = getattr(wave, key) or []
            waves[index] += [one for one in left if getattr(members[one], of) in wanted]
            left = [one for one in left if getattr(members[one], of) not in wanted]
    shares = [(index, wave.percent) for index, wave in enumerate(spec.waves) if wave.percent]
    done, begun, total = 0, 0, len(left)
    for index, share in shares:
        done += share
        end = -(-total * done // ALL)  # rounded up: the first wave is never empty while there is something
        waves[index] += left[begun:end]
        begun = end
    if left and not shares:
        one = members[left[0]]
        document.fail(
            one.where,
            f"{one.environment.name} is in no wave; add it to one, or a wave with percent: {ALL} for the rest",
        )
    for index, (wave, taken) in enumerate(zip(spec.waves, waves, strict=True)):
        if not taken:
            key = next(
                key for key in ("environments", "regions", "accounts", "percent") if getattr(wave, key) is not None
            )
            why = (
                "nothing is left for it" if wave.percent is None or not total else f"{total} are too few for this share"
            )
            document.fail(("waves", index, key), f"{wave.name} has no environment: {why}; remove the wave")
        taken.sort()
    return waves
