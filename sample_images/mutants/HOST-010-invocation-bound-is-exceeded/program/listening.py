"""Answers invocations well within the platform's limit and above its owner's bound of 5 ms."""

import time

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that needs 10 ms for an invocation."""
    kind.request_queue_size = 128

    class Slow(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations":
                time.sleep(0.01)
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Slow)
