"""The web application: `/ping` and `/invocations`, CSV in and CSV out, one line per row."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import joblib
import numpy
from flask import Flask, Response, request

MODEL = Path("/opt/ml/model/decision_tree.joblib")


class BadRequest(Exception):
    """The body cannot be used; the message is for the caller."""


def load() -> Any:
    """The trained tree, or None if there is none that can be used."""
    try:
        return joblib.load(MODEL)
    except Exception as problem:
        print(f"no model: {type(problem).__name__}: {problem}", flush=True)
        return None


application = Flask(__name__)
model = load()


def answer(text: str, *, status: int, content_type: str = "text/plain; charset=utf-8") -> Response:
    """A reply with a text body."""
    return Response(text, status=status, content_type=content_type)


@application.route("/ping", methods=["GET", "POST"])
def ping() -> Response:
    """200 when rows can be judged."""
    return answer("\n", status=200) if model is not None else answer("no model\n", status=503)


@application.post("/invocations")
def invocations() -> Response:
    """The label of each row of the body."""
    if model is None:
        return answer("no model\n", status=503)
    if request.mimetype != "text/csv":
        return answer(f"content type {request.mimetype!r}: send text/csv\n", status=415)
    try:
        labels = model.predict(table(request.get_data(), columns=model.n_features_in_))
    except BadRequest as problem:
        return answer(f"{problem}\n", status=400)
    body = io.StringIO()
    csv.writer(body, lineterminator="\n").writerows([label] for label in labels)
    print(f"judged {len(labels)} rows", flush=True)
    return answer(body.getvalue(), status=200, content_type="text/csv; charset=utf-8")


def table(body: bytes, *, columns: int) -> Any:
    """The numbers of a CSV body without header, shape (rows, columns); raises `BadRequest`."""
    try:
        lines = body.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as problem:
        raise BadRequest("the body is not UTF-8") from problem
    if not lines:
        raise BadRequest("the body is empty")
    # The reader would skip them, and one line out for each line in would no longer hold.
    blank = next((place for place, line in enumerate(lines, 1) if not line.strip()), None)
    if blank is not None:
        raise BadRequest(f"line {blank} is blank")
    try:
        numbers = numpy.loadtxt(lines, delimiter=",", comments=None, quotechar='"', ndmin=2)
    except ValueError as problem:
        # What follows the semicolon is advice to programmers.
        reason = str(problem).partition(";")[0]
        raise BadRequest(f"the body is not CSV of numbers: {reason}") from problem
    if numbers.shape[1] != columns:
        raise BadRequest(f"{numbers.shape[1]} columns, the model has {columns} features")
    # The tree computes with single precision.
    if not (numpy.abs(numbers) <= numpy.finfo(numpy.float32).max).all():
        raise BadRequest("a number is not finite or too large")
    return numbers
