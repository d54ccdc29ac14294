"""The files of an image: its layers one above the other, as an engine would lay them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sm_conformance.at_rest.layers import Found
from sm_conformance.errors import UsageProblem

_MOST_LINKS = 40
# Folders that no entry names are made too, so more than there are entries.
_MOST_NODES = 2_000_000
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_FOLDER = Found(path="", kind="folder", mode=0o755, size=0, modified=0.0, target="", offset=0)


@dataclass(slots=True)
class Node:
    """What lies at one path; ``layer`` is the number of the layer that it came with, from 0."""

    found: Found
    layer: int
    children: dict[str, Node] = field(default_factory=dict)

    @property
    def is_folder(self) -> bool:
        return self.found.kind == "folder"


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where a path leads: ``node`` is None where a link leads nowhere, or in a circle, to ``path``."""

    path: str
    node: Node | None


class Files:
    """The file system of an image. Layers are laid from the lowest on."""

    def __init__(self) -> None:
        self._root = Node(_FOLDER, layer=0)
        self._left = _MOST_NODES

    def lay(self, found: Iterable[Found], *, layer: int) -> None:
        """Lays a layer upon those below it. What it hides is hidden first: it is of those below.

        Raises :class:`UsageProblem` where there are more folders than any image has.
        """
        rest = []
        for one in found:
            folder, name = posixpath.split(one.path)
            if name.startswith(_WHITEOUT):
                self._hide(folder, name)
            else:
                rest.append(one)
        for one in rest:
            self._put(one, layer)

    def look(self, path: str) -> Node | None:
        """What lies at ``path`` itself, no link of it followed at its end; None where nothing does."""
        folder, name = posixpath.split(posixpath.normpath(f"/{path}"))
        if not name:
            return self._root
        within = self.resolve(folder)
        return within.node.children.get(name) if within and within.node else None

    def resolve(self, path: str) -> Resolved | None:
        """Where ``path`` leads, links followed; None where nothing lies there."""
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        at: list[tuple[str, Node]] = []
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                del at[-1:]
                continue
            here = at[-1][1] if at else self._root
            node = here.children.get(part)
            where = "/".join(["", *(name for name, _ in at), part])
            if node is None:
                return Resolved(path=where, node=None) if links else None
            if node.found.kind != "symlink":
                at.append((part, node))
                continue
            links += 1
            if links > _MOST_LINKS:
                return Resolved(path=where, node=None)
            target = node.found.target
            if target.startswith("/"):
                at.clear()
            todo += [one for one in reversed(target.split("/")) if one not in ("", ".")]
        return Resolved(
            path="/".join(["", *(name for name, _ in at)]) or "/",
            node=at[-1][1] if at else self._root,
        )

    def _hide(self, folder: str, name: str) -> None:
        parent = self._walk(folder)
        if parent is None:
            return
        if name == _OPAQUE:
            parent.children.clear()
        else:
            parent.children.pop(name.removeprefix(_WHITEOUT), None)

    def _put(self, found: Found, layer: int) -> None:
        folder, name = posixpath.split(found.path)
        parent = self._made(folder, layer)
        if not name:
            self._root.found = found
            return
        held = parent.children.get(name)
        if found.kind == "hard link":
            target = self._walk(posixpath.normpath(f"/{found.target}"))
            if target is None or target.is_folder:
                return
            own = replace(target.found, path=found.path)
            self._add(parent, name, Node(own, target.layer))
        elif found.kind == "folder" and held is not None and held.is_folder:
            held.found, held.layer = found, layer
        else:
            self._add(parent, name, Node(found, layer))

    def _made(self, folder: str, layer: int) -> Node:
        """The folder, no link followed: it is laid over whatever else was there."""
        node = self._root
        for part in folder.split("/"):
            if part:
                held = node.children.get(part)
                if held is None or not held.is_folder:
                    held = self._add(node, part, Node(_FOLDER, layer))
                node = held
        return node

    def _add(self, parent: Node, name: str, node: Node) -> Node:
        self._left -= 1
        if self._left < 0:
            raise UsageProblem(f"the image has more than {_MOST_NODES} files and folders")
        parent.children[name] = node
        return node

    def _walk(self, path: str) -> Node | None:
        node: Node | None = self._root
        for part in path.split("/"):
            if part and node is not None:
                node = node.children.get(part)
        return node


def below(node: Node, name: str = "") -> Iterator[tuple[str, Node]]:
    """Everything below a folder at any depth, with names relative to it."""
    todo = [(name, node)]
    while todo:
        front, folder = todo.pop()
        for part, child in sorted(folder.children.items()):
            path = f"{front}/{part}" if front else part
            yield path, child
            if child.children:
                todo.append((path, child))
