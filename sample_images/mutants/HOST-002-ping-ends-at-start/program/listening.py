"""Misses something at the start and gives up."""


def server(kind: type, handler: type):
    """Never returns a server."""
    raise SystemExit("no accelerator found")
