"""In a batch transform job it counts on a limit that the job need not have."""

import os

HOST, PORT = "0.0.0.0", 8080


def server(kind: type, handler: type):
    """A listening server with a queue that fits the job."""
    kind.request_queue_size = 128
    if os.environ.get("SAGEMAKER_BATCH") == "true":
        kind.request_queue_size = int(os.environ["SAGEMAKER_MAX_PAYLOAD_IN_MB"])
    return kind((HOST, PORT), handler)
