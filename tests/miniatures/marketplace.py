"""Miniatures that are to be listed: some work everywhere but in the validation of a listing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any

from miniatures.container import Miniature
from miniatures.declared import REQUESTS, SERVES
from miniatures.inside import Answer, Inside, Invocation
from miniatures.lawful import MODEL, TYPES, fit, invocation, lawful_but, serves, serving, trains
from miniatures.manners import Metered, MeteredInText, MeteredNowAndThen
from miniatures.sins import Sin

KEY = "AKIAQ3EGRIPXLVH7QW2Z"


def _in_batch(inside: Inside) -> bool:
    return inside.environment.get("SAGEMAKER_BATCH", "").lower() == "true"


def _differs_in_batch(story: str, answer: Invocation) -> Miniature:
    """A server that answers in another way where it serves a transform job."""

    def serve(inside: Inside) -> int:
        return serving(invocation=answer if _in_batch(inside) else invocation)(inside)

    return lawful_but(story, serve=serve)


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


MINIATURES: dict[str, Miniature] = {
    "wants-a-payload": serves("In a job it wants a number.", before=_wants_a_payload),
    "knows-its-job": serves("It minds what it is told of its job.", before=_knows_its_job),
    "looks-up-in-batch": serves("In a job it wants the network.", before=_looks_up_in_batch),
    "installs-softly": serves("It installs, and does without.", before=_installs_softly),
    "says-it-installs": serves("Its log tells.", before=_says_what_an_installer_says),
    "links-to-a-hub": serves("It mentions hubs, and tells its maker.", before=_links_to_a_hub),
    "logs-a-key": serves("Its log holds a key.", before=_logs_a_key),
    "csv-in-batch": _differs_in_batch("In a job it knows CSV alone.", _knows_csv_alone),
    "wider-in-batch": _differs_in_batch("In a job it answers two columns.", _two_columns),
    "own-type": serves("Its CSV has a type of its own.", invocation=_own_type),
    "wants-a-header": serves("It wants the names of the columns.", invocation=_wants_a_header),
    "minds-nines": serves("It refuses some rows.", invocation=_minds_nines),
    "busy-at-times": serves("It is busy at times.", invocation=_fails_now_and_then()),
    "saves-elsewhere": trains(_saves_elsewhere, story="It trains a model that it cannot load."),
    "minds-its-model": lawful_but("It takes what fits its model.", serve=_minds_its_model),
    "metered": serves("It reports its units.", manners=Metered),
    "metered-in-text": serves("Its units are text.", manners=MeteredInText),
    "metered-at-times": serves("JSON costs nothing.", manners=MeteredNowAndThen),
}

GOOD_MODEL = json.dumps([0.0, 1.0]).encode()

LISTED = ("--sm-profile=marketplace",)
ANSWERED = [
    {**REQUESTS[0], "expect": {"body": "0\n"}},
    {**REQUESTS[1], "expect": {"schema": {"type": "array"}}},
]
MKT = "MKT-012 validation"


def product(declared: Mapping[str, Any] = SERVES, **hosting: Any) -> Mapping[str, Any]:
    """A declaration whose samples have responses, and with further lines on hosting."""
    return {**declared, "hosting": {**declared["hosting"], "requests": ANSWERED, **hosting}}


def transforming(body: str, **said: Any) -> Mapping[str, Any]:
    """A product that declares a transform job of a table."""
    job = {"content_type": "text/csv", "split": "line", "strategy": "single-record", **said}
    return product(transform={**job, "body": body})


SINS = [
    Sin("wants-a-payload", MKT, options=LISTED, declaration=product(),
        says="it works as soon as this is lifted: the variables of a batch transform job are set"),
    Sin("minds-nines", MKT, options=LISTED, says="request 2 of 3: 400",
        declaration=transforming("1,2,3,4\n9,2,3,4\n1,2,3,4\n")),
    Sin("looks-up-in-batch", "MKT-015 isolated", options=LISTED, declaration=product(),
        says="its log says: OSError: Name or service not known"),
    Sin("looks-up-in-batch", "MKT-015 isolated", options=LISTED, declaration=product(),
        says="in a batch transform job, the server exited"),
    Sin("csv-in-batch", "MKT-011 declared-types", options=LISTED, declaration=product(),
        says="request-json: 415"),
    Sin("own-type", "MKT-011 response-types", "advice", options=LISTED,
        declaration=product(accepts=["text/csv", "application/json"]),
        says="sample: Content-Type application/vnd.flowers"),
    Sin("wider-in-batch", "MKT-028 listing-samples", "advice", options=LISTED,
        declaration=product(), says="rows of 2 columns instead of rows of 1 columns"),
    Sin("installs-softly", "MKT-016 no-install", "advice", options=LISTED, declaration=product(),
        says="it asked for the name files.pythonhosted.org"),
    Sin("says-it-installs", "MKT-016 no-install", "advice", options=LISTED, declaration=product(),
        says="Could not find a version that satisfies"),
    Sin("logs-a-key", "MKT-023 quiet-logs", "advice", options=LISTED, declaration=product(),
        says="shows AKIA************QW2Z"),
    Sin("metered-in-text", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]},
        says="ConsumedUnits is no whole number above 0"),
    Sin("metered-at-times", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]},
        says="request-json: no such header"),
    Sin("lawful", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]}, says="no such header"),
]  # fmt: skip
ROUND_TRIP = Sin(
    "saves-elsewhere", "MKT-026 round-trip", says="with the declared model good.tar.gz"
)
