"""The content types that data can be made up in, and the one way to make it."""

from __future__ import annotations

from collections.abc import Mapping

from sm_conformance.data import parquet, pictures, recordio, text
from sm_conformance.data.table import Generated

_PARQUET = "application/x-parquet"
_RECORDIO = "application/x-recordio-protobuf"

KNOWN: tuple[str, ...] = (*text.WRITERS, _RECORDIO, _PARQUET, *pictures.FORMS)

_ENDINGS: Mapping[str, str] = {
    "application/json": ".json",
    "application/jsonlines": ".jsonl",
    _PARQUET: ".parquet",
    _RECORDIO: ".pbr",  # as the SageMaker Python SDK calls such a file
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "text/csv": ".csv",
    "text/libsvm": ".libsvm",
    "text/plain": ".txt",
}
_LIBRARIES: Mapping[str, str] = {
    _PARQUET: "pyarrow",
    _RECORDIO: "protobuf",
    **dict.fromkeys(pictures.FORMS, "Pillow"),
}
_LONGEST_REASON = 200


class MissingLibrary(Exception):
    """A content type is made with a library that cannot be imported; the text says how to get it."""


def file_name(content_type: str) -> str:
    """The usual name of a channel's one file of that type."""
    return f"data{_ENDINGS.get(content_type, '')}"


def make(
    wanted: Generated, content_type: str, *, name: str | None = None
) -> tuple[tuple[str, bytes], ...]:
    """Relative POSIX names and contents of the files; none where the type is not ``KNOWN``.

    A table is one file, called ``name`` if that is given. The same libraries make the same bytes
    of the same words. Raises ``MissingLibrary``.
    """
    try:
        if content_type in pictures.FORMS:
            return tuple(pictures.files(wanted, content_type, _ENDINGS[content_type]))
        if content_type in text.WRITERS:
            content = text.content(wanted, content_type)
        elif content_type == _PARQUET:
            content = parquet.content(wanted)
        elif content_type == _RECORDIO:
            content = recordio.content(wanted)
        else:
            return ()
    except ImportError as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        raise MissingLibrary(
            f"{content_type} is made with {_LIBRARIES[content_type]}, which is not installed: "
            f"pip install 'sm-conformance[data]' ({reason})"
        ) from error
    return ((name or file_name(content_type), content),)
