"""Answers 500, not 400, to a malformed body."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that takes the caller's mistake for its own."""
    kind.request_queue_size = 128

    class Mistaken(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 400:
                status = 500
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Mistaken)
