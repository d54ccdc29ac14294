"""Where the body of a request ends: after its Content-Length, or after its last chunk."""


def body(headers, stream) -> bytes:
    """The whole body. Raises ValueError when its framing makes no sense."""
    if "Transfer-Encoding" in headers:
        return b"".join(chunks(stream))
    length = int(headers.get("Content-Length", "0"))
    if length < 0:
        raise ValueError("the Content-Length is negative")
    return stream.read(length)


def chunks(stream):
    """One chunk after another; what may stand behind the last one is read and dropped."""
    while size := int(stream.readline(1024).partition(b";")[0], 16):
        if size < 0:
            raise ValueError("the size of a chunk is negative")
        yield stream.read(size)
        if stream.readline(1024).strip():
            raise ValueError("a chunk is longer than it says")
    while stream.readline(1024).strip():
        pass
