"""The health check."""


def ping() -> tuple[int, str, bytes]:
    """Status, content type and body: this server listens only once its model is loaded."""
    return 200, "text/plain", b"\n"
