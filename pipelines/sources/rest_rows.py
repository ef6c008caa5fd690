"""Rows of an input as a whole: one of each key, in order, and a digest of them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.rest_text import AT


def count_keys(frame: pl.LazyFrame, key: Sequence[str]) -> int:
    """How many rows `newest_of_each_key` would keep."""
    whole = pl.all_horizontal(pl.col(list(key)).is_not_null())
    counts = [frame.filter(whole).select(key).unique(), frame.filter(~whole).select(key)]
    return sum(int(found.item()) for found in pl.collect_all([one.select(pl.len()) for one in counts]))


def newest_of_each_key(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """One row for each key, the one with the newest watermark, of those the one read last; in key order.

    Rows without a whole key are kept: they are the build's to judge.
    """
    keys = table.select(list(key))
    if keys.group_by(list(key)).aggregate([]).num_rows < table.num_rows:
        frame = pl.DataFrame(table)
        whole = pl.all_horizontal(pl.col(list(key)).is_not_null())
        numbered = frame.with_row_index("_read")
        keyed = (
            numbered.filter(whole)
            .sort(AT, "_read", nulls_last=False)
            .unique(list(key), keep="last", maintain_order=True)
        )
        kept = pl.concat([keyed, numbered.filter(~whole)]).sort([*key, "_read"], nulls_last=True)
        return kept.drop("_read").to_arrow()
    return table.sort_by([(name, "ascending") for name in key])


def digest(table: pa.Table) -> str:
    """Digest of the rows in their order, whatever the order of the columns."""
    names, arrays = [], []
    for name in sorted(set(table.column_names) - {AT}):
        column = table[name].cast(pa.large_string())
        # The length tells a null from an empty text; what Arrow writes of a null itself may be anything.
        names += [name, ""]
        arrays += [pc.fill_null(column, ""), pc.fill_null(pc.binary_length(column), -1)]
    rows = pa.table(arrays, names=names).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def without_landed(frame: pl.LazyFrame, parts: Sequence[Path], key: Sequence[str]) -> pl.LazyFrame:
    """The rows but those that are just as the parts, oldest first, have their key the last time."""
    if not parts:
        return frame
    scans = [pl.scan_parquet(part, glob=False, hive_partitioning=False) for part in parts]
    landed = (
        pl.concat(scans, how="diagonal")
        .join(frame.select(key).unique(), on=list(key), how="semi", maintain_order="left")
        .unique(list(key), keep="last", maintain_order=True)
    )
    own = frame.collect_schema().names()
    names = [name for name in dict.fromkeys([*own, *landed.collect_schema().names()]) if name != AT]
    none = pl.LazyFrame(schema=dict.fromkeys(names, pl.String()))
    return (
        pl.concat([none, frame], how="diagonal")
        .join(
            pl.concat([none, landed], how="diagonal"),
            on=names,
            how="anti",
            nulls_equal=True,
            maintain_order="left",
        )
        .select(own)
    )
