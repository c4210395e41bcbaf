"""Parquet files as turnwise writes and reads them, and list columns without a Python object per number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from turnwise.core.errors import TurnwiseError

ROW_GROUP = 8192
"""Rows read or written at a time."""


def to_bytes(table: pa.Table) -> bytes:
    """A table as a Parquet file: zstd, page checksums, nothing in it that differs between two equal runs."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def read_table(path: str) -> pa.Table:
    """A whole file, checksums verified."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read(use_threads=False)


def read_tables(path: str) -> Iterator[pa.Table]:
    """The same row group by row group, by a native path (specs/scale, section 7)."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False)


def column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """A column of plain values. Half a surrogate pair (a reply cut inside an emoji) becomes U+FFFD."""
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([each_text(value, whole) for value in values], kind)


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A nested value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_text(v, change) for v in value]
    if isinstance(value, dict):
        return {k: each_text(v, change) for k, v in value.items()}
    return value


def whole(text: str) -> str:
    """Surrogate pairs joined, lone halves replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def number_lists(
    lists: Sequence[np.ndarray | None], kind: Any, arrow: pa.DataType, nan_is_null: bool = False
) -> pa.Array:
    """A list column from arrays, None as null, without a Python object per number."""
    arrays = [exact([] if a is None else a, kind) for a in lists]
    ends = np.cumsum([0] + [len(a) for a in arrays])
    if ends[-1] > np.iinfo(np.int32).max:
        raise TurnwiseError(
            f"one file would hold {ends[-1]} tokens",
            "less than 2**31 tokens a round",
            "collect fewer episodes a round",
        )
    values = np.concatenate(arrays) if arrays else np.zeros(0, kind)
    null = pa.array([a is None for a in lists], pa.bool_())
    numbers = pa.array(values, arrow.value_type, from_pandas=nan_is_null)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), numbers, type=arrow, mask=null)


def exact(numbers: Any, kind: Any) -> np.ndarray:
    """Numbers as an array of the stored type; refused where that would change one of them."""
    given = np.asarray(numbers, kind if len(numbers) == 0 else None)
    stored = given.astype(kind, copy=False)
    if stored is not given and not np.array_equal(stored, given, equal_nan=kind is np.float32):
        raise TurnwiseError(
            f"tokens hold {given.dtype} numbers that {np.dtype(kind)} cannot",
            "the types of turnwise.core.types.Tokens",
        )
    return stored


def read_number_lists(column: pa.ListArray, kind: Any) -> list[np.ndarray | None]:
    """The inverse of `number_lists`; each array owns its memory."""
    values = column.values.to_numpy(zero_copy_only=False).astype(kind, copy=False)
    ends = column.offsets.to_numpy()
    null = column.is_null().to_numpy(zero_copy_only=False)
    return [None if null[i] else values[ends[i] : ends[i + 1]].copy() for i in range(len(column))]
