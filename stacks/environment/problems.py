"""Pydantic's errors for the author of the file: what was found, what is allowed, what to do."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from eks_constructs.spec import descriptions
from safe_io.where import Where, shown
from safe_io.yaml_file import YamlFile


def explain(file: YamlFile, item: Any, model: type[BaseModel]) -> tuple[int, str]:
    """Returns the line, and one line of text, for one of pydantic's errors: what was found, what is allowed."""
    place = _Place(model, item)
    value = item["input"]
    if further := getattr(item.get("ctx", {}).get("error"), "where", ()):
        place.where += further
        value = file.value(place.where)
    return file.message(place.where, _words(item, place, value, file.written.get(place.where)))


def without_echoes(error: ValidationError, model: type[BaseModel], at_most: int) -> Iterator[Any]:
    """Yields pydantic's first errors, without "missing" for a misspelt key."""
    items: list[Any] = error.errors(include_url=False)[:at_most]
    missing: dict[Any, list[str]] = {}
    for item in items:
        if item["type"] == "missing":
            missing.setdefault(item["loc"][:-1], []).append(str(item["loc"][-1]))
    for item in items:
        item["missing"] = missing.get(item["loc"][:-1], [])
    misspelt = {
        (*item["loc"][:-1], meant.split(".")[0])
        for item in items
        if item["type"] == "extra_forbidden" and (meant := _Place(model, item).meant(str(item["loc"][-1])))
    }
    return (item for item in items if item["type"] != "missing" or item["loc"] not in misspelt)


def did_you_mean(found: str, known: Sequence[str]) -> str:
    """Returns a question that names what may have been meant, or nothing."""
    close = _closest(found, known)
    return f" Did you mean {close}?" if close else ""


def _closest(found: str, known: Sequence[str], cutoff: float = 0.7) -> str | None:
    plain = {name.lower().replace("-", "_"): name for name in known}
    close = difflib.get_close_matches(found.lower().replace("-", "_"), plain, n=1, cutoff=cutoff)
    return plain[close[0]] if close else None


def _words(item: Any, place: "_Place", found: Any, written: str | None) -> str:
    kind, context, seen = item["type"], item.get("ctx", {}), shown(found, written)
    match kind:
        case "missing":
            return f" is missing; it is required{place.purpose()}"
        case "extra_forbidden":
            return f" is not a known key{place.known_keys(str(item['loc'][-1]))}"
        case "value_error":
            text = str(context["error"])
            named = re.search(rf"(?<![\w.-]){re.escape(str(written or found))}(?![\w-])", text)
            return f": {text}" if isinstance(found, dict | list) or named else f": found {seen}; {text}"
        case "literal_error":
            names = re.findall(r"'([^']*)'", context["expected"])
            allowed = ", ".join(names) or context["expected"]
            return f": found {seen}; allowed: {allowed}.{did_you_mean(str(found), names)}"
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
            return f": found {seen}; it must be {bound}"
        case "too_short" | "too_long":
            bound = f"at least {context['min_length']}" if kind == "too_short" else f"at most {context['max_length']}"
            length = len(found) if isinstance(found, dict | list) else context["actual_length"]
            return f": it has {length} {'entry' if length == 1 else 'entries'}; it must have {bound}{place.purpose()}"
        case "string_too_short":
            return f": found {seen}; it must have at least {context['min_length']} characters"
        case "string_too_long":
            return f": found {seen}; it must have at most {context['max_length']} characters"
        case _:
            return f": found {seen}; {_type_words(kind, found, written, place) or item['msg']}"


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
    """Where an error of pydantic's is in the file, and in the models."""

    def __init__(self, model: type[BaseModel], item: Any) -> None:
        self.where: Where = ()
        self._missing: list[str] = item.get("missing", [])
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
        said = descriptions(self.parent).get(str(self.where[-1])) if self.parent else None
        text = said or (self.model.__doc__ if self.model else None) or ""
        first = re.split(r"\.?(\n|$)|\. ", text, maxsplit=1)[0]
        if not first:
            return ""
        return f" ({first[0].lower() if first[1:2].islower() else first[0]}{first[1:]})"

    def known_keys(self, key: str) -> str:
        """Returns which keys are known where ``key`` is not, and which one may be meant."""
        if not self.parent:
            return ""
        meant = self.meant(key)
        return f"; allowed here: {', '.join(self.parent.model_fields) or 'nothing'}.{f' Did you mean {meant}?' if meant else ''}"

    def meant(self, key: str) -> str | None:
        """Returns the key that may be meant by one that is not known: the same one further down, else one that is missing, else the most
        like it."""
        if not self.parent:
            return None
        below = next((path for path in _paths(self.parent) if path[-1] == key), None)
        if below:
            return ".".join(below)
        return _closest(key, self._missing, 0.5) or _closest(key, list(self.parent.model_fields))


def _model_of(options: list[Any]) -> type[BaseModel] | None:
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _tags(option: Any) -> list[str]:
    return [one.tag for one in getattr(option, "__metadata__", ()) if isinstance(one, Tag)]


def _below(option: Any, part: str | int) -> list[Any]:
    """Returns the type of ``part``."""
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
