"""The cause of a failed launch is named by repeating it with one condition lifted at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniatures.declared import BOTH, SERVES, TRAINS
from miniatures.engine import MiniatureEngine

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import nothing_declared
from sm_conformance.engine.protocol import Container, Launch, Network
from sm_conformance.errors import HarnessTrouble
from sm_conformance.inputs.scenario import load as scenario
from sm_conformance.laboratory import halves, interface
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.lab import Lab
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.run import Cause, Server, Stage, TrainRun

HASTE = {
    "idle_s": 0.3, "startup_limit_s": 0.4, "startup_grace_s": 0.1, "invocation_limit_s": 0.3,
    "sample_requests": 2, "connect_tries": 2,
}  # fmt: skip

MakeLab = Callable[..., tuple[Lab, MiniatureEngine]]


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[MakeLab]:
    """A laboratory with a miniature on its bench; closed at the end, and nothing may be left."""
    made: list[tuple[Lab, MiniatureEngine]] = []

    def make(
        image: str, said: dict[str, Any] | None, *, allow_network: bool = False
    ) -> tuple[Lab, MiniatureEngine]:
        engine = MiniatureEngine()
        declaration = nothing_declared()
        if said is not None:
            file = tmp_path / "declaration.yaml"
            file.write_text(yaml.safe_dump(dict(said)), "utf-8")
            declaration = load(file, origin="option")
        facts = engine.image(image)
        bench = Bench(
            engine=engine,
            candidate=Candidate(training=facts, hosting=facts, declaration=declaration),
            limits=replace(limits.load(), **HASTE),  # type: ignore[arg-type]
            direct=True,
            evidence=tmp_path / "evidence",
            quiet=Quiet(tmp_path / ".lock"),
            allow_network=allow_network,
        )
        made.append((Lab(bench), engine))
        return made[-1]

    yield make
    for lab, engine in made:
        lab.close()
        engine.close()
        lab.join()
        assert engine.left == 0


def cause_of(observed: TrainRun | Server | Cause) -> Cause | None:
    return observed if isinstance(observed, Cause) else observed.cause


def names(engine: MiniatureEngine) -> list[str]:
    return [launch.name for launch in engine.launches]


def test_a_launch_that_went_well_has_no_cause_and_is_not_repeated(make_lab: MakeLab) -> None:
    lab, engine = make_lab("lawful", TRAINS)

    assert cause_of(lab.observe("train-plain")) is None
    assert names(engine) == ["train-plain"]


def test_the_condition_that_cures_it_is_blamed_and_no_further_one_is_lifted(
    make_lab: MakeLab,
) -> None:
    lab, engine = make_lab("wants-sm-variables", TRAINS)

    cause = cause_of(lab.observe("train-plain"))

    assert cause is not None
    assert (cause.blames, cause.missed) == ("TRAIN-087 no-sm-variables", Stage.GOOD)
    assert cause.expected == "it works although SM_* variables are not set"
    # Last once more unchanged: what works by chance proves nothing.
    assert names(engine) == [
        "train-plain", "train-plain-with-interface", "train-plain-strings",
        "train-plain-no-sm-variables", "train-plain-again",
    ]  # fmt: skip
    lifted = engine.launches[-2].environment
    assert set(lifted) - set(engine.launches[0].environment) >= {"SM_MODEL_DIR", "SM_CHANNELS"}


def test_a_start_that_fails_now_and_then_blames_no_condition_that_happened_to_be_lifted(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, engine = make_lab("lawful", TRAINS)
    ordinary = engine.create
    attempts: list[str] = []

    def fails_at_first(launch: Launch) -> Container:
        attempts.append(launch.name)
        first = len(attempts) == 1
        return ordinary(replace(launch, image="always-fails") if first else launch)

    monkeypatch.setattr(engine, "create", fails_at_first)

    cause = cause_of(lab.observe("train-plain"))

    assert attempts == [
        "train-plain", "train-plain-with-interface", "train-plain-without-interface",
        "train-plain-strings", "train-plain-again",
    ]  # fmt: skip
    assert cause is not None
    assert cause.blames is None
    assert "repeated unchanged it worked" in cause.actual


def test_a_training_that_looks_up_its_interface_is_given_one_and_judged_with_it(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, engine = make_lab("lawful", TRAINS)
    ordinary = engine.create

    def fails_without_interface(launch: Launch) -> Container:
        bare = launch.network is Network.NONE
        return ordinary(replace(launch, image="always-fails") if bare else launch)

    monkeypatch.setattr(engine, "create", fails_without_interface)

    assert cause_of(lab.observe("train-plain")) is None
    assert cause_of(lab.observe("train-unknown-keys")) is None
    assert names(engine) == [
        "train-plain", "train-plain-with-interface", "train-plain-without-interface",
        "train-together",
    ]  # fmt: skip


def test_where_nothing_cures_it_each_condition_was_lifted_once_and_alone(
    make_lab: MakeLab,
) -> None:
    lab, engine = make_lab("always-fails", TRAINS)

    cause = cause_of(lab.observe("train-plain"))

    assert cause is not None
    assert cause.blames == "TRAIN-063 exit-zero"
    assert names(engine) == [
        "train-plain", "train-plain-with-interface", "train-plain-strings",
        "train-plain-no-sm-variables", "train-plain-no-aws-environment",
    ]  # fmt: skip
    assert "SM_MODEL_DIR" not in engine.launches[-1].environment


def test_the_network_is_lifted_only_where_the_user_allows_it(make_lab: MakeLab) -> None:
    refused, engine = make_lab("wants-network", TRAINS)
    allowed, other = make_lab("wants-network", TRAINS, allow_network=True)

    by_words = cause_of(refused.observe("train-plain"))
    by_cure = cause_of(allowed.observe("train-plain"))

    assert by_words is not None
    assert by_cure is not None
    assert (by_words.blames, by_cure.blames) == ("NET-002 isolated", "NET-002 isolated")
    # Only one launch has an interface, so that it is seen what is tried; none has a way out.
    networks = [(launch.network.value, launch.watched) for launch in engine.launches]
    assert networks == [("none", False), ("isolated", True), *[("none", False)] * 3]
    # The cure, and once more unchanged: a start that fails now and then would blame the network.
    assert [launch.network.value for launch in other.launches][-2:] == ["open", "none"]


def test_one_that_said_that_it_missed_the_network_is_not_waited_for_when_it_is_looked_at_again(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, engine = make_lab("wants-network", TRAINS)
    ordinary = engine.create
    monkeypatch.setattr(interface, "_LEAST_LOOK_S", 0.2)

    def dials_for_ever(launch: Launch) -> Container:
        isolated = launch.network is Network.ISOLATED
        return ordinary(replace(launch, image="works-on") if isolated else launch)

    monkeypatch.setattr(engine, "create", dials_for_ever)

    cause = cause_of(lab.observe("train-plain"))

    assert cause is not None
    assert cause.blames == "NET-002 isolated"


def test_one_that_was_given_the_network_is_not_looked_at_again_without(make_lab: MakeLab) -> None:
    lab, engine = make_lab("always-fails", {**TRAINS, "network": "needed"})

    lab.observe("train-plain")

    assert "train-plain-with-interface" not in names(engine)
    assert {launch.network for launch in engine.launches} == {Network.OPEN}


def test_a_program_that_cannot_be_started_is_not_repeated(make_lab: MakeLab) -> None:
    lab, engine = make_lab("bad-program", TRAINS)

    cause = cause_of(lab.observe("train-plain"))

    assert cause is not None
    assert (cause.blames, cause.missed) == ("IMG-003 on-path", Stage.STARTED)
    assert names(engine) == ["train-plain"]


def test_what_depends_on_a_failed_training_is_not_launched(make_lab: MakeLab) -> None:
    lab, engine = make_lab("bad-program", BOTH)

    server = lab.observe("serve-plain")
    failing = lab.observe("train-failing")

    assert isinstance(server, Cause)
    assert isinstance(failing, Cause)
    assert (server.blames, server.missed) == ("IMG-003 on-path", Stage.STARTED)
    assert names(engine) == ["train-plain"]


def test_a_training_that_leaves_no_model_leaves_nothing_to_serve(make_lab: MakeLab) -> None:
    lab, _ = make_lab("no-model", BOTH)

    assert cause_of(lab.observe("train-plain")) is None
    server = lab.observe("serve-plain")
    assert isinstance(server, Cause)
    assert (server.blames, server.missed) == ("TRAIN-070 model", Stage.STARTED)


def test_a_server_that_used_its_whole_window_is_not_given_another(make_lab: MakeLab) -> None:
    lab, engine = make_lab("ping-500", SERVES)

    cause = cause_of(lab.observe("serve-plain"))

    assert cause is not None
    assert cause.blames == "HOST-002 ping"
    assert names(engine) == ["serve-plain"]


@pytest.mark.parametrize(
    ("image", "remedy"),
    [
        ("gives-up", "one argument `serve`"),
        ("localhost-only", "ALLOWED_HOSTS"),
        ("speaks-tls", "without TLS"),
        ("ping-401", "without credentials"),
    ],
)
def test_why_a_server_never_said_200_tells_what_to_do(
    image: str, remedy: str, make_lab: MakeLab
) -> None:
    lab, _ = make_lab(image, SERVES)

    cause = cause_of(lab.observe("serve-plain"))

    assert cause is not None
    assert (cause.blames, remedy in (cause.fix or "")) == ("HOST-002 ping", True), cause.fix


def test_where_nothing_shows_why_a_ping_fails_the_clause_tells_what_to_do(
    make_lab: MakeLab,
) -> None:
    lab, _ = make_lab("ping-500", SERVES)

    cause = cause_of(lab.observe("serve-plain"))

    assert cause is not None
    assert (cause.blames, cause.fix) == ("HOST-002 ping", None)


def test_where_a_server_listens_tells_the_cause_without_a_repetition(make_lab: MakeLab) -> None:
    lab, engine = make_lab("loopback", SERVES)

    cause = cause_of(lab.observe("serve-plain"))

    assert cause is not None
    assert cause.blames == "HOST-001 listens"
    assert cause.actual.endswith("it listens on 8080 of the loopback interface only")
    assert names(engine) == ["serve-plain"]


def test_a_model_that_may_be_written_to_cures_who_writes_there(make_lab: MakeLab) -> None:
    lab, engine = make_lab("writes-beside-model", BOTH)

    cause = cause_of(lab.observe("serve-plain"))

    assert cause is not None
    assert (cause.blames, cause.missed) == ("HOST-030 read-only-model", Stage.GOOD)
    plain, lifted, again = engine.launches[-3:]
    assert [place.read_only for place in plain.places] == [True]
    assert [place.read_only for place in lifted.places] == [False]
    assert [place.read_only for place in again.places] == [True]


@pytest.mark.parametrize(
    ("image", "said", "words"),
    [
        ("always-fails", {"claims": ["training"]}, "this was guessed: channels"),
        ("always-fails", {k: v for k, v in TRAINS.items() if k != "network"}, "network: needed"),
        ("out-of-memory", TRAINS, "resources: {memory: 8g}"),
    ],
)
def test_where_nobody_can_be_blamed_the_line_to_declare_is_told(
    make_lab: MakeLab, image: str, said: dict[str, Any], words: str
) -> None:
    lab, _ = make_lab(image, said)

    cause = cause_of(lab.observe("train-plain"))

    assert cause is not None
    assert (cause.blames, cause.missed) == (None, Stage.GOOD)
    assert words in cause.actual


def test_the_first_fault_that_makes_it_fail_is_the_last_that_is_tried(make_lab: MakeLab) -> None:
    training = {k: v for k, v in TRAINS["training"].items() if k != "fault"}
    lab, engine = make_lab("lawful", {**TRAINS, "training": training})

    run = lab.observe("train-failing")

    assert isinstance(run, TrainRun)
    assert (run.fault, run.failed) == ("missing-channel", True)
    assert names(engine) == ["train-plain", "train-failing-missing-channel"]


def test_a_declared_fault_is_the_only_one_that_is_tried(make_lab: MakeLab) -> None:
    lab, engine = make_lab("exit-0-on-fault", TRAINS)

    run = lab.observe("train-failing")

    assert isinstance(run, TrainRun)
    assert (run.fault, run.failed) == ("declared", False)
    assert names(engine) == ["train-plain", "train-failing-declared"]


def test_equal_scenarios_share_one_launch(make_lab: MakeLab) -> None:
    lab, engine = make_lab("lawful", TRAINS)

    lab.prefetch(["train-odd-files", "train-plain", "train-odd-files"])
    first, second = lab.observe("train-odd-files"), lab.observe("train-odd-files")

    assert first is second
    assert sorted(names(engine)) == ["train-plain", "train-together"]


def test_what_shares_a_launch_is_launched_by_itself_where_that_fails(make_lab: MakeLab) -> None:
    lab, engine = make_lab("one-host", TRAINS)

    files, host = lab.observe("train-odd-files"), lab.observe("train-other-host")

    assert isinstance(files, TrainRun)
    assert isinstance(host, TrainRun)
    assert (files.good, files.evidence.name) == (True, "train-odd-files")
    assert (host.good, host.evidence.name) == (False, "train-other-host")
    assert sorted(names(engine)) == [
        "train-odd-files", "train-other-host", "train-plain", "train-together",
    ]  # fmt: skip


def test_trouble_in_a_shared_launch_is_trouble_of_all_that_share_it(make_lab: MakeLab) -> None:
    lab, _ = make_lab("engine-dies-at-save", TRAINS)

    for name in ("train-odd-files", "train-other-host"):
        with pytest.raises(HarnessTrouble):
            lab.observe(name)


def test_a_cause_of_the_ordinary_launch_is_told_to_all_that_share_one(make_lab: MakeLab) -> None:
    lab, _ = make_lab("always-fails", TRAINS)

    causes = [cause_of(lab.observe(name)) for name in ("train-odd-files", "train-other-host")]

    assert [cause.blames for cause in causes if cause] == ["TRAIN-063 exit-zero"] * 2


def test_an_abandoned_launch_ends_and_leaves_nothing(make_lab: MakeLab) -> None:
    lab, engine = make_lab("works-on", TRAINS)
    lab.prefetch(["train-plain"])
    while not engine.launches:
        assert not lab.ready("train-plain", 0.02)

    lab.close()
    engine.close()
    lab.join()

    assert engine.left == 0
    assert lab.found("train-plain") is None or isinstance(lab.found("train-plain"), TrainRun)


# -- without declared claims -----------------------------------------------------------------------


def test_a_half_that_fails_is_excused_while_the_other_one_starts(make_lab: MakeLab) -> None:
    lab, _ = make_lab("port-5000", None)
    cause = cause_of(lab.observe("serve-plain"))
    assert cause is not None

    excused = halves.excuse(lab, "serve-plain", cause)

    assert (excused.blames, excused.missed) == (None, cause.missed)
    assert "declare `claims`, or fix this" in excused.actual


def test_when_neither_half_starts_nothing_is_excused(make_lab: MakeLab) -> None:
    lab, _ = make_lab("bad-program", None)
    cause = cause_of(lab.observe("serve-plain"))
    assert cause is not None

    assert halves.excuse(lab, "serve-plain", cause) is cause


def test_every_lift_can_be_named_in_a_folder() -> None:
    slugs = [lift.blames.partition(" ")[2] for lift in scenario("train-plain").lifts]

    assert len(slugs) == len(set(slugs)) == 6
