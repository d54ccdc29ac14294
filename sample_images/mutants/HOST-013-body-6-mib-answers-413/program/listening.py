"""Answers 413 to bodies larger than a mebibyte, nginx's default."""

HOST, PORT = "0.0.0.0", 8080
MOST_BYTES = 1024 * 1024


def server(kind: type, handler: type):
    """A listening server with a limit of its own."""
    kind.request_queue_size = 128

    class Limited(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if int(self.headers.get("Content-Length", 0)) > MOST_BYTES:
                status, content_type, body = 413, "text/plain", b"too large\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Limited)
