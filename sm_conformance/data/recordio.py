"""Made-up data as protobuf messages in RecordIO, the form that SageMaker's own algorithms like best.

The message is ``aialgs.data.Record``. Of it only what dense rows of numbers need is described here;
a reader of the whole message understands it.
Sources: Amazon SageMaker Developer Guide, cdf-training; the framing is that of MXNet's RecordIO.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

from sm_conformance.data.table import Generated, rows

_MAGIC = 0xCED7230A
_ALIGNED = 4
_PACKAGE = "aialgs.data"
# The key under which a record has its one vector, and its one label.
_VALUES = "values"


def content(wanted: Generated) -> bytes:
    """One record for each row, the numbers and the label as 32-bit floats.

    Raises ``ImportError`` without protobuf.
    """
    record = _record()
    made = bytearray()
    for label, numbers in rows(wanted):
        row = record()
        row.features[_VALUES].float32_tensor.values.extend(numbers)
        if label is not None:
            row.label[_VALUES].float32_tensor.values.append(label)
        made += _framed(row.SerializeToString(deterministic=True))
    return bytes(made)


def _framed(payload: bytes) -> bytes:
    padding = bytes(-len(payload) % _ALIGNED)
    return struct.pack("<II", _MAGIC, len(payload)) + payload + padding


@cache
def _record() -> Any:
    """The class of the message, in a pool of its own: the user's may know one of that name."""
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    pool.Add(_described())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Record"))


def _described() -> Any:
    from google.protobuf import descriptor_pb2

    kinds = descriptor_pb2.FieldDescriptorProto
    described = descriptor_pb2.FileDescriptorProto(
        name="record.proto", package=_PACKAGE, syntax="proto2"
    )

    tensor = described.message_type.add(name="Float32Tensor")
    values = tensor.field.add(
        name="values", number=1, label=kinds.LABEL_REPEATED, type=kinds.TYPE_FLOAT
    )
    values.options.packed = True

    value = described.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    value.field.add(
        name="float32_tensor", number=2, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Float32Tensor", oneof_index=0,
    )  # fmt: skip

    record = described.message_type.add(name="Record")
    for number, name in enumerate(("features", "label"), start=1):
        # A map is a repeated message of keys and values, by the name that protobuf gives it.
        entry = record.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
        entry.field.add(
            name="value", number=2, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.Value",
        )  # fmt: skip
        record.field.add(
            name=name, number=number, label=kinds.LABEL_REPEATED, type=kinds.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.Record.{entry.name}",
        )  # fmt: skip
    return described
