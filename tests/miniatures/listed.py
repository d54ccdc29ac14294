"""Miniatures that are to be listed: some work everywhere but in the validation of a listing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from email.message import Message

from miniatures.container import Miniature
from miniatures.inside import Answer, Inside, Invocation
from miniatures.lawful import MODEL, TYPES, fit, invocation, serving, training
from miniatures.manners import Metered, MeteredInText, MeteredNowAndThen

KEY = "AKIAQ3EGRIPXLVH7QW2Z"


def _in_batch(inside: Inside) -> bool:
    return inside.environment.get("SAGEMAKER_BATCH", "").lower() == "true"


def _serves(
    story: str, *, before: Callable[[Inside], None] | None = None, answer: Invocation = invocation,
    manners: type | None = None,
) -> Miniature:  # fmt: skip
    serve = serving(before=before, invocation=answer, manners=manners)
    return Miniature(story=story, train=training(), serve=serve)


def _differs_in_batch(story: str, answer: Invocation) -> Miniature:
    """A server that answers in another way where it serves a transform job."""

    def serve(inside: Inside) -> int:
        return serving(invocation=answer if _in_batch(inside) else invocation)(inside)

    return Miniature(story=story, train=training(), serve=serve)


def _wants_a_payload(inside: Inside) -> None:
    if _in_batch(inside):
        inside.say(inside.environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"])


def _knows_its_job(inside: Inside) -> None:
    if _in_batch(inside):
        job = (
            inside.environment["SAGEMAKER_BATCH_STRATEGY"],
            inside.environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"],
            inside.environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"],
            inside.environment["COLOUR"],
        )
        if job != ("SINGLE_RECORD", "1", "2", "green"):
            raise ValueError(job)


def _looks_up_in_batch(inside: Inside) -> None:
    if _in_batch(inside):
        inside.look_up("jobs.example")


def _installs_softly(inside: Inside) -> None:
    with contextlib.suppress(OSError):
        inside.look_up("files.pythonhosted.org")


def _says_what_an_installer_says(inside: Inside) -> None:
    inside.complain("ERROR: Could not find a version that satisfies the requirement xgboost")


def _links_to_a_hub(inside: Inside) -> None:
    inside.complain("FutureWarning: see https://huggingface.co/docs and https://pypi.org/project/x")
    with contextlib.suppress(OSError):
        inside.look_up("telemetry.example")


def _logs_a_key(inside: Inside) -> None:
    inside.say(f"uploading with {KEY}")


def _knows_csv_alone(headers: Message, body: bytes) -> Answer:
    if "csv" not in headers.get("Content-Type", ""):
        return 415, "text/plain", b"in a job, CSV alone\n"
    return invocation(headers, body)


def _two_columns(headers: Message, body: bytes) -> Answer:
    status, kind, answer = invocation(headers, body)
    if status == 200 and kind == "text/csv" and isinstance(answer, bytes):
        answer = answer.replace(b"\n", b",0.5\n")
    return status, kind, answer


def _own_type(headers: Message, body: bytes) -> Answer:
    status, kind, answer = invocation(headers, body)
    return status, "application/vnd.flowers" if kind == TYPES[0] else kind, answer


def _wants_a_header(headers: Message, body: bytes) -> Answer:
    """A table begins with the names of its columns; without them it is refused."""
    if headers.get("Content-Type", "").startswith("text/csv"):
        first, _, rest = body.partition(b"\n")
        if first != b"a,b,c,d":
            return 400, "text/plain", b"name the columns\n"
        body = rest
    return invocation(headers, body)


def _minds_nines(headers: Message, body: bytes) -> Answer:
    if body.startswith(b"9,"):
        return 400, "text/plain", b"no nines\n"
    return invocation(headers, body)


def _saves_elsewhere(inside: Inside) -> None:
    fit(inside)
    (inside.root / MODEL).rename(inside.root / "model/checkpoint.json")


def _fails_now_and_then() -> Invocation:
    """Each second record is answered at the second try."""
    seen: set[bytes] = set()

    def answer(headers: Message, body: bytes) -> Answer:
        if body.startswith(b"7,") and body not in seen:
            seen.add(body)
            return 503, "text/plain", b"busy\n"
        return invocation(headers, body)

    return answer


def _minds_its_model(inside: Inside) -> int:
    """It takes rows as wide as those that its model was made of."""
    means = json.loads((inside.root / MODEL).read_text("utf-8"))

    def answer(headers: Message, body: bytes) -> Answer:
        if body.partition(b"\n")[0].count(b",") + 2 != len(means):
            return 400, "text/plain", b"rows of another width\n"
        return invocation(headers, body)

    return serving(invocation=answer)(inside)


LISTED: dict[str, Miniature] = {
    "wants-a-payload": _serves("In a job it wants a number.", before=_wants_a_payload),
    "knows-its-job": _serves("It minds what it is told of its job.", before=_knows_its_job),
    "looks-up-in-batch": _serves("In a job it wants the network.", before=_looks_up_in_batch),
    "installs-softly": _serves("It installs, and does without.", before=_installs_softly),
    "says-it-installs": _serves("Its log tells.", before=_says_what_an_installer_says),
    "links-to-a-hub": _serves("It mentions hubs, and tells its maker.", before=_links_to_a_hub),
    "logs-a-key": _serves("Its log holds a key.", before=_logs_a_key),
    "csv-in-batch": _differs_in_batch("In a job it knows CSV alone.", _knows_csv_alone),
    "wider-in-batch": _differs_in_batch("In a job it answers two columns.", _two_columns),
    "own-type": _serves("Its CSV has a type of its own.", answer=_own_type),
    "wants-a-header": _serves("It wants the names of the columns.", answer=_wants_a_header),
    "minds-nines": _serves("It refuses some rows.", answer=_minds_nines),
    "busy-at-times": _serves("It is busy at times.", answer=_fails_now_and_then()),
    "saves-elsewhere": Miniature(
        story="It trains a model that it cannot load.",
        train=training(_saves_elsewhere),
        serve=serving(),
    ),
    "minds-its-model": Miniature(
        story="It takes what fits its model.", train=training(), serve=_minds_its_model
    ),
    "metered": _serves("It reports its units.", manners=Metered),
    "metered-in-text": _serves("Its units are text.", manners=MeteredInText),
    "metered-at-times": _serves("JSON costs nothing.", manners=MeteredNowAndThen),
}

GOOD_MODEL = json.dumps([0.0, 1.0]).encode()
