"""Answers pings for ever, and predictions until the first malformed body."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that one mistake confuses for good."""
    kind.request_queue_size = 128
    mistakes = []

    class Confused(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if mistakes and self.path == "/invocations":
                status, content_type, body = 500, "text/plain", b"confused\n"
            elif status == 400:
                mistakes.append(self.path)
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Confused)
