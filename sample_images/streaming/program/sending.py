"""Sends an answer in parts."""

from collections.abc import Iterator


def send(handler, content_type: str, parts: Iterator[bytes]) -> None:
    """Each part leaves when it is made; the last chunk has the length 0."""
    # Who speaks HTTP/1.0 knows no chunks: there, the end of the connection ends the answer.
    chunked = handler.request_version != "HTTP/1.0"
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Cache-Control", "no-cache")
    if chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.close_connection = True
    handler.end_headers()
    for part in parts:
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        handler.wfile.flush()
    if chunked:
        handler.wfile.write(b"0\r\n\r\n")
