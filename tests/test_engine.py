"""The engine layer on a real engine: what is handed over and seen, what candidates may not do."""

from __future__ import annotations

import gc
import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import (
    BOUNDS,
    MIB,
    PATIENCE_S,
    REFERENCE,
    TRAINING_PLACES,
    Forwarder,
    image,
    judging,
    launched,
    left_of,
    program,
    wait_for,
)

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.declaration.values import nothing_declared
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.protocol import Bounds, Launch, Network, NoSuchImage, Place
from sm_conformance.errors import HarnessTrouble
from sm_conformance.inputs.archive import pack
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.evidence import write_logs
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.laboratory.stopping import stop, wait_until_going
from sm_conformance.laboratory.watch import watch
from sm_conformance.observed.facts import Exit, Listener
from sm_conformance.observed.http import exchange
from sm_conformance.observed.output import read_file, read_tree
from sm_conformance.observed.refusal import told_late
from sm_conformance.observed.run import Ending

pytestmark = pytest.mark.engine

PLAIN = (
    "ENTRYPOINT []",
    "COPY mars.R /opt/ml/mars.R",
    "COPY baked /opt/ml/model/baked",
    "COPY no-execute-bit crlf wrong-format /bad/",
    "RUN chmod +x /bad/crlf /bad/wrong-format /opt/ml/mars.R",
)
FILES = {
    "mars.R": b"#!/bin/sh\necho the program runs, with $*\n",
    "baked": b"a model of the image's own",
    "no-execute-bit": b"#!/bin/sh\n",
    "crlf": b"#!/bin/sh\r\necho never\r\n",
    "wrong-format": b"neither a script nor a program\n",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    opened = DockerEngine()
    try:
        yield opened
    finally:
        opened.close()
        assert left_of(opened.run_id) == []


@pytest.fixture(scope="module")
def api() -> Iterator[APIClient]:
    client = APIClient()
    yield client
    client.close()


@pytest.fixture(scope="module")
def plain(api: APIClient) -> Iterator[str]:
    """An image without ENTRYPOINT that bakes a program, a model and some bad programs."""
    with image(api, "plain", *PLAIN, files=FILES) as tag:
        yield tag


@pytest.fixture
def bench(engine: DockerEngine, tmp_path: Path) -> Bench:
    return Bench(
        engine=engine,
        candidate=Candidate(training=None, hosting=None, declaration=nothing_declared()),
        limits=limits.load(),
        direct=True,
        evidence=tmp_path,
        quiet=Quiet(tmp_path / ".lock"),
    )


# -- one container's life ---------------------------------------------------


def test_a_container_is_fed_started_waited_for_read_and_removed(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    code = "import sys; print(open('/opt/ml/input/a file').read()); print('bad', file=sys.stderr)"
    code += "; open('/opt/ml/model/m', 'w').write('learned'); sys.exit(7)"
    inputs = pack({"input/a file": b"given", "model": None})

    with launched(engine, plain, program(code), places=TRAINING_PLACES, inputs=inputs) as made:
        assert made.wait(PATIENCE_S) == Exit(code=7, memory_killed=False)
        assert made.save("/opt/ml/model", tmp_path / "model.tar", MIB)

    assert (made.log.stdout(), made.log.stderr()) == (b"given\n", b"bad\n")
    assert read_file(tmp_path / "model.tar", "m", 100) == b"learned"
    volumes = [what for what in left_of(engine.run_id) if not what.startswith("network")]
    assert volumes == []


def test_a_container_that_runs_on_is_not_ended_by_waiting_and_is_by_a_signal(
    engine: DockerEngine, plain: str
) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "print('up')\n"
        "time.sleep(99)"
    )
    with launched(engine, plain, program(code)) as made:
        wait_for("a sign of life", made.log.stdout)
        assert made.wait(0.2) is None
        made.signal("SIGTERM")
        assert made.wait(PATIENCE_S) == Exit(code=3, memory_killed=False)
        made.signal("SIGTERM")  # one that has ended is left alone


def test_the_inputs_belong_to_root_and_only_the_open_folders_are_open(
    engine: DockerEngine, plain: str
) -> None:
    code = (
        "import json, os\n"
        "print(json.dumps({p: [os.stat(p).st_uid, os.stat(p).st_gid, oct(os.stat(p).st_mode)[-3:]]"
        " for p in ['/opt/ml/input', '/opt/ml/input/config/a.json', '/opt/ml/model',"
        " '/opt/ml/output/data', '/opt/ml/output']}))"
    )
    files = {"input/config/a.json": b"{}", "model": None, "output/data": None}
    inputs = pack(files, open_folders=frozenset({"model"}))

    with launched(engine, plain, program(code), places=TRAINING_PLACES, inputs=inputs) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False), made.log.stderr()

    assert json.loads(made.log.stdout()) == {
        "/opt/ml/input": [0, 0, "755"],
        "/opt/ml/input/config/a.json": [0, 0, "644"],
        "/opt/ml/model": [0, 0, "777"],
        "/opt/ml/output": [0, 0, "755"],
        "/opt/ml/output/data": [0, 0, "755"],
    }


def test_a_user_other_than_root_writes_where_it_may_and_nowhere_else(
    engine: DockerEngine, api: APIClient, plain: str, tmp_path: Path
) -> None:
    code = (
        "open('/opt/ml/model/m', 'w').write('x'); open('/opt/ml/output/failure', 'w').write('y')\n"
        "open('/opt/ml/input/data', 'w')"
    )
    files = {"input": None, "model": None, "output": None}
    inputs = pack(files, open_folders=frozenset({"model", "output"}))
    with (
        image(api, "user", "ENTRYPOINT []", "USER 1234:1234") as tag,
        launched(engine, tag, program(code), places=TRAINING_PLACES, inputs=inputs) as made,
    ):
        found = made.wait(PATIENCE_S)
        assert made.save("/opt/ml/model", tmp_path / "model.tar", MIB)
        assert made.save("/opt/ml/output", tmp_path / "output.tar", MIB)

    assert found == Exit(code=1, memory_killed=False)
    assert b"PermissionError" in made.log.stderr()
    assert b"/opt/ml/input" in made.log.stderr()
    assert read_file(tmp_path / "model.tar", "m", 9) == b"x"
    assert read_file(tmp_path / "output.tar", "failure", 9) == b"y"


def test_a_baked_model_is_not_taken_for_a_trained_one(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    inputs = pack({"model": None})
    with launched(
        engine, plain, ("ls", "/opt/ml/model"), places=TRAINING_PLACES, inputs=inputs
    ) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)
        assert made.save("/opt/ml/model", tmp_path / "model.tar", MIB)

    assert made.log.stdout() == b""
    assert read_tree(tmp_path / "model.tar", whole=True).entries == ()


def test_without_model_data_a_server_sees_what_its_image_bakes(
    engine: DockerEngine, plain: str
) -> None:
    with launched(engine, plain, ("cat", "/opt/ml/model/baked"), network=Network.ISOLATED) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)

    assert made.log.stdout() == FILES["baked"]


def test_a_program_below_opt_ml_survives_what_is_mounted_there(
    engine: DockerEngine, plain: str
) -> None:
    inputs = pack({"input": None, "model": None, "output": None})
    command = ("/opt/ml/mars.R", "train")
    with launched(engine, plain, command, places=TRAINING_PLACES, inputs=inputs) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)

    assert made.log.stdout() == b"the program runs, with train\n"


def test_model_data_is_unpacked_by_the_engine_and_read_only(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, mode="w:gz") as packed:
        info = tarfile.TarInfo("parts/weights")
        info.size = 3
        packed.addfile(info, io.BytesIO(b"abc"))
    place = Place(path="/opt/ml/model", read_only=True, archive=archive)
    code = "print(open('/opt/ml/model/parts/weights').read()); open('/opt/ml/model/new', 'w')"

    with launched(engine, plain, program(code), places=(place,), network=Network.ISOLATED) as made:
        assert made.wait(PATIENCE_S) == Exit(code=1, memory_killed=False)

    assert made.log.stdout() == b"abc\n"
    assert b"Read-only file system" in made.log.stderr()


def test_model_data_that_is_no_archive_is_a_start_problem(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(b"no archive at all" * 100)
    place = Place(path="/opt/ml/model", read_only=True, archive=archive)
    made = engine.create(_launch(plain, ("true",), places=(place,)))
    try:
        problem = made.start()
    finally:
        made.remove()

    assert problem is not None
    assert problem.kind == "archive"
    assert "model.tar.gz cannot be unpacked" in problem.text


@pytest.mark.parametrize("path", ["/opt/ml", "/opt/ml/model"])
def test_a_file_where_a_folder_is_mounted_is_a_start_problem(
    engine: DockerEngine, api: APIClient, tmp_path: Path, path: str
) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, mode="w:gz") as packed:
        packed.addfile(tarfile.TarInfo("weights"))
    model = Place(path="/opt/ml/model", read_only=True, archive=archive)
    told = f"RUN rm -rf {path} && mkdir -p {Path(path).parent} && touch {path}"
    with image(api, "file-in-the-way", told) as tag:
        for launch in (
            replace(_launch(tag, ("true",), places=TRAINING_PLACES), inputs=bytes(1024)),
            _launch(tag, ("true",), places=(model,)),
        ):
            made = engine.create(launch)
            try:
                problem = made.start()
            finally:
                made.remove()

            assert problem is not None
            assert (problem.kind, "the image has a file" in problem.text) == ("other", True)


# -- names ---------------------------------------------------


@pytest.mark.parametrize("network", [Network.NONE, Network.ISOLATED])
def test_the_own_host_name_resolves_and_other_names_fail_fast(
    engine: DockerEngine, plain: str, network: Network
) -> None:
    code = (
        "import json, socket, time\n"
        "own = socket.getaddrinfo('algo-1', 80)[0][4][0]\n"
        "began = time.monotonic()\n"
        "try:\n"
        "    other = socket.getaddrinfo('s3.us-east-1.amazonaws.com', 443)[0][4][0]\n"
        "except OSError:\n"
        "    other = None\n"
        "print(json.dumps({'own': own, 'other': other, 'took': time.monotonic() - began}))"
    )
    with launched(engine, plain, program(code), network=network, hostname="algo-1") as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False), made.log.stderr()

    told = json.loads(made.log.stdout())
    assert told["own"]
    assert told["other"] is None
    assert told["took"] < 3, "a program that looks for AWS must not seem to hang"


# -- start problems ---------------------------------------------------


def _launch(tag: str, arguments: tuple[str, ...], *, places: tuple[Place, ...] = ()) -> Launch:
    return Launch(name="test", image=tag, arguments=arguments, bounds=BOUNDS, places=places)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        pytest.param(("train",), "not-found", id="no program of that name on PATH"),
        pytest.param(("/opt/no/such/program",), "not-found", id="no file of that name"),
        pytest.param(("/bad/no-execute-bit",), "not-executable", id="no execute bit"),
        pytest.param(("/bad/crlf",), "not-found", id="line ends of Windows after the interpreter"),
        pytest.param(("/bad/wrong-format",), "wrong-format", id="neither script nor program"),
        pytest.param((), "other", id="no entrypoint and no command"),
    ],
)
def test_a_program_that_cannot_be_started_is_a_value(
    engine: DockerEngine, plain: str, tmp_path: Path, arguments: tuple[str, ...], kind: str
) -> None:
    made = engine.create(_launch(plain, arguments))
    try:
        problem = made.start()
        if problem is None:  # some engines learn of it too late, and say it in the log
            problem = told_late(made.wait(PATIENCE_S), write_logs(tmp_path, made))
    finally:
        made.remove()

    assert problem is not None
    assert problem.kind == kind, problem.text
    assert problem.text


def test_a_user_that_the_image_does_not_know_is_a_value(
    engine: DockerEngine, api: APIClient
) -> None:
    with image(api, "no-user", "USER nobody-here") as tag:
        made = engine.create(_launch(tag, ("train",)))
        try:
            problem = made.start()
        finally:
            made.remove()

    assert problem is not None
    assert problem.kind == "no-user", problem.text


@pytest.mark.parametrize("name", ["sm-conformance/no-such-image:latest", "Not A Reference"])
def test_an_image_that_is_not_there_is_told_apart_from_trouble(
    engine: DockerEngine, name: str
) -> None:
    with pytest.raises(NoSuchImage):
        engine.image(name)


def test_the_head_of_a_file_is_read_through_links_without_a_start(engine: DockerEngine) -> None:
    head = engine.file_head(REFERENCE, "/usr/bin/python3", 4)
    absent = engine.file_head(REFERENCE, "/usr/bin/no-such-program", 4)
    folder = engine.file_head(REFERENCE, "/usr/bin/", 4)

    assert (head, absent, folder) == (b"\x7fELF", None, None)


# -- bounds ---------------------------------------------------

HOG = "held = []\nwhile True: held.append(bytearray(8_000_000))"


def test_a_first_process_that_takes_too_much_memory_is_killed_and_told_apart(
    engine: DockerEngine, plain: str
) -> None:
    bounds = Bounds(memory_bytes=64 * MIB, pids=64, log_bytes=MIB, output_bytes=MIB)
    with launched(engine, plain, program(HOG), bounds=bounds) as made:
        assert made.wait(PATIENCE_S) == Exit(code=137, memory_killed=True)


def test_a_memory_kill_of_a_child_alone_shows_beside_exit_code_zero(
    engine: DockerEngine, plain: str
) -> None:
    bounds = Bounds(memory_bytes=64 * MIB, pids=64, log_bytes=MIB, output_bytes=MIB)
    code = f"import subprocess\nprint(subprocess.run(['python3', '-c', {HOG!r}]).returncode)"
    with launched(engine, plain, program(code), bounds=bounds) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=True)

    assert made.log.stdout() == b"-9\n"


def test_processes_are_bounded(engine: DockerEngine, plain: str) -> None:
    code = (
        "import os, time\n"
        "made = 0\n"
        "try:\n"
        "    while made < 500:\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(30)\n"
        "            os._exit(0)\n"
        "        made += 1\n"
        "except OSError as error:\n"
        "    print(made, error.strerror)\n"
    )
    bounds = Bounds(memory_bytes=256 * MIB, pids=32, log_bytes=MIB, output_bytes=MIB)
    with launched(engine, plain, program(code), bounds=bounds) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)

    assert made.log.stdout() == b"31 Resource temporarily unavailable\n"


def test_of_a_long_log_head_and_tail_are_kept_and_the_harness_stays_small(
    engine: DockerEngine, api: APIClient, plain: str
) -> None:
    code = (
        "import sys\n"
        "print('the very first line')\n"
        "for n in range(320): sys.stdout.write('x' * 99_999 + '\\n')\n"
        "print('the very last line')"
    )
    bounds = Bounds(memory_bytes=256 * MIB, pids=64, log_bytes=MIB, output_bytes=MIB)
    with launched(engine, plain, program(code), bounds=bounds) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)
        (own,) = [
            found["Id"]
            for found in api.containers(
                all=True, filters={"label": f"sm-conformance.run={engine.run_id}"}
            )
        ]
        at_engine = sum(len(chunk) for chunk in api.logs(own, stream=True))

    log = made.log.stdout()
    assert log.startswith(b"the very first line\n")
    assert log.endswith(b"the very last line\n")
    assert b"bytes not kept" in log
    assert len(log) < 1.5 * MIB
    assert made.log.total_bytes == 320 * 100_000 + len("the very first line\nthe very last line\n")
    assert at_engine < 2 * MIB


def test_what_a_candidate_leaves_is_cut_at_the_bound(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    code = "open('/opt/ml/model/big', 'wb').write(bytes(5_000_000))"
    target = tmp_path / "model.tar"
    inputs = pack({"model": None})
    with launched(engine, plain, program(code), places=TRAINING_PLACES, inputs=inputs) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)
        cut = made.save("/opt/ml/model", target, 2 * MIB)
        kept = target.stat().st_size
        whole = made.save("/opt/ml/model", target, 8 * MIB)

    assert cut is False
    assert kept <= 2 * MIB
    assert whole is True
    assert read_tree(target, whole=True).files[0].size == 5_000_000


def test_a_hostile_tree_is_read_and_never_touches_the_host(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    code = (
        "import os\n"
        "os.chdir('/opt/ml/model')\n"
        "os.symlink('/etc/passwd', 'failure'); os.symlink('../../../../../..', 'up')\n"
        f"os.symlink({str(victim)!r}, 'victim')\n"
        "os.mkfifo('fifo'); os.mknod('device', 0o20666, os.makedev(1, 3))\n"
        "open('two\\nlines', 'w').close(); open('\\x1b[2Jescape', 'w').close()\n"
        "open('not-utf8-\\udcff', 'w').close(); open(' ', 'w').close()\n"
        "open('real', 'w').write('x'); os.link('real', 'second name')\n"
        "os.mkdir('many'); [open(f'many/{n}', 'w').close() for n in range(10_000)]\n"
        "deep = 'd/' * 400; os.makedirs(deep); open(deep + 'end', 'w').close()\n"
        "os.chmod('.', 0)"
    )
    folder = tmp_path / "evidence"
    folder.mkdir()
    target = folder / "model.tar"
    inputs = pack({"model": None})
    with launched(engine, plain, program(code), places=TRAINING_PLACES, inputs=inputs) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False), made.log.stderr()
        assert made.save("/opt/ml/model", target, 64 * MIB)

    tree = read_tree(target, whole=True)
    kinds = {entry.name: entry.kind for entry in tree.entries}
    assert tree.whole
    assert kinds["failure"] == kinds["up"] == kinds["victim"] == "symlink"
    assert (kinds["fifo"], kinds["device"]) == ("fifo", "device")
    assert {kinds["two\nlines"], kinds["\x1b[2Jescape"], kinds[" "]} == {"file"}
    assert sorted([kinds["real"], kinds["second name"]]) == ["file", "hard link"]
    assert sum(name.startswith("many/") for name in kinds) == 10_000
    assert kinds["d/" * 400 + "end"] == "file"
    assert read_file(target, "failure", 100) is None, "a link is not followed"
    assert read_file(target, "fifo", 100) is None
    assert [path.name for path in folder.iterdir()] == ["model.tar"]
    assert victim.read_text() == "untouched"


def test_a_folder_that_is_not_there_is_an_empty_tree(
    engine: DockerEngine, plain: str, tmp_path: Path
) -> None:
    with launched(engine, plain, ("true",)) as made:
        assert made.wait(PATIENCE_S) == Exit(code=0, memory_killed=False)
        assert made.save("/opt/ml/never", tmp_path / "never.tar", MIB)

    assert read_tree(tmp_path / "never.tar", whole=True).entries == ()


# -- programs that do not end ---------------------------------------------------

CLOSES_ITS_STREAMS = (
    "import os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, lambda *_: os._exit(5))\n"
    "os.write(1, b'going\\n')\n"
    "[os.close(n) for n in (0, 1, 2)]\n"
    "time.sleep(99)"
)


def test_a_program_that_closes_its_streams_is_not_taken_for_ended(
    engine: DockerEngine, plain: str
) -> None:
    with launched(engine, plain, program(CLOSES_ITS_STREAMS)) as made:
        wait_for("a sign of life", made.log.stdout)
        began = time.monotonic()
        assert made.pause(0.3) is False
        assert time.monotonic() - began >= 0.3
        assert wait_until_going(made, patience_s=PATIENCE_S) is None
        made.signal("SIGTERM")
        assert made.wait(PATIENCE_S) == Exit(code=5, memory_killed=False)
        assert made.pause(0.01) is True


def test_a_program_that_ignores_sigterm_goes_on_until_it_is_killed(
    engine: DockerEngine, plain: str
) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, lambda *_: print('no'))\n"
        "print('up')\n"
        "while True: time.sleep(1)"
    )
    with launched(engine, plain, program(code)) as made:
        wait_for("a sign of life", made.log.stdout)
        made.signal("SIGTERM")
        wait_for("its answer", lambda: b"no" in made.log.stdout())
        assert made.wait(0.2) is None
        made.signal("SIGKILL")
        assert made.wait(PATIENCE_S) == Exit(code=137, memory_killed=False)


WAITERS = {
    "sigwait": "signal.pthread_sigmask(signal.SIG_BLOCK, [15]); print('up'); signal.sigwait([15])",
    "a handler": "signal.signal(15, lambda *_: sys.exit()); print('up'); signal.pause()",
    "sigtimedwait": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, [15]); print('up')\n"
        "while signal.sigtimedwait([15], 0.05) is None: pass"
    ),
}


@pytest.mark.parametrize("how", WAITERS)
def test_a_first_process_that_waits_for_sigterm_is_not_said_to_drop_it(
    engine: DockerEngine, plain: str, bench: Bench, how: str
) -> None:
    with launched(engine, plain, program(f"import signal, sys\n{WAITERS[how]}")) as made:
        wait_for("a sign of life", made.log.stdout)
        seen = stop(bench, made, limit_s=PATIENCE_S)

    assert (seen.dropped, seen.obeyed) == (False, True)
    assert seen.exit == Exit(code=0, memory_killed=False)


def test_a_first_process_that_knows_nothing_of_sigterm_is_said_to_drop_it(
    engine: DockerEngine, plain: str, bench: Bench
) -> None:
    with launched(engine, plain, program("import time; print('up'); time.sleep(99)")) as made:
        wait_for("a sign of life", made.log.stdout)
        wait_for("its sleep", lambda: made.processes()[0].waits_in)
        began = time.monotonic()
        seen = stop(bench, made, limit_s=PATIENCE_S)

    assert (seen.dropped, seen.obeyed, seen.exit) == (True, False, None)
    assert time.monotonic() - began < PATIENCE_S / 2, "what is dropped is not waited for"


# -- idle, working, patient ---------------------------------------------------

SLEEPS = "import time; print('up'); time.sleep(99)"
COMPUTES = (
    "import time\n"
    "for _ in range(4):\n"
    "    time.sleep(0.7); end = time.process_time() + 0.06\n"
    "    while time.process_time() < end: pass"
)
WRITES = "import time\nfor _ in range(4): time.sleep(0.7); print('still here')"


@pytest.mark.parametrize("code", [COMPUTES, WRITES], ids=["computes", "writes"])
def test_a_slow_worker_that_does_something_now_and_then_is_not_idle(
    engine: DockerEngine, plain: str, bench: Bench, code: str
) -> None:
    with launched(engine, plain, program(code)) as made:
        ending, found, _ = watch(bench, made, idle_s=1.5, patience_s=PATIENCE_S)

    assert (ending, found) == (Ending.EXITED, Exit(code=0, memory_killed=False))


def test_a_program_that_neither_computes_nor_writes_is_idle_after_its_time_and_not_before(
    engine: DockerEngine, plain: str, bench: Bench
) -> None:
    with launched(engine, plain, program(SLEEPS)) as made:
        began = time.monotonic()
        ending, found, _ = watch(bench, made, idle_s=1.5, patience_s=PATIENCE_S)
        took = time.monotonic() - began

    assert (ending, found) == (Ending.IDLE, None)
    assert 1.5 <= took < 6


def test_a_program_that_works_on_meets_the_end_of_patience(
    engine: DockerEngine, plain: str, bench: Bench
) -> None:
    with launched(engine, plain, program("while True: pass")) as made:
        ending, found, _ = watch(bench, made, idle_s=PATIENCE_S, patience_s=1)

    assert (ending, found) == (Ending.PATIENCE, None)


# -- servers ---------------------------------------------------

SERVES = (
    "import http.server, sys\n"
    "class Answer(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self): self.send_response(200); self.end_headers()\n"
    "server = http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Answer)\n"
    "print('up'); server.serve_forever()"
)


def test_an_isolated_server_is_reached_from_here(engine: DockerEngine, plain: str) -> None:
    command = (*program(SERVES), "0.0.0.0", "8080")
    with launched(engine, plain, command, network=Network.ISOLATED) as made:
        wait_for("the server", made.log.stdout)
        assert made.address is not None
        reply = exchange(
            made.address, method="GET", path="/ping", headers={}, body=None, limit_s=PATIENCE_S
        )
        assert made.listeners() == (Listener(host="0.0.0.0", port=8080),)

    assert reply.status == 200


@pytest.mark.parametrize(
    ("host", "port", "loopback"), [("127.0.0.1", 8080, True), ("0.0.0.0", 5000, False)]
)
def test_a_server_that_listens_elsewhere_is_found_where_it_listens(
    engine: DockerEngine, plain: str, host: str, port: int, loopback: bool
) -> None:
    command = (*program(SERVES), host, str(port))
    with launched(engine, plain, command, network=Network.ISOLATED) as made:
        wait_for("the server", made.log.stdout)
        assert made.address is not None
        reply = exchange(
            made.address, method="GET", path="/ping", headers={}, body=None, limit_s=PATIENCE_S
        )
        (listener,) = made.listeners()

    assert reply.status is None
    assert reply.problem == "refused"
    assert (listener, listener.loopback) == (Listener(host=host, port=port), loopback)


# -- an engine that goes away ---------------------------------------------------


UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture
def forwarder(tmp_path: Path) -> Iterator[Forwarder]:
    opened = Forwarder(tmp_path / "engine.sock")
    yield opened
    opened.cut()
    gc.collect()  # of refused connections, the SDK leaves sockets to the collector


@UNCLOSED
def test_no_engine_is_trouble_that_says_where_it_was_looked_for(
    monkeypatch: pytest.MonkeyPatch, forwarder: Forwarder
) -> None:
    monkeypatch.setenv("DOCKER_HOST", forwarder.url)
    forwarder.cut()

    with pytest.raises(
        HarnessTrouble, match=r"no container engine answers at unix://.*engine\.sock"
    ):
        DockerEngine()


@UNCLOSED
def test_an_engine_that_goes_away_is_trouble_at_every_call_and_never_a_finding(
    monkeypatch: pytest.MonkeyPatch, plain: str, tmp_path: Path, forwarder: Forwarder
) -> None:
    monkeypatch.setenv("DOCKER_HOST", forwarder.url)
    far = DockerEngine()
    launch = _launch(plain, program(SLEEPS))
    made = far.create(launch)
    try:
        assert made.start() is None
        wait_for("a sign of life", made.log.stdout)
        forwarder.cut()

        with pytest.raises(HarnessTrouble, match="the engine went away"):
            made.wait(PATIENCE_S)
        with pytest.raises(HarnessTrouble, match="the engine went away"):
            made.save("/opt/ml/model", tmp_path / "model.tar", MIB)
        with pytest.raises(HarnessTrouble, match="the engine went away"):
            far.create(launch)
        with pytest.raises(HarnessTrouble, match="the engine went away"):
            far.image(plain)
        # The log ended with the engine, and that is no sign that the container did.
        with pytest.raises(HarnessTrouble, match="the engine went away"):
            made.pause(PATIENCE_S)
        assert made.log.stdout() == b"up\n"
    finally:
        forwarder.mend()
        far.close()
    assert left_of(far.run_id) == []


@UNCLOSED
def test_a_wait_that_the_engine_breaks_off_is_trouble_at_once(
    monkeypatch: pytest.MonkeyPatch, plain: str, forwarder: Forwarder
) -> None:
    monkeypatch.setenv("DOCKER_HOST", forwarder.url)
    far = DockerEngine()
    made = far.create(_launch(plain, program(SLEEPS)))
    try:
        assert made.start() is None
        began = time.monotonic()
        forwarder.cut_after(0.5)
        with pytest.raises(HarnessTrouble, match="the engine went away"):
            made.wait(PATIENCE_S)
        assert time.monotonic() - began < PATIENCE_S / 2
    finally:
        forwarder.mend()
        far.close()


def test_a_run_whose_engine_goes_away_is_inconclusive_and_says_why(
    tmp_path: Path, forwarder: Forwarder
) -> None:
    with judging(tmp_path, REFERENCE, environment={"DOCKER_HOST": forwarder.url}) as run:
        run.wait_until_launched()
        forwarder.cut()
        status, output = run.finish()

    assert status == 3, output
    assert "the engine went away" in output
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output
    assert "inconclusive" in output.splitlines()[-1]
    assert left_of(run.run_id), "else nothing of this shows that the next run sweeps"
    DockerEngine().close()
    assert left_of(run.run_id) == []
