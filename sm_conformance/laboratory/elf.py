"""Reads the head of an ELF file: the processor that it is for, and the loader that it names."""

from __future__ import annotations

import struct

MAGIC = b"\x7fELF"
# ELF e_machine numbers, named as images name architectures.
_MACHINES = {3: "386", 8: "mips", 20: "ppc", 21: "ppc64le", 22: "s390x", 40: "arm", 62: "amd64",
             183: "arm64", 243: "riscv64", 258: "loong64"}  # fmt: skip
_INTERPRETER = 3  # PT_INTERP


def machine(head: bytes) -> str | None:
    """The processor that a program is for; None of what is no ELF file."""
    if head[:4] != MAGIC or len(head) < 20:
        return None
    number = struct.unpack_from(f"{_order(head)}H", head, 18)[0]
    return _MACHINES.get(number, f"machine {number}")


def loader(head: bytes) -> str | None:
    """The path of the loader that a program names.

    None of one that names none, as static ones do, and where the name lies beyond this head.
    """
    if machine(head) is None:
        return None
    order, wide = _order(head), head[4] == 2
    try:
        at = struct.unpack_from(f"{order}Q" if wide else f"{order}I", head, 32 if wide else 28)[0]
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        end_of_table = at + size * count
        if end_of_table > len(head):
            return None
        for start in range(at, end_of_table, size or 1):
            if struct.unpack_from(f"{order}I", head, start)[0] != _INTERPRETER:
                continue
            place, length = (
                struct.unpack_from(f"{order}Q16xQ", head, start + 8)
                if wide
                else struct.unpack_from(f"{order}I8xI", head, start + 4)
            )
            name, end, _ = head[place : place + length].partition(b"\0")
            return name.decode("utf-8", "replace") if name and end else None
    except struct.error:  # cut off, or made up
        return None
    return None


def _order(head: bytes) -> str:
    return ">" if head[5] == 2 else "<"
