"""Has a name of its own for CSV."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server."""
    kind.request_queue_size = 128

    class Own(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if content_type == "text/csv":
                content_type = "application/vnd.flowers"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Own)
