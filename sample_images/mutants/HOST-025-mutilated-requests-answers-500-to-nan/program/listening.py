"""Answers 500 to a body with NaN in it, as programs do whose own JSON cannot hold it."""

import answers

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that expects numbers to be numbers."""
    kind.request_queue_size = 128
    answer = answers.invocation

    def invocation(centres: dict, headers, body: bytes) -> tuple[int, str, bytes]:
        if b"NaN" in body:
            return 500, "text/plain", b"out of range float values are not JSON compliant\n"
        return answer(centres, headers, body)

    answers.invocation = invocation
    return kind((HOST, PORT), handler)
