"""From a YAML file to an :class:`Environment`, or to one message that says where and what is wrong."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, Tag, ValidationError

from stacks.environment import Environment, LockFile

Where = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 50
MAX_PROBLEMS = 10
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value")
_PRINTABLE = r"\x09\x0A\x0D\x20-\x7E\x85\xA0-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF"


class BadEnvironment(Exception):
    """An environment file that cannot be used. Its text is for the person who wrote it."""


def environment_path(env: object, folder: Path) -> Path:
    """Returns the file for ``-c env=...``: a name in ``folder``, or a path that ends in .yaml. Raises BadEnvironment."""
    names = sorted(path.stem for path in folder.glob("*.yaml") if not path.name.endswith(".lock.yaml"))
    allowed = (
        f"Allowed: {', '.join(names)} (files in {folder.name}/), or the path of a file of your own that ends in .yaml."
    )
    if not env or not isinstance(env, str):
        raise BadEnvironment(f"No environment is named. Say which one: -c env=demo (make: ENV=demo). {allowed}")
    path = Path(env) if env.endswith((".yaml", ".yml")) else folder / f"{env}.yaml"
    try:
        found = path.is_file()
    except OSError:  # such as a name that is too long
        found = False
    if not found:
        hint = _did_you_mean(env, names)
        raise BadEnvironment(
            _one_line(f"There is no environment {_shown(env)}: no file {path}")[:500] + f".{hint} {allowed}"
        )
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
    if not isinstance(document.data, dict):
        found = "nothing" if document.data is None else _shown(document.data)
        document.fail((), f"found {found}; it must be a mapping with the keys {', '.join(model.model_fields)}")
    try:
        # Strict validation of JSON takes lists for tuples and text for dates, and nothing else for anything.
        return model.model_validate_json(json.dumps(document.data), context=context)
    except ValidationError as error:
        problems = sorted(document.explain(item, model) for item in _without_echoes(error, model))
    lines = list(dict.fromkeys(text for _, text in problems))
    more = [f"... and {len(lines) - MAX_PROBLEMS} more"] if len(lines) > MAX_PROBLEMS else []
    raise BadEnvironment("\n".join([*lines[:MAX_PROBLEMS], *more]))


def _without_echoes(error: ValidationError, model: type[BaseModel]) -> Iterator[Any]:
    """Yields pydantic's errors, without "missing" for a key that stands there misspelt."""
    items = error.errors(include_url=False)
    misspelt = {
        (*item["loc"][:-1], meant.split(".")[0])
        for item in items
        if item["type"] == "extra_forbidden" and (meant := _Place(model, item).meant(str(item["loc"][-1])))
    }
    return (item for item in items if item["type"] != "missing" or item["loc"] not in misspelt)


class _Document:
    """A YAML file as plain data, with the line of every key and item."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Where, int] = {}
        self.written: dict[Where, str] = {}
        """Numbers and the like as they stand in the file: 1.30 is not 1.3."""
        self._count = 0
        node = self._compose(self._read())
        self.data = None if node is None else self._convert(node, ())

    def fail(self, where: Where, text: str) -> NoReturn:
        """Raises BadEnvironment for the key at ``where``."""
        raise BadEnvironment(self._message(where, f": {text}")[1])

    def _fail_at(self, line: int, text: str) -> NoReturn:
        raise BadEnvironment(_one_line(f"{self.path}:{line}: {text}"))

    def _message(self, where: Where, text: str) -> tuple[int, str]:
        line = next((self.lines[where[:end]] for end in range(len(where), -1, -1) if where[:end] in self.lines), 1)
        return line, _one_line(f"{self.path}:{line}: {_dotted(where)}{text}")

    def _read(self) -> str:
        try:
            if self.path.stat().st_size > MAX_BYTES:
                self._fail_at(1, f"the file has more than {MAX_BYTES:,} bytes; an environment has a few thousand")
            raw = self.path.read_bytes()
        except OSError as error:
            raise BadEnvironment(_one_line(f"{self.path}: cannot be read: {error.strerror}")) from None
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._fail_at(line, f"the byte 0x{raw[error.start]:02x} is not UTF-8 text; save the file as UTF-8")
        if odd := re.search(f"[^{_PRINTABLE}]", text):
            line = text.count("\n", 0, odd.start()) + 1
            self._fail_at(line, f"the character U+{ord(odd[0]):04X} cannot stand in YAML; is this a text file?")
        return text

    def _compose(self, text: str) -> yaml.Node | None:
        depth = 0
        try:
            # The composer calls itself for each level, in C, without a limit.
            for event in yaml.parse(text, Loader=_LOADER):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > MAX_DEPTH:
                    line = event.start_mark.line + 1 if event.start_mark else 1
                    self._fail_at(line, f"nested more than {MAX_DEPTH} levels deep")
            return yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            begun = error.context_mark.line + 1 if error.context_mark else line
            advice = next((advice for part, advice in _YAML_ADVICE.items() if part in str(error.problem)), "")
            line = begun if "end of stream" in str(error.problem) else line
            since = (
                f" {error.context} that begins in line {begun}"
                if begun < line and "while" in str(error.context)
                else ""
            )
            if re.match(r"\s*\t", "".join(text.split("\n")[line - 1 : line])):
                since, advice = "", "; a tab stands before the text: indent with spaces"
            self._fail_at(line, f"is not YAML: {error.problem}{since}{advice}")
        except yaml.YAMLError as error:
            self._fail_at(1, f"is not YAML: {error}")

    def _convert(self, node: yaml.Node, where: Where) -> Any:
        self._count += 1
        self.lines.setdefault(where, node.start_mark.line + 1)
        if self._count > MAX_NODES:
            self._fail_at(self.lines[where], f"more than {MAX_NODES:,} values once the aliases (*) are followed")
        if len(where) > MAX_DEPTH:
            self._fail_at(
                self.lines[where], f"nested more than {MAX_DEPTH} levels deep: an alias (*) that holds itself"
            )
        if isinstance(node, yaml.MappingNode):
            self._check_tag(node, where, "map")
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, where, "seq")
            return [self._convert(item, (*where, index)) for index, item in enumerate(node.value)]
        self._check_tag(node, where, *_SCALARS)
        return self._scalar(node, where)

    def _mapping(self, node: yaml.MappingNode, where: Where) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._fail_at(line, f"{_dotted(where)}: a key must be text, not a list or a mapping")
            key = str(key_node.value)
            here = (*where, key)
            if key in result:
                self._fail_at(
                    line,
                    f"{_dotted(here)}: the key stands twice, in line {self.lines[here]} too; YAML would silently keep one",
                )
            self.lines[here] = line
            if key_node.tag == f"{_TAG}merge":
                self.fail(
                    here, "merging (<<) is not supported; write the keys out, or put an alias (*) for the whole value"
                )
            self._check_tag(key_node, here, *_SCALARS)
            result[key] = self._convert(value_node, here)
        return result

    def _check_tag(self, node: yaml.Node, where: Where, *allowed: str) -> None:
        if node.tag.removeprefix(_TAG) not in allowed:
            self.fail(where, f"the YAML tag {node.tag.replace(_TAG, '!!')} is not used here; write a plain value")

    def _scalar(self, node: yaml.Node, where: Where) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if kind == "null":
            if not node.value:
                self.fail(where, "has no value; give it one ({} is an empty mapping, [] an empty list), or take it out")
            return None
        if kind not in ("bool", "int", "float"):
            return node.value
        self.written[where] = node.value
        try:
            value = yaml.constructor.SafeConstructor().construct_object(node)
        except (ValueError, KeyError):
            self.fail(where, f"found {_shown(node.value)}; YAML cannot read that as {kind}")
        return str(node.value) if value in (float("inf"), float("-inf")) or value != value else value

    def explain(self, item: Any, model: type[BaseModel]) -> tuple[int, str]:
        """Returns the line, and one line of text, for one of pydantic's errors: what was found, what is allowed."""
        place = _Place(model, item)
        value = item["input"]
        if further := getattr(item.get("ctx", {}).get("error"), "where", ()):
            place.where += further
            value = self._value(place.where)
        return self._message(place.where, _words(item, place, value, self.written.get(place.where)))

    def _value(self, where: Where) -> Any:
        value: Any = self.data
        for part in where:
            if isinstance(value, dict):
                value = value.get(str(part), {})  # a default is not in the file: nothing to show
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value


# Beginnings of what libyaml says, and what the person who wrote the file can do.
_YAML_ADVICE = {
    "mapping values are not allowed": "; indent keys alike, and put text that holds ': ' in quotes",
    "found character that cannot start any token": "; put text that begins with @ % or ` in quotes",
    "did not find expected key": "; check indentation and quotes here and above",
    "found unexpected end of stream": "; a quote is not closed",
    "found undefined alias": "; put text that begins with * in quotes",
    "did not find expected alphabetic or numeric character": "; put text that begins with * or & in quotes",
    "but found another document": "; one file holds one environment: take '---' out",
}


def _one_line(text: str) -> str:
    text = "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))
    return text if len(text) <= 1000 else f"{text[:997]}..."


def _dotted(where: Where) -> str:
    text = ""
    for part in where:
        if isinstance(part, str) and re.fullmatch(r"[A-Za-z_][\w-]{0,99}", part):
            text += f".{part}"
        else:
            text += f"[{part if isinstance(part, int) else _shown(part)}]"
    return text.lstrip(".") or "the file"


def _shown(value: object, written: str | None = None) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "null"
    text = written or json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _did_you_mean(found: str, known: Sequence[str]) -> str:
    close = _closest(found, known)
    return f" Did you mean {close}?" if close else ""


def _closest(found: str, known: Sequence[str]) -> str | None:
    plain = {name.lower().replace("-", "_"): name for name in known}
    close = difflib.get_close_matches(found.lower().replace("-", "_"), plain, n=1, cutoff=0.7)
    return plain[close[0]] if close else None


def _words(item: Any, place: "_Place", found: Any, written: str | None) -> str:
    kind, context, shown = item["type"], item.get("ctx", {}), _shown(found, written)
    match kind:
        case "missing":
            return f" is missing; it is required{place.purpose()}"
        case "extra_forbidden":
            return f" is not a known key{place.known_keys(str(item['loc'][-1]))}"
        case "value_error":
            text = str(context["error"])
            named = re.search(rf"(?<![\w.-]){re.escape(str(written or found))}(?![\w-])", text)
            return f": {text}" if isinstance(found, dict | list) or named else f": found {shown}; {text}"
        case "literal_error":
            names = re.findall(r"'([^']*)'", context["expected"])
            allowed = ", ".join(names) or context["expected"]
            return f": found {shown}; allowed: {allowed}.{_did_you_mean(str(found), names)}"
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
            return f": found {shown}; it must be {bound}"
        case "too_short" | "too_long":
            bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
            length = len(found) if isinstance(found, dict | list) else context["actual_length"]
            return f": it has {length} {'entry' if length == 1 else 'entries'}; it must have {bound}"
        case "string_too_long":
            return f": found {shown}; it must have at most {context['max_length']} characters"
        case _:
            return f": found {shown}; {_type_words(kind, found, written, place) or item['msg']}"


_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "bool_type": "true or false",
    "list_type": "a list (lines that begin with '- ')",
    "dict_type": "a mapping of keys and values",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _type_words(kind: str, found: Any, written: str | None, place: "_Place") -> str:
    """Returns what type is wanted, or nothing for other kinds of error."""
    if kind not in _TYPES:
        return ""
    words = f"it must be {_TYPES[kind]}"
    if kind == "string_type" and written is not None:
        reads = f"YAML reads it as {json.dumps(found) if isinstance(found, bool) else 'a number'}, and "
        return f'{reads}{words}: put it in quotes, "{written}"'
    if kind == "bool_type" and str(found).lower() in ("true", "false", "yes", "no"):
        return f"{words}, without quotes"
    if kind == "int_type" and isinstance(found, str) and found.isdigit():
        return f"{words}, without quotes"
    if kind.startswith("model_") and (model := place.model):
        return f"{words} with the keys {', '.join(model.model_fields)}"
    return words


class _Place:
    """Where an error of pydantic's stands in the file, and in the models."""

    def __init__(self, model: type[BaseModel], item: Any) -> None:
        self.where: Where = ()
        self.parent: type[BaseModel] | None = None
        options: list[Any] = [model]
        for part in item["loc"]:
            tagged = {tag: option for option in options for tag in _tags(option)}
            if part in tagged:  # the name of a union's member, which is not in the file
                options = _members(get_args(tagged[part])[0])
            elif part == "[key]" and item["type"] not in ("missing", "extra_forbidden"):
                options = []  # the key itself is wrong
            else:
                self.where += (part,)
                self.parent = _model_of(options)
                options = [one for option in options for one in _below(option, part)]
        self.model = _model_of(options)

    def purpose(self) -> str:
        """Returns what the key is for, in parentheses."""
        field = self.parent.model_fields.get(str(self.where[-1])) if self.parent else None
        text = (field.description if field else None) or (self.model.__doc__ if self.model else None) or ""
        first = re.split(r"\.?(\n|$)|\. ", text, maxsplit=1)[0]
        if not first:
            return ""
        return f" ({first[0].lower() if first[1:2].islower() else first[0]}{first[1:]})"

    def known_keys(self, key: str) -> str:
        """Returns which keys are known where ``key`` is not, and which one may be meant."""
        if not self.parent:
            return ""
        meant = self.meant(key)
        return f"; allowed here: {', '.join(self.parent.model_fields)}.{f' Did you mean {meant}?' if meant else ''}"

    def meant(self, key: str) -> str | None:
        """Returns the key that may be meant by one that is not known: the same one further down, else the most like it."""
        if not self.parent:
            return None
        below = next((path for path in _paths(self.parent) if path[-1] == key), None)
        return ".".join(below) if below else _closest(key, list(self.parent.model_fields))


def _model_of(options: list[Any]) -> type[BaseModel] | None:
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _tags(option: Any) -> list[str]:
    return [one.tag for one in getattr(option, "__metadata__", ()) if isinstance(one, Tag)]


def _below(option: Any, part: str | int) -> list[Any]:
    """Returns what stands at ``part`` of a type."""
    if isinstance(option, type) and issubclass(option, BaseModel):
        field = option.model_fields.get(str(part))
        return _members(field.annotation) if field else []
    if get_origin(option) is list:
        return _members(get_args(option)[0])
    if get_origin(option) is dict:
        return _members(get_args(option)[1])
    return []


def _members(annotation: Any) -> list[Any]:
    """Returns the members of a union, those with a tag as they are, and any other type alone."""
    if _tags(annotation):
        return [annotation]
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    if get_origin(annotation) in (Union, UnionType):
        return [member for part in get_args(annotation) for member in _members(part)]
    return [annotation]


def _paths(model: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yields the keys of the mappings below a model, the nearest first."""
    inner = [
        (name, found)
        for name, field in model.model_fields.items()
        if (found := _model_of([get_args(one)[0] if _tags(one) else one for one in _members(field.annotation)]))
    ]
    for name, found in inner:
        yield from ((*before, name, key) for key in found.model_fields)
    for name, found in inner:
        yield from _paths(found, (*before, name))
