"""The web application: `/ping` and `/invocations`; rows in, one label a row out, as CSV or JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from flask import Flask, Response, request

MODEL = Path("/opt/ml/model")
CSV, JSON = "text/csv", "application/json"

application = Flask(__name__)
# Without a model that can be used the server does not start, and its log says why.
network = torch.jit.load(str(MODEL / "model.pt"), map_location="cpu").eval()
labels: list[str] = json.loads((MODEL / "labels.json").read_text("utf-8"))
print(f"model loaded: {network.columns} columns, labels {', '.join(labels)}", flush=True)


class BadRequest(Exception):
    """The body cannot be used; the message is for the caller."""


def answer(text: str, *, status: int, content_type: str = "text/plain; charset=utf-8") -> Response:
    """A reply with a text body."""
    return Response(text, status=status, content_type=content_type)


@application.route("/ping", methods=["GET", "POST"])
def ping() -> Response:
    """200: the model was loaded before the port was open."""
    return answer("\n", status=200)


@application.post("/invocations")
def invocations() -> Response:
    """The label of each row of the body, in the form of the request."""
    if request.mimetype not in (CSV, JSON):
        return answer(f"{request.mimetype!r}: send {CSV} or {JSON}\n", status=415)
    try:
        found = judge(rows(request.mimetype, request.get_data()))
    except BadRequest as problem:
        return answer(f"{problem}\n", status=400)
    if request.mimetype == JSON:
        return answer(json.dumps({"labels": found}), status=200, content_type=JSON)
    text = "".join(f"{label}\n" for label in found)
    return answer(text, status=200, content_type="text/csv; charset=utf-8")


def rows(kind: str, body: bytes) -> list[list[float]]:
    """The numbers of a body; raises `BadRequest`."""
    try:
        text = body.decode("utf-8-sig")
        if kind == JSON:
            table = [[float(cell) for cell in row] for row in json.loads(text)]
        else:
            table = [[float(cell) for cell in line.split(",")] for line in text.splitlines()]
    except (ValueError, TypeError, OverflowError, RecursionError) as problem:
        raise BadRequest(f"the body is not {kind} of numbers: {problem}") from problem
    if not table:
        raise BadRequest("the body holds no rows")
    for row in table:
        if len(row) != network.columns:
            raise BadRequest(f"a row has {len(row)} numbers, the model takes {network.columns}")
        if not all(map(math.isfinite, row)):
            raise BadRequest("a number is not finite")
    return table


def judge(table: list[list[float]]) -> list[str]:
    """The most likely label of each row."""
    with torch.inference_mode():
        return [labels[index] for index in network(torch.tensor(table)).argmax(dim=1).tolist()]
