"""Bodies that keep the JSON Schema that the owner declared of a request, and the simplest that fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

_PROGRAM = Path(__file__).with_name("schema_child.py")
_LIBRARY = "hypothesis-jsonschema"
_LONGEST_REASON = 200
# Parts of a schema that each see the whole value: none of them may be closed by itself.
_COMBINED = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef"})
_SAY_MORE = frozenset({"additionalProperties", "patternProperties", "unevaluatedProperties"})


class CannotDraw(Exception):
    """No value can be made of a schema; the text says why."""


def search(
    schema: Mapping[str, Any],
    fails: Callable[[bytes], bool],
    *,
    wanted: int,
    most_simpler: int,
    limit_s: float,
) -> bytes | None:
    """The simplest body found that ``fails``, of ``wanted`` different ones; None where none does.

    ``fails`` is asked once of each body, and of ``most_simpler`` more once one has failed; within
    ``limit_s`` seconds in all. Raises ``CannotDraw``.
    """
    known: dict[bytes, bool] = {}
    simplest: bytes | None = None
    with tempfile.TemporaryDirectory() as folder, _child(folder) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        watch = threading.Timer(limit_s, child.kill)
        watch.start()
        try:
            _write(child.stdin, json.dumps(closed(schema)))
            most = wanted
            for line in child.stdout:
                body = _body(line)
                if body not in known:
                    if len(known) == most:
                        break
                    known[body] = fails(body)
                    if known[body] and simplest is None:
                        most = len(known) + most_simpler
                if known[body]:
                    simplest = body
                _write(child.stdin, "fails" if known[body] else "keeps")
        finally:
            watch.cancel()
            child.kill()
            with suppress(BrokenPipeError):  # of what it was told and did not read
                child.stdin.close()
    if not known:
        raise CannotDraw(f"nothing could be made of the schema in {limit_s:g} s")
    return simplest


def _child(folder: str) -> subprocess.Popen[bytes]:
    # Without -P the modules that lie beside the program would hide others of the same name.
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={
            **os.environ,
            "HYPOTHESIS_NO_PLUGINS": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(_cache() or folder),
        },
    )


def _cache() -> Path | None:
    """Where Hypothesis keeps its tables of characters, which it needs seconds to make."""
    said = os.environ.get("XDG_CACHE_HOME", "")
    if Path(said).is_absolute():
        return Path(said) / "sm-conformance"
    with suppress(RuntimeError):  # there is no home
        return Path.home() / ".cache" / "sm-conformance"
    return None


def closed(schema: Any) -> Any:
    """The schema with objects that have the properties named in it and no others, unless it says more.

    Who names properties and is silent on others means these; but then strict programs refuse others.
    """
    if not isinstance(schema, dict) or _COMBINED & schema.keys():
        return schema
    made = dict(schema)
    if "properties" in made and not _SAY_MORE & made.keys():
        made["additionalProperties"] = False
    for key in ("properties", "$defs", "definitions"):
        if isinstance(made.get(key), dict):
            made[key] = {name: closed(inner) for name, inner in made[key].items()}
    if "items" in made:
        made["items"] = closed(made["items"])
    return made


def _write(pipe: IO[bytes], line: str) -> None:
    try:
        pipe.write(line.encode() + b"\n")
        pipe.flush()
    except BrokenPipeError:  # it was ended, or has ended; what it said is read to its end
        return


def _body(line: bytes) -> bytes:
    said = json.loads(line)
    if "missing" in said:
        raise CannotDraw(
            f"requests are made with {_LIBRARY}, which is not installed: "
            f"pip install 'sm-conformance[schema]' ({said['missing'][:_LONGEST_REASON]})"
        )
    if "trouble" in said:
        raise CannotDraw(
            f"no request can be made of the schema ({said['trouble'][:_LONGEST_REASON]})"
        )
    return json.dumps(said["value"]).encode()
