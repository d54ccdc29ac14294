"""Refuses JSON where it serves a batch transform job."""

import os

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server that understands CSV alone in such a job."""
    kind.request_queue_size = 128

    class Narrow(handler):
        def reply(self, status: int, content_type: str, body: bytes) -> None:
            asked = self.headers.get("Content-Type")
            if "SAGEMAKER_BATCH" in os.environ and asked == "application/json":
                status, content_type, body = 415, "text/plain", b"send text/csv\n"
            super().reply(status, content_type, body)

    return kind((HOST, PORT), Narrow)
