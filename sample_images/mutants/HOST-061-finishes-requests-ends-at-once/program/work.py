"""Knows of no request that is being answered."""


class Work:
    """A context that counts nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def finish(self, limit_s: float) -> None:
        """Waits for nobody."""
