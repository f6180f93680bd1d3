"""All checks of manifests by name, and the linter of their text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from yamllint import config, linter

from tests.workloads import pod_security, references, schemas, values
from tests.workloads.objects import KubernetesObject

ROOT = Path(__file__).parent.parent.parent


def found(
    objects: Sequence[KubernetesObject], version: str, elsewhere: Mapping[str, set[str]] | None = None
) -> list[tuple[str, str]]:
    """What every check but checkov finds in a cluster's objects: the check's name, and the problem."""
    refused = [("schemas", problem) for problem in schemas.problems(objects, version)]
    if refused:
        return refused  # the others read what has the right shape
    return [
        *(("references", problem) for problem in references.problems(objects, elsewhere)),
        *(("values", problem) for problem in values.problems(objects)),
        *(("pod_security", problem) for problem in pod_security.problems(objects)),
    ]


def lint(text: str) -> Iterator[str]:
    """What yamllint says of YAML, by the settings that editors use too."""
    for problem in linter.run(text, config.YamlLintConfig(file=str(ROOT / ".yamllint.yaml"))):
        yield f"line {problem.line}: {problem.desc}"
