"""Ends when JSON is nested deeply, as a parser does that calls itself for each bracket."""

import os

import answers

HOST, PORT = "0.0.0.0", 8080
DEEPEST = 5000


def server(kind: type, handler: type):
    """A listening server with a small stack."""
    kind.request_queue_size = 128
    answer = answers.invocation

    def invocation(centres: dict, headers, body: bytes) -> tuple[int, str, bytes]:
        if body.startswith(b"[" * DEEPEST):
            os._exit(139)
        return answer(centres, headers, body)

    answers.invocation = invocation
    return kind((HOST, PORT), handler)
