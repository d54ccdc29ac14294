"""Answers one invocation at a time: within its owner's bound alone, and not at his rate."""

import threading
import time

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that needs 15 ms for an invocation, while all others wait."""
    kind.request_queue_size = 128
    one = threading.Lock()

    class Alone(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations":
                with one:
                    time.sleep(0.015)
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Alone)
