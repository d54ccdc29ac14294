"""The commands ``serve`` and ``train``: from what the user asked for to an exit status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import UsageProblem
from sm_conformance.hold_open.serving import serve
from sm_conformance.hold_open.training import train
from sm_conformance.rules import Options

_NOT_AWS = ("declaration", "s3")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for; ``claims`` has the declaration and the requests to AWS by option.

    ``model_data`` belongs to ``serve``, ``out`` and ``patience_s`` (seconds) to ``train``.
    """

    command: Literal["serve", "train"]
    image: str
    claims: Mapping[str, str]
    model_data: str | None = None
    out: str | None = None
    patience_s: float | None = None


def launch(wish: Wish, *, engine: Callable[[], Engine], hold_off: Callable[[], None]) -> int:
    """Does it; the exit status. ``hold_off`` keeps signals away from the end, which has begun.

    Raises UsageProblem for what the user can mend, HarnessTrouble when the engine fails, and
    KeyboardInterrupt where there is nothing to show for it. What was launched is gone in any case.
    """
    said = {**wish.claims, "model-data": wish.model_data, "out": wish.out}
    for name, value in said.items():
        if value == "":
            raise UsageProblem(f"--{name} is empty; leave it out or name something")
    paths = {name: Path(value) for name, value in said.items() if value is not None}
    aws = {name: Path(path) for name, path in wish.claims.items() if name not in _NOT_AWS}
    options = Options(
        image=wish.image,
        declaration=paths.get("declaration"),
        model_data=paths.get("model-data"),
        patience_s=wish.patience_s,
        aws=aws,
        s3=paths.get("s3"),
    )
    try:
        if wish.command == "serve":
            return serve(options, engine=engine, hold_off=hold_off)
        return train(options, paths["out"], engine=engine, hold_off=hold_off)
    except UsageProblem as error:
        # Of the plugin's options these commands have the same under shorter names.
        raise UsageProblem(str(error).replace("--sm-", "--")) from error
