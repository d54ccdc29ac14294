"""Says where a server is and how to ask it."""

from __future__ import annotations

import shlex

from sm_conformance.inputs.requests import Request, invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import Address

# A short text is part of the command; any other body is a file that the command names.
_LONGEST_TEXT = 300


def invitation(talk: Conversation) -> str:
    """Where a server that is ready answers, and below it the commands that ask it.

    The request is the first that is declared, as the platform sends it.
    """
    base = f"http://{_host(talk.address)}:{talk.address.port}"
    way = "" if talk.bench.direct else ", a port that the engine publishes"
    request = _curl(talk, invocation(talk.sample, name="sample"), f"{base}/invocations")
    return f"ready at {base}{way}; Ctrl-C ends it\ncurl -i {base}/ping\n{request}"


def _host(address: Address) -> str:
    return f"[{address.host}]" if ":" in address.host else address.host


def _curl(talk: Conversation, request: Request, url: str) -> str:
    # Without a type of its own, curl sends that of a form.
    headers = {**request.headers, "Content-Type": request.headers.get("Content-Type", "")}
    words = ["curl -i"]
    words += [f"-H {shlex.quote(f'{name}: {value}'.strip())}" for name, value in headers.items()]
    text = _text(request.body)
    if text is not None and not text.endswith("\n"):
        return " ".join([*words, f"--data-raw {shlex.quote(text)}", url])
    if text is not None:
        lines = " ".join(shlex.quote(line) for line in text[:-1].split("\n"))
        return " ".join([rf"printf '%s\n' {lines} |", *words, "--data-binary @-", url])
    file = talk.folder / "sample-request"
    file.write_bytes(request.body)
    return " ".join([*words, f"--data-binary @{shlex.quote(str(file))}", url])


def _text(body: bytes) -> str | None:
    """A body that a command line can hold: printable, and of several lines only ended ones."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    in_lines = text.endswith("\n") or "\n" not in text
    readable = all(char.isprintable() or char == "\n" for char in text)
    return text if len(text) <= _LONGEST_TEXT and in_lines and readable else None
