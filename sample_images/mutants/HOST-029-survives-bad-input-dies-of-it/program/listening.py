"""Dies of a malformed body."""

import os

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server until somebody makes a mistake."""
    kind.request_queue_size = 128

    class Frail(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 400:
                os._exit(1)
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Frail)
