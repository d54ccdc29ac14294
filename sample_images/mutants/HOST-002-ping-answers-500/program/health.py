"""The health check, which is never content."""


def ping() -> tuple[int, str, bytes]:
    """Always 500."""
    return 500, "text/plain", b"not healthy\n"
