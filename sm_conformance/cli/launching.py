"""``init``, ``serve`` and ``train``: what launches an image without judging it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sm_conformance.cli.options import add_claims, claims_of, interrupted, unable
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.pytest_run.termination import Termination


def add_init(commands: Any) -> None:
    """Adds ``init``."""
    init = commands.add_parser(
        "init",
        help="write a first declaration by looking at an image",
        description="Writes a first sm-conformance.yaml by looking: reads the image's labels and its "
        "program, and tries some trainings and requests, isolated and bounded. It asks nothing, with "
        "a terminal or without one; what it guessed is marked, and only what was seen to work is "
        "claimed. Status 3: nothing could be claimed.",
    )
    init.add_argument("image", metavar="REPO:TAG", help="the image to look at")
    init.add_argument("-o", "--output", metavar="FILE", default="sm-conformance.yaml",
                      help="write it there (default: sm-conformance.yaml); - is stdout")  # fmt: skip
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.add_argument("--model-data", metavar="FILE", help="serve this model.tar.gz")
    init.add_argument("--patience", metavar="SECONDS", type=float, default=300.0,
                      help="how long one training may take (default: 300)")  # fmt: skip
    init.set_defaults(run=_init, command="init")


def add_holding(commands: Any) -> None:
    """Adds ``serve`` and ``train``."""
    serve = commands.add_parser(
        "serve",
        help="start a server as the suite does and hold it open",
        description="Starts a server exactly as the suite does, waits until /ping answers 200, says "
        "where it is and how to ask it, and shows its log until Ctrl-C. Without --model-data it is "
        "given the declared model, or one that is trained first. Status 0: you ended it; 1: it "
        "ended by itself, or did not become ready.",
    )
    serve.add_argument("--model-data", metavar="FILE", help="serve this model.tar.gz")
    train = commands.add_parser(
        "train",
        help="run one training as the suite does and keep what it left",
        description="Runs one ordinary training exactly as the suite does, shows its log, and hands "
        "over what it left: DIR/model, DIR/output, and DIR/model.tar.gz as the platform makes it. "
        "Status 0: it exited with 0; 1: it did not; 3: that was not known in time.",
    )
    train.add_argument("--out", metavar="DIR", required=True, help="put what it left there")
    train.add_argument("--patience", metavar="SECONDS", type=float,
                       help="how long it may take (default: 600)")  # fmt: skip
    for command in (serve, train):
        command.add_argument("image", metavar="REPO:TAG", help="the image to start")
        add_claims(command)
    serve.set_defaults(run=_launch, command="serve", out=None, patience=None)
    train.set_defaults(run=_launch, command="train", model_data=None)


def _init(options: argparse.Namespace) -> int:
    from sm_conformance.engine.docker import DockerEngine
    from sm_conformance.first_look.command import Wish, init

    wish = Wish(
        image=options.image,
        output=options.output,
        force=options.force,
        model_data=None if options.model_data is None else Path(options.model_data),
        patience_s=options.patience,
    )

    def run(_: Termination) -> int:
        return 0 if init(wish, engine=DockerEngine) else ExitStatus.INCONCLUSIVE

    return _bounded(options.command, run, when_interrupted="nothing was written")


def _launch(options: argparse.Namespace) -> int:
    """``serve`` and ``train``."""
    from sm_conformance.engine.docker import DockerEngine
    from sm_conformance.hold_open.command import Wish, launch

    wish = Wish(
        command=options.command,
        image=options.image,
        claims=claims_of(options),
        model_data=options.model_data,
        out=options.out,
        patience_s=options.patience,
    )

    def run(termination: Termination) -> int:
        return launch(wish, engine=DockerEngine, hold_off=termination.hold_off)

    return _bounded(options.command, run, when_interrupted="what was launched is removed")


def _bounded(command: str, run: Callable[[Termination], int], *, when_interrupted: str) -> int:
    """Runs what launches containers, so that it removes them also when it is told to end."""
    termination = Termination()
    termination.watch()
    try:
        return run(termination)
    except (UsageProblem, HarnessTrouble) as error:
        return unable(command, error)
    except KeyboardInterrupt:
        return interrupted(command, when_interrupted)
    finally:
        termination.release()
