"""Reads the body of a request: of a length that its head says, or in chunks."""

import question

MOST_BYTES = 64 << 20
LONGEST_LINE = 1024


def read(handler) -> bytes:
    """The whole body. Raises Refused; what is left of it then makes the connection useless."""
    if "chunked" in handler.headers.get("Transfer-Encoding", "").lower():
        return b"".join(_chunks(handler.rfile))
    length = handler.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        raise question.Refused(400, "Content-Length is not a number")
    if int(length) > MOST_BYTES:
        raise question.Refused(413, f"more than {MOST_BYTES} bytes")
    return handler.rfile.read(int(length))


def _chunks(file):
    total = 0
    while True:
        try:
            length = int(file.readline(LONGEST_LINE).partition(b";")[0], 16)
        except ValueError:
            raise question.Refused(400, "the length of a chunk is not a number") from None
        total += length
        if length < 0 or total > MOST_BYTES:
            raise question.Refused(413, f"more than {MOST_BYTES} bytes")
        if length == 0:
            while file.readline(LONGEST_LINE).strip():  # headers may follow the last chunk
                continue
            return
        yield file.read(length)
        file.readline(LONGEST_LINE)
