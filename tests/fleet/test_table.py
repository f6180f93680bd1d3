"""The table of a fleet: what files say, what findings documents say, and what nobody can say without a synth."""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fleet.__main__ import main
from fleet.loading import load_fleet
from fleet.path import fleet_path
from fleet.render import TITLES, as_json, cells, html, render, schema, text
from fleet.reviewing import review
from fleet.table import OUT, FleetTable, table_of_environment, table_of_fleet
from safe_io.errors import BadInput
from safe_io.yaml_file import YamlFile
from stacks.environment.loading import load_environment
from tests.support.environments import ROOT, TODAY

HERE = Path(__file__).parent
AS_OF = date(2026, 11, 28)


@pytest.fixture
def example(tmp_path: Path) -> FleetTable:
    return table_of_fleet(load_fleet(fleet_path("example"), today=AS_OF), AS_OF, tmp_path)


def document(stack: str = "shop-dev-control-plane-shop", version: str = "1.36") -> dict[str, Any]:
    """The parts of a findings document that the table reads."""
    found = [("EKR001", "open", None), ("EKR002", "open", {"expired": False}), ("EKR003", "open", {"expired": True})]
    findings = [
        {"code": code, "status": status, "cluster": "c", "accepted": accepted} for code, status, accepted in found
    ]
    other = {"code": "EKR001", "status": "open", "cluster": "another"}
    unknown = {"code": "EKR002", "status": "unknown", "cluster": ""}
    return {
        "as_of": "2026-11-27",
        "clusters": [{"id": "c", "stack": stack, "version": version}],
        "checks": [
            {"code": f"EKR00{number}", "severity": severity}
            for number, severity in ((1, "high"), (2, "low"), (3, "medium"))
        ],
        "findings": [*findings, other, unknown],
        "cost": {
            "lines": [
                {"cluster": "c", "monthly": 100.5},
                {"cluster": "", "monthly": 20.0},
                {"cluster": "another", "monthly": 7.0},
            ]
        },
    }


def written(out: Path, content: object, name: str = "shop-dev") -> Path:
    path = out / name / "review.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_without_a_synth_it_says_what_the_files_say_and_no_more(example: FleetTable) -> None:
    rows = {row.environment: row for row in example.clusters}
    assert [row.wave for row in example.clusters] == ["canary", "europe", "europe", "rest"]
    dev = rows["shop-dev"]
    assert (dev.account, dev.region, dev.cluster, dev.version) == ("111122223333", "eu-west-1", "shop", "1.36")
    assert dev.support.state == "standard"
    assert "coredns" in [one.name for one in dev.addons]
    assert all(one.version is None for one in dev.addons), "no lock file pins them"
    assert dev.review is None
    assert dev.not_reviewed == "not synthesised"
    assert (dev.cost_floor, dev.cost_of) == (73.0, "the control plane alone")
    words = cells(dev, "USD")
    assert words["duties"] == "not synthesised"
    assert "open" not in text(example).splitlines()[-1].replace("not known", ""), (
        "nothing is counted that nobody looked at"
    )


def test_what_a_file_says_over_its_base_is_named(example: FleetTable) -> None:
    over = {row.environment: row.over_base for row in example.clusters}
    assert over["shop-us"] == ["network.cidr"]
    assert set(over["shop-dev"] or []) == {
        *("network.cidr", "network.availability_zones", "network.nat"),
        *("foundation.retain", "foundation.log_retention_days"),
        "clusters[0].control_plane.deletion_protection",
    }
    alone = ROOT / "environments/demo.yaml"
    table = table_of_environment(alone, load_environment(alone, today=TODAY), AS_OF)
    assert table.clusters[0].over_base is None


def test_a_review_gives_duties_and_cost_of_its_cluster(tmp_path: Path) -> None:
    written(tmp_path, document())
    table = table_of_fleet(load_fleet(fleet_path("example"), today=AS_OF), AS_OF, tmp_path)
    dev = table.clusters[0]
    assert dev.review is not None
    assert dev.review.open == {"critical": 0, "high": 1, "medium": 1, "low": 0}
    assert dev.review.unknown == 1
    assert (dev.cost_floor, dev.cost_of) == (120.5, "what was synthesised")
    assert cells(dev, "USD")["duties"] == "1 high, 1 medium; 1 unknown"
    assert "2 open duties, 3 not synthesised, so their duties are not known" in " ".join(text(table).split())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (document(version="1.35"), "not synthesised: review.json is of another state of the file"),
        (document(stack="other-control-plane-shop"), "not synthesised: review.json is of another state of the file"),
    ],
)
def test_a_review_of_something_else_does_not_count(tmp_path: Path, content: dict[str, Any], why: str) -> None:
    written(tmp_path, content)
    table = table_of_fleet(load_fleet(fleet_path("example"), today=AS_OF), AS_OF, tmp_path)
    assert (table.clusters[0].review, table.clusters[0].not_reviewed) == (None, why)


def test_a_review_that_is_older_than_the_file_does_not_count(tmp_path: Path) -> None:
    path = written(tmp_path, document())
    os.utime(path, (0, 0))
    table = table_of_fleet(load_fleet(fleet_path("example"), today=AS_OF), AS_OF, tmp_path)
    assert table.clusters[0].not_reviewed == "not synthesised since its file changed"


def test_a_file_that_is_no_review_is_refused(tmp_path: Path) -> None:
    written(tmp_path, {"as_of": "today"})
    with pytest.raises(BadInput, match=r"shop-dev/review\.json: is not a findings document; write it again"):
        table_of_fleet(load_fleet(fleet_path("example"), today=AS_OF), AS_OF, tmp_path)


def test_the_json_fits_its_committed_schema(example: FleetTable) -> None:
    committed = (ROOT / "docs/fleet.schema.json").read_text()
    assert committed == schema(), "python -m fleet schema > docs/fleet.schema.json"
    jsonschema.Draft202012Validator(json.loads(committed)).validate(json.loads(as_json(example)))


def test_the_page_has_every_column_and_shows_text_as_text(example: FleetTable) -> None:
    odd = example.model_copy(
        update={"clusters": [example.clusters[0].model_copy(update={"file": "x", "cluster": "<script>"})]}
    )
    page = html(odd)
    assert all(f">{title}</th>" in page for title in TITLES.values())
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert re.search(r"default-src &#39;none&#39;|default-src 'none'", page)
    assert not re.findall(r"(?:src|href)=", page), "it loads nothing"


def test_an_add_on_that_a_lock_file_pins_has_its_version(tmp_path: Path) -> None:
    for name in ("base.yaml", "us.yaml"):
        (tmp_path / name).write_text(
            (HERE / "environments" / name).read_text()
            + ("" if name == "us.yaml" else "    addons:\n      cert-manager: {enabled: true}\n")
        )
    (tmp_path / "us.lock.yaml").write_text('addons:\n  "1.36":\n    cert-manager: v1.19.1-eksbuild.2\n')
    path = tmp_path / "us.yaml"
    table = table_of_environment(path, load_environment(path, today=TODAY), AS_OF)
    assert {one.name: one.version for one in table.clusters[0].addons}["cert-manager"] == "v1.19.1-eksbuild.2"


def big(folder: Path, number: int) -> Path:
    """A fleet of many environments that share a base."""
    (folder / "base.yaml").write_text((HERE / "environments/base.yaml").read_text())
    made = folder / "environments"
    made.mkdir()
    for index in range(number):
        account, region = f"{index % 50:012d}", ("eu-west-1", "us-east-2")[index % 2]
        cluster = {
            "name": f"shop{index}",
            "control_plane": {"kubernetes_version": "1.36"},
            "access": {"admins": ["role/Admin"]},
            "compute": {"auto_mode": {}},
        }
        content = {
            "extends": "../base.yaml",
            "name": f"e{index:03d}",
            "account": account,
            "region": region,
            "clusters": [{"$patch": "delete", "name": "shop"}, cluster],
        }
        (made / f"e{index:03d}.yaml").write_text(json.dumps(content))
    accounts = {f"{one:012d}": {"bootstrap": ["eu-west-1", "us-east-2"]} for one in range(50)}
    waves = [{"name": "canary", "percent": 1}, {"name": "tenth", "percent": 9}, {"name": "rest", "percent": 90}]
    path = folder / "big.yaml"
    path.write_text(
        json.dumps({"name": "big", "environments": ["environments/*.yaml"], "accounts": accounts, "waves": waves})
    )
    return path


def test_five_hundred_clusters_take_a_few_reads_each_and_no_synth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: about 10 ms of work a read; a synth would take seconds."""
    path = big(tmp_path, 500)
    reads: Counter[str] = Counter()
    plain = YamlFile.__init__

    def counted(self: YamlFile, path: Path, *more: Any) -> None:
        reads[Path(path).name] += 1
        plain(self, path, *more)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(YamlFile, "__init__", counted)
    monkeypatch.setattr(subprocess, "Popen", refused)
    table = table_of_fleet(load_fleet(path, today=AS_OF), AS_OF, tmp_path)
    assert Counter(row.wave for row in table.clusters) == {"canary": 5, "tenth": 45, "rest": 450}
    assert reads.total() <= 4 * 500 + 2, reads.most_common(3)
    assert all(render(table, name).count("shop") >= 500 for name in ("text", "json", "html"))


def test_the_command_writes_what_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            [
                "table",
                "example",
                "--as-of",
                "2026-11-28",
                "-o",
                str(tmp_path / "t.json"),
                "-o",
                str(tmp_path / "t.html"),
            ]
        )
        == 0
    )
    assert "shop-eu-central" in capsys.readouterr().out
    assert json.loads((tmp_path / "t.json").read_text())["name"] == "example"
    assert (tmp_path / "t.html").read_text().startswith("<!doctype html>")
    assert main(["table", "example", "-o", str(tmp_path / "t.pdf")]) == 2
    assert "use one of .txt, .json, .html" in capsys.readouterr().err
    assert main(["table", "demox"]) == 2
    assert "Did you mean demo?" in capsys.readouterr().err
    assert main(["table", "demo", "--as-of", "tomorrow"]) == 2
    assert "is not a date" in capsys.readouterr().err
    assert main(["table", "example", "--as-of", "2030-01-01"]) == 2
    assert "kubernetes_version" in capsys.readouterr().err


def test_a_review_of_each_environment_goes_on_after_one_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleet = load_fleet(fleet_path("example"), today=AS_OF)
    ran: list[list[str]] = []

    def run(command: Sequence[str], environment: dict[str, str]) -> int:
        ran.append(list(command))
        if command[1].endswith("app.py"):
            return 2 if json.loads(environment["CDK_CONTEXT_JSON"])["env"].endswith("us.yaml") else 0
        Path(command[command.index("-o") + 1]).write_text(json.dumps(document()))
        return 0

    said: list[str] = []
    found = [(one.path, one.environment) for _, one in fleet.members]
    assert review(found, checks=False, fail_on="never", run=run, say=said.append) == 2
    assert len(ran) == 4 + 3
    assert any("shop-us: failed (2)" in line for line in said)
    assert sorted(path.parent.name for path in OUT.glob("*/review.json")) == [
        "shop-dev",
        "shop-eu-central",
        "shop-eu-west",
    ]
    assert review(found[:1], checks=False, fail_on="never", run=run, say=said.append) == 0
