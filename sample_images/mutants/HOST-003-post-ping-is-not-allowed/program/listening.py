"""Knows GET /ping alone."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server whose health check takes no POST."""
    kind.request_queue_size = 128

    class Narrow(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.command == "POST" and self.path == "/ping":
                status, content_type, body = 405, "text/plain", b"only GET\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Narrow)
