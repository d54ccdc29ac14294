"""The health check, behind a self-test that takes longer than a ping may."""

import time

SELF_TEST_S = 0.4


def ping() -> tuple[int, str, bytes]:
    """200, too late."""
    time.sleep(SELF_TEST_S)
    return 200, "text/plain", b"\n"
