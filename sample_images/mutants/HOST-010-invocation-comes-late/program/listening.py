"""Answers invocations in CSV later than the platform waits."""

import time

HOST, PORT = "0.0.0.0", 8080
THINKING_S = 1.1


def server(kind: type, handler: type):
    """A listening server that thinks for long about good requests in CSV."""
    kind.request_queue_size = 128

    class Slow(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 200 and content_type == "text/csv":
                time.sleep(THINKING_S)
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Slow)
