"""Greets whoever asks for whatever."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server with a page for every path."""
    kind.request_queue_size = 128

    class Friendly(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 404:
                status, content_type, body = 200, "text/plain", b"hello\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Friendly)
