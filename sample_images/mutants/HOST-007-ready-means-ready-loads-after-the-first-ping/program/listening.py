"""Listens, and answers pings, a second before its model is loaded."""

import time

HOST, PORT = "0.0.0.0", 8080
LOADING_S = 1.0


def server(kind: type, handler: type):
    """A listening server that cannot answer invocations yet."""
    kind.request_queue_size = 128
    loaded_at = time.monotonic() + LOADING_S

    class Loading(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations" and time.monotonic() < loaded_at:
                status, content_type, body = 503, "text/plain", b"still loading\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Loading)
