"""The lawful miniature: it averages columns and answers 0. Its parts, for liars to borrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from email.message import Message

from miniatures.container import Miniature
from miniatures.inside import Answer, Inside, Invocation, Ping, Program

MODEL = "model/means.json"
TYPES = ("text/csv", "application/json")
_ROUND_S = 0.002

Step = Callable[[Inside], None]


def hyperparameters(inside: Inside) -> dict[str, str]:
    """The content of hyperparameters.json."""
    text = (inside.root / "input/config/hyperparameters.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def rows(inside: Inside) -> list[list[float]]:
    """All rows of the channel ``training``. Raises ValueError when there are none."""
    folder = inside.root / "input/data/training"
    found = [
        [float(cell) for cell in line.split(",")]
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for line in file.read_text("utf-8").splitlines()
    ]
    if not found:
        raise ValueError("no rows of data")
    return found


def check(inside: Inside) -> None:
    """Raises ValueError for a hyperparameter outside of what is declared of it."""
    given = hyperparameters(inside)
    if not 1 <= int(given.get("layers", "3")) <= 8:
        raise ValueError("layers must be 1 to 8")
    # Text may come with the quotes of JSON.
    if given.get("loss", "squared").strip('"') not in ("squared", "absolute"):
        raise ValueError("loss must be squared or absolute")


def fit(inside: Inside) -> None:
    """Leaves a model, where the hyperparameters are lawful."""
    check(inside)
    average(inside)


def average(inside: Inside) -> None:
    """Leaves a model; ends early, with what there is, when asked to stop."""
    table = rows(inside)
    for _ in range(int(hyperparameters(inside).get("rounds", "1"))):
        if inside.asked_to_stop.wait(_ROUND_S):
            inside.sleep(0)
            break
    means = [sum(column) / len(column) for column in zip(*table, strict=True)]
    (inside.root / MODEL).write_text(json.dumps(means), "utf-8")


def write_failure(inside: Inside, reason: str) -> None:
    """Says why training failed."""
    (inside.root / "output/failure").write_text(reason, "utf-8")


def training(
    *steps: Step,
    before: Step | None = None,
    after: Step | None = None,
    on_failure: Callable[[Inside, str], None] = write_failure,
    failing_code: int = 1,
    quiet: bool = False,
) -> Program:
    """A training of ``steps`` (by default, the fitting), with what a liar does before or after."""

    def train(inside: Inside) -> int:
        if not quiet:
            inside.say("training starts")
        try:
            for step in (before, *(steps or (fit,)), after):
                if step is not None:
                    step(inside)
        except Exception as error:  # noqa: BLE001 - a training reports every failure
            if not quiet:
                inside.complain_of(error)
            on_failure(inside, f"{type(error).__name__}: {error}")
            return failing_code
        return 0

    return train


def ping(_: Message) -> int:
    """Healthy."""
    return 200


def invocation(headers: Message, body: bytes) -> Answer:
    """One 0 for each row of CSV or JSON; 415 for another type, 400 for a body that is neither."""
    kind = headers.get("Content-Type", "").partition(";")[0]
    if kind not in TYPES:
        return 415, "text/plain", b"unknown type\n"
    try:
        text = body.decode("utf-8")
        table = json.loads(text) if kind == "application/json" else _csv(text)
        count = len([[float(cell) for cell in row] for row in table])
        if not count:
            raise ValueError("no rows")
    except (ValueError, TypeError) as error:
        return 400, "text/plain", f"{error}\n".encode()
    return 200, kind, json.dumps([0] * count).encode() if "json" in kind else b"0\n" * count


def _csv(text: str) -> list[list[str]]:
    return [line.split(",") for line in text.splitlines() if line.strip()]


def load(inside: Inside) -> None:
    """Reads the model, where one was handed over. Raises OSError when the folder has none."""
    if (inside.root / "model").exists():
        json.loads((inside.root / MODEL).read_text("utf-8"))


def serving(
    *,
    before: Step | None = None,
    ping: Ping = ping,
    invocation: Invocation = invocation,
    body_limit: int | None = None,
    manners: type | None = None,
) -> Program:
    """A server that loads the model and answers, with what a liar does before it listens."""

    def serve(inside: Inside) -> int:
        inside.say("server starts")
        if before is not None:
            before(inside)
        load(inside)
        inside.serve(ping, invocation, body_limit=body_limit, manners=manners)
        return 0

    return serve


LAWFUL = Miniature(story="It keeps every clause.", train=training(), serve=serving())


def lawful_but(story: str, **parts: object) -> Miniature:
    """Lawful but for ``parts``, fields of :class:`Miniature`."""
    return replace(LAWFUL, story=story, **parts)  # type: ignore[arg-type]


def trains(*steps: Step, story: str, **how: object) -> Miniature:
    """A lawful server behind a training of ``steps``; ``how`` as in :func:`training`."""
    return replace(LAWFUL, story=story, train=training(*steps, **how))  # type: ignore[arg-type]


def serves(story: str, **how: object) -> Miniature:
    """A lawful training before a server; ``how`` as in :func:`serving`."""
    return replace(LAWFUL, story=story, serve=serving(**how))  # type: ignore[arg-type]


def afresh(make: Callable[[], Program]) -> Program:
    """A program that remembers nothing of its other launches."""

    def program(inside: Inside) -> int:
        return make()(inside)

    return program
