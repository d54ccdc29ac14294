"""Answers invocations with another class than the model finds."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that answers 1 where the model says 0."""
    kind.request_queue_size = 128

    class Mistaken(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if self.path == "/invocations" and status == 200:
                body = body.replace(b"0", b"1")
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Mistaken)
