"""The miniatures by name: one is lawful, the others are small liars with one sin each."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from itertools import count

from miniatures import manners
from miniatures.busy import BUSY
from miniatures.container import Miniature
from miniatures.handed import HANDED
from miniatures.inside import Answer, Inside, Killed, Ping, Program
from miniatures.lawful import (
    MODEL,
    average,
    check,
    fit,
    hyperparameters,
    invocation,
    load,
    ping,
    serving,
    training,
    write_failure,
)
from miniatures.listed import LISTED
from miniatures.streaming import STREAMING
from sm_conformance.observed.facts import Listener, StartProblem
from sm_conformance.observed.http import MAX_REPLY_BYTES

LAWFUL = Miniature(story="It keeps every clause.", train=training(), serve=serving())


# -- training -------------------------------------------------------------------------------------


def _broken(inside: Inside) -> None:
    raise RuntimeError("this never works")


def _lingers(inside: Inside) -> None:
    inside.wait_for_ever()


def _works_on(inside: Inside) -> None:
    while True:
        inside.say("still at it")
        inside.sleep(0.02)


def _leaves_nothing(inside: Inside) -> None:
    fit(inside)
    (inside.root / MODEL).unlink()


def _only_a_link(inside: Inside) -> None:
    _leaves_nothing(inside)
    (inside.root / "model/deep").mkdir()
    (inside.root / "model/deep/link").symlink_to("/program/weights")


def _wants_numbers(inside: Inside) -> None:
    for name in ("rounds", "layers"):
        if isinstance(hyperparameters(inside).get(name), str):
            raise TypeError("a number is needed")


def _wants(variable: str) -> Callable[[Inside], None]:
    def step(inside: Inside) -> None:
        inside.say(inside.environment[variable])

    return step


def _wants_the_network(inside: Inside) -> None:
    if not inside.networked:
        raise OSError("Temporary failure in name resolution")


def _wants_the_hub(inside: Inside) -> None:
    inside.look_up("huggingface.co")


def _wants_the_hub_without_a_word(inside: Inside) -> None:
    try:
        inside.look_up("huggingface.co")
    except OSError as error:
        raise RuntimeError("no weights") from error


def _wants_a_region_from_anywhere(inside: Inside) -> None:
    if "AWS_REGION" not in inside.environment:
        inside.dial("169.254.169.254", 80)


def _tells_its_maker(inside: Inside) -> None:
    """Telemetry, whose failure is lawful to ignore."""
    for attempt in (
        lambda: inside.look_up("telemetry.example"),
        lambda: inside.dial("192.0.2.7", 4317),
    ):
        with contextlib.suppress(OSError):
            attempt()


def _tells_its_maker_and_breaks(inside: Inside) -> None:
    _tells_its_maker(inside)
    raise RuntimeError("this never works")


def _wants_only_known_keys(inside: Inside) -> None:
    if set(hyperparameters(inside)) - {"rounds", "layers", "loss"}:
        raise KeyError("unknown hyperparameter")


def _given(inside: Inside, name: str) -> str:
    return hyperparameters(inside).get(name, "")


def _wants_few_layers(inside: Inside) -> None:
    if _given(inside, "layers") in ("6", "7", "8"):
        raise MemoryError("too many layers")


def _minds_both(inside: Inside) -> None:
    if _given(inside, "layers") == "8" and _given(inside, "loss") == "absolute":
        raise MemoryError("too many layers for that loss")


def _hangs_at(*layers: str) -> Callable[[Inside], None]:
    def step(inside: Inside) -> None:
        if _given(inside, "layers") in layers:
            inside.wait_for_ever()

    return step


def _works_long_with_more_layers(inside: Inside) -> None:
    if _given(inside, "layers") > "3":
        _works_on(inside)


def _fetches_a_loss(inside: Inside) -> None:
    if _given(inside, "loss") != "squared":
        _wants_the_network(inside)


def _fails_the_first_time() -> Program:
    """With the same values it fails once; who it was is forgotten with the process."""
    seen: set[str] = set()

    def step(inside: Inside) -> None:
        layers = _given(inside, "layers")
        if layers in ("1", "8") and layers not in seen:
            seen.add(layers)
            raise RuntimeError("a bad day")

    return training(before=step)


def _ends_without_a_word(inside: Inside) -> int:
    try:
        check(inside)
    except ValueError:
        return 1
    return LAWFUL.train(inside)


def _minds_empty_files(inside: Inside) -> None:
    for file in (inside.root / "input/data").rglob("*"):
        if file.is_file() and not file.stat().st_size:
            raise ValueError("an empty file")


def _deaf(inside: Inside) -> None:
    if _is_long(inside):
        inside.wait_for_ever()


def _burns(inside: Inside) -> None:
    """Long work shows itself by the processor time that it uses."""
    while _is_long(inside) and time.thread_time() < 0.6:
        pass


def _is_long(inside: Inside) -> bool:
    return (
        hyperparameters(inside).get("rounds", "").isdigit()
        and int(hyperparameters(inside)["rounds"]) > 1000
    )


def _buries_its_failure(inside: Inside, reason: str) -> None:
    """The failure file comes after data that nobody reads to the end."""
    (inside.root / "output/data/core").write_bytes(bytes(200_000))
    write_failure(inside, reason)


def _leaves(*names: str) -> Callable[[Inside], None]:
    """Links and pipes beside the model: ``name -> target``, or the name of a FIFO."""

    def step(inside: Inside) -> None:
        for name in names:
            path, _, target = name.partition(" -> ")
            (inside.root / path).parent.mkdir(parents=True, exist_ok=True)
            if target:
                (inside.root / path).symlink_to(target)
            else:
                os.mkfifo(inside.root / path)

    return step


def _drops_its_model(inside: Inside) -> None:
    """Ends when it is asked to, without the model."""
    fit(inside)
    if inside.asked_to_stop.is_set():
        (inside.root / MODEL).rename(inside.root / "model/means.json.tmp")


def _logs(*lines: str) -> Callable[[Inside], None]:
    def step(inside: Inside) -> None:
        for line in lines:
            inside.say(line)

    return step


def _complains(line: str) -> Callable[[Inside], None]:
    return lambda inside: inside.complain(line)


def _works_silently(inside: Inside) -> None:
    inside.sleep(0.3)


def _floods_its_log(inside: Inside) -> None:
    """More than is kept; the metric stands where nothing is."""
    inside.say("x" * 300_000)
    inside.say("accuracy=0.5")
    for _ in range(20):
        inside.say("x" * 100_000)


def _buries_its_reason(inside: Inside, reason: str) -> None:
    frames = [f'  File "/program/layer{n}.py", line {n}, in step{n}\n    go()' for n in range(40)]
    lines = ["Traceback (most recent call last):", *frames, reason]
    write_failure(inside, "\n".join(lines))


def _reason_in_another_encoding(inside: Inside, reason: str) -> None:
    (inside.root / "output/failure").write_bytes(f"ungültig: {reason}".encode("latin-1"))


def _reason_after_blanks(inside: Inside, reason: str) -> None:
    write_failure(inside, "\n" * 1024 + reason)


def _talks_after_its_failure(inside: Inside, reason: str) -> None:
    write_failure(inside, reason)
    inside.sleep(0.4)
    inside.say("cleaning up")


def _says_nothing(inside: Inside, reason: str) -> None:
    """Fails without a word."""


def _empty_failure(inside: Inside, reason: str) -> None:
    write_failure(inside, "")


def _failure_as_folder(inside: Inside, reason: str) -> None:
    (inside.root / "output/failure").mkdir()


def _needs_rounds(inside: Inside) -> int:
    if "rounds" not in hyperparameters(inside):
        return 9
    return LAWFUL.train(inside)


def _dead(inside: Inside) -> int:
    return 127


def _as_if_killed(inside: Inside) -> int:
    inside.say("training starts")
    return 137


def _silent(inside: Inside) -> int:
    inside.serve(ping, invocation)
    return 0


def _chatters(inside: Inside) -> int:
    """A server that is never idle, as heartbeats and access logs make them."""

    def beat() -> None:
        with contextlib.suppress(Killed):
            while not inside.asked_to_stop.wait(0.02):
                inside.say("heartbeat")

    threading.Thread(target=beat, daemon=True).start()
    return _silent(inside)


def _shows_a_dashboard(inside: Inside) -> None:
    """Serves a page beside its work, and works longer than it takes to notice that."""
    inside.listeners.append(Listener(host="0.0.0.0", port=8080))
    threading.Thread(target=_dashboard, args=(inside,), daemon=True).start()
    for _ in range(12):
        inside.say("an epoch is over")
        inside.sleep(0.02)


def _dashboard(inside: Inside) -> None:
    with contextlib.suppress(Killed, OSError):
        inside.serve(ping, invocation)


def _interrupts(inside: Inside) -> int:
    """What Ctrl-C does while a training goes."""
    os.kill(os.getpid(), signal.SIGINT)
    inside.wait_for_ever()
    return 0


# -- hosting --------------------------------------------------------------------------------------


def _never_listens(inside: Inside) -> int:
    inside.say("server starts")
    inside.until_stopped()
    return 0


def _listens(host: str, port: int) -> Callable[[Inside], int]:
    def serve(inside: Inside) -> int:
        inside.listeners.append(Listener(host=host, port=port))
        return _never_listens(inside)

    return serve


def _gives_up(inside: Inside) -> int:
    inside.complain("no licence found")
    return 3


def _ping_500(headers: Message) -> int:
    return 500


def _ping_404(headers: Message) -> int:
    return 404


def _ping_local_only(headers: Message) -> int:
    return 200 if headers.get("Host", "").startswith("localhost") else 400


def _slow_ping(headers: Message) -> int:
    time.sleep(0.1)
    return 200


def _slow_now_and_then() -> Ping:
    seen = count(1)

    def slow(headers: Message) -> int:
        if next(seen) % 9 == 0:
            time.sleep(0.3)
        return 200

    return slow


def _falls_ill() -> Ping:
    seen = count()
    return lambda headers: 200 if next(seen) < 16 else 503


def _too_fast() -> Callable[[], bool]:
    """Whether a call comes within 5 ms of the one before, beyond a burst of thirty."""
    seen = {"last": 0.0, "fast": 0.0}

    def too_fast() -> bool:
        now = time.monotonic()
        seen["fast"] = seen["fast"] + 1 if now - seen["last"] < 0.005 else 0
        seen["last"] = now
        return seen["fast"] > 30

    return too_fast


def _limited(answer: Ping, refusal: int) -> Ping:
    too_fast = _too_fast()
    return lambda headers: refusal if too_fast() else answer(headers)


def _limited_requests() -> Callable[[Message, bytes], Answer]:
    too_fast = _too_fast()

    def answer(headers: Message, body: bytes) -> Answer:
        return (429, "text/plain", b"") if too_fast() else invocation(headers, body)

    return answer


def _one_at_a_time(work_s: float) -> Callable[[Message, bytes], Answer]:
    lock = threading.Lock()

    def answer(headers: Message, body: bytes) -> Answer:
        with lock:
            time.sleep(work_s)
        return invocation(headers, body)

    return answer


def _refuses(headers: Message, body: bytes) -> Answer:
    return 400, "text/plain", b"not this\n"


def _floods(headers: Message, body: bytes) -> Answer:
    return 200, "text/csv", bytes(MAX_REPLY_BYTES + 1)


def _breaks(headers: Message, body: bytes) -> Answer:
    return 500, "text/plain", b"oh\n"


def _thinks_too_long() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        if next(seen) == 0:
            time.sleep(0.9)
        return invocation(headers, body)

    return answer


def _warms_up() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        return (503, "text/plain", b"") if next(seen) == 0 else invocation(headers, body)

    return answer


def _no_type(headers: Message, body: bytes) -> Answer:
    status, _, text = invocation(headers, body)
    return status, "", text


def _no_strangers(headers: Message, body: bytes) -> Answer:
    if "X-Forwarded-For" in headers:
        return 400, "text/plain", b"no proxies\n"
    return invocation(headers, body)


def _only_csv(headers: Message, body: bytes) -> Answer:
    if headers["Content-Type"] == "application/json":
        return 415, "text/plain", b"csv, please\n"
    return invocation(headers, body)


def _any_type(headers: Message, body: bytes) -> Answer:
    if headers.get("Content-Type", "").startswith("application/x-"):
        return 200, "text/csv", b"0\n"
    return invocation(headers, body)


def _no_charset(headers: Message, body: bytes) -> Answer:
    if ";" in headers.get("Content-Type", ""):
        return 415, "text/plain", b"text/csv, and nothing behind it\n"
    return invocation(headers, body)


def _needs_a_type(headers: Message, body: bytes) -> Answer:
    if "Content-Type" not in headers:
        return 500, "text/plain", b"KeyError: Content-Type\n"
    return invocation(headers, body)


def _needs_four_columns(headers: Message, body: bytes) -> Answer:
    if body.count(b",") == 2 and b"{" not in body:
        return 500, "text/plain", b"shapes do not fit\n"
    return invocation(headers, body)


def _says_no_more(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return (status, kind, b"{}") if 400 <= status < 500 else (status, kind, text)


def _minds_sessions(headers: Message, body: bytes) -> Answer:
    if "X-Amzn-SageMaker-Session-Id" in headers:
        return 500, "text/plain", b"no sessions here\n"
    return invocation(headers, body)


def _knows_no_such_session(headers: Message, body: bytes) -> Answer:
    if "X-Amzn-SageMaker-Session-Id" in headers:
        return 404, "text/plain", b"no such session\n"
    return invocation(headers, body)


def _labelled(kind: str, text: bytes) -> Callable[[Message, bytes], Answer]:
    def answer(headers: Message, body: bytes) -> Answer:
        status, own, said = invocation(headers, body)
        return (200, kind, text % len(body)) if status == 200 else (status, own, said)

    return answer


def _only_local_requests(headers: Message, body: bytes) -> Answer:
    if not headers.get("Host", "").startswith("localhost"):
        return 400, "text/plain", b"Bad Request (400)\n"
    return invocation(headers, body)


def _ping_401(headers: Message) -> int:
    return 401


def _breaks_on_malformed(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return (500, kind, text) if status == 400 else (status, kind, text)


def _sulks() -> Callable[[Message, bytes], Answer]:
    """After the first malformed body it refuses everything."""
    hurt: list[bool] = []

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        if status == 400:
            hurt.append(True)
        return (400, kind, b"sulking\n") if hurt else (status, kind, text)

    return answer


def _tires(after: int) -> Program:
    """Ends when it has answered so many requests, whatever they are."""

    def serve(inside: Inside) -> int:
        seen = count(1)

        def tired() -> None:
            if next(seen) >= after:
                inside.asked_to_stop.set()

        def pinged(headers: Message) -> int:
            tired()
            return ping(headers)

        def asked(headers: Message, body: bytes) -> Answer:
            tired()
            return invocation(headers, body)

        return serving(ping=pinged, invocation=asked)(inside)

    return serve


def _loses_workers() -> Callable[[Message, bytes], Answer]:
    """Each malformed body takes one of its workers with it."""
    workers = [1, 2, 3]

    def answer(headers: Message, body: bytes) -> Answer:
        if not workers:
            return 503, "text/plain", b"nobody is left\n"
        status, kind, text = invocation(headers, body)
        if status == 400:
            workers.pop()
        return status, kind, text

    return answer


def _faints_once() -> Program:
    """Ends at a body of noise, and never again in any launch."""
    fainted: list[bool] = []

    def serve(inside: Inside) -> int:
        def asked(headers: Message, body: bytes) -> Answer:
            found = invocation(headers, body)
            if found[0] == 400 and not fainted:
                fainted.append(True)
                inside.asked_to_stop.set()
            return found

        return serving(invocation=asked)(inside)

    return serve


def _deaf_at_work(inside: Inside) -> int:
    """Forgets a SIGTERM that comes while a request is on its way."""
    own = replace(inside, asked_to_stop=threading.Event())
    at_work: list[object] = []

    class AtWork(manners.Handler):
        def do_POST(self) -> None:  # noqa: N802
            at_work.append(self)
            try:
                super().do_POST()
            finally:
                at_work.remove(self)

    def listen() -> None:
        inside.asked_to_stop.wait()
        if at_work:
            inside.killed.wait()
        own.asked_to_stop.set()

    threading.Thread(target=listen, daemon=True).start()
    return serving(manners=AtWork)(own)


def _is_bad(inside: Inside) -> bool:
    try:
        load(inside)
    except ValueError:
        return True
    return False


def _swallows_a_bad_model(inside: Inside) -> int:
    inside.say("server starts")
    inside.serve(ping, _breaks if _is_bad(inside) else invocation)
    return 0


def _ill_with_a_bad_model(inside: Inside) -> int:
    inside.say("server starts")
    inside.serve(_ping_500 if _is_bad(inside) else ping, invocation)
    return 0


def _minds_its_name(inside: Inside) -> None:
    if inside.hostname and not inside.hostname.islower():
        raise ValueError(f"no configuration for the host {inside.hostname}")


def _cuts_off(inside: Inside) -> int:
    """Who is still sending when it is told to stop gets no answer."""

    def answer(headers: Message, body: bytes) -> Answer:
        if inside.asked_to_stop.is_set():
            raise ConnectionAbortedError
        return invocation(headers, body)

    return serving(invocation=answer)(inside)


def _bereft(
    *,
    answers: Callable[[float], int] = lambda _: 500,
    pings: Callable[[float], int] = lambda _: 200,
) -> Program:
    """What it answers when the process behind it has been dead for so many seconds."""

    def serve(inside: Inside) -> int:
        died: list[float] = []

        def dead_s() -> float | None:
            if not inside.child_killed.is_set():
                return None
            died.append(time.monotonic())
            return time.monotonic() - died[0]

        def pinged(headers: Message) -> int:
            dead = dead_s()
            return 200 if dead is None else pings(dead)

        def asked(headers: Message, body: bytes) -> Answer:
            dead = dead_s()
            status = 200 if dead is None else answers(dead)
            return invocation(headers, body) if status == 200 else (status, "text/plain", b"")

        return serving(ping=pinged, invocation=asked)(inside)

    return serve


def _dies_with_its_child(inside: Inside) -> int:
    def watch() -> None:
        inside.child_killed.wait()
        inside.asked_to_stop.set()

    threading.Thread(target=watch, daemon=True).start()
    return LAWFUL.serve(inside)


def _breaks_on_nan(headers: Message, body: bytes) -> Answer:
    if b"NaN" in body:
        return 500, "text/plain", b"out of range\n"
    return invocation(headers, body)


def _takes_one_row(headers: Message, body: bytes) -> Answer:
    """Of JSON, that is."""
    status, kind, text = invocation(headers, body)
    many = kind == "application/json" and b"," in text
    return (400, "text/plain", b"one row, please\n") if many else (status, kind, text)


def _answers_with_text(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return status, kind, b'["none"]' if text == b"[0, 0]" else text


def _mixes_callers_up() -> Callable[[Message, bytes], Answer]:
    """What one caller was refused for is the answer to the next."""
    left_over: list[bytes] = []

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        if b"sm-conformance" in body:
            left_over.append(b"7\n")
        elif status == 200 and left_over:
            text = left_over.pop()
        return status, kind, text

    return answer


def _learns() -> Callable[[Message, bytes], Answer]:
    """A text in a request changes its answers for good."""
    learned: list[bytes] = []

    def answer(headers: Message, body: bytes) -> Answer:
        if b",sm-conformance" in body:
            learned.append(body)
        status, kind, text = invocation(headers, body)
        return status, kind, b"9\n" if learned and status == 200 else text

    return answer


def _counts() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        return status, kind, f"{next(seen)}\n".encode() if status == 200 else text

    return answer


def _two_workers() -> Callable[[Message, bytes], Answer]:
    """Each has an answer of its own, and the second comes seldom."""
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        return status, kind, b"1\n" if status == 200 and next(seen) % 13 == 12 else text

    return answer


def _unpacks_beside_the_model(inside: Inside) -> None:
    if "/opt/ml/model" in inside.read_only:
        raise PermissionError("read-only file system: /opt/ml/model/cache")


def _late(inside: Inside) -> None:
    inside.sleep(0.4)


def _afresh(make: Callable[[], Program]) -> Program:
    """A program that remembers nothing of its other launches."""

    def program(inside: Inside) -> int:
        return make()(inside)

    return program


def _trains(*steps: Callable[[Inside], None], story: str, **how: object) -> Miniature:
    return replace(LAWFUL, story=story, train=training(*steps, **how))  # type: ignore[arg-type]


def _serves(story: str, **how: object) -> Miniature:
    return replace(LAWFUL, story=story, serve=serving(**how))  # type: ignore[arg-type]


def _lawful_but(story: str, **parts: object) -> Miniature:
    return replace(LAWFUL, story=story, **parts)  # type: ignore[arg-type]


MINIATURES: dict[str, Miniature] = {
    "lawful": LAWFUL,
    # training
    "always-fails": _trains(_broken, story="Its training fails on good input."),
    "lingers": _trains(fit, _lingers, story="Its training does not end."),
    "works-on": _trains(_works_on, story="Its training takes longer than anybody waits."),
    "no-model": _trains(_leaves_nothing, story="Its training leaves no model."),
    "model-is-a-link": _trains(_only_a_link, story="Its model is a link that leads away."),
    "failure-on-success": _trains(
        fit, lambda inside: write_failure(inside, "fine"), story="It reports a failure in vain."
    ),
    "no-failure-file": _trains(on_failure=_says_nothing, story="It fails without a failure file."),
    "empty-failure-file": _trains(on_failure=_empty_failure, story="Its failure file is empty."),
    "failure-folder": _trains(on_failure=_failure_as_folder, story="Its failure file is a folder."),
    "buried-failure": _trains(
        on_failure=_buries_its_failure, story="It leaves a lot beside its failure file."
    ),
    "buried-reason": _trains(
        on_failure=_buries_its_reason, story="Its failure file begins with a long trace."
    ),
    "latin-reason": _trains(
        on_failure=_reason_in_another_encoding, story="Its failure file is not UTF-8."
    ),
    "blank-reason": _trains(
        on_failure=_reason_after_blanks, story="Its failure file begins with blanks."
    ),
    "talks-after-failure": _trains(
        on_failure=_talks_after_its_failure, story="It writes on after its failure file."
    ),
    "drops-its-model": _trains(_drops_its_model, story="It keeps no model when it is stopped."),
    "links-away": _trains(
        fit, _leaves("model/all -> /program/weights"), story="It links to its program."
    ),
    "links-beside": _trains(
        fit, _leaves("model/latest -> means.json"), story="It links to its own model."
    ),
    "leaves-a-pipe": _trains(fit, _leaves("model/pipe"), story="It leaves a pipe."),
    "links-output-away": _trains(
        fit, _leaves("output/data/log -> ../../../../log"), story="Its other artefacts lead away."
    ),
    "links-output-beside": _trains(
        fit, _leaves("output/data/runs/latest -> ../other"), story="It links within its output."
    ),
    "measures": _trains(
        fit, _logs("epoch 1", "accuracy=0.5; loss=nan", "done"), story="It logs two metrics."
    ),
    "measures-on-stderr": _trains(
        fit, _complains("\r 50%\raccuracy=5e-1"), story="It logs its metric as a progress bar."
    ),
    "measures-in-a-flood": _trains(fit, _floods_its_log, story="It logs more than is kept."),
    "holds-back": _lawful_but(
        "It logs when it ends.",
        train=training(_works_silently, fit, _logs(*"123456"), quiet=True),
    ),
    "sums-up": _lawful_but(
        "It is quiet, and closes with one line.",
        train=training(_works_silently, fit, _logs("done"), quiet=True),
    ),
    "fills-the-disk": _lawful_but(
        "It writes much into its home.",
        adds={"/root/.cache/a\nb": 600_000_000, "/root/b": 500_000_000, "/tmp/c": 9_000_000_000},
    ),
    "fills-tmp": _lawful_but("It writes much into /tmp.", adds={"/tmp/c": 9_000_000_000}),
    "many-files": _lawful_but(
        "It writes many files.", adds={f"/root/{n}": 10_000_000 for n in range(250)}
    ),
    "not-told": _lawful_but("Nobody knows what it writes.", adds=None),
    "exit-0-on-fault": _trains(failing_code=0, story="It exits with 0 when it has failed."),
    "wants-numbers": _trains(before=_wants_numbers, story="It takes no strings for numbers."),
    "wants-sm-variables": _trains(before=_wants("SM_MODEL_DIR"), story="It needs SM_MODEL_DIR."),
    "wants-region": _trains(before=_wants("AWS_REGION"), story="It needs a Region."),
    "wants-network": _trains(before=_wants_the_network, story="Its training downloads something."),
    "wants-hub": _trains(before=_wants_the_hub, story="Its training downloads weights."),
    "wants-hub-silently": _trains(
        before=_wants_the_hub_without_a_word, story="It does not say that it misses the hub."
    ),
    "wants-region-from-anywhere": _trains(
        before=_wants_a_region_from_anywhere, story="It asks the metadata service for its Region."
    ),
    "telemetry": _lawful_but(
        "It tells its maker of each start, and does well without.",
        train=training(before=_tells_its_maker),
        serve=serving(before=_tells_its_maker),
    ),
    "telemetry-and-broken": _trains(
        before=_tells_its_maker_and_breaks, story="It fails for a reason of its own."
    ),
    "known-keys-only": _trains(before=_wants_only_known_keys, story="It refuses unknown keys."),
    "wants-few-layers": _trains(before=_wants_few_layers, story="Many layers are too many for it."),
    "minds-both": _trains(before=_minds_both, story="Two ends of ranges together make it fail."),
    "hangs-with-layers": _trains(before=_hangs_at("8"), story="It hangs at an end of a range."),
    "hangs-beyond": _trains(before=_hangs_at("0"), story="It hangs below a range."),
    "slow-with-layers": _trains(
        before=_works_long_with_more_layers, story="Greater values make it work for long."
    ),
    "fetches-a-loss": _trains(before=_fetches_a_loss, story="A lawful value needs the network."),
    "bad-days": _lawful_but(
        "It fails once with each value at an end.", train=_fails_the_first_time()
    ),
    "takes-anything": _trains(average, story="It trains with values that nobody allowed."),
    "refuses-in-silence": _lawful_but(
        "It refuses values without a word.", train=_ends_without_a_word
    ),
    "minds-empty-files": _trains(before=_minds_empty_files, story="It cannot read empty files."),
    **HANDED,
    "needs-hyperparameters": _lawful_but(
        "It dies without a word when no hyperparameters are given.", train=_needs_rounds
    ),
    "deaf": _lawful_but(
        "It ignores SIGTERM.",
        train=training(_deaf, fit),
        catches_sigterm=False,
    ),
    "deaf-behind-a-shell": _lawful_but(
        "A shell keeps SIGTERM from its training.",
        train=training(_deaf, fit),
        catches_sigterm=False,
        helpers=("python train.py",),
    ),
    "quiet": _lawful_but(
        "It writes no line.", train=training(_burns, fit, quiet=True), serve=_silent
    ),
    "serves-when-told-train": _lawful_but(
        "It starts a server whatever it is told.",
        train=_silent,
    ),
    "dashboard": _trains(_shows_a_dashboard, fit, story="It shows a dashboard while it trains."),
    "only-serves": _lawful_but(
        "It serves whatever it is told, and writes heartbeats.", train=_chatters
    ),
    "only-serves-silently": _lawful_but("It serves whatever it is told.", train=_silent),
    "ends-as-if-killed": _lawful_but("It exits with 137 by itself.", train=_as_if_killed),
    "out-of-memory": _lawful_but("It needs more memory than it gets.", memory_killed=True),
    "bad-program": _lawful_but(
        "Its program cannot be executed.",
        problem=StartProblem(text="exec /program/main: permission denied", kind="not-executable"),
        modes={"/program/main": 0o644},
    ),
    "no-user": _lawful_but(
        "Its user does not exist.",
        problem=StartProblem(text="unable to find user mallory", kind="no-user"),
    ),
    "needs-its-command": _lawful_but(
        "It trains and serves by its CMD, which the platform replaces.",
        train=_dead,
        serve=_dead,
        command=("python", "main.py"),
        by_command=LAWFUL.train,
    ),
    "no-program": _lawful_but(
        "Nothing called train is on its PATH.",
        entrypoint=(),
        problem=StartProblem(text='exec: "train": executable file not found', kind="not-found"),
    ),
    "shell-cannot-run": _lawful_but("Its shell finds no program.", train=_dead, serve=_dead),
    "no-server": _lawful_but("It only trains.", serve=_dead),
    "no-trainer": _lawful_but("It only serves.", train=_dead),
    "for-arm": _lawful_but("It is made for arm64.", architecture="arm64", elf_machine=183),
    "says-arm": _lawful_but("Its metadata says arm64 of an amd64 program.", architecture="arm64"),
    "shell-form": _lawful_but("A shell starts it.", entrypoint=("/bin/sh", "-c", "main")),
    "shell-that-execs": _lawful_but(
        "A shell starts it and hands over.", entrypoint=("/bin/sh", "-c", "umask 22; exec main")
    ),
    "tini": _lawful_but("Its entrypoint is tini.", entrypoint=("/sbin/tini", "--", "/main")),
    "not-root": _lawful_but("It sets another user.", user="1000:1000"),
    # hosting
    **BUSY,
    "never-listens": _lawful_but("Its server never listens.", serve=_never_listens),
    "loopback": _lawful_but("It listens on loopback alone.", serve=_listens("127.0.0.1", 8080)),
    "port-5000": _lawful_but("It listens on another port.", serve=_listens("0.0.0.0", 5000)),
    "gives-up": _lawful_but("Its server ends at once.", serve=_gives_up),
    "ping-500": _serves("Its ping says 500.", ping=_ping_500),
    "localhost-only": _serves("It answers clients that call it localhost.", ping=_ping_local_only),
    "slow-ping": _serves("Its ping is slow.", ping=_slow_ping),
    "slow-now-and-then": _lawful_but(
        "Every ninth ping is slow.", serve=_afresh(lambda: serving(ping=_slow_now_and_then()))
    ),
    "sick-later": _lawful_but(
        "It falls ill after sixteen pings.",
        serve=_afresh(lambda: serving(ping=_falls_ill())),
    ),
    "late": _serves("It is ready too late.", before=_late),
    "rate-limited": _lawful_but(
        "It refuses what comes too fast, as proxies do.",
        serve=_afresh(lambda: serving(ping=_limited(ping, 429), invocation=_limited_requests())),
    ),
    "one-at-a-time": _serves(
        "It is quick, and does one thing at a time.", invocation=_one_at_a_time(0.03)
    ),
    "refuses": _serves("It refuses every request.", invocation=_refuses),
    "ping-404": _serves("It knows no ping.", ping=_ping_404),
    "floods": _serves("Its replies are larger than is read.", invocation=_floods),
    "breaks": _serves("Every request breaks it.", invocation=_breaks),
    "slow": _lawful_but(
        "It thinks too long.",
        serve=_afresh(lambda: serving(invocation=_thinks_too_long())),
    ),
    "warms-up": _lawful_but(
        "It says it is ready before it is.",
        serve=_afresh(lambda: serving(invocation=_warms_up())),
    ),
    "no-type": _serves("Its replies have no Content-Type.", invocation=_no_type),
    "no-strangers": _serves("It refuses unknown headers.", invocation=_no_strangers),
    "only-csv": _serves("It refuses a type that is declared.", invocation=_only_csv),
    "any-type": _serves("It takes any content type for good.", invocation=_any_type),
    "breaks-on-malformed": _serves(
        "A malformed body makes it say 500.", invocation=_breaks_on_malformed
    ),
    "sulks": _lawful_but(
        "It refuses everything after a malformed body.",
        serve=_afresh(lambda: serving(invocation=_sulks())),
    ),
    "tires": _lawful_but("It ends after some number of requests.", serve=_tires(180)),
    "starves": _lawful_but(
        "It ends when what it keeps of each request has filled its memory.",
        serve=_tires(180),
        memory_killed=True,
    ),
    "loses-workers": _lawful_but(
        "Each malformed body takes a worker with it.",
        serve=_afresh(lambda: serving(invocation=_loses_workers())),
    ),
    "faints-once": _lawful_but("It ends once for no reason.", serve=_faints_once()),
    "only-gets": _serves("Its ping takes no POST.", manners=manners.OnlyGets),
    "knows-everything": _serves("It has a page for every path.", manners=manners.KnowsEverything),
    "repeats": _serves("It repeats itself on a connection.", manners=manners.Repeats),
    "leaves-bodies": _serves("It leaves refused bodies unread.", manners=manners.LeavesBodies),
    "leaves-bodies-and-ends": _serves(
        "It leaves refused bodies unread and ends the connection.",
        manners=manners.LeavesBodiesAndEnds,
    ),
    "reads-once": _serves("It reads requests at one go.", manners=manners.ReadsOnce),
    "knows-one-spelling": _serves(
        "It minds how headers are spelt.", manners=manners.KnowsOneSpelling
    ),
    "counts": _serves("It reads no chunks, and says 400.", manners=manners.Counts),
    "counts-and-says-so": _serves("It reads no chunks.", manners=manners.CountsAndSaysSo),
    "cannot-wait": _serves("It fails when a body is held back.", manners=manners.CannotWait),
    "never-asks": _serves("It waits for what is held back.", manners=manners.NeverAsks),
    "old-fashioned": _serves("It speaks HTTP/1.0.", manners=manners.OldFashioned),
    "hangs-up": _serves("It ends connections without a word.", manners=manners.HangsUp),
    "says-goodbye": _serves("It says that it ends connections.", manners=manners.SaysGoodbye),
    "long-winded": _serves("Its attributes are too long.", manners=manners.LongWinded),
    "echoes": _serves("It returns the attributes it got.", manners=manners.Echoes),
    "foreign-words": _serves("Its attributes are no ASCII.", manners=manners.ForeignWords),
    "ping-hangs": _serves("Its ping is never answered.", manners=manners.NeverAnswersPings),
    "speaks-tls": _serves("It wants TLS.", manners=manners.SpeaksTls),
    "ping-401": _serves("Its ping wants a password.", ping=_ping_401),
    "only-local-requests": _serves(
        "It predicts for who calls it localhost.", invocation=_only_local_requests
    ),
    "no-charset": _serves("It minds a charset.", invocation=_no_charset),
    "needs-a-type": _serves("It breaks without a Content-Type.", invocation=_needs_a_type),
    "needs-four-columns": _serves("Fewer columns break it.", invocation=_needs_four_columns),
    "says-no-more": _serves("It refuses with {}.", invocation=_says_no_more),
    "minds-sessions": _serves("A session breaks it.", invocation=_minds_sessions),
    "knows-sessions": _serves("It knows sessions.", invocation=_knows_no_such_session),
    "html": _serves("It says that its JSON is HTML.", invocation=_labelled("text/html", b"[%d]")),
    "csv-as-json": _serves(
        "It says that its CSV is JSON.", invocation=_labelled("application/json", b"0\n%d\n")
    ),
    "breaks-on-nan": _serves("NaN makes it say 500.", invocation=_breaks_on_nan),
    "takes-one-row": _serves("It refuses several rows of JSON.", invocation=_takes_one_row),
    "answers-with-text": _serves(
        "To two rows it answers with a text.", invocation=_answers_with_text
    ),
    "mixes-callers-up": _lawful_but(
        "It answers with what is left of another request.",
        serve=_afresh(lambda: serving(invocation=_mixes_callers_up())),
    ),
    "learns": _lawful_but(
        "It learns from whatever it is sent.",
        serve=_afresh(lambda: serving(invocation=_learns())),
    ),
    "numbers-its-answers": _lawful_but(
        "It numbers its answers.", serve=_afresh(lambda: serving(invocation=_counts()))
    ),
    "two-workers": _lawful_but(
        "Its workers do not agree.", serve=_afresh(lambda: serving(invocation=_two_workers()))
    ),
    "small-bodies": _serves("It refuses 6 MiB.", body_limit=1 << 20),
    "smallish-bodies": _serves("It refuses 25 MB.", body_limit=10 << 20),
    "writes-beside-model": _serves("It writes to its model.", before=_unpacks_beside_the_model),
    "wants-hub-to-serve": _serves("Its server downloads weights.", before=_wants_the_hub),
    "wants-region-from-anywhere-to-serve": _serves(
        "Its server asks the metadata service for its Region.", before=_wants_a_region_from_anywhere
    ),
    "wants-network-to-serve": _serves("Its server downloads.", before=_wants_the_network),
    "minds-its-name": _serves("It knows its host by name.", before=_minds_its_name),
    "swallows-a-bad-model": _lawful_but(
        "It answers pings whatever its model is.", serve=_swallows_a_bad_model
    ),
    "needs-no-model": _lawful_but("It does without the model that it is handed.", serve=_chatters),
    "ill-with-a-bad-model": _lawful_but(
        "Its pings fail when its model is bad.", serve=_ill_with_a_bad_model
    ),
    "cuts-off": _lawful_but("It cuts off who is still sending.", serve=_cuts_off),
    "hides-a-dead-child": _lawful_but(
        "It says it is healthy when its server is dead.", serve=_bereft(), child="python model.py"
    ),
    "ends-with-its-child": _lawful_but(
        "It ends with its server.", serve=_dies_with_its_child, child="python model.py"
    ),
    "ill-without-its-child": _lawful_but(
        "Its pings fail when its server is dead.",
        serve=_bereft(pings=lambda _: 503),
        child="python model.py",
    ),
    "starts-its-child-again": _lawful_but(
        "It starts its server again.",
        serve=_bereft(answers=lambda dead: 200 if dead > 0.3 else 503),
        child="python model.py",
    ),
    "writes-beside-its-program": _lawful_but(
        "It keeps its cache beside its program.",
        adds={
            "/opt/program/cache.db": 10,
            "/var/log/server.log": 5,
            "/tmp/scratch": 3,
            "/opt/program/__pycache__/serve.pyc": 9,
            "/run/server.pid": 2,
        },
    ),
    "writes-logs": _lawful_but(
        "It writes a log and the number of its process.",
        adds={"/var/log/server.log": 5, "/run/server.pid": 2},
    ),
    "deaf-server": _lawful_but("Its server ignores SIGTERM.", catches_sigterm=False),
    "deaf-at-work": _lawful_but("It hears no SIGTERM while it works.", serve=_deaf_at_work),
    **STREAMING,
    **LISTED,
    # trouble of the engine, and of the user
    "engine-dies-at-create": _lawful_but("The engine dies before it.", trouble="create"),
    "engine-dies-at-start": _lawful_but("The engine dies with it.", trouble="start"),
    "engine-dies-at-save": _lawful_but("The engine dies after it.", trouble="save"),
    "interrupts": _lawful_but("The user presses Ctrl-C.", train=_interrupts),
    "interrupts-serving": _lawful_but("The user presses Ctrl-C later.", serve=_interrupts),
}
