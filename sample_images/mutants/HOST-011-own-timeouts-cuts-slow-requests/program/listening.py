"""Gives up a request that takes long, as a proxy does whose time limit is short."""

import time

HOST, PORT = "0.0.0.0", 8080
SLOW_ROWS = 3
LIMIT_S = 0.4


def server(kind: type, handler: type):
    """A listening server that answers 504 where three rows have to be worked on."""
    kind.request_queue_size = 128

    class Impatient(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 200 and body.count(b"\n") == SLOW_ROWS:
                time.sleep(LIMIT_S)
                status, content_type, body = 504, "text/plain", b"took too long\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Impatient)
