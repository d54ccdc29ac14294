"""Finds in a local folder what a request names by an S3 URI: FOLDER/bucket/key."""

from __future__ import annotations

import re
from pathlib import Path

# The forms of a URI: the scheme of its own, the bucket in the path, the bucket in the host's name.
_FORMS = (
    re.compile(r"s3://(?P<bucket>[^/]+)/?(?P<key>.*)", re.DOTALL),
    re.compile(
        r"https://s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/(?P<bucket>[^/]+)/?(?P<key>.*)",
        re.DOTALL,
    ),
    re.compile(
        r"https://(?P<bucket>[^/]+?)\.s3[.-][a-z0-9.-]*amazonaws\.com(?:\.cn)?/?(?P<key>.*)",
        re.DOTALL,
    ),
)
_MOST_KEYS = 100_000


class NotThere(Exception):
    """Nothing was found for a URI; the text says why."""


class Store:
    """The folder that stands for S3; None for none at all."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder.absolute() if folder is not None else None

    def locate(self, uri: str) -> Path:
        """The file or folder that ``uri`` names. Raises ``NotThere``."""
        if self._folder is None:
            raise NotThere(f"{uri!a} is not known here without --sm-s3")
        match = next((found for form in _FORMS if (found := form.fullmatch(uri))), None)
        if match is None:
            raise NotThere(f"{uri!a} is no address in S3")
        parts = [match["bucket"], *match["key"].rstrip("/").split("/")]
        parts = parts[:1] if parts[1:] == [""] else parts
        if any(part in ("", ".", "..") for part in parts):
            raise NotThere(f"{uri!a} has empty parts, or such that lead elsewhere")
        path = self._folder.joinpath(*parts)
        try:
            there = path.exists()
        except (OSError, ValueError) as error:
            raise NotThere(f"{uri!a} cannot be looked for: {error}") from error
        if not there:
            raise NotThere(f"{uri!a} is not in {self._folder}")
        return path

    def first_object(self, uri: str) -> Path:
        """The file with the first key, in the order of S3, that ``uri`` is a prefix of."""
        path = self.locate(uri)
        try:
            if path.is_file():
                return path
            files: list[Path] = []
            for count, entry in enumerate(path.rglob("*")):
                if count >= _MOST_KEYS:
                    raise NotThere(f"{uri!a} has more than {_MOST_KEYS} keys")
                if entry.is_file():
                    files.append(entry)
        except OSError as error:
            raise NotThere(f"{uri!a} cannot be read: {error}") from error
        if not files:
            raise NotThere(f"{uri!a} has no objects")
        return min(files, key=lambda file: bytes(file.relative_to(path)))
