"""Leaves the Content-Type of its predictions out."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that lets the caller guess."""
    kind.request_queue_size = 128

    class Untyped(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations" and status == 200:
                content_type = ""
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Untyped)
