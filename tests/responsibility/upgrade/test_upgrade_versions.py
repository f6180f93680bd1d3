"""Which upgrades can be asked for at all."""

from pathlib import Path

import pytest

from responsibility.reading.template import BadSource
from responsibility.upgrade.command import Request, playbook
from tests.responsibility.upgrade.upgrade_case import AS_OF, cluster, write


def refusal(folder: Path, target: str, version: object = "1.36", start: str | None = None) -> str:
    with pytest.raises(BadSource) as error:
        playbook(Request(target, write(folder, {"Cluster": cluster(version)}), AS_OF, start=start))
    return str(error.value)


def test_a_version_is_not_skipped(tmp_path: Path) -> None:
    words = refusal(tmp_path, "1.37", "1.35")
    assert "cluster shop has Kubernetes 1.35" in words
    assert "Go to 1.36 first" in words


def test_the_same_and_a_lower_version_are_refused(tmp_path: Path) -> None:
    assert "has Kubernetes 1.36 already" in refusal(tmp_path, "1.36")
    assert "rollback-cluster.html" in refusal(tmp_path, "1.35")


@pytest.mark.parametrize("target", ["1.99", "2.0", "1.37.1", "latest", "", "v1.37"])
def test_an_unknown_target_is_refused(target: str, tmp_path: Path) -> None:
    assert "is not known to offer it" in refusal(tmp_path, target)


def test_a_cluster_that_states_no_version_needs_one(tmp_path: Path) -> None:
    assert "--from 1.36" in refusal(tmp_path, "1.37", None)
    assert "--from 1.36" in refusal(tmp_path, "1.37", {"Ref": "Version"})
    request = Request("1.37", write(tmp_path, {"Cluster": cluster(None)}), AS_OF, start="1.36")
    assert playbook(request).clusters[0].before == "1.36"


def test_from_must_not_contradict_the_template(tmp_path: Path) -> None:
    assert "states 1.36" in refusal(tmp_path, "1.37", "1.36", "1.35")
    assert "is not a Kubernetes version" in refusal(tmp_path, "1.37", None, "newest")


def test_a_number_that_lost_its_zero_is_refused(tmp_path: Path) -> None:
    assert "in quotes" in refusal(tmp_path, "1.31", 1.3)


def test_one_cluster_of_several_can_be_chosen(tmp_path: Path) -> None:
    other = cluster("1.34")
    other["Properties"]["Name"] = "old"
    where = write(tmp_path, {"Old": other})
    with pytest.raises(BadSource, match=r"cluster old has Kubernetes 1.34(.|\n)*--cluster"):
        playbook(Request("1.37", where, AS_OF))
    assert [one.name for one in playbook(Request("1.37", where, AS_OF, ("shop",))).clusters] == ["shop"]
    with pytest.raises(BadSource, match=r"--cluster nope: .* has old, shop"):
        playbook(Request("1.37", where, AS_OF, ("nope",)))
