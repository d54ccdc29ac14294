"""What one launch turned into: a training run or a server, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from pathlib import Path

from sm_conformance.observed.bereft import Bereft
from sm_conformance.observed.facts import Exit, Listener, StartProblem
from sm_conformance.observed.harm import Harm
from sm_conformance.observed.http import Address, Reply, printable
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.load import Load
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.output import OutputTree
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.sought import NOTHING_SOUGHT, Sought
from sm_conformance.observed.transformed import Transformed
from sm_conformance.observed.tried import Tried
from sm_conformance.observed.written import Written


class Stage(IntEnum):
    """How far a launch came. A clause that needs a stage is not judged when it was not reached."""

    NOTHING = 0
    STARTED = 1  # the program runs
    GOOD = 2  # training exited with 0; the server's /ping said 200
    ANSWERED = 3  # a good request was answered with 2xx


class Ending(StrEnum):
    """How a launch came to its end."""

    EXITED = "exited"  # by itself, or obeying a signal
    NEVER_STARTED = "never-started"
    IDLE = "idle"  # neither processor time nor output for too long
    SERVING = "serving"  # a server was started where a training was asked for
    PATIENCE = "patience"  # still working when the harness stopped waiting
    STOPPED = "stopped"  # by the harness, when it had seen what it came for


@dataclass(frozen=True, slots=True)
class Stop:
    """What SIGTERM did. ``seconds`` is None when the container had to be killed.

    ``dropped``: its first process neither catches SIGTERM nor waits for it, so the kernel threw the
    signal away. ``first_process`` and ``others`` are commands, as the engine listed them.
    """

    sent: bool
    seconds: float | None
    exit: Exit | None
    limit_s: float
    dropped: bool
    first_process: str
    others: tuple[str, ...]
    # How long the container had been going when the signal was sent, seconds.
    after_s: float
    why_not_sent: str = ""
    # It was not sent because nothing showed that the training was going.
    silent: bool = False

    @property
    def obeyed(self) -> bool:
        return self.seconds is not None and self.seconds <= self.limit_s


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a launch that should have succeeded did not: ``missed`` is the stage it did not reach.

    ``blames`` is the key of the broken clause; None when nobody can be blamed, and then ``actual``
    is the reason why clauses are not run.
    """

    missed: Stage
    blames: str | None
    expected: str
    actual: str
    # What to do, where the clause's own words about it do not fit.
    fix: str | None = None
    # Whether a promise was broken by it; false where the launch was no ordinary one.
    ordinary: bool = True
    # The commands that show it, where those that start the launch and ping it do not.
    repeat: str | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """What trainings with examples of hyperparameter values showed; equal values count once.

    ``unknown`` says of those of which nothing is known why. ``counterexample`` has the values of the
    first that did not end as it should, made simpler, which is the run that this belongs to, and
    ``handed`` is the hyperparameters.json of that run; both are None where there is none.
    """

    tried: int
    unknown: tuple[str, ...]
    counterexample: Mapping[str, str] | None
    handed: str | None
    # Another job that cannot succeed ended with 0 as well.
    never_fails: bool = False


@dataclass(frozen=True, slots=True)
class TrainRun:
    """A training job that is over."""

    scenario: str
    ending: Ending
    exit: Exit | None
    problem: StartProblem | None
    seconds: float
    logs: Logs
    model: OutputTree
    output: OutputTree
    failure: bytes | None
    guessed: tuple[str, ...]
    fault: str | None
    stop: Stop | None
    limits_reached: tuple[str, ...]
    repeat: str
    evidence: Path
    processes: tuple[str, ...] = ()
    # What a server answered that was started in the place of the training.
    answer: str | None = None
    # Whether it left the model of the ordinary training; None where nobody asked or it is not known.
    same_model: bool | None = None
    # Of this launch, or of its repetition where it had no interface to try anything with.
    sought: Sought = NOTHING_SOUGHT
    trials: Trials | None = None
    written: Written | None = None
    cause: Cause | None = None
    # The ordinary training of the same candidate, where this one is another.
    ordinary: TrainRun | None = None

    @property
    def good(self) -> bool:
        """Whether the job ended by itself with exit code 0."""
        return self.ending is Ending.EXITED and self.exit is not None and self.exit.code == 0

    @property
    def failed(self) -> bool:
        """Whether the job ended by itself with another exit code."""
        return self.ending is Ending.EXITED and self.exit is not None and self.exit.code != 0

    def story(self) -> str:
        """What happened, in one line."""
        return f"training {_ending(self.ending, self.exit, self.problem, self.seconds)}"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has been asked everything its scenario asks, and is gone.

    ``last_ping`` is the last ping that HTTP came back for, else the last one; ``pings`` are those
    after the first 200, that one included. ``connects_ms`` has None for a connection that failed.
    """

    scenario: str
    ending: Ending
    exit: Exit | None
    problem: StartProblem | None
    address: Address | None
    direct: bool
    seconds: float
    ready_after_s: float | None
    window_s: float
    with_model: bool
    last_ping: Reply | None
    answered: bool
    pings: tuple[Reply, ...]
    replies: Mapping[str, Reply]
    # Of each request whose answer streams, by its declared name: the reply, and those to further tries.
    streams: Mapping[str, tuple[Reply, ...]]
    # How long the platform waits for the answer to the sample request, seconds.
    answer_limit_s: float
    curls: Mapping[str, str]
    connects_ms: tuple[float | None, ...]
    ping_latency: Summary | None
    invocation_latency: Summary | None
    # Asked apart, as a blocking verdict needs it; empty where the requests before gave no cause.
    spaced_pings: tuple[Reply, ...]
    spaced_replies: tuple[Reply, ...]
    foreign_host: Reply | None
    logs: Logs
    stop: Stop | None
    # What was made up: to start the server with, and to ask it.
    guessed: tuple[str, ...]
    guessed_request: tuple[str, ...]
    limits_reached: tuple[str, ...]
    listeners: tuple[Listener, ...]
    repeat: str
    evidence: Path
    sought: Sought = NOTHING_SOUGHT
    # What became of it when the process that serves was killed; None where that was not done.
    bereft: Bereft | None = None
    written: Written | None = None
    # None where nobody put load on it.
    load: Load | None = None
    # None where it was sent no file to transform.
    transformed: Transformed | None = None
    # By route: at the declared rate, and what the harness's own echo server took for the same.
    paced: Mapping[str, Paced] = field(default_factory=dict)
    floors: Mapping[str, Summary] = field(default_factory=dict)
    paced_floors: Mapping[str, Summary] = field(default_factory=dict)
    # What made-up requests showed, by the step that sent them.
    tried: Mapping[str, Tried] = field(default_factory=dict)
    # Who is to blame where it ended or failed after a bad request; None where nobody looked.
    harm: Harm | None = None
    cause: Cause | None = None
    # The same scenario in a fresh launch, where this one showed a timing that would block.
    again: Server | None = None
    # The ordinary server of the same candidate, where this one is held against it, and whether
    # that one was handed another model.
    ordinary: Server | None = None
    other_model: bool = False

    def curl(self, request: str) -> str:
        """The commands that start this server again and send it the named request."""
        return "\n".join([self.repeat, self.curls.get(request, "")]).strip()

    def curl_often(self, request: str, times: int, *, apart_s: float = 0.5) -> str:
        """The same, with the request sent several times, ``apart_s`` seconds apart."""
        once = self.curls.get(request, "")
        return f"{self.repeat}\nfor i in $(seq {times}); do {once}; sleep {apart_s:g}; done"

    @property
    def ready(self) -> bool:
        """Whether ``/ping`` has answered 200."""
        return self.ready_after_s is not None

    def story(self) -> str:
        """What happened, in one line."""
        return f"the server {_ending(self.ending, self.exit, self.problem, self.seconds)}"


def _ending(
    ending: Ending, exit_: Exit | None, problem: StartProblem | None, seconds: float
) -> str:
    if problem is not None:
        return f"could not be started: {printable(problem.text.strip())[:300]}"
    match ending:
        case Ending.IDLE:
            return f"neither used the processor nor wrote anything for long; ended by us after {seconds:.1f} s"
        case Ending.SERVING:
            return f"started a server instead; ended by us after {seconds:.1f} s"
        case Ending.PATIENCE:
            return f"was still working when we stopped waiting after {seconds:.0f} s"
        case Ending.EXITED if exit_ is not None:
            killed = ", killed for lack of memory" if exit_.memory_killed and exit_.code else ""
            return f"exited with {exit_.code} after {seconds:.1f} s{killed}"
    return f"ran for {seconds:.1f} s"
