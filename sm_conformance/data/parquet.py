"""Made-up data as an Apache Parquet file."""

from __future__ import annotations

import io

from sm_conformance.data.table import LABEL, Generated, features, rows


def content(wanted: Generated) -> bytes:
    """A file with a column ``label`` of 64-bit integers and doubles ``feature_0``, ``feature_1``, …

    Raises ``ImportError`` without pyarrow.
    """
    import pyarrow
    from pyarrow import parquet

    made = list(rows(wanted))
    numbers = zip(*(numbers for _, numbers in made), strict=True)
    columns = {
        name: pyarrow.array(column, pyarrow.float64())
        for name, column in zip(features(wanted), numbers, strict=True)
    }
    labelled = {LABEL: pyarrow.array([label for label, _ in made], pyarrow.int64())}
    match wanted.label:
        case "first":
            columns = {**labelled, **columns}
        case "last":
            columns = {**columns, **labelled}
    held = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), held)
    return held.getvalue()
