"""Answers /invocations, if it could."""


def invocation(centres: dict, headers, body: bytes) -> tuple[int, str, bytes]:
    """Always 500."""
    return 500, "text/plain", b"internal error\n"
