"""One judging run inside pytest: what its plugins share.

The plugins are ``collecting``, ``judging`` and ``ending``, each in the module of that name.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.inputs.scenario import load
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.judgement.shadow import comparison, not_compared
from sm_conformance.laboratory import shadow
from sm_conformance.laboratory.halves import excuse
from sm_conformance.observed.run import Cause, Server, TrainRun
from sm_conformance.observed.shadow import Shadow
from sm_conformance.pytest_run.answering import Answers
from sm_conformance.pytest_run.options import options_of
from sm_conformance.pytest_run.terminal import Progress
from sm_conformance.pytest_run.termination import Termination
from sm_conformance.rules import read_rules
from sm_conformance.run_folder import RunFolder
from sm_conformance.secrecy.mask import Mask
from sm_conformance.session import Session, baseline_facts, open_session

SUITE = Path(__file__).resolve().parent.parent / "suite"
_LOOK_S = 0.2
RUN_KEY: pytest.StashKey[PytestRun] = pytest.StashKey()


class PytestRun:
    """Who is judged, by which rules, on which engine, and what the scenarios showed.

    Open from the start, but for a run that only collects, to :meth:`close`. ``handed`` is what the
    controlling process gave a worker of xdist; None in the process that the user started.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = options_of(config)
        self.handed: dict[str, Any] | None = getattr(config, "workerinput", None)
        self._session: Session | None = None
        # Hides the candidate's secrets; it outlives the session.
        self.mask = Mask()
        # Where results are kept; None in workers, and where nothing is judged.
        self.answers: Answers | None = None
        # The last result, where the user asked for it and there is one: ``judged_at``, ``report``.
        self.last: dict[str, Any] | None = None
        self._own_folder: RunFolder | None = None
        self._termination = Termination()
        self._shadow: Future[Shadow] | None = None
        try:
            self.rules = read_rules(self.options)
            if self.handed is None:
                self._own_folder = RunFolder(self.options.report)
            if not config.option.collectonly:
                self._open()
        except UsageProblem as error:
            raise pytest.UsageError(str(error)) from None
        except KeyboardInterrupt:
            said = "sm-conformance: interrupted before anything was judged"
            pytest.exit(said, returncode=ExitStatus.INTERRUPTED)
        except HarnessTrouble as error:
            pytest.exit(f"sm-conformance: {error}", returncode=ExitStatus.INCONCLUSIVE)

    def _open(self) -> None:
        try:
            engine = self._engine()
            self._termination.watch()
            try:
                if self._own_folder is not None:
                    self._own_folder.begin()
                self._session = open_session(self.options, self.rules, engine, folder=self.folder)
                self.rules = self._session.rules  # an image may carry its declaration
                self.mask = self._session.mask
                self._look_back(self._session)
            except BaseException:
                engine.close()
                self._termination.release()
                raise
        except BaseException:
            self.leave_folder(keep=False)
            raise

    def _look_back(self, session: Session) -> None:
        """Takes the last result on the same question, where it is asked for; workers are handed it."""
        if self.handed is not None:
            self.last = json.loads(self.handed["sm_last"])
            return
        self.answers = Answers(session)
        if self.options.cached:
            self.last = self.answers.last()

    def _engine(self) -> Engine:
        if self.options.archive is not None or self.options.registry:
            return self._at_rest()
        run_id = self.handed["sm_run_id"] if self.handed else None
        brought: Engine | None = self.config.hook.pytest_sm_engine(
            config=self.config, run_id=run_id
        )
        if brought is not None:
            return brought
        from sm_conformance.engine.docker import DockerEngine

        return DockerEngine(run_id=run_id)

    def _at_rest(self) -> Engine:
        """The images in an archive or a registry; no engine is asked for them."""
        from sm_conformance.at_rest.engine import AtRest

        options = self.options
        if options.archive is None:
            try:
                from sm_conformance.at_rest.remote import InRegistry
            except ModuleNotFoundError as error:
                needs = f"--sm-registry needs {error.name}: pip install 'sm-conformance[certify]'"
                raise UsageProblem(needs) from error
            from sm_conformance.engine.credentials import credentials

            return AtRest(InRegistry(credentials=credentials))
        from sm_conformance.at_rest.archived import InArchive

        archive = InArchive(options.archive)
        try:
            if not (options.image or options.train_image or options.serve_image):
                self.options = replace(options, image=archive.only())
        except BaseException:
            archive.close()
            raise
        return AtRest(archive)

    @property
    def folder(self) -> Path:
        """Where the run writes; workers write where the process does that started them."""
        if self._own_folder is not None:
            return self._own_folder.path
        assert self.handed is not None
        return Path(self.handed["sm_folder"])

    @property
    def is_open(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def session(self) -> Session:
        """The open session. Raises HarnessTrouble while only collecting."""
        if self._session is None:
            raise HarnessTrouble("nothing is launched while tests are only collected")
        return self._session

    @property
    def claims(self) -> frozenset[str]:
        """The jobs that the candidate claims; while only collecting, those that were declared."""
        if self._session is not None:
            return self._session.candidate.claims
        declared = self.rules.declaration.claims
        return declared if declared is not None else frozenset({"training", "hosting"})

    def claimed(self, scenario: str) -> bool:
        """Whether the candidate claims the job that a scenario is of."""
        return self.job(scenario) in self.claims

    def job(self, scenario: str) -> str:
        """The job that a scenario is of, as it is claimed."""
        return {"train": "training", "serve": "hosting"}[load(scenario).kind]

    def observation(self, scenario: str) -> TrainRun | Server | Cause | None:
        """What a scenario showed, None of a job that is not claimed; shows what is waited for."""
        if not self.claimed(scenario):
            return None
        lab = self.session.lab
        progress = Progress(self.config, self.rules.limits)
        try:
            while not lab.ready(scenario, 0.2):
                progress.show(lab.going())
        finally:
            progress.clear()
        return self._as_it_counts(scenario, lab.observe(scenario))

    def _as_it_counts(
        self, scenario: str, observed: TrainRun | Server | Cause
    ) -> TrainRun | Server | Cause:
        """The observation with its cause as it counts where no claims were declared."""
        cause = observed if isinstance(observed, Cause) else observed.cause
        if cause is None or self.session.candidate.claims_are_declared:
            return observed
        excused = excuse(self.session.lab, scenario, cause)
        return excused if isinstance(observed, Cause) else replace(observed, cause=excused)

    def compare(self) -> None:
        """Begins the comparison with an earlier image, where one was named."""
        if self.options.baseline is not None:
            lab = self.session.lab
            self._shadow = lab.submit(lambda bench: shadow.compare(bench, lab.observe))

    def await_comparison(self) -> None:
        """Waits for its end, if it has begun here."""
        if self._shadow is None:
            return
        progress = Progress(self.config, self.rules.limits)
        try:
            while not self._shadow.done():
                progress.say(f"comparing with {self.options.baseline}")
                wait([self._shadow], timeout=_LOOK_S)
        finally:
            progress.clear()

    def comparison(self) -> dict[str, Any] | None:
        """What it came to, for the report; None where none has begun here."""
        image = baseline_facts(self.session)
        if self._shadow is None or image is None:
            return None
        if not self._shadow.done():
            return not_compared("the run ended before", image)
        error = self._shadow.exception()
        if error is not None:
            return not_compared(f"the harness was in trouble: {error}", image)
        return comparison(self._shadow.result(), image)

    def no_comparison(self) -> dict[str, Any] | None:
        """What stands in the report where a comparison was asked for and none has begun."""
        image = baseline_facts(self.session)
        return None if image is None else not_compared("no clause was judged", image)

    def hold_off(self) -> None:
        """From now on nobody breaks the end of the run off."""
        self._termination.hold_off()

    def close(self) -> None:
        """Removes what the run made; an engine that is away cannot be helped, but is told."""
        if self._session is None:
            return
        self._termination.hold_off()
        try:
            self._session.close()
        except HarnessTrouble as error:
            left = "what is left on the engine goes with the next run"
            sys.stderr.write(f"sm-conformance: {left}: {error}\n")
        finally:
            self._session = None
            self._termination.release()

    def leave_folder(self, *, keep: bool) -> None:
        """Ends the use of the folder; only the process that the user started does so.

        By now nobody needs what launches left as it was, so that secrets are hidden in it.
        """
        if self._own_folder is None:
            return
        stays = keep or not self._own_folder.is_temporary
        for path in self._own_folder.hide(self.mask) if stays else ():
            sys.stderr.write(f"sm-conformance: {path} holds a secret, so it is removed\n")
        self._own_folder.leave(keep=keep)
