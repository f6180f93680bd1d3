"""From a YAML file to an :class:`Environment`, or to one message that says where and what is wrong."""

import difflib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from stacks.environment import Environment, LockFile

Where = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


class BadEnvironment(Exception):
    """An environment file that cannot be used. Its text is for the person who wrote it."""


def environment_path(env: str | None, folder: Path) -> Path:
    """Returns the file for ``-c env=...``: a name in ``folder``, or a path that ends in .yaml. Raises BadEnvironment."""
    names = sorted(path.stem for path in folder.glob("*.yaml") if not path.name.endswith(".lock.yaml"))
    allowed = (
        f"Allowed: {', '.join(names)} (files in {folder.name}/), or the path of a file of your own that ends in .yaml."
    )
    if not env:
        raise BadEnvironment(f"No environment is named. Say which one: -c env=demo (make: ENV=demo). {allowed}")
    path = Path(env) if env.endswith((".yaml", ".yml")) else folder / f"{env}.yaml"
    if not path.is_file():
        raise BadEnvironment(f"There is no environment {env!r}: {path} does not exist. {allowed}")
    return path


def load_environment(path: Path, *, today: date | None = None) -> Environment:
    """Reads an environment file.

    Args:
        path: the YAML file.
        today: the day support dates are held against; default: today.

    Raises:
        BadEnvironment: the file is not what it should be.
    """
    return _load(path, Environment, {"today": today})


def load_lock(path: Path) -> LockFile | None:
    """Reads the add-on lock file of the environment at ``path``, if there is one. Raises BadEnvironment."""
    lock = path.with_name(f"{path.stem}.lock.yaml")
    return _load(lock, LockFile, {}) if lock.is_file() else None


def _load(path: Path, model: type[Model], context: dict[str, Any]) -> Model:
    document = _Document(path)
    try:
        # Strict validation of JSON takes lists for tuples and text for dates, and nothing else for anything.
        return model.model_validate_json(json.dumps(document.data), context=context)
    except ValidationError as error:
        problems = list(dict.fromkeys(document.explain(item, model) for item in _one_per_place(error)))
    except ValueError as error:
        problems = [str(error)]
    more = [f"... and {len(problems) - 10} more"] if len(problems) > 10 else []
    raise BadEnvironment("\n".join([*problems[:10], *more]))


def _one_per_place(error: ValidationError) -> Iterator[Any]:
    seen: set[Where] = set()
    for item in error.errors(include_url=False):
        if item["loc"] not in seen:
            seen.add(item["loc"])
            yield item


class _Document:
    """A YAML file as plain data, with the line of every key and item."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Where, int] = {}
        self._count = 0
        try:
            if path.stat().st_size > MAX_BYTES:
                self._fail(1, f"the file has more than {MAX_BYTES:,} bytes; an environment has a few thousand")
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        except (OSError, UnicodeDecodeError) as error:
            raise BadEnvironment(f"{path}: cannot be read as UTF-8 text: {error}") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self._fail(line, f"is not YAML: {error.problem}")
        except yaml.YAMLError as error:
            self._fail(1, f"is not YAML: {error}")
        self.data = self._convert(node, ()) if node is not None else None
        if not isinstance(self.data, dict):
            found = "nothing" if self.data is None else _shown(self.data)
            self._fail(1, f"found {found}; an environment is a mapping of keys such as name, network and clusters")

    def _fail(self, line: int, text: str) -> None:
        raise BadEnvironment(f"{self.path}:{line}: {text}")

    def _convert(self, node: yaml.Node, where: Where) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        self.lines.setdefault(where, line)
        if self._count > MAX_NODES:
            self._fail(line, f"the file holds more than {MAX_NODES:,} values once its aliases are followed")
        if isinstance(node, yaml.MappingNode):
            result: dict[str, Any] = {}
            for key_node, value_node in node.value:
                key = str(key_node.value)
                key_line = key_node.start_mark.line + 1
                if key in result:
                    self._fail(
                        key_line,
                        f"{_dotted((*where, key))}: the key stands twice; YAML would silently keep one of them",
                    )
                self.lines[(*where, key)] = key_line
                result[key] = self._convert(value_node, (*where, key))
            return result
        if isinstance(node, yaml.SequenceNode):
            return [self._convert(item, (*where, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, line, where)

    def _scalar(self, node: yaml.ScalarNode, line: int, where: Where) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            return None
        if kind in ("bool", "int", "float"):
            value = yaml.constructor.SafeConstructor().construct_object(node)  # type: ignore[no-untyped-call]
            return str(node.value) if value in (float("inf"), float("-inf")) or value != value else value
        if not node.tag.startswith(_TAG):
            self._fail(line, f"{_dotted(where)}: the YAML tag {node.tag} is not used here; write a plain value")
        return node.value

    def explain(self, item: Any, model: type[BaseModel]) -> str:
        """Returns one line for one of pydantic's errors: file, line, key, what was found, what is allowed."""
        where = self._in_file(item["loc"], keep_last=item["type"] in ("missing", "extra_forbidden"))
        line = next((self.lines[where[:end]] for end in range(len(where), -1, -1) if where[:end] in self.lines), 1)
        return f"{self.path}:{line}: {_dotted(where)}{_words(item, _model_at(model, where[:-1]))}"

    def _in_file(self, loc: Where, *, keep_last: bool) -> Where:
        """Returns pydantic's location without the names of union members, which are not in the file."""
        result: Where = ()
        data: Any = self.data
        for position, part in enumerate(loc):
            if (isinstance(data, dict) and part in data) or (
                isinstance(data, list) and isinstance(part, int) and part < len(data)
            ):
                data = data[part]
                result += (part,)
            elif keep_last and position == len(loc) - 1:
                result += (part,)
        return result


def _dotted(where: Where) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")
    return text or "the file"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


_TYPES = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list (lines that begin with '- ')",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping of keys and values",
    "model_attributes_type": "a mapping of keys and values",
}


def _words(item: Any, parent: type[BaseModel] | None) -> str:
    kind, context, found = item["type"], item.get("ctx", {}), item["input"]
    known = [name for name in parent.model_fields] if parent else []
    match kind:
        case "missing":
            return " is missing; it is required"
        case "extra_forbidden":
            close = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            return f" is not a known key; allowed here: {', '.join(known)}.{hint}"
        case "value_error":
            shown = "" if isinstance(found, dict | list) else f" found {_shown(found)};"
            return f":{shown} {context['error']}"
        case "literal_error":
            return f": found {_shown(found)}; allowed: {context['expected']}"
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
            return f": found {_shown(found)}; it must be {bound}"
        case "too_short" | "too_long":
            bound = (
                f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']}"
            )
            return f": found {context['actual_length']}; it must have {bound}"
        case "string_type" if isinstance(found, int | float) and not isinstance(found, bool):
            return f': found the number {found}; it must be text: put it in quotes, "{found}"'
        case _ if kind in _TYPES:
            return f": found {_shown(found)}; it must be {_TYPES[kind]}"
        case _:
            return f": found {_shown(found)}; {item['msg']}"


def _model_at(model: type[BaseModel], where: Sequence[str | int]) -> type[BaseModel] | None:
    """Returns the model whose keys stand at ``where``; for a union, the first member that knows the next key."""
    current: list[Any] = [model]
    for part in where:
        following: list[Any] = []
        for candidate in current:
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                if isinstance(part, str) and part in candidate.model_fields:
                    following += _members(candidate.model_fields[part].annotation)
            elif get_origin(candidate) is list:
                following += _members(get_args(candidate)[0])
            elif get_origin(candidate) is dict:
                following += _members(get_args(candidate)[1])
        current = following
    return next((one for one in current if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _members(annotation: Any) -> list[Any]:
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    if get_origin(annotation) in (Union, UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]
