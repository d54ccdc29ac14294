"""Names the cause when a launch that should have succeeded did not.

The launch is repeated with one condition lifted at a time; the condition that cures it is the broken
clause. Where nobody can be blamed (guessed input, a bound of ours, perhaps the network), the cause
says why instead, with the line of the declaration that would let it be judged.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.candidate.candidate import Candidate
from sm_conformance.inputs.scenario import Conditions, Lift, Scenario
from sm_conformance.laboratory import refused
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.training import answer_while_training, train
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.run import Cause, Ending, Logs, Server, Stage, TrainRun

# Words of a program that missed the network; used only where isolation is claimed.
_NETWORK_WORDS = (
    "name resolution", "name or service not known", "could not resolve", "getaddrinfo",
    "network is unreachable", "no route to host", "nodename nor servname", "unknownhostexception",
    "max retries exceeded", "failed to establish a new connection", "connection timed out",
)  # fmt: skip


# Of a server in a launch that only looks for a cause; the first launch was given the whole time.
_LIFTED_PATIENCE_S = 10.0


def missed_network(logs: Logs) -> str | None:
    """The last line of a log that tells of a network that was not there."""
    return logs.mentions(*_NETWORK_WORDS)


def of_training(bench: Bench, scenario: Scenario, run: TrainRun) -> Cause | None:
    """Why the ordinary training did not end well; None when it did."""
    if run.good:
        return None
    candidate = bench.candidate
    if run.problem is not None:
        return refused.cause(bench, "training", run.problem, run.story())
    if run.limits_reached:
        return _nobody(Stage.GOOD, _bound_text(run.story(), run.limits_reached))
    if run.ending is Ending.PATIENCE:
        return _nobody(
            Stage.GOOD,
            f"{run.story()}; allow more with --sm-patience or declare resources: {{time_s: …}}",
        )
    if run.ending is Ending.IDLE:
        return _idle_cause(bench, scenario, run)
    for lift in scenario.lifts:
        if _liftable(bench, lift, candidate.training):
            cured = train(bench, scenario, lift.conditions, name=f"{scenario.name}-{_slug(lift)}")
            if cured is not None and _cured(lift, cured):
                again = train(bench, scenario, scenario.conditions, name=f"{scenario.name}-again")
                unstable = again is not None and again.good
                return _lifted(Stage.GOOD, lift, run.story(), unstable=unstable)
    missed, blames = Stage.GOOD, "TRAIN-063 exit-zero"
    expected = "training on good input exits with 0"
    if refused.found_no_program(run.exit, run.seconds):
        missed, blames, expected = (
            Stage.STARTED,
            "IMG-001 train-starts",
            refused.starts_with("train"),
        )
    return _unexplained(candidate, missed, blames, expected, run.story(), run.logs, run.guessed)


def of_server(
    bench: Bench, scenario: Scenario, server: Server, *, model: Path | None
) -> Cause | None:
    """Why the ordinary server did not become ready or did not answer; None when all went well."""
    if server.ready:
        sample = server.replies.get("sample")
        if sample is None or sample.ok:
            return None
        missed, blames = Stage.ANSWERED, "HOST-010 invocation"
        expected = "a good request to /invocations is answered with 2xx"
        story = f"POST /invocations with the sample request: {sample.describe()}"
    else:
        if server.problem is not None and server.problem.kind == "archive":
            return _nobody(
                Stage.STARTED, f"{server.story()}; give a model with hosting: {{model: …}}"
            )
        if server.problem is not None:
            return refused.cause(bench, "hosting", server.problem, server.story())
        missed, expected = Stage.GOOD, "GET /ping on port 8080 answers 200"
        blames, story = _silence(server)
        if refused.found_no_program(server.exit, server.seconds):
            missed, blames = Stage.STARTED, "IMG-002 serve-starts"
            expected = refused.starts_with("serve")
        if blames == "HOST-001 listens" and server.listeners:
            return Cause(missed=missed, blames=blames, expected=expected, actual=story)
    if server.limits_reached:
        return _nobody(missed, _bound_text(story, server.limits_reached))
    # No request can keep a server from becoming ready.
    guessed = server.guessed + (server.guessed_request if missed is Stage.ANSWERED else ())

    def asked_again(conditions: Conditions, name: str) -> bool:
        """Whether a further launch under ``conditions`` comes to the stage that this one missed."""
        found = serve(
            bench,
            replace(scenario, steps=("first-invocation", "invocation")),
            conditions,
            model=model,
            name=f"{scenario.name}-{name}",
            patience_s=max(10.0, 3 * server.seconds),
            answer_patience_s=_LIFTED_PATIENCE_S,
        )
        sample = found.replies.get("sample")
        return found.ready and (missed < Stage.ANSWERED or (sample is not None and sample.ok))

    for lift in scenario.lifts:
        if not _liftable(bench, lift, bench.candidate.hosting):
            continue
        if model is None and lift.conditions.writable_model:
            continue
        if server.ending is Ending.PATIENCE:
            break  # it was given its whole window; another one for each condition is too long
        if asked_again(lift.conditions, _slug(lift)):
            unstable = asked_again(scenario.conditions, "again")
            return _lifted(missed, lift, story, unstable=unstable)
    return _unexplained(bench.candidate, missed, blames, expected, story, server.logs, guessed)


def of_another_server(server: Server) -> Cause | None:
    """Why a further server did not become ready or answer although the ordinary one did."""
    if not server.ready:
        return _nobody(Stage.STARTED, f"a second launch did not become ready: {server.story()}")
    sample = server.replies.get("sample")
    if sample is None or sample.ok:
        return None
    return _nobody(
        Stage.ANSWERED, f"a second launch did not answer the sample request: {sample.describe()}"
    )


def _idle_cause(bench: Bench, scenario: Scenario, run: TrainRun) -> Cause:
    """A training that does not end: a server started in its place, or a process that lingers."""
    if "hosting" in bench.candidate.claims and bench.candidate.hosting == bench.candidate.training:
        answer = answer_while_training(bench, scenario)
        if answer is not None:
            return Cause(
                missed=Stage.GOOD,
                blames="IMG-004 tells-jobs-apart",
                expected="the argument `train` starts a training, not a server",
                actual=f"started with `train`, it answers GET /ping with {answer}",
            )
    declared = bench.candidate.declaration.training
    if not run.model.files and (declared is None or declared.idle_s is None):
        # How long a training may lawfully sleep is nobody's rule; only its owner knows.
        return _nobody(
            Stage.GOOD,
            f"{run.story()}; if that is lawful, say `training: {{idle_s: …}}` in the declaration",
        )
    left = f"; still there: {', '.join(run.processes[:5])}" if run.processes else ""
    # It may as well wait for input that was not guessed, or for the network.
    return _unexplained(
        bench.candidate,
        Stage.GOOD,
        "TRAIN-068 ends",
        "the container ends when training is done",
        f"{run.story()}{left}",
        run.logs,
        run.guessed,
    )


def _silence(server: Server) -> tuple[str, str]:
    """Which clause a server breaks that never said 200, and what was seen of it."""
    if server.ending is Ending.EXITED:
        return "HOST-002 ping", f"{server.story()}, before /ping answered 200"
    last = server.last_ping
    if server.answered and last is not None:
        said = f"GET /ping: {last.describe()}"
        local = server.foreign_host
        if local is not None and local.status == 200:
            said += (
                "; the same ping with `Host: localhost` gets 200, so the platform's own Host header "
                "(model.aws.local:8080) alone makes it refuse"
            )
        return "HOST-002 ping", said
    said = last.describe() if last is not None else "no connection"
    seen = f"port 8080: {said} for {server.seconds:.0f} s"
    if any(listener.loopback and listener.port == 8080 for listener in server.listeners):
        seen += "; it listens on 8080 of the loopback interface only"
    elif server.listeners:
        ports = ", ".join(str(port) for port in sorted({item.port for item in server.listeners}))
        seen += f"; it listens on port {ports} instead"
    elif server.ending is Ending.IDLE:
        seen += "; it neither used the processor nor wrote anything"
    return "HOST-001 listens", seen


def _liftable(bench: Bench, lift: Lift, facts: ImageFacts | None) -> bool:
    if lift.conditions.image_command:
        return facts is not None and bool(facts.command)
    return bench.allow_network or not lift.conditions.open_network


def _cured(lift: Lift, run: TrainRun) -> bool:
    """Whether a training with a lifted condition went well.

    The image's own command may be a shell that ends at once with 0: that is no training.
    """
    if lift.conditions.image_command and (run.guessed or not run.model.files):
        return False
    return run.good


def _lifted(missed: Stage, lift: Lift, story: str, *, unstable: bool) -> Cause:
    """The lifted condition as the cause, unless it works unchanged at another try as well."""
    if unstable:
        return _nobody(
            missed,
            f"{story}; repeated unchanged it worked, so this launch tells nothing: judge again",
        )
    return Cause(
        missed=missed,
        blames=lift.blames,
        expected=f"it works although {lift.condition}",
        actual=f"{story}; it works as soon as this is lifted: {lift.condition}",
    )


def _unexplained(
    candidate: Candidate,
    missed: Stage,
    blames: str,
    expected: str,
    story: str,
    logs: Logs,
    guessed: tuple[str, ...],
) -> Cause:
    """No lifted condition cured it: the input, the network or the image itself."""
    network = candidate.declaration.network
    line = missed_network(logs)
    if network == "isolated" and line is not None:
        return Cause(
            missed=missed,
            blames="NET-002 isolated",
            expected="it works without a network, as `network: isolated` claims",
            actual=f"{story}; its log says: {line}",
        )
    last = line or next(iter(logs.tail(1)), None)
    said = f" (its log says: {last})" if last else ""
    if guessed:
        return _nobody(
            missed,
            f"{story}{said}; this was guessed: {'; '.join(guessed)}. Declare it, and `claims`.",
        )
    if network is None:
        return _nobody(
            missed,
            f"{story}{said}; it ran without a network and may need one: say `network: needed` or "
            "`network: isolated` in the declaration",
        )
    return Cause(missed=missed, blames=blames, expected=expected, actual=story)


def _nobody(missed: Stage, reason: str) -> Cause:
    return Cause(missed=missed, blames=None, expected="", actual=reason)


def _bound_text(story: str, lines: tuple[str, ...]) -> str:
    return f"{story}; a bound of the harness was reached: declare `{'`, `'.join(lines)}`"


def _slug(lift: Lift) -> str:
    return lift.blames.partition(" ")[2]
