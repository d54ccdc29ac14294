"""Refuses bad requests without a word."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that keeps its reasons to itself."""
    kind.request_queue_size = 128

    class Silent(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations" and 400 <= status < 500:
                body = b""
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Silent)
