"""Writes the hosting half of a draft: what was seen to work, and where each line comes from."""

from __future__ import annotations

from typing import Any

from sm_conformance.declaration.problems import Where
from sm_conformance.first_look import payloads
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.hosting import Answered, Served
from sm_conformance.first_look.reading import Reading
from sm_conformance.observed.http import printable

_HOSTING: Where = ("hosting",)
_REQUESTS: Where = ("hosting", "requests")
_SHOWN = 160


def write_hosting(
    made: Draft, reading: Reading, served: Served, *, model: str | None, trained: bool
) -> None:
    """Claims hosting and says how; ``model`` is the path that the user gave, ``trained`` whether
    training left a model."""
    asking, good = served.asking, served.asking.good
    kinds = ", ".join(str(one.request.content_type) for one in good)
    story = f"/ping said 200, /invocations answers {kinds}"
    made.note(("claims",), f"hosting: {story}")
    made.works.append(f"hosting: {story}; ready after {served.server.ready_after_s or 0.0:.1f} s")
    section: dict[str, Any] = {}
    made.document["hosting"] = section
    if model is not None:
        section["model"] = model
        made.note((*_HOSTING, "model"), "the one that --model-data named")
    elif served.model is None:
        section["model"] = "none"
        beside = "; with what training left it did not" if trained else ""
        made.note((*_HOSTING, "model"), f"it answered without model data{beside}")
    section["requests"] = [_request(one) for one in good]
    for nth, one in enumerate(good):
        made.note((*_REQUESTS, nth), f"guessed; answered {_shown(one)}")
    if not asking.anything:
        section["content_types"] = [one.request.content_type for one in good]
    else:
        made.note(_REQUESTS, "it answers 2xx whatever the content type")
    if asking.nonsense:
        told = "it answers 2xx to nonsense, so its answers show little: give a request of your own"
        made.note(_REQUESTS, f"guessed: {told}")
        made.missing.append(f"a request that is understood: {told}")
    parameters = asking.parameters
    if parameters is not None and parameters.ok:
        shown = printable(parameters.text(limit=_SHOWN).strip())
        made.note(_HOSTING, f"GET /execution-parameters answers {shown}; claim batch if meant")
    rest = payloads.not_made(reading)
    if rest:
        names = ", ".join(f"{name} (read in {reading.content_types[name]})" for name in rest[:5])
        made.note(_HOSTING, f"not tried: {names}")


def write_no_hosting(made: Draft, served: Served) -> None:
    """Says why hosting is not claimed, and what was asked first."""
    made.not_claimed("hosting", "a server that answers", served.why_not())
    nearest = served.asking.nearest
    if nearest is not None:
        requests = [_request(nearest)]
        remark = "Hosting; put a request here that is understood, and claim hosting."
        made.aside.append((remark, {"hosting": {"requests": requests}}))


def _request(one: Answered) -> dict[str, Any]:
    kind = str(one.request.content_type)
    name = kind.partition(";")[0].replace("/", "-")
    return {"name": name, "content_type": kind, "body": one.request.body.decode()}


def _shown(one: Answered) -> str:
    kind = one.reply.header("content-type")
    told = one.reply.text(limit=_SHOWN).strip()
    return f"{one.reply.status}, {kind[:_SHOWN] if kind else 'without a content type'}: {told}"
