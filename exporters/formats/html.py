"""Placeholder until the writer is there."""

from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa

from exporters.formats.table import Table, Written


def write(table: Table, batches: Iterable[pa.RecordBatch], out: BinaryIO) -> Written:
    """Not there yet."""
    raise NotImplementedError
