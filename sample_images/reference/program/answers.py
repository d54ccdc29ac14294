"""Answers /invocations: rows in, one class a row out, as CSV or as JSON."""

import json

import model


def invocation(centres: dict, headers, body: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body of the reply."""
    content_type = headers.get("Content-Type", "text/csv").partition(";")[0].strip().lower()
    if content_type not in ("text/csv", "application/json"):
        return 415, "text/plain", f"{content_type} is not understood\n".encode()
    try:
        rows = read(content_type, body)
        classes = [model.predict(centres, row) for row in rows]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        return 400, "text/plain", f"{error}\n".encode()
    if content_type == "application/json":
        return 200, content_type, json.dumps(classes).encode()
    return 200, content_type, "".join(f"{label}\n" for label in classes).encode()


def read(content_type: str, body: bytes) -> list[list[float]]:
    """The rows of a body. Raises ValueError when it is malformed or empty."""
    if content_type == "application/json":
        rows = [[float(cell) for cell in row] for row in json.loads(body)]
    else:
        lines = body.decode("utf-8").splitlines()
        rows = [[float(cell) for cell in line.split(",")] for line in lines if line.strip()]
    if not rows:
        raise ValueError("the body holds no rows")
    return rows
