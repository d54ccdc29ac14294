"""The two commands that do all the set-up, on machines made of fake commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_machine import ROOT, Machine

ENGINE_PACKAGES = "docker.io iptables ca-certificates"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine.make(tmp_path)
    yield made
    made.close()


def installs(calls: list[str]) -> list[str]:
    """The packages of each installation, one string each."""
    return [
        call.partition("DPkg::Lock::Timeout=300 ")[2] for call in calls if "apt-get install" in call
    ]


# An engine that is there


def test_an_engine_that_answers_is_used_as_it_is(machine: Machine) -> None:
    machine.install("docker", "dockerd")
    running = machine.start_foreign_engine()

    done = machine.run("scripts/engine", "ensure")

    assert (done.status, done.calls) == (0, [])
    assert "99.1" in done.said
    assert machine.engine() == running
    assert not (machine.run_folder / "sm-conformance").exists()


def test_an_engine_that_still_starts_is_waited_for_and_no_second_one_is_started(
    machine: Machine,
) -> None:
    machine.install("docker", "dockerd")
    running = machine.start_foreign_engine()
    (machine.run_folder / "answers").rename(machine.run_folder / "answers-soon")

    done = machine.run("scripts/engine", "ensure")

    assert (done.status, done.calls) == (0, [])
    assert f"process {running}" in done.said
    assert machine.run("scripts/engine", "stop").status == 0
    assert machine.engine() == running, "an engine of somebody else was stopped"


def test_stop_leaves_an_engine_alone_that_was_not_started_here(machine: Machine) -> None:
    machine.install("docker", "dockerd")
    running = machine.start_foreign_engine()

    done = machine.run("scripts/engine", "stop")

    assert (done.status, done.calls) == (0, [])
    assert "nothing to stop" in done.said
    assert machine.engine() == running


def test_stop_leaves_a_process_alone_that_only_has_the_number_of_the_one_started(
    machine: Machine,
) -> None:
    machine.install("docker", "dockerd")
    running = machine.start_foreign_engine()
    state = machine.run_folder / "sm-conformance"
    state.mkdir()
    (state / "started").write_text(f"{running} 1\n", "utf-8")

    done = machine.run("scripts/engine", "stop")

    assert done.status == 0
    assert "has ended already" in done.said
    assert machine.engine() == running
    assert not (state / "started").exists()


def test_a_wrong_docker_host_is_named_and_nothing_is_started_in_its_place(machine: Machine) -> None:
    machine.install("docker", "dockerd")

    done = machine.run("scripts/engine", "ensure", DOCKER_HOST="tcp://nowhere:1")

    assert (done.status, done.calls) == (1, [])
    assert "DOCKER_HOST=tcp://nowhere:1" in done.said
    assert machine.engine() is None


def test_the_current_context_of_the_docker_command_does_not_choose_another_engine(
    machine: Machine,
) -> None:
    machine.fake("docker", '[ "$DOCKER_CONTEXT" = default ] && echo 99.1')

    done = machine.run("scripts/engine", "ensure", DOCKER_CONTEXT="elsewhere")

    assert (done.status, done.calls) == (0, []), done.said


# No engine


def test_without_root_one_message_says_what_to_do(machine: Machine) -> None:
    machine.install("docker", "dockerd")
    machine.not_root()

    done = machine.run("scripts/engine", "ensure")

    assert (done.status, done.calls) == (1, [])
    for advised in (
        "systemctl start docker",
        "usermod -aG docker somebody",
        "DOCKER_HOST=",
        "root",
    ):
        assert advised in done.said


def test_no_installation_is_made_where_it_is_forbidden(machine: Machine) -> None:
    done = machine.run("scripts/engine", "ensure", SM_NO_INSTALL="1")

    assert (done.status, done.calls) == (1, [])
    assert done.said.count("\n") == 1
    assert ENGINE_PACKAGES in done.said
    assert "SM_NO_INSTALL=1" in done.said


def test_an_installed_engine_is_started_also_where_installing_is_forbidden(
    machine: Machine,
) -> None:
    machine.install("docker", "dockerd")

    done = machine.run("scripts/engine", "ensure", SM_NO_INSTALL="1")

    assert done.status == 0, done.said
    assert done.calls == ["dockerd"]
    assert machine.engine()


@pytest.mark.parametrize(
    ("candidate", "packages"),
    [("(none)", ENGINE_PACKAGES), ("26.1.5", f"{ENGINE_PACKAGES} docker-cli")],
    ids=["one package has it all", "the docker command has its own package"],
)
def test_what_will_be_installed_is_said_before_it_is(
    machine: Machine, candidate: str, packages: str
) -> None:
    machine.fake("apt-cache", f"echo '  Candidate: {candidate}'")

    done = machine.run("scripts/engine", "ensure")

    assert done.status == 0, done.said
    assert installs(done.calls) == [packages]
    assert f": {packages}\n" in machine.said_before("install")
    assert machine.engine()


def test_the_engine_that_was_started_is_used_again_and_can_be_stopped(machine: Machine) -> None:
    machine.run("scripts/engine", "ensure")
    running = machine.engine()

    again = machine.run("scripts/engine", "ensure")
    assert (again.status, again.calls) == (0, [])
    assert machine.engine() == running

    stopped = machine.run("scripts/engine", "stop")
    assert stopped.status == 0
    assert f"process {running}" in stopped.said
    assert machine.engine() is None

    assert "nothing to stop" in machine.run("scripts/engine", "stop").said


def test_an_engine_that_ended_by_itself_is_not_looked_for(machine: Machine) -> None:
    state = machine.run_folder / "sm-conformance"
    state.mkdir()
    (state / "started").write_text("4194305 1\n", "utf-8")  # above any process number

    done = machine.run("scripts/engine", "stop")

    assert done.status == 0
    assert done.said == (
        "The engine that was started (process 4194305) has ended already: nothing to stop.\n"
    )


def test_an_engine_that_ends_at_once_is_reported_with_its_last_words(machine: Machine) -> None:
    machine.install("docker")
    machine.fake("dockerd", "echo 'failed to start daemon: no cgroups' >&2; exit 1")

    done = machine.run("scripts/engine", "ensure")

    assert done.status == 1
    assert "failed to start daemon: no cgroups" in done.said
    assert "ended instead of answering" in done.said


def test_under_systemd_the_service_is_started_and_stopped(machine: Machine) -> None:
    machine.install("docker", "dockerd")
    (machine.run_folder / "systemd/system").mkdir(parents=True)
    machine.fake(
        "systemctl",
        "case $1 in start) setsid dockerd >/dev/null 2>&1 & ;;"
        ' stop) /bin/kill -TERM "$(cat {run}/docker.pid)" ;; esac',
    )

    started = machine.run("scripts/engine", "ensure")
    assert started.status == 0, started.said
    assert "systemctl start docker" in started.calls

    stopped = machine.run("scripts/engine", "stop")
    assert stopped.calls == ["systemctl stop docker.socket docker.service"]
    assert machine.engine() is None


def test_only_the_docker_command_is_installed_where_an_engine_is_named(machine: Machine) -> None:
    machine.fake("apt-cache", "echo '  Candidate: 26.1.5'")
    (machine.run_folder / "answers").touch()

    done = machine.run("scripts/engine", "ensure", DOCKER_HOST="tcp://engine:2375")

    assert done.status == 0, done.said
    assert installs(done.calls) == ["docker-cli"]
    assert "dockerd" not in done.calls


def test_a_failed_installation_shows_why(machine: Machine) -> None:
    machine.fake("apt-get", "echo 'Unable to locate package docker.io'; exit 100")

    done = machine.run("scripts/engine", "ensure")

    assert done.status == 1
    assert "Unable to locate package docker.io" in done.said
    assert done.said.endswith("This failed, its last lines are above: apt-get update\n")


@pytest.mark.parametrize("arguments", [[], ["restart"]], ids=["none", "unknown"])
def test_an_unknown_command_gets_the_usage(machine: Machine, arguments: list[str]) -> None:
    done = machine.run("scripts/engine", *arguments)

    assert (done.status, done.calls) == (1, [])
    assert "ensure|stop|status" in done.said


# The virtual environment

PYTHON = """
case "$*" in
*version_info*) [ {new_enough} = yes ] ;;
*ensurepip*) [ -e {folder}/bin/ensurepip ] ;;
*-m\\ venv*) rm -rf "$4"; mkdir -p "$4/bin"; cp {folder}/venv-python "$4/bin/python" ;;
esac
"""


def with_python(machine: Machine, *, new_enough: bool = True, venv: bool = True) -> None:
    """A python3 of the distribution, which has or lacks what makes virtual environments."""
    machine.fake("python3", PYTHON.replace("{new_enough}", "yes" if new_enough else "no"))
    machine.fake("venv-python", where=".")
    machine.package("ensurepip", "")
    if venv:
        machine.install("ensurepip")
    (machine.project / "pyproject.toml").write_text("[project]\n", "utf-8")


def test_a_missing_venv_package_is_said_and_installed(machine: Machine) -> None:
    with_python(machine, venv=False)

    done = machine.run("scripts/setup")

    assert done.status == 0, done.said
    assert installs(done.calls) == ["python3-venv"]
    assert ": python3-venv\n" in machine.said_before("install")
    assert (machine.project / ".venv/bin/python").exists()


@pytest.mark.parametrize("forbidden", ["by the user", "for lack of root"])
def test_a_missing_venv_package_is_named_where_it_cannot_be_installed(
    machine: Machine, forbidden: str
) -> None:
    with_python(machine, venv=False)
    if forbidden == "for lack of root":
        machine.not_root()

    no_install = {"SM_NO_INSTALL": "1"} if forbidden == "by the user" else {}
    done = machine.run("scripts/setup", **no_install)

    assert done.status == 1
    assert "Missing: python3-venv" in done.said
    assert not [call for call in done.calls if call.startswith("apt-get")]
    assert not (machine.project / ".venv").exists()


def test_a_python_that_is_too_old_is_refused(machine: Machine) -> None:
    with_python(machine, new_enough=False)

    done = machine.run("scripts/setup")

    assert done.status == 1
    assert "Python 3.11 or newer is needed" in done.said
    assert not (machine.project / ".venv").exists()


def test_a_second_set_up_does_nothing(machine: Machine) -> None:
    with_python(machine)
    machine.run("scripts/setup")

    again = machine.run("scripts/setup")

    assert (again.status, again.said) == (0, "")
    assert again.calls == ["venv-python -c"]


def test_new_requirements_are_installed_into_the_same_environment(machine: Machine) -> None:
    with_python(machine)
    machine.run("scripts/setup")
    (machine.project / "pyproject.toml").write_text("[project]\nname = 'new'\n", "utf-8")

    done = machine.run("scripts/setup")

    assert any(f"--editable {machine.project}" in call for call in done.calls)
    assert not any("-m venv" in call for call in done.calls)


def test_a_checkout_that_was_moved_gets_a_new_environment(machine: Machine) -> None:
    with_python(machine)
    machine.run("scripts/setup")
    (machine.project / ".venv/.set-up").write_text("/some/other/place\n", "utf-8")

    done = machine.run("scripts/setup")

    assert any("-m venv --clear" in call for call in done.calls)


def test_an_installation_that_failed_is_tried_again(machine: Machine) -> None:
    with_python(machine)
    machine.fake("venv-python", 'case "$*" in *editable*) exit 1 ;; esac', where=".")
    assert machine.run("scripts/setup").status == 1

    again = machine.run("scripts/setup")

    assert any("--editable" in call for call in again.calls)


# The test suite and the demonstration


def with_project(machine: Machine, *, engine: bool = True, tox: int = 0) -> None:
    """Replaces the steps before the work by ones that only log."""
    machine.fake("setup", where="project/scripts")
    machine.fake("engine", "" if engine else "echo no engine; exit 1", where="project/scripts")
    machine.fake("tox", f"exit {tox}", where="project/.venv/bin")


def test_with_an_engine_all_environments_run(machine: Machine) -> None:
    with_project(machine)

    done = machine.run("scripts/test")

    assert done.calls == ["setup tox", "engine ensure", "tox run -e lint,types,py,images"]
    assert "LEFT OUT" not in done.said


def test_without_an_engine_the_rest_runs_and_the_last_lines_say_what_did_not(
    machine: Machine,
) -> None:
    with_project(machine, engine=False)
    machine.fake("python", "echo tests/test_mutants.py: 7", where="project/.tox/py/bin")

    done = machine.run("scripts/test")

    assert done.status == 0
    assert "tox run -e lint,types,py" in done.calls
    last = done.said[done.said.index("LEFT OUT") :]
    assert "'images' did not run" in last
    assert "tests/test_mutants.py: 7" in last


@pytest.mark.parametrize("engine", [True, False], ids=["with an engine", "without one"])
def test_the_status_is_that_of_the_tests_that_ran(machine: Machine, engine: bool) -> None:
    with_project(machine, engine=engine, tox=3)

    assert machine.run("scripts/test").status == 3


def with_benchmarks(machine: Machine) -> list[str]:
    """Replaces what they need by what only logs; the calls that they are."""
    with_project(machine)
    machine.fake("python", where="project/.venv/bin")
    return [
        "python sample_images/build.py reference mars",
        "python benchmarks/bench.py",
        "python benchmarks/latency.py",
    ]


def test_the_benchmark_brings_what_latencies_are_compared_with_and_says_so(
    machine: Machine,
) -> None:
    measured = with_benchmarks(machine)

    done = machine.run("scripts/bench")

    assert "to compare latencies with: wrk" in machine.said_before("install")
    assert any(call.startswith("apt-get install") and " wrk" in call for call in done.calls)
    assert done.calls[-3:] == measured


@pytest.mark.parametrize("why", ["it is there", "forbidden", "not root"])
def test_the_benchmark_runs_without_installing_anything(machine: Machine, why: str) -> None:
    measured = with_benchmarks(machine)
    if why == "it is there":
        machine.fake("wrk")
    elif why == "not root":
        machine.not_root()

    done = machine.run("scripts/bench", SM_NO_INSTALL="1" if why == "forbidden" else "")

    assert not any(call.startswith("apt-get") for call in done.calls)
    assert done.calls[-3:] == measured


def test_ci_runs_the_whole_test_suite_from_any_folder(machine: Machine) -> None:
    shutil.copytree(ROOT / ".ci", machine.project / ".ci")
    machine.fake("make", "[ -e scripts/test ] || exit 9; exit 5")

    done = machine.run(".ci/run")

    assert (done.status, done.calls) == (5, ["make test"])


JUDGE = """
printf '%s' '{report}' >{folder}/project/sm-report/report.json
touch {folder}/project/sm-report/report.html
exit {status}
"""


def with_judge(machine: Machine, body: str) -> None:
    """A demonstration whose judge is ``body``, after an earlier run that left a report."""
    with_project(machine)
    machine.fake("python", "case $1 in -c) echo conformant ;; esac", where="project/.venv/bin")
    machine.fake("pytest", body, where="project/.venv/bin")
    report = machine.project / "sm-report"
    report.mkdir()
    (report / "report.json").write_text(json.dumps({"conclusion": "old"}), "utf-8")
    (report / "report.html").write_text("old", "utf-8")


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_demonstration_ends_with_the_verdict_and_where_the_report_lies(
    machine: Machine, status: int
) -> None:
    with_judge(machine, JUDGE.replace("{report}", "").replace("{status}", str(status)))

    done = machine.run("scripts/demo")

    assert done.status == status
    assert f"is conformant (exit status {status})" in done.said
    assert f"file://{machine.project}/sm-report/report.html" in done.said


def test_a_demonstration_that_cannot_judge_shows_no_earlier_report(machine: Machine) -> None:
    with_judge(machine, "exit 3")

    done = machine.run("scripts/demo")

    assert done.status == 1
    assert "There is no report" in done.said
    assert "report.html" not in done.said
