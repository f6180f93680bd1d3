"""The data on Kubernetes' changes: complete against the schemas of each version."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from eks_facts.versions import kubernetes_versions
from responsibility.upgrade.changes import changes, minor
from responsibility.upgrade.detect import FINDERS

SPEC = find_spec("kubernetes_validate")
SCHEMAS = Path(str(SPEC.origin)).parent / "kubernetes-json-schema" if SPEC else Path()
VERSIONS = range(26, 38)


def schemas(version: int) -> set[str]:
    names = (path.name for path in (SCHEMAS / f"v1.{version}.0-local-strict").iterdir())
    return {name for name in names if re.search(r"-v\d+beta\d+\.json$", name)}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_removed_beta_api_is_in_the_data_and_nothing_else(version: int) -> None:
    gone = schemas(version - 1) - schemas(version)
    rows = [row for row in changes().apis if minor(row.removed) == (1, version)]
    wanted = {
        f"{kind.lower()}-{row.api.split('.')[0].split('/')[0]}-{row.api.rsplit('/')[-1]}.json"
        for row in rows
        for kind in row.kinds
    }
    assert wanted <= gone
    # Each group and version that went must have a row; parts of an object and lists have schemas of their own.
    groups = {name.removesuffix(".json").split("-", 1)[1] for name in gone}
    # nodeallocatableresourcemapping is a part of a ResourceClaim's status: the group is served in 1.37.
    assert {name.removesuffix(".json").split("-", 1)[1] for name in wanted} == groups - {
        "resource-v1beta1",
        "resource-v1beta2",
    }


def test_rows_can_be_told_apart() -> None:
    keys = [(row.api, kind) for row in changes().apis for kind in row.kinds]
    assert len(keys) == len(set(keys))
    ids = [note.id for note in changes().notes]
    assert len(ids) == len(set(ids))


def test_rows_have_sources_and_known_names() -> None:
    data = changes()
    for row in (*data.apis, *data.deprecated, *data.notes):
        assert (row.source or data.guide).startswith("https://")
    assert {note.detect for note in data.notes if note.detect} == set(FINDERS)
    assert {note.version for note in data.notes} <= set(kubernetes_versions())
