"""One readable snapshot per stack and environment: a change of a template is a change of a file that people review.

A snapshot is the template, shortened: intrinsics as YAML's short forms spell them, tags as a map without those that
every resource has, and without what moves on every upgrade of the CDK (asset hashes) or stands in every CDK template.
"""

import json
import re
from typing import Any

import pytest
import yaml
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.support.environments import SHIPPED
from tests.support.synth import shipped


class YamlSnapshot(SingleFileSnapshotExtension):
    file_extension = "yaml"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return data if isinstance(data, str) else yaml.dump(data, sort_keys=False, width=130)


def masked(template: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    template = json.loads(re.sub(r"\b[0-9a-f]{64}\b", "ASSET", json.dumps(template)))
    return {
        key: {name: _short(body, tags) for name, body in value.items()} if isinstance(value, dict) else value
        for key, value in template.items()
        if key not in ("Parameters", "Rules")
    }


def _short(value: Any, tags: dict[str, str]) -> Any:
    match value:
        case {"Ref": name, **rest} if not rest:
            return f"!Ref {name}"
        case {"Fn::GetAtt": [name, attribute], **rest} if not rest:
            return f"!GetAtt {name}.{attribute}"
        case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output}}:
            return f"!GetStackOutput {stack}.{output}"
        case {"Fn::ImportValue": name}:
            return f"!ImportValue {name}"
        case {"Fn::Join": ["", [*parts]], **rest} if not rest and all(
            isinstance(part, str) or "Ref" in part for part in parts
        ):
            return "".join(part if isinstance(part, str) else f"${{{part['Ref']}}}" for part in parts)
        case dict():
            return {
                key: _short_tags(one, tags) if key in ("Tags", "TagSpecifications") else _short(one, tags)
                for key, one in value.items()
            }
        case list():
            return [_short(one, tags) for one in value]
        case str() if re.fullmatch(r"[{\[].*[}\]]", value, re.DOTALL):
            return {"(JSON text)": json.loads(value)} if _is_json(value) else value
        case _:
            return value


def _short_tags(value: Any, tags: dict[str, str]) -> Any:
    if isinstance(value, list) and value and "ResourceType" in value[0]:
        return {one["ResourceType"]: _short_tags(one["Tags"], tags) for one in value}
    pairs = {one["Key"]: one["Value"] for one in value} if isinstance(value, list) else dict(value)
    assert tags.items() <= pairs.items(), "every resource that takes tags has those of the environment"
    own = {key: _short(one, tags) for key, one in pairs.items() if key not in tags}
    return {"(of the environment)": len(tags), **own}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", SHIPPED)
def test_stack(name, snapshot):
    made = shipped(name)
    snapshots = snapshot.use_extension(YamlSnapshot)
    for stack, template in made.templates.items():
        assert masked(template, made.environment.all_tags) == snapshots(name=stack.removeprefix(f"{name}-"))
    for cluster, texts in made.files.items():
        files = [f"# {file}\n{text}" for file, text in texts.items()]
        assert "\n".join(files) == snapshots(name=f"manifests-{cluster}")
