"""Reads a page as a browser does: parsed, not searched for pieces of markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

CELLS = frozenset({"td", "th", "dt", "dd", "br"})
VOID = {"meta", "br", "rect", "line", "polyline"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """What a reader sees: lines and runs of blanks are one blank."""
        return re.sub(r"\s+", " ", self._joined(apart=CELLS)).strip()

    @property
    def raw(self) -> str:
        """The text as it stands in the page."""
        return self._joined(apart=frozenset())

    def _joined(self, *, apart: frozenset[str]) -> str:
        end = " " if self.tag in apart else ""
        parts = (
            child if isinstance(child, str) else child._joined(apart=apart)
            for child in self.children
        )
        return "".join(parts) + end

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements below, by tag and by a word of ``class_`` or the whole of others."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            element
            for element in self.walk()
            if element.tag == tag
            and all(
                value in element.attributes.get(name, "").split()
                if name == "class"
                else element.attributes.get(name) == value
                for name, value in wanted.items()
            )
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element


class Page(HTMLParser):
    """Builds the tree; a tag that is closed by another, or never, is a fault of the page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root], [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)
