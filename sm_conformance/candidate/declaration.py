"""Reads ``sm-conformance.yaml``, in which the owner of a candidate says what it is and needs.

The text becomes plain values that remember their lines; these are held against
``specs/schemas/declaration.schema.json`` and against each other; the files that they name are read.
A problem of one step does not hide those of the next: all are reported together.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator, ValidationError

from sm_conformance import specs
from sm_conformance.errors import UsageProblem

# A place in the document, such as ("hosting", "requests", 0, "body").
Where: TypeAlias = tuple[str | int, ...]

_MOST_TEXT = 1 << 20
_MOST_BYTES = 1 << 30
_MOST_ENTRIES = 100_000
_MOST_PROBLEMS = 10
_MOST_VALUES = 20_000  # PyYAML and the schema need seconds for more
_DEEPEST_YAML = 20
_DEEPEST_FOLDER = 64
_LEAST_MEMORY = 6 << 20  # the smallest --memory that Docker accepts

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENDINGS = {
    "application/json": ".json",
    "application/jsonlines": ".jsonl",
    "text/csv": ".csv",
    "text/libsvm": ".libsvm",
    "text/plain": ".txt",
}


class DeclarationError(UsageProblem):
    """A declaration cannot be used; the text has one line per problem, with its file and line."""


# What a declaration says -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Channel:
    """Input data of one training channel: relative POSIX file names and the files' content."""

    name: str
    content_type: str | None
    files: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes training fail: hyperparameters to merge over the good ones, channels to spoil.

    ``channels`` maps a channel's name to ``missing``, ``empty`` or ``corrupt``.
    """

    hyperparameters: Mapping[str, str]
    channels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lasts:
    """What makes training last: hyperparameters to merge over the good, channels to replace."""

    hyperparameters: Mapping[str, str]
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """How to train: hyperparameters are the strings that the platform would send.

    ``idle_s`` is the lawful silent time in seconds; ``None`` leaves it to ``limits.yaml``.
    """

    hyperparameters: Mapping[str, str]
    channels: tuple[Channel, ...]
    fault: Fault | None
    lasts: Lasts | None
    yields_model: bool
    idle_s: float | None
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One request to ``/invocations`` that the owner says succeeds."""

    name: str
    content_type: str | None
    accept: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Hosting:
    """How to serve; ``model`` is an absolute path, ``without_model`` says that none is handed over.

    ``startup_s`` is ContainerStartupHealthCheckTimeoutInSeconds, in seconds.
    """

    model: Path | None
    without_model: bool
    startup_s: float | None
    environment: Mapping[str, str]
    requests: tuple[SampleRequest, ...]


@dataclass(frozen=True, slots=True)
class LatencyBounds:
    """The owner's bounds of the 99th percentiles, in milliseconds."""

    ping_p99_ms: float | None
    invocation_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Resources:
    """The owner's bounds of a launch, in bytes and seconds; ``time_s`` is the longest training."""

    memory_bytes: int | None
    pids: int | None
    log_bytes: int | None
    output_bytes: int | None
    time_s: float | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the owner says of a candidate; ``None`` means that nothing was said.

    ``origin`` is ``option``, ``file`` or ``default``. ``sha256`` covers the YAML and every file
    that it names.
    """

    origin: str
    sha256: str | None
    path: Path | None
    claims: frozenset[str] | None
    network: str | None
    training: Training | None
    hosting: Hosting | None
    latency: LatencyBounds
    resources: Resources

    @property
    def declared(self) -> bool:
        """Whether there was a declaration at all."""
        return self.origin != "default"


def nothing_declared() -> Declaration:
    """The declaration of an owner who says nothing."""
    return Declaration(
        origin="default",
        sha256=None,
        path=None,
        claims=None,
        network=None,
        training=None,
        hosting=None,
        latency=LatencyBounds(ping_p99_ms=None, invocation_p99_ms=None),
        resources=Resources(
            memory_bytes=None, pids=None, log_bytes=None, output_bytes=None, time_s=None
        ),
    )


def load(path: Path, *, origin: str) -> Declaration:
    """Read the declaration ``path`` and the files that it names, relative to its folder.

    Raises ``DeclarationError`` for whatever is wrong with it, and nothing else.
    """
    raw = _raw(path)
    problems = _Problems(path)
    document = _document(raw, problems=problems)
    _hold_against_schema(document, problems=problems)
    _hold_against_each_other(document, problems=problems)
    files = _Files(path.absolute().parent, problems=problems)
    latency, resources = _part(document, "latency"), _part(document, "resources")
    claims = _claims(document)
    declaration = Declaration(
        origin=origin,
        sha256=None,
        path=path,
        claims=None if claims is None else frozenset(claims),
        network=_part(document).get("network"),
        training=_training(document, files=files),
        hosting=_hosting(document, files=files),
        latency=LatencyBounds(
            ping_p99_ms=_number(latency.get("ping_p99_ms")),
            invocation_p99_ms=_number(latency.get("invocation_p99_ms")),
        ),
        resources=Resources(
            memory_bytes=_size(resources.get("memory")),
            pids=_whole(resources.get("pids")),
            log_bytes=_size(resources.get("log")),
            output_bytes=_size(resources.get("output")),
            time_s=_number(resources.get("time_s")),
        ),
    )
    problems.raise_if_any()
    return replace(declaration, sha256=files.seal(raw))


# What is wrong with it -------------------------------------------------------------------------


class _Problems:
    """Collects what is wrong with one file, and knows the line of every place in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[tuple[int, Where, str]] = []
        self.lines: dict[Where, int] = {(): 1}

    def add(self, where: Where, text: str, *, line: int | None = None) -> None:
        known = where
        while known not in self.lines:
            known = known[:-1]
        self._found.append((line or self.lines[known], where, text))

    def touch(self, where: Where) -> bool:
        return any(found[: len(where)] == where for _, found, _ in self._found)

    def raise_if_any(self) -> None:
        if not self._found:
            return
        found = sorted(self._found, key=lambda problem: problem[0])
        told = [
            f"{self._path}:{line}: {_dotted(where)}: {text}"
            for line, where, text in found[:_MOST_PROBLEMS]
        ]
        if len(found) > _MOST_PROBLEMS:
            told.append(f"{self._path}: and {len(found) - _MOST_PROBLEMS} more problems")
        raise DeclarationError("\n".join(told))

    def syntax(self, *, line: int, column: int, text: str) -> DeclarationError:
        """The one problem that ends reading at once."""
        return DeclarationError(f"{self._path}:{line}:{column}: {' '.join(text.split())}")


def _dotted(where: Where) -> str:
    plain = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")
    return "$" + "".join(
        f".{part}" if isinstance(part, str) and plain.fullmatch(part) else f"[{_shown(part)}]"
        for part in where
    )


def _shown(value: Any) -> str:
    """The value in one short, harmless line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict() | list():
            kind = "mapping" if isinstance(value, dict) else "list"
            return f"a {kind}" if value else f"an empty {kind}"
        case str() if len(value) > 60:
            return f"{value[:57]!r}..."
        case _:
            return repr(value)


# From text to plain values ---------------------------------------------------------------------


# These values are kept as they are written: 0.10 must not become 0.1, nor yes become true.
_VERBATIM = {
    ("training", "hyperparameters"),
    ("training", "environment"),
    ("training", "fault", "hyperparameters"),
    ("training", "lasts", "hyperparameters"),
    ("hosting", "environment"),
}


class _Loader(yaml.SafeLoader):
    """Composes nodes by the scalar rules of YAML 1.2, without what could make a short text large.

    PyYAML's own rules are those of YAML 1.1, by which 1:30 is 90, 010 is 8 and ``on`` is true.
    Sources: YAML 1.2.2, section 10.3.2 (core schema).
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012  # PyYAML's own name; add_implicit_resolver fills it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # so types-PyYAML has it
        if isinstance(event, yaml.AliasEvent):
            refused = f"the alias *{event.anchor} is not allowed; write the value out"
        elif event.tag is not None:
            refused = f"the tag {event.tag} is not allowed; put text in quotes"
        elif self._depth == _DEEPEST_YAML:
            refused = f"more than {_DEEPEST_YAML} levels"
        elif self._values == _MOST_VALUES:
            refused = f"more than {_MOST_VALUES} keys and values"
        else:
            self._values += 1
            self._depth += 1
            node = super().compose_node(parent, index)
            self._depth -= 1
            return node
        raise yaml.MarkedYAMLError(problem=refused, problem_mark=event.start_mark)


# Leading zeros, infinities and numbers beyond 18 digits are left as text: nothing here needs them.
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?$",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def _raw(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DeclarationError(f"{path}: the declaration cannot be read: {reason}") from error
    if len(raw) > _MOST_TEXT:
        raise DeclarationError(f"{path}: the declaration is larger than 1 MiB")
    return raw


def _document(raw: bytes, *, problems: _Problems) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        raise problems.syntax(
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
            text="not UTF-8",
        ) from error
    node = _node(text, problems=problems)
    return None if node is None else _plain(node, where=(), problems=problems)


def _node(text: str, *, problems: _Problems) -> yaml.Node | None:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise problems.syntax(
            line=before.count("\n") + 1,
            column=error.position - before.rfind("\n"),
            text=f"the character {text[error.position]!a} is not allowed in YAML",
        ) from error
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise problems.syntax(
            line=mark.line + 1 if mark else 1,
            column=mark.column + 1 if mark else 1,
            text=f"not usable YAML: {error.problem or error.context}",
        ) from error
    except (ValueError, OverflowError) as error:  # PyYAML lets "\UFFFFFFFF" reach chr()
        mark = loader.get_mark()
        raise problems.syntax(
            line=mark.line + 1,
            column=mark.column + 1,
            text=f"not usable YAML: {error}",
        ) from error


def _plain(node: yaml.Node, *, where: Where, problems: _Problems) -> Any:
    problems.lines.setdefault(where, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            return _plain_mapping(node, where=where, problems=problems)
        case yaml.SequenceNode():
            return [
                _plain(item, where=(*where, index), problems=problems)
                for index, item in enumerate(node.value)
            ]
        case _:
            return _plain_scalar(node, where=where, problems=problems)


def _plain_mapping(node: yaml.Node, *, where: Where, problems: _Problems) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.add(where, "expected a name before the colon", line=line)
            continue
        key = _text(key_node, where=where, problems=problems)
        place = (*where, key)
        if key in plain:
            first = problems.lines[place]
            problems.add(place, f"this key is already on line {first}", line=line)
            continue
        problems.lines[place] = line
        plain[key] = _plain(value_node, where=place, problems=problems)
    return plain


def _plain_scalar(node: yaml.Node, *, where: Where, problems: _Problems) -> Any:
    text = _text(node, where=where, problems=problems)
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if where[:-1] in _VERBATIM:
        return text
    match kind:
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case _:
            return text


def _text(node: yaml.Node, *, where: Where, problems: _Problems) -> str:
    text: str = node.value
    if _SURROGATE.search(text):
        line = node.start_mark.line + 1
        problems.add(where, "half of a surrogate pair; write the character itself", line=line)
        return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text


# What the values must be -----------------------------------------------------------------------


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def _hold_against_schema(document: Any, *, problems: _Problems) -> None:
    validator = Draft202012Validator(specs.read_schema("declaration"))
    for error in validator.iter_errors(document):
        where = tuple(error.absolute_path)
        instance: Any = error.instance
        if error.validator == "additionalProperties":
            schema: Any = error.schema
            known = list(schema["properties"])
            for key in [key for key in instance if key not in known]:
                problems.add((*where, key), f"unknown key; {_nearest(key, known)}")
        elif "propertyNames" in error.absolute_schema_path:
            problems.add((*where, instance), f"expected {_expected(error)} as the key")
        elif error.validator == "oneOf":
            if isinstance(instance, dict):  # anything else has failed its type already
                problems.add(where, _one_of(error))
        else:
            problems.add(where, f"expected {_expected(error)}, got {_shown(instance)}")


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"did you mean {_shown(near[0])}?"
    return f"known here: {', '.join(_shown(name) for name in known[:20]) or 'none'}"


def _expected(error: ValidationError) -> str:
    """What the schema wants, in words: its title, or else what the failed keyword says."""
    wanted: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "enum":
            words = "one of " + ", ".join(wanted)
        case "dependentRequired":
            words = ", ".join(f"'{key}' only beside '{need}'" for key, (need,) in wanted.items())
        case "uniqueItems":
            words = "no entry twice"
        case _ if "title" in schema:
            words = schema["title"]
        case "type":
            words = _KINDS[wanted]
        case "minimum":
            words = f"at least {wanted}"
        case "maximum":
            words = f"at most {wanted}"
        case "minItems":
            words = "at least one entry"
        case "maxProperties":
            words = f"at most {wanted} entries"
        case keyword:
            raise AssertionError(f"the schema uses {keyword} without a title")
    return words


def _one_of(error: ValidationError) -> str:
    choices: Any = error.validator_value
    instance: Any = error.instance
    names = [name for choice in choices for name in choice["required"]]
    present = [name for name in names if name in instance]
    return f"expected exactly one of {', '.join(names)}, got {' and '.join(present) or 'none'}"


def _hold_against_each_other(document: Any, *, problems: _Problems) -> None:
    claims = _claims(document)
    if claims is not None and not problems.touch(("claims",)):
        for section in ("training", "hosting"):
            if section in document and section not in claims:
                text = f"the claims do not name {section}: add it to them or remove this section"
                problems.add((section,), text)
        if "tuning" in claims and "training" not in claims:
            problems.add(("claims",), "tuning needs training among the claims")
    _look_at_fault(document, problems=problems)
    names: set[str] = set()
    for index, name in enumerate(_request_names(document)):
        if name in names:
            problems.add(("hosting", "requests", index), f"another request is named {_shown(name)}")
        names.add(name)
    memory = _size(_part(document, "resources").get("memory"))
    if memory is not None and memory < _LEAST_MEMORY:
        problems.add(("resources", "memory"), "expected at least 6m, or no container can be made")


def _look_at_fault(document: Any, *, problems: _Problems) -> None:
    fault = _part(document, "training", "fault")
    if not fault:
        return
    channels = _part(document, "training").get("channels")
    spoilt = _part(document, "training", "fault", "channels")
    for name in spoilt:
        if isinstance(channels, dict) and name not in channels:
            text = f"training has no such channel; {_nearest(name, list(channels))}"
            problems.add(("training", "fault", "channels", name), text)
    good = _part(document, "training", "hyperparameters")
    bad = _part(document, "training", "fault", "hyperparameters")
    if not spoilt and good | bad == good and not problems.touch(("training", "fault")):
        text = "this is the training that succeeds; name a value or a channel that differs"
        problems.add(("training", "fault"), text)


# From plain values to the declaration ----------------------------------------------------------
# What follows also meets values that the schema has refused: it must not fail on them, and what it
# makes of them is never handed out.


def _part(document: Any, *keys: str) -> dict[str, Any]:
    """The mapping at ``keys``; an empty one where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _claims(document: Any) -> list[str] | None:
    claims = _part(document).get("claims")
    if not isinstance(claims, list):
        return None
    return [claim for claim in claims if isinstance(claim, str)]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _size(value: Any) -> int | None:
    found = re.fullmatch(r"([0-9]{1,15})([bkmg])", str(value).lower())
    return int(found[1]) * _UNITS[found[2]] if found else None


def _requests(document: Any) -> list[dict[str, Any]]:
    requests = _part(document, "hosting").get("requests")
    if not isinstance(requests, list):
        return []
    return [request if isinstance(request, dict) else {} for request in requests]


def _request_names(document: Any) -> list[str]:
    return [
        str(request.get("name", f"request-{number}"))
        for number, request in enumerate(_requests(document), start=1)
    ]


def _training(document: Any, *, files: _Files) -> Training | None:
    said = _part(document).get("training")
    if not isinstance(said, dict):
        return None
    return Training(
        hyperparameters=_part(said, "hyperparameters"),
        channels=_channels(document, where=("training", "channels"), files=files),
        fault=Fault(
            hyperparameters=_part(said, "fault", "hyperparameters"),
            channels=_part(said, "fault", "channels"),
        )
        if "fault" in said
        else None,
        lasts=Lasts(
            hyperparameters=_part(said, "lasts", "hyperparameters"),
            channels=_channels(document, where=("training", "lasts", "channels"), files=files),
        )
        if "lasts" in said
        else None,
        yields_model=said.get("yields_model", True),
        idle_s=_number(said.get("idle_s")),
        environment=_part(said, "environment"),
    )


def _channels(document: Any, *, where: tuple[str, ...], files: _Files) -> tuple[Channel, ...]:
    return tuple(
        Channel(
            name=name,
            content_type=_part(said).get("content_type"),
            files=_channel_files(said, where=(*where, name), files=files),
        )
        for name, said in _part(document, *where).items()
    )


def _channel_files(said: Any, *, where: Where, files: _Files) -> tuple[tuple[str, bytes], ...]:
    match said:
        case {"path": str(path)}:
            return files.tree(path, where=(*where, "path"))
        case {"data": str(text)}:
            media_type = str(said.get("content_type")).partition(";")[0].strip().lower()
            name = said.get("file", f"data{_ENDINGS.get(media_type, '')}")
            return ((name, text.encode()),)
        case _:
            return ()


def _hosting(document: Any, *, files: _Files) -> Hosting | None:
    said = _part(document).get("hosting")
    if not isinstance(said, dict):
        return None
    model = said.get("model")
    served = isinstance(model, str) and model != "none"
    return Hosting(
        model=files.archive(str(model), where=("hosting", "model")) if served else None,
        without_model=model == "none",
        startup_s=_number(said.get("startup_s")),
        environment=_part(said, "environment"),
        requests=tuple(
            SampleRequest(
                name=name,
                content_type=request.get("content_type"),
                accept=request.get("accept"),
                body=_body(request, where=("hosting", "requests", index), files=files),
            )
            for index, (name, request) in enumerate(
                zip(_request_names(document), _requests(document), strict=True)
            )
        ),
    )


def _body(request: dict[str, Any], *, where: Where, files: _Files) -> bytes:
    match request:
        case {"body": str(text)}:
            return text.encode()
        case {"body_path": str(path)}:
            return files.one(path, where=(*where, "body_path"))
        case {"body_base64": str(text)}:
            return files.decoded(text, where=(*where, "body_base64"))
        case _:
            return b""


class _Files:
    """Turns what a declaration names into bytes, within one bound; keeps a digest of each file."""

    def __init__(self, folder: Path, *, problems: _Problems) -> None:
        self._folder = folder
        self._problems = problems
        self._bytes_left = _MOST_BYTES
        self._entries_left = _MOST_ENTRIES
        self._digests: list[bytes] = []

    def seal(self, raw: bytes) -> str:
        """The SHA-256 of the declaration ``raw`` together with every file that was read."""
        return hashlib.sha256(hashlib.sha256(raw).digest() + b"".join(self._digests)).hexdigest()

    def one(self, name: str, *, where: Where) -> bytes:
        """The content of one file."""
        with self._reported(name, where=where) as path:
            return self._content(path, label=(*where, path.name))
        return b""

    def tree(self, name: str, *, where: Where) -> tuple[tuple[str, bytes], ...]:
        """A file, or all files of a folder, with their names relative to it."""
        with self._reported(name, where=where) as path:
            paths = {path.name: path}
            if path.is_dir():
                inside = self._below(path, root=_real(path), above=())
                paths = {file.relative_to(path).as_posix(): file for file in inside}
            if not paths:
                raise ValueError("the folder has no files")
            return tuple(
                (label, self._content(file, label=(*where, label))) for label, file in paths.items()
            )
        return ()

    def archive(self, name: str, *, where: Where) -> Path | None:
        """The path of a file that may be too large to hold."""
        with self._reported(name, where=where) as path:
            _regular_size(path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            self._remember(digest, label=(*where, path.name))
            return path
        return None

    def decoded(self, text: str, *, where: Where) -> bytes:
        """The bytes that Base64 stands for; line breaks in it do not count."""
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except ValueError as error:
            self._problems.add(where, f"expected text in Base64: {error}")
            return b""

    @contextmanager
    def _reported(self, name: str, *, where: Where) -> Iterator[Path]:
        path = self._folder / name
        try:
            yield path
        except OSError as error:
            culprit = str(error.filename or path)
            self._problems.add(where, f"cannot read {culprit!r}: {error.strerror}")
        except ValueError as error:
            self._problems.add(where, f"cannot use {str(path)!r}: {error}")

    def _below(self, folder: Path, *, root: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        real = _real(folder)
        if real in above:
            raise ValueError(f"the link {folder.name!r} leads back to a folder above it")
        if len(above) == _DEEPEST_FOLDER:
            raise ValueError(f"more than {_DEEPEST_FOLDER} folders below each other")
        for entry in sorted(folder.iterdir()):
            self._entries_left -= 1
            if self._entries_left < 0:
                raise ValueError(f"more than {_MOST_ENTRIES} files and folders in all")
            if _SURROGATE.search(entry.name):
                raise ValueError(f"the file name {entry.name!r} is not UTF-8")
            if entry.is_symlink() and not _real(entry).is_relative_to(root):
                raise ValueError(f"the link {entry.name!r} leads out of the folder")
            if entry.is_dir():
                yield from self._below(entry, root=root, above=(*above, real))
            else:
                yield entry

    def _content(self, path: Path, *, label: Where) -> bytes:
        size = _regular_size(path)
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ValueError(f"all named files together have more than {_MOST_BYTES} bytes")
        with path.open("rb") as file:
            content = file.read(size)
        self._remember(hashlib.sha256(content).digest(), label=label)
        return content

    def _remember(self, digest: bytes, *, label: Where) -> None:
        self._digests += [hashlib.sha256(repr(label).encode()).digest(), digest]


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path, strict=True))


def _regular_size(path: Path) -> int:
    """Refuses what could block or never end, such as a pipe or a device."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path.name!r} is not a regular file")
    return found.st_size
