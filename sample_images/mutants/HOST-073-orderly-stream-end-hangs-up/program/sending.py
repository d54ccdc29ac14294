"""Sends an answer in parts."""

from collections.abc import Iterator


def send(handler, content_type: str, parts: Iterator[bytes]) -> None:
    """Each part leaves when it is made; then the connection is closed."""
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for part in parts:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.flush()
    handler.close_connection = True
