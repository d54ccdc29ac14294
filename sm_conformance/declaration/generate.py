"""Reads the few words in which a declaration asks for made-up data, and tells which do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sm_conformance.data import kinds
from sm_conformance.data.pictures import FORMS
from sm_conformance.data.table import Generated
from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Problems, Where

_MOST_CELLS = 1_000_000
_MOST_PICTURES = 2_000
_MOST_PIXELS = 4_000_000

# Amazon SageMaker Developer Guide, cdf-training: how a channel says that no column is the label.
_WITHOUT_LABEL = re.compile(r";\s*label_size\s*=\s*0\s*(;|$)", re.IGNORECASE)


def read(said: Any, content_type: Any) -> Generated:
    """What a declaration says after ``generate``, with the defaults for what it leaves out."""
    asked = parts.mapping(said)
    return Generated(
        rows=parts.whole_number(asked.get("rows", 20)) or 1,
        columns=parts.whole_number(asked.get("columns", 4)) or 1,
        label=asked.get("label", "first" if _has_label(content_type) else "none"),
        classes=parts.whole_number(asked.get("classes", 3)) or 1,
        header=asked.get("header", False),
        size=parts.whole_number(asked.get("size", 64)) or 1,
    )


def _has_label(content_type: Any) -> bool:
    match parts.media_type(content_type):
        case "text/plain":
            return False
        case "text/csv":
            return not _WITHOUT_LABEL.search(content_type)
        case _:
            return True


def look_at(said: dict[str, Any], *, where: Where, problems: Problems) -> None:
    """Note what cannot be made of ``generate`` in the channel ``said`` at ``where``."""
    asked = parts.mapping(said, "generate")
    kind = parts.media_type(said.get("content_type"))
    at = (*where, "generate")
    if "content_type" in said and kind not in kinds.KNOWN:
        known = ", ".join(kinds.KNOWN)
        problems.add(at, f"the content_type must be one of {known} for this")
    wanted = read(asked, said.get("content_type"))
    if kind in FORMS:
        unfit = _unfit_for_pictures(asked, wanted)
        if "file" in said:
            problems.add((*where, "file"), "there are several pictures, and each has its name")
    else:
        unfit = _unfit_for_a_table(asked, wanted, kind)
    for word, text in unfit:
        problems.add((*at, word) if word else at, text)


def _unfit_for_pictures(asked: dict[str, Any], wanted: Generated) -> Iterator[tuple[str, str]]:
    for word, instead in (
        ("columns", "a picture has no columns but a size"),
        ("label", "the label of a picture is the folder that it lies in"),
        ("header", "only text/csv has a header"),
    ):
        if word in asked:
            yield word, instead
    if wanted.rows < wanted.classes:
        yield "", f"expected at least one picture for each of {wanted.classes} classes"
    if wanted.rows > _MOST_PICTURES:
        yield "rows", f"expected at most {_MOST_PICTURES} pictures"
    if wanted.rows * wanted.size**2 > _MOST_PIXELS:
        yield "", f"expected at most {_MOST_PIXELS} pixels, that is, rows times size times size"


def _unfit_for_a_table(
    asked: dict[str, Any], wanted: Generated, kind: str
) -> Iterator[tuple[str, str]]:
    label = asked.get("label")
    if "size" in asked:
        yield "size", "only pictures have a size"
    if "header" in asked and kind != "text/csv":
        yield "header", "only text/csv has a header"
    if kind == "text/libsvm" and label in ("last", "none"):
        yield "label", "a line of text/libsvm begins with its label"
    if kind == "application/x-recordio-protobuf" and label == "last":
        yield "label", "a record holds its label apart: leave this out, or say none"
    if kind == "text/plain" and label in ("first", "last"):
        yield "label", "lines of words have no label"
    if "classes" in asked and wanted.label == "none":
        yield "classes", "there are no classes without a label"
    if wanted.rows * wanted.columns > _MOST_CELLS:
        yield "", f"expected at most {_MOST_CELLS} numbers, that is, rows times columns"
