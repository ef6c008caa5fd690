"""Splitting a text file into records: CSV records and lines of NDJSON, each read whole or set aside.

Records are split here rather than by DuckDB's CSV reader. That one, told to skip faulty lines, has taken the
inside of a long quoted value for rows, and an open quote at the end of a file, or a line end that it did not
expect, for no rows at all; none of them was reported.
"""

import csv
import sys
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TextIO

import pyarrow as pa

from warehouse.errors import LandingError

# Few enough to stay in the processor's cache; of ten times as many, reading takes nearly twice as long.
_BATCH_ROWS = 2_000
_RECORD_LINES = 1_000

# The reader gives up inside a larger field and would go on as if a record began there.
csv.field_size_limit(sys.maxsize)


class RejectedRecord(NamedTuple):
    """A record that could not be read."""

    line: int
    """Line of the file on which it begins, from 1."""
    reason: str
    content: str
    """As it stands in the file, bytes that are not UTF-8 replaced."""


class CsvRecords:
    """The records of a CSV file as text, an empty field as null; lines may end in LF, CR LF or CR.

    Of a faulty record of several lines only the first line is set aside, and the next one is read as the
    beginning of a record: most often a stray quote has swallowed sound records. So that such a quote costs
    neither the memory nor the time of a whole file, a record of more than 1,000 lines is faulty too.
    """

    def __init__(self, path: Path, file: str, delimiter: str) -> None:
        """Read the header line.

        Raises:
            LandingError: the header line is not UTF-8 text or no CSV.
        """
        self._path = path
        self._read = partial(csv.reader, delimiter=delimiter, strict=True)
        self.rejected: list[RejectedRecord] = []
        """The records set aside so far."""
        with _open_text(path) as stream:
            lines = _Lines(stream)
            reader = self._read(lines)
            try:
                self.columns: list[str] = next(reader, [])
            except csv.Error as error:
                raise LandingError(f"{file}: its header line cannot be read: {error}") from error
            if not lines.are_text(reader.line_num):
                raise LandingError(f"{file}: its header line is not UTF-8 text")
        self._schema = pa.schema([(column, pa.large_string()) for column in self.columns])

    def reader(self) -> pa.RecordBatchReader:
        """The records below the header, as a stream that can be read once."""
        return pa.RecordBatchReader.from_batches(self._schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        rows = self._rows()
        while batch := list(islice(rows, _BATCH_ROWS)):
            yield self._batch(batch)

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        columns = [
            [value or None for value in column] if "" in column else column
            for column in zip(*rows, strict=True)
        ]
        return pa.record_batch([pa.array(column, pa.large_string()) for column in columns], self._schema)

    def _rows(self) -> Iterator[list[str]]:
        width = len(self.columns)
        with _open_text(self._path) as stream:
            lines = _Lines(stream)
            reader = self._read(lines)
            next(reader, None)
            passed = 0  # lines before those that the reader reads
            while True:
                lines.begin = passed + reader.line_num
                row: list[str] | None
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    row = None
                count = passed + reader.line_num - lines.begin
                if row is not None and len(row) == width and count <= _RECORD_LINES and lines.are_text(count):
                    yield row
                elif row != []:
                    aside = self._set_aside(row, lines, count)
                    if aside < count:
                        passed = lines.begin = lines.begin + aside
                        reader = self._read(lines)

    def _set_aside(self, row: list[str] | None, lines: "_Lines", count: int) -> int:
        """Set the record, which is of `count` lines, or its first line aside; return the number of lines."""
        too_long = count > _RECORD_LINES
        # Of a record without another fault, the bytes that are not UTF-8 may stand on any line.
        aside = count if row is not None and len(row) == len(self.columns) and not too_long else 1
        if not lines.are_text(aside):
            reason = "not UTF-8 text"
        elif too_long or (row is None and lines.ended):
            reason = f"a quote that is not closed within {_RECORD_LINES:,} lines"
        elif row is None:
            reason = "a quote out of place"
        else:
            reason = "too many fields" if len(row) > len(self.columns) else "too few fields"
        content = lines.content(aside)
        self.rejected.append(RejectedRecord(lines.begin + 1, f"unreadable record: {reason}", content))
        return aside


class NdjsonRecords:
    """The lines of an NDJSON file, blank ones left out; whether one is JSON is not looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rejected: list[RejectedRecord] = []
        """The lines set aside so far."""

    def reader(self) -> pa.RecordBatchReader:
        """Columns `line` (text) and `number` (from 1), as a stream that can be read once."""
        schema = pa.schema([("line", pa.large_string()), ("number", pa.int64())])
        return pa.RecordBatchReader.from_batches(schema, self._batches(schema))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        texts: list[str] = []
        numbers: list[int] = []
        with _open_text(self._path) as stream:
            for number, text in enumerate(stream, 1):
                if not _is_text(text):
                    reason = "unreadable record: not UTF-8 text"
                    self.rejected.append(RejectedRecord(number, reason, _content(text)))
                elif text.strip():
                    texts.append(text.rstrip("\r\n"))
                    numbers.append(number)
                if len(texts) == _BATCH_ROWS:
                    yield pa.record_batch([texts, numbers], schema)
                    texts, numbers = [], []
        yield pa.record_batch([texts, numbers], schema)


class _Lines:
    """The lines of a file from the record being read on, taken anew by each reader that is set on them.

    Lines are read from the file in blocks, so that those of a sound record pass no code of ours.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._held: list[str] = []
        self._passed = 0
        self._text = True
        self.begin = 0
        """Lines of the file before the record being read."""
        self.ended = False
        """Whether the last reader was given all lines, or all that one record may have."""

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[list[str]]:
        self.ended = False
        self._hold([])
        yield self._held
        while len(self._held) - (self.begin - self._passed) < _RECORD_LINES:
            block = list(islice(self._stream, _RECORD_LINES))
            if not block:
                break
            self._hold(block)
            yield block
        self.ended = True

    def _hold(self, block: list[str]) -> None:
        self._held = self._held[self.begin - self._passed :] + block
        self._passed = self.begin
        self._text = _is_text("".join(self._held))

    def are_text(self, count: int) -> bool:
        """Whether the first `count` lines of the record are UTF-8."""
        return self._text or _is_text(self._first(count))

    def content(self, count: int) -> str:
        """The first `count` lines of the record as they stand in the file."""
        return _content(self._first(count))

    def _first(self, count: int) -> str:
        first = self.begin - self._passed
        return "".join(self._held[first : first + count])


def _is_text(line: str) -> bool:
    try:
        return line.isascii() or bool(line.encode())
    except UnicodeEncodeError:
        return False


def _content(text: str) -> str:
    """The record as it stands in the file, without its line end."""
    return text.rstrip("\r\n").encode(errors="surrogateescape").decode(errors="replace")


def _open_text(path: Path) -> TextIO:
    """Text in which bytes that are not UTF-8 are lone surrogates; line ends stay as they are."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
