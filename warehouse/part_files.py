"""Parts of loads written anew, without some rows or with some values emptied; all else stays as landed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_BATCH_ROWS = 50_000
_Change = Callable[[pa.RecordBatch, int], pa.RecordBatch]
"""What becomes of a batch, whose first row has the number given."""


def drop_rows(part: Path, target: Path, numbers: Sequence[int]) -> int:
    """Write the part without the rows of these numbers, from 0; returns the rows left."""
    chosen = pa.array(numbers, pa.int64())

    def change(batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        return batch.filter(pc.invert(_marked(batch, first, chosen)))

    return _rewrite(part, target, change)


def take_rows(part: Path, target: Path, numbers: Sequence[int]) -> int:
    """Write the part's rows of these numbers, from 0; returns them."""
    chosen = pa.array(numbers, pa.int64())
    return _rewrite(part, target, lambda batch, first: batch.filter(_marked(batch, first, chosen)))


def empty_columns(part: Path, target: Path, numbers: Sequence[int], columns: Sequence[str]) -> int:
    """Write the part with these columns null in the rows of these numbers, from 0; returns its rows."""
    chosen = pa.array(numbers, pa.int64())

    def change(batch: pa.RecordBatch, first: int) -> pa.RecordBatch:
        marked = _marked(batch, first, chosen)
        arrays = [
            pc.if_else(marked, pa.scalar(None, field.type), column) if field.name in columns else column
            for field, column in zip(batch.schema, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=_nullable(batch.schema, columns))

    return _rewrite(part, target, change, columns)


def _nullable(schema: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """The schema, in which these columns may be null."""
    fields = [field.with_nullable(True) if field.name in columns else field for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


def _marked(batch: pa.RecordBatch, first: int, numbers: pa.Array) -> pa.Array:
    here = pa.array(range(first, first + batch.num_rows), pa.int64())
    return pc.is_in(here, value_set=numbers)


def _rewrite(part: Path, target: Path, change: _Change, emptied: Sequence[str] = ()) -> int:
    rows = first = 0
    with pq.ParquetFile(part) as file:
        schema = _nullable(file.schema_arrow, emptied)
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in file.iter_batches(_BATCH_ROWS):
                changed = change(batch, first)
                first += batch.num_rows
                rows += changed.num_rows
                if changed.num_rows:
                    writer.write_batch(changed)
    return rows
