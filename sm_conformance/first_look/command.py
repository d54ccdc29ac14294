"""The command ``init``: looks, writes the declaration, and says in short what was seen."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sm_conformance.declaration.document import parse
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.problems import DeclarationError, Problems
from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.looking import look
from sm_conformance.first_look.writing import annotated, comment, outcommented
from sm_conformance.observed.http import printable
from sm_conformance.run_folder import RunFolder

FILE = "sm-conformance.yaml"
STDOUT = "-"
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; ``output`` is a file, or ``-`` for standard output."""

    image: str
    output: str = FILE
    force: bool = False
    model_data: Path | None = None
    patience_s: float = PATIENCE_S


def init(wish: Wish, *, engine: Callable[[], Engine]) -> bool:
    """Writes a first declaration; whether it claims anything.

    Raises UsageProblem for what the user can mend and HarnessTrouble when the engine fails. What
    was started is removed in any case.
    """
    target = None if wish.output == STDOUT else Path(wish.output)
    _usable(wish, target)
    folder = RunFolder(None)
    try:
        found = look(
            engine(),
            wish.image,
            folder=folder.path,
            patience_s=wish.patience_s,
            model=wish.model_data,
            written_model=_seen_from(target, wish.model_data),
            say=_say,
        )
        text = written(found)
        _held_against_loading(text, wish, folder.path)
    finally:
        folder.leave(keep=False)
    if target is None:
        sys.stdout.flush()
        # Whatever the terminal's encoding is: it is a file's text.
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    else:
        _write(target, text, force=wish.force)
    sys.stderr.write(summary(found, wish))
    return bool(found.claims)


def written(found: Draft) -> str:
    """The text of the declaration."""
    body = annotated(found.document, found.notes)
    if _plain(body) != _plain(annotated(found.document, {})):
        # A comment has come into the middle of a value: rather none.
        body = annotated(found.document, {})
    lines = comment(found.header)
    parts = ["\n".join(lines) + "\n\n", body]
    for remark, document in found.aside:
        parts.append("\n".join(["", *comment([remark]), *outcommented(document)]) + "\n")
    return "".join(parts)


def summary(found: Draft, wish: Wish) -> str:
    """What works, what could not be found out, and what to run next."""
    lines = []
    if wish.output != STDOUT:
        lines.append(f"sm-conformance init: wrote {wish.output}")
    lines += [f"  seen       {printable(line)}" for line in found.works]
    lines += [f"  not found  {printable(line)}" for line in found.missing]
    file = FILE if wish.output == STDOUT else wish.output
    lines.append(f"  next       sm-conformance check {wish.image} --declaration {file}")
    return "\n".join(lines) + "\n"


def _say(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"sm-conformance init: {what} …\n")


def _plain(text: str) -> object:
    return parse(text.encode(), problems=Problems(Path(FILE)))


def _usable(wish: Wish, target: Path | None) -> None:
    """Refuses before anything is launched what could not be done after it."""
    if not wish.image.strip():
        raise UsageProblem("name an image")
    if not 0 < wish.patience_s < math.inf:
        raise UsageProblem(f"--patience must be above 0, got {wish.patience_s:g}")
    if wish.model_data is not None and not wish.model_data.is_file():
        raise UsageProblem(f"--model-data {wish.model_data}: no such file")
    if target is None:
        return
    if target.is_dir():
        raise UsageProblem(f"{target} is a folder; name a file with -o")
    if target.exists() and not wish.force:
        raise UsageProblem(
            f"{target} is there already; replace it with --force, or name another with -o"
        )
    folder = target.absolute().parent
    if not folder.is_dir():
        raise UsageProblem(f"{target}: there is no folder {folder}")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise UsageProblem(f"{target} cannot be written: permission denied")


def _write(target: Path, text: str, *, force: bool) -> None:
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageProblem(f"{target} cannot be written: {error.strerror}") from error


def _seen_from(target: Path | None, model: Path | None) -> str | None:
    if model is None:
        return None
    folder = target.absolute().parent if target else Path.cwd()
    name = os.path.relpath(model.absolute(), folder)
    return f"./{name}" if name == "none" else name


def _held_against_loading(text: str, wish: Wish, folder: Path) -> None:
    """Raises HarnessTrouble should the text be one that no run could use: then a bug is ours."""
    place = folder / FILE
    place.write_text(text, encoding="utf-8")
    if wish.model_data is not None:
        return  # it names a file as seen from another folder
    try:
        load(place, origin="option")
    except DeclarationError as error:
        raise HarnessTrouble(f"what was seen makes no usable declaration: {error}") from error
