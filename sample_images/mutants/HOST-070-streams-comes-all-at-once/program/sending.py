"""Sends an answer in one piece when all of it is made."""

from collections.abc import Iterator


def send(handler, content_type: str, parts: Iterator[bytes]) -> None:
    """One chunk with everything, and the last chunk, whose length is 0."""
    content = b"".join(parts)
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))
