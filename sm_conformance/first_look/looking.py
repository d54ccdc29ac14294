"""Looks at an image from its labels to its answers, and puts together what was seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sm_conformance.engine.protocol import Engine, NoSuchImage
from sm_conformance.errors import UsageProblem
from sm_conformance.first_look.data import COLUMNS
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.drafting import draft
from sm_conformance.first_look.files import read_program
from sm_conformance.first_look.hosting import Asking, Served
from sm_conformance.first_look.reading import Reading, read
from sm_conformance.first_look.refining import Refined, refine
from sm_conformance.first_look.training import Attempt, Tried, find_training, try_usual
from sm_conformance.first_look.trials import Trials, awaited
from sm_conformance.laboratory.hidden import mask_of
from sm_conformance.laboratory.trained import model_archive
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.run import Ending

_NO_TRAIN = "there is no ENTRYPOINT, and no program `train` on PATH"
# A server without a model is only tried beside the trainings; where it is all there is, it gets more.
_BESIDE_S = 45.0
_READY_S = 240.0


def look(
    engine: Engine,
    reference: str,
    *,
    folder: Path,
    patience_s: float,
    model: Path | None,
    written_model: str | None,
    say: Callable[[str], None],
) -> Draft:
    """What can be seen of the image ``reference``; the engine is closed in any case.

    ``folder`` takes what launches leave. ``model`` is an archive to serve, ``written_model`` its
    path as a declaration shall have it. ``say`` is told what is going on. Raises UsageProblem for an
    image that is not there and HarnessTrouble when the engine fails.
    """
    try:
        image = _inspected(engine, reference)
        mask = mask_of(engine, [image])
        say("reading the program")
        program = read_program(engine, image, folder=folder)
        trials = Trials(engine, image, folder=folder, patience_s=patience_s)
    except BaseException:
        engine.close()
        raise
    try:
        reading = read(program.texts)
        servers = _Servers(trials, reading, model)
        tried: Tried | str = _NO_TRAIN
        refined: Refined | None = None
        if "train" not in program.missing:
            say("trying to train")
            usual = try_usual(trials, reading)
            if not usual.best.worth:
                servers.without_training()
            tried = find_training(trials, reading, usual)
            if tried.best.worth == 2:
                servers.with_trained(tried.best)
                say("trying what training needs, what makes it fail and what makes it last")
                refined = refine(trials, reading, tried)
        say("trying to serve")
        made = draft(image, reading, tried, refined, servers.best(), model=written_model)
        return made.hidden(mask)
    finally:
        trials.close()


def _inspected(engine: Engine, reference: str) -> ImageFacts:
    try:
        return engine.image(reference)
    except NoSuchImage as error:
        raise UsageProblem(
            f"the engine has no image {reference!r}; build it, or run: docker pull {reference}"
        ) from error


class _Servers:
    """The servers that are tried, each at most once and only where it is needed."""

    def __init__(self, trials: Trials, reading: Reading, model: Path | None) -> None:
        self._trials = trials
        self._reading = reading
        self._model = model
        self._plain: Callable[[], Served] | None = None
        self._trained: Callable[[], Served] | None = None

    def without_training(self) -> Callable[[], Served]:
        """Starts the one with the user's model, or with none."""
        if self._plain is None:
            self._plain = self._start(self._model, patience_s=_BESIDE_S)
        return self._plain

    def with_trained(self, trained: Attempt) -> None:
        """Starts the one with what a training left, unless the user gave a model."""
        if self._model is None:
            self._trained = self._start(
                model_archive(trained.run),
                patience_s=_READY_S,
                features=trained.plan.table.features,
            )

    def best(self) -> Served:
        """The server to speak of: with what training left if that works, else the other one."""
        if self._trained is not None:
            trained = self._trained()
            if trained.works:
                return trained
            plain = self.without_training()()
            return plain if plain.works else trained
        plain = self.without_training()()
        server = plain.server
        if server.ready or server.ending is not Ending.PATIENCE:
            return plain
        if server.answered and self._model is None:
            return plain  # it is there and says no: waiting gives it no model
        return self._start(self._model, patience_s=_READY_S)()

    def _start(
        self, model: Path | None, *, patience_s: float, features: tuple[str, ...] = ()
    ) -> Callable[[], Served]:
        """What is returned waits for the server."""
        asking = Asking(reading=self._reading, columns=COLUMNS, features=features)
        server = self._trials.serve(model=model, ask=asking, patience_s=patience_s)
        return lambda: Served(server=awaited(server), asking=asking, model=model)
