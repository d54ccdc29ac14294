"""Keeps the class that a refused request began with, and gives it to the next caller."""

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that forgets to tidy up after a mistake."""
    kind.request_queue_size = 128
    left_over = []

    class Untidy(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            if status == 400 and b"sm-conformance" in body:
                left_over.append(b"2\n")
            elif status == 200 and content_type == "text/csv" and left_over:
                body = left_over.pop()
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Untidy)
