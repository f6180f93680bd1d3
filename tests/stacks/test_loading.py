"""Bad input gets one clear message: file, line, key, what was found, what is allowed. No traceback, and nothing is written.

Each file in bad_environments/ has one defect, and its first line says what the message must hold:
`# expect: LINE: text`, where ` ... ` stands for anything.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml

from eks_facts.files import load
from stacks.environment.loading import BadInput, environment_path, load_environment, load_lock
from tests.support.environments import ENVIRONMENTS, ROOT, TODAY
from tests.support.front_door import Ended, front_door, front_door_process

BAD = sorted((Path(__file__).parent / "bad_environments").glob("*.yaml"))

MINIMAL = """\
name: small
network: {}
clusters:
  - name: one
    control_plane:
      kubernetes_version: "1.36"
    access:
      admins:
        - role/Admin
    compute:
      auto_mode: {}
"""


def message(path: Path) -> str:
    """The text of the refusal of an environment file."""
    with pytest.raises(BadInput) as refusal:
        load_environment(path, today=TODAY)
    text = str(refusal.value)
    assert len(text.splitlines()) <= 12
    for internal in ("pydantic", "Traceback", "Value error", "ctx", "<class", "object at 0x"):
        assert internal not in text
    return text


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def expected(path: Path) -> tuple[int, list[str]]:
    """What the first line of a bad file says: the line, and the parts of the text."""
    line, text = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ").split(": ", 1)
    return int(line), text.split(" ... ")


# --- the files


def test_there_are_many_bad_files() -> None:
    assert len(BAD) >= 75


def test_the_file_they_are_made_from_is_good(tmp_path: Path) -> None:
    assert load_environment(written(tmp_path, MINIMAL), today=TODAY).name == "small"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_file_gets_one_clear_message(path: Path) -> None:
    line, parts = expected(path)
    text = message(path)
    assert len(text.splitlines()) == 1  # one defect, one message
    assert text.startswith(f"{path}:{line}: ")
    rest = text
    for part in parts:
        assert part in rest
        rest = rest.split(part, 1)[1]
    phrases = [phrase for phrase in text.replace("; ", ": ").split(": ") if len(phrase) > 25]
    assert all(text.count(phrase) == 1 for phrase in phrases)  # nothing is said twice


# --- files that git or an editor would not keep as they are


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        (b"", 1, "the file: found nothing; it must be a mapping with the keys extends, name, "),
        (b"name: caf\xe9\n", 1, "the byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
        (b"name: ok\n# \xff\n", 2, "the byte 0xff is not UTF-8 text"),
        ("name: ok\n".encode("utf-16"), 1, "the byte 0xff is not UTF-8 text"),
        (b"\x7fELF\x02\x01\x01\x00", 1, "the character U+007F is not allowed in YAML; is this a text file?"),
        (b"name: ok\nregion: \x00\n", 2, "the character U+0000 is not allowed in YAML"),
        (b"name: ok\n\nregion:\teu-west-1\n\tx: y", 4, "the line begins with a tab: indent with spaces"),
        (
            b"name: [ok\n",
            2,
            "is not YAML: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1",
        ),
        (b"#" * 1_000_001, 1, "the file has more than 1,000,000 bytes"),
        (b"name: ok\ntags: " + b"[" * 100_000, 2, "nested more than 50 levels deep"),
        (b"name: ok\n" + b"".join(b" " * i + b"a:\n" for i in range(400)), 52, "nested more than 50 levels deep"),
        (b"name: " + b"9" * 5_000, 1, "a number with 5,000 digits; at most 100 (bound: digits)"),
        (b"name: &a [x]\ntags: &b {more: *b}\n", 2, "an alias (*) that contains itself"),
        (
            b"a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
            + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 10)),
            1,
            "more than 100,000 values once the aliases (*) are followed",
        ),
    ],
    ids=[
        *("empty", "latin-1", "latin-1-below", "utf-16", "binary", "null-character", "tab", "open-end", "too-large"),
        *("too-deep-in-brackets", "too-deep-in-lines", "number-with-5000-digits", "endless-alias", "alias-bomb"),
    ],
)
def test_file_that_is_hardly_text(tmp_path: Path, content: bytes, line: int, text: str) -> None:
    path = written(tmp_path, content)
    found = message(path)
    assert found.startswith(f"{path}:{line}: ")
    assert text in found
    assert len(found) < 500


def test_folder_or_nothing_instead_of_a_file(tmp_path: Path) -> None:
    assert message(tmp_path) == f"{tmp_path}: cannot be read: Is a directory"
    assert message(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"---\n", b"%YAML 1.1\n---\n"], ids=["bom", "dashes", "directive"])
def test_odd_but_good_beginnings(tmp_path: Path, prefix: bytes) -> None:
    assert load_environment(written(tmp_path, prefix + MINIMAL.encode()), today=TODAY).name == "small"


def test_lines_of_a_file_from_windows(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("auto_mode", "auto").replace("\n", "\r\n"))
    assert message(path).startswith(f"{path}:11: clusters[0].compute.auto is not a known key")


# --- messages about several defects


def test_defects_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = MINIMAL.replace("network: {}", "network: {nat: two}").replace("auto_mode: {}", "auto_mode: {pools: 1}")
    path = written(tmp_path, text.replace("name: small", "name: Small"))
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in message(path).splitlines()] == ["1", "2", "11"]


def test_many_defects_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + "".join(f"key{index}: {{}}\n" for index in range(30)))
    lines = message(path).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "... and 20 more"


def over(count: int, *way: str, each: str | None = None) -> str:
    """A small environment with a list of ``count`` entries at the place that ``way`` leads to."""
    data = yaml.safe_load(MINIMAL)
    place = data
    for key in way[:-1]:
        place = place[0] if isinstance(place, list) else place
        place = place.setdefault(key, {})
    place = place[0] if isinstance(place, list) else place
    place[way[-1]] = [each or {"name": f"n{index}"} for index in range(count)]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lambda: "\n".join(f"k{index}: 1" for index in range(60_000)), "(bound: values)"),
        (lambda: "\n".join(f"k{index}: 1" for index in range(40_000)), "the file: has 40,000 entries; at most 300 (bound: entries)"),
        (partial(over, 4_000, "clusters"), "clusters: has 4,000 entries; at most 300 (bound: entries)"),
        (partial(over, 4_000, "clusters", "workloads"), "clusters[0].workloads: has 4,000 entries"),
        (partial(over, 4_000, "clusters", "compute", "managed_nodes", "groups"), "managed_nodes.groups: has 4,000 entries"),
        (partial(over, 4_000, "clusters", "access", "entries"), "access.entries: has 4,000 entries"),
        (partial(over, 1, "clusters", "provided_elsewhere", each="x" * 30_000), "has 30,000 characters; at most 20,000 (bound: text)"),
    ],
    ids=["values", "keys", "clusters", "workloads", "groups", "entries", "text"],
)  # fmt: skip
def test_work_is_bounded_and_the_bound_has_a_name(tmp_path: Path, text: Callable[[], str], said: str) -> None:
    (line,) = message(written(tmp_path, text())).splitlines()
    assert said in line


def test_the_workloads_of_all_clusters_together_are_bounded(tmp_path: Path) -> None:
    data = yaml.safe_load(MINIMAL)
    (cluster,) = data["clusters"]
    cluster["workloads"] = [{"name": "nothing", "compute": "auto_mode"}] * 251
    data["clusters"] = [{**cluster, "name": f"c{index}"} for index in range(4)]
    path = written(tmp_path, json.dumps(data))
    assert message(path).startswith(
        f"{path}:1: clusters: have 1,004 workloads in all; at most 1,000 (bound: workloads)"
    )


def test_thousands_of_problems_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    data = yaml.safe_load(MINIMAL)
    data["clusters"] = [{f"key{number}": 1 for number in range(100)} for _ in range(250)]
    lines = message(written(tmp_path, json.dumps(data))).splitlines()
    assert len(lines) == 11
    assert re.fullmatch(r"\.\.\. and 2\d,\d{3} more", lines[-1])


def test_text_of_the_file_cannot_break_the_message(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL + f'"a\\nmine.yaml:1: all is well\\e[31m\\"{"k" * 500}": 1\n')
    (line,) = message(path).splitlines()
    assert line.startswith(f"{path}:12: ")
    assert line.isprintable()
    assert len(line) < 500


# --- lines and keys


def leaves(node: yaml.Node, where: str = "") -> Iterator[tuple[str, yaml.ScalarNode]]:
    """The scalars of a YAML file with the way to each, found without the loader that is tested."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from leaves(value, f"{where}.{key.value}".lstrip("."))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from leaves(item, f"{where}[{index}]")
    elif isinstance(node, yaml.ScalarNode):
        yield where, node


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_wrong_value_is_named_by_its_line_and_key(name: str, tmp_path: Path) -> None:
    text = (ROOT / f"environments/{name}.yaml").read_text(encoding="utf-8")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None
    for where, leaf in leaves(node):
        if ".configuration." in where:  # the add-on's own, whatever it is
            continue
        assert leaf.start_mark is not None
        assert leaf.end_mark is not None
        path = written(tmp_path, f"{text[: leaf.start_mark.index]}[[]]{text[leaf.end_mark.index :]}")
        assert f"{path}:{leaf.start_mark.line + 1}: {where}" in message(path)


def test_lines_deep_in_lists(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        MINIMAL.replace(
            "      auto_mode: {}\n",
            """
      # a comment, and an empty line before it
      managed_nodes:
        groups:
          - {name: first, instance_types: [m7i.large]}
          -
            name: second
            instance_types: [
              m7i.large,
              m7i,
            ]
            taints: [{key: a, effect: NoSchedule},
                     {key: b, effect: NEVER}]
      fargate: {profiles: [{name: apps, selectors: [{namespace: apps, labels: {tier: 1}}]}]}
""",
        ),
    )
    group = "clusters[0].compute.managed_nodes.groups[1]"
    assert [line.removeprefix(f"{path}:").split(": found")[0] for line in message(path).splitlines()] == [
        f"20: {group}.instance_types[1]",
        f"23: {group}.taints[1].effect",
        "24: clusters[0].compute.fargate.profiles[0].selectors[0].labels.tier",
    ]


def test_a_value_behind_an_alias_is_named_where_it_is_written(tmp_path: Path) -> None:
    text = MINIMAL.replace("network: {}", "tags: &tags\n  owner: [me]\nnetwork: {}")
    path = written(tmp_path, text)
    assert message(path).startswith(f'{path}:3: tags.owner: found ["me"]; it must be text')


def test_escape_codes_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("{}", '{additional_endpoints: ["\\e[2J", "\\e[2J"]}', 1))
    assert message(path).isprintable()


def test_keys_with_dots_are_quoted(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("network: {}", "network: {}\ntags:\n  team.example/owner: 5"))
    assert message(path).startswith(f'{path}:4: tags["team.example/owner"]: found 5')


# --- dates


def test_version_goes_out_of_support(tmp_path: Path) -> None:
    version, dates = next(iter(load("kubernetes_versions")["versions"].items()))
    path = written(tmp_path, MINIMAL.replace('"1.36"', f'"{version}"\n      support: EXTENDED'))
    last = dates["extended_until"]
    assert load_environment(path, today=last).clusters[0].control_plane.kubernetes_version == version
    with pytest.raises(BadInput) as refusal:
        load_environment(path, today=last + timedelta(days=1))
    assert str(refusal.value) == (
        f"{path}:6: clusters[0].control_plane.kubernetes_version: Kubernetes {version} is out of support since {last}"
        " (extended support too), and EKS creates no cluster with it; raise kubernetes_version, one minor version at a time"
        " (to look at or destroy one that still runs: -c today=YYYY-MM-DD, a day before)"
    )


@pytest.mark.parametrize("support", ["", "\n      support: STANDARD", "\n      support: EXTENDED"])
def test_a_version_leaves_standard_support(tmp_path: Path, support: str) -> None:
    version, dates = next(iter(load("kubernetes_versions")["versions"].items()))
    path = written(tmp_path, MINIMAL.replace('"1.36"', f'"{version}"{support}'))
    last = dates["standard_until"]
    assert load_environment(path, today=last).name == "small"
    if "EXTENDED" in support:
        assert load_environment(path, today=last + timedelta(days=1)).name == "small"
    else:
        with pytest.raises(BadInput, match=rf"{version} is in extended support since {last}"):
            load_environment(path, today=last + timedelta(days=1))


# --- the front door


def refused(tmp_path: Path, front_door: Callable[..., Ended] = front_door, **context: object) -> str:
    """The front door's message, once it is sure that it did nothing else."""
    run = front_door(tmp_path / "cdk.out", **context)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not (tmp_path / "cdk.out").exists()
    return run.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("unknown-key-at-the-top", "version-as-float", "cidr-with-host-bits", "node-groups-too-alike", "no-compute"),
        *("principal-twice", "fargate-wildcards-overlap", "addon-on-impossible-compute", "yaml-tab", "yaml-python-tag"),
    ],
)
def test_front_door_refuses(name: str, tmp_path: Path) -> None:
    path = Path(__file__).parent / f"bad_environments/{name}.yaml"
    line, parts = expected(path)
    text = refused(tmp_path, env=str(path))
    assert text.startswith(f"{path}:{line}: ")
    assert all(part in text for part in parts)


def test_front_door_refuses_an_unknown_name(tmp_path: Path) -> None:
    text = refused(tmp_path, front_door_process, env="dmeo")
    assert text.startswith('There is no environment "dmeo": no file ')
    assert " Did you mean demo? Allowed: " in text
    assert ", ".join(ENVIRONMENTS) in text


def test_front_door_refuses_no_name(tmp_path: Path) -> None:
    text = refused(tmp_path)
    assert text.startswith("No environment is named. Say which one: -c env=demo (make: ENV=demo). Allowed: ")


def test_front_door_refuses_a_path_that_does_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    text = refused(tmp_path, env=str(path))
    assert text.startswith("There is no environment ")
    assert f": no file {path}. Allowed: " in text


def test_front_door_refuses_a_bad_lock(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL)
    lock = tmp_path / "mine.lock.yaml"
    lock.write_text("addons: []\n")
    assert refused(tmp_path, env=str(path)).startswith(f"{lock}:1: addons: found []; it must be a mapping")


@pytest.mark.parametrize("env", [5, ["demo"], True, "", None, "x" * 5000, "de\0mo", "../environments", "demo.yaml"])
def test_odd_names_of_environments(env: object) -> None:
    with pytest.raises(BadInput, match=r"environment.* Allowed: "):
        environment_path(env, ROOT / "environments")


# --- what is good


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_shipped_environment_loads(name: str) -> None:
    path = environment_path(name, ROOT / "environments")
    assert load_environment(path, today=TODAY).name == name
    load_lock(path)


# --- lock files


def lock_for(folder: Path, text: str) -> Path:
    """The environment file beside a lock file with this text."""
    (folder / "mine.lock.yaml").write_text(text)
    return folder / "mine.yaml"


def test_no_lock_is_no_error(tmp_path: Path) -> None:
    assert load_lock(tmp_path / "mine.yaml") is None


def test_good_lock(tmp_path: Path) -> None:
    lock = load_lock(lock_for(tmp_path, "addons:\n  1.36:\n    coredns: v1.12.1-eksbuild.2\n"))
    assert lock is not None
    assert lock.addons == {"1.36": {"coredns": "v1.12.1-eksbuild.2"}}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the file: found nothing; it must be a mapping with the keys addons"),
        ("add-ons: {}\n", 1, "add-ons is not a known key; allowed here: addons, settings. Did you mean addons?"),
        ("addons:\n", 1, "addons: has no value"),
        (
            'addons:\n  "1.36":\n    coredns: v1.12.1-eksbuild.2\n    CoreDNS: v1.12.1-eksbuild.2\n',
            4,
            'addons["1.36"].CoreDNS: found "CoreDNS"; must be the name of an EKS add-on',
        ),
        (
            'addons:\n  "1.36":\n    coredns: v1.12\n',
            3,
            'addons["1.36"].coredns: found "v1.12"; must be the version of an EKS',
        ),
        ('addons:\n  "1.36":\n    coredns: 1.12\n', 3, 'addons["1.36"].coredns: found 1.12; YAML reads it as a number'),
        (
            "addons:\n  1.3:\n    coredns: v1.12.1-eksbuild.2\n",
            2,
            'addons["1.3"]: found "1.3"; must be a version that EKS offers',
        ),
        (
            'addons:\n  "1.36": [coredns]\n',
            2,
            'addons["1.36"]: found ["coredns"]; it must be a mapping of keys and values',
        ),
        (
            'addons:\n  "1.36":\n    aws-ebs-csi-driver: v1.9.0-eksbuild.1\n',
            3,
            'addons["1.36"].aws-ebs-csi-driver: found v1.9.0-eksbuild.1 of aws-ebs-csi-driver: it does not tag',
        ),
    ],
    ids=[
        "empty",
        "unknown-key",
        "no-value",
        "unknown-addon",
        "bad-version",
        "number",
        "unknown-kubernetes",
        "list",
        "too-old",
    ],
)
def test_bad_lock(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = lock_for(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        load_lock(path)
    assert str(refusal.value).startswith(f"{tmp_path / 'mine.lock.yaml'}:{line}: {said}")
    assert len(str(refusal.value).splitlines()) == 1
