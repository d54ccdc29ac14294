"""Remembers its last answer for as long as the connection stays."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that takes a connection for a question."""
    kind.request_queue_size = 128

    class Repeating(handler):
        said = None

        def reply(self, status: int, content_type: str, body: bytes) -> None:
            self.said = self.said or (status, content_type, body)
            super().reply(*self.said)

    return kind((HOST, PORT), Repeating)
