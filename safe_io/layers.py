"""A YAML file that extends others: `extends: base.yaml`. One document comes of them, and each value knows its file and line.

What the file says goes over what its bases say. Mappings merge key by key. Lists whose items all have a `name` merge item by
item; any other list replaces the one below it. `key: null` takes away what a base says, and `$patch: delete` an item of a list;
`$patch: replace` makes a mapping take the place of the one below it, as in the strategic merge patches of Kubernetes
(https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/).
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from safe_io.where import Where, dotted, shown
from safe_io.yaml_file import YamlFile

EXTENDS = "extends"
PATCH = "$patch"
PATCHES = ("delete", "replace")
MAX_FILES = 20
"""That one file extends, directly or not."""


@dataclass
class _Node:
    """A value, and where it is written."""

    value: Any
    """A scalar, or a dict or list of nodes."""
    document: YamlFile
    where: Where

    def fail(self, text: str) -> NoReturn:
        self.document.fail(self.where, text)


class Layered(YamlFile):
    """A YAML file with what it extends. Without the key `extends` it is the file as it is."""

    def __init__(self, path: Path) -> None:
        """Reads a file and those that it extends. Raises BadInput."""
        super().__init__(path)
        self.paths: list[Path] = [path]
        """The files, this one first."""
        self._origins: dict[Where, tuple[YamlFile, Where]] = {}
        if isinstance(self.data, dict) and EXTENDS in self.data:
            top = _merged(self, [path], self.paths)
            written: dict[Where, str] = {}
            self.data = self._flattened(top, (), written)
            self.written = written

    def origin(self, where: Where) -> tuple[Path, int] | None:
        """Returns the file and line of the value at ``where``; None: no file says it, so it is a default."""
        found = self._origins.get(where) if self._origins else (self, where) if where in self.lines else None
        return (found[0].path, found[0].lines.get(found[1], 1)) if found else None

    def path_of(self, where: Where) -> Path:
        """Returns the file that says what is at ``where``, or what is around it: paths in a value are relative to it."""
        for end in range(len(where), -1, -1):
            if found := self._origins.get(where[:end]):
                return found[0].path
        return self.path

    def message(self, where: Where, text: str) -> tuple[int, str]:
        """Returns the line of the key at ``where``, and ``text`` with the file that says it, line and key before it."""
        for end in range(len(where), -1, -1):
            if found := self._origins.get(where[:end]):
                document, there = found  # the key as that file has it: the index in a list may be another
                return YamlFile.message(document, (*there, *where[end:]), text)
        return super().message(where, text)

    def _flattened(self, node: _Node, where: Where, written: dict[Where, str]) -> Any:
        """Returns plain data, and notes where each part is written, and how."""
        self._origins[where] = (node.document, node.where)
        if node.where in node.document.written and not isinstance(node.value, dict | list):
            written[where] = node.document.written[node.where]
        if isinstance(node.value, dict):
            return {key: self._flattened(one, (*where, key), written) for key, one in node.value.items()}
        if isinstance(node.value, list):
            return [self._flattened(one, (*where, index), written) for index, one in enumerate(node.value)]
        return node.value


def _merged(document: YamlFile, chain: list[Path], read: list[Path]) -> _Node:
    """Returns a document over those that it extends. ``chain`` leads here; ``read`` collects all files."""
    top = _nodes(document.data, document, ())
    if not isinstance(top.value, dict) or EXTENDS not in top.value:
        _refuse_patches(top)
        return top
    said = document.data[EXTENDS]
    names = said if isinstance(said, list) else [said]
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        document.fail((EXTENDS,), f"found {shown(said)}; it must be the path of a YAML file, or a list of paths")
    del top.value[EXTENDS]
    below: _Node | None = None
    for name in names:
        path = Path(os.path.normpath(document.path.parent / name))
        if path.resolve() in [one.resolve() for one in chain]:
            way = " -> ".join(str(one) for one in [*chain, path])
            document.fail((EXTENDS,), f'found "{name}"; files extend each other in a circle: {way}')
        if not path.is_file():
            document.fail(
                (EXTENDS,), f'found "{name}"; there is no file {path} (paths are relative to {document.path})'
            )
        if len(read) > MAX_FILES:
            document.fail((EXTENDS,), f"more than {MAX_FILES} files are extended (bound: files)")
        read.append(path)
        base = YamlFile(path)
        if not isinstance(base.data, dict):
            base.fail((), f"must be a mapping, for {document.path} extends it")
        over = _merged(base, [*chain, path], read)
        below = over if below is None else _over(below, over)
    return _over(below, top) if below else top


def _nodes(value: Any, document: YamlFile, where: Where) -> _Node:
    if isinstance(value, dict):
        value = {key: _nodes(one, document, (*where, key)) for key, one in value.items()}
    elif isinstance(value, list):
        value = [_nodes(one, document, (*where, index)) for index, one in enumerate(value)]
    return _Node(value, document, where)


def _over(below: _Node, above: _Node) -> _Node:
    """Returns ``above`` merged over ``below``."""
    if isinstance(above.value, dict):
        patch = _patch(above)
        if isinstance(below.value, dict) and patch is None:
            return _mapping_over(below, above)
    elif isinstance(above.value, list) and isinstance(below.value, list) and (base := _named(below)) is not None:
        own = _named(above)
        if own is not None:
            return _list_over(base, own, above)
    _refuse_patches(above)
    return above


def _mapping_over(below: _Node, above: _Node) -> _Node:
    merged = dict(below.value)
    for key, node in above.value.items():
        if node.value is None and key in merged:
            del merged[key]
        elif isinstance(node.value, dict) and _patch(node, take=False) == "delete":
            if key not in merged:
                node.fail(f"{PATCH}: delete, but no file that is extended has it")
            del merged[key]
        elif key in merged:
            merged[key] = _over(merged[key], node)
        else:
            _refuse_patches(node)
            merged[key] = node
    return _Node(merged, above.document, above.where)


def _list_over(base: dict[str, _Node], own: dict[str, _Node], above: _Node) -> _Node:
    """Returns a list merged by the names of its items: those of the base first, in their order."""
    merged = dict(base)
    for name, node in own.items():
        patch = _patch(node, take=False)
        if patch and name not in merged:
            node.fail(
                f'{PATCH}: {patch}, but no file that is extended has the name "{name}". It has: {", ".join(base) or "none"}',
            )
        if patch == "delete":
            del merged[name]
        elif name in merged:
            merged[name] = _over(merged[name], node)
        else:
            _refuse_patches(node)
            merged[name] = node
    return _Node(list(merged.values()), above.document, above.where)


def _named(node: _Node) -> dict[str, _Node] | None:
    """Returns the items of a list by name; None: not all have one, or two have the same."""
    named = {}
    for item in node.value:
        name = item.value.get("name") if isinstance(item.value, dict) else None
        if name is None or not isinstance(name.value, str) or name.value in named:
            return None
        named[name.value] = item
    return named


def _patch(node: _Node, *, take: bool = True) -> str | None:
    """Returns what `$patch` of a mapping says. ``take`` removes it from the mapping."""
    found = node.value.get(PATCH)
    if found is None:
        return None
    if found.value not in PATCHES:
        found.fail(f"found {shown(found.document.value(found.where))}; allowed: {', '.join(PATCHES)}")
    if take:
        del node.value[PATCH]
    return str(found.value)


def _refuse_patches(node: _Node) -> None:
    """Raises BadInput for a `$patch` with nothing below it to change."""
    if isinstance(node.value, dict):
        if found := node.value.get(PATCH):
            found.fail(f"is there, but no file that is extended has {dotted(node.where)}")
        for one in node.value.values():
            _refuse_patches(one)
    elif isinstance(node.value, list):
        for one in node.value:
            _refuse_patches(one)
