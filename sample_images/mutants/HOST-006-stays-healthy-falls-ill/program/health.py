"""The health check, which takes a handle each time, gives none back, and runs out of them."""

import itertools

HANDLES = 16
taken = itertools.count(1)


def ping() -> tuple[int, str, bytes]:
    """200 while there are handles, then 503 for ever."""
    if next(taken) > HANDLES:
        return 503, "text/plain", b"out of handles\n"
    return 200, "text/plain", b"\n"
