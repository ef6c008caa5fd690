"""Splitting a text file into records: CSV records and lines of NDJSON, each read whole or set aside.

Records are split here rather than by DuckDB's CSV reader. That one, told to skip faulty lines, has taken the
inside of a long quoted value for rows, and an open quote at the end of a file, or a line end that it did not
expect, for no rows at all; none of them was reported.
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import pyarrow as pa

from warehouse.errors import LandingError

_BATCH_ROWS = 20_000

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
    """The records of a CSV file as text, an empty field as null; lines may end in LF, CR LF or CR."""

    def __init__(self, path: Path, file: str, delimiter: str) -> None:
        """Read the header line.

        Raises:
            LandingError: the header line is not UTF-8 text or no CSV.
        """
        self._path = path
        self._file = file
        self._delimiter = delimiter
        self.rejected: list[RejectedRecord] = []
        """The records set aside so far."""
        with _open_text(path) as stream:
            lines = _Lines(stream)
            try:
                self.columns = next(self._read(lines), [])
            except csv.Error as error:
                raise LandingError(f"{file}: its header line cannot be read: {error}") from error
        if lines.broken:
            raise LandingError(f"{file}: its header line is not UTF-8 text")
        self._schema = pa.schema([(column, pa.large_string()) for column in self.columns])
        self._open_quote: int | None = None

    def reader(self) -> pa.RecordBatchReader:
        """The records below the header, as a stream that can be read once."""
        return pa.RecordBatchReader.from_batches(self._schema, self._batches())

    def check_end(self) -> None:
        """Tell, once the stream is read, whether it reached the end of the file.

        Raises:
            LandingError: a quote is never closed, so what follows it cannot be told apart.
        """
        if self._open_quote is not None:
            raise LandingError(
                f"{self._file}: the record on line {self._open_quote} has a quote that is never closed"
            )

    def _read(self, lines: "_Lines") -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        rows: list[list[str]] = []
        for row in self._rows():
            rows.append(row)
            if len(rows) == _BATCH_ROWS:
                yield self._batch(rows)
                rows = []
        if rows:
            yield self._batch(rows)

    def _batch(self, rows: list[list[str]]) -> pa.RecordBatch:
        columns = [[value or None for value in column] for column in zip(*rows, strict=True)]
        return pa.record_batch([pa.array(column, pa.large_string()) for column in columns], self._schema)

    def _rows(self) -> Iterator[list[str]]:
        width = len(self.columns)
        with _open_text(self._path) as stream:
            lines = _Lines(stream)
            reader = self._read(lines)
            next(reader, None)
            while True:
                lines.begin_record()
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    if lines.ended:
                        self._open_quote = lines.first
                        return
                    self._reject(lines, "a quote out of place")
                    continue
                if len(row) == width and not lines.broken:
                    yield row
                elif lines.broken:
                    self._reject(lines, "not UTF-8 text")
                elif row:
                    self._reject(lines, "too many fields" if len(row) > width else "too few fields")

    def _reject(self, lines: "_Lines", reason: str) -> None:
        self.rejected.append(RejectedRecord(lines.first, f"unreadable record: {reason}", lines.content()))


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
            lines = _Lines(stream)
            for text in lines:
                if lines.broken:
                    reason = "unreadable record: not UTF-8 text"
                    self.rejected.append(RejectedRecord(lines.number, reason, lines.content()))
                elif text.strip():
                    texts.append(text.rstrip("\r\n"))
                    numbers.append(lines.number)
                lines.begin_record()
                if len(texts) == _BATCH_ROWS:
                    yield pa.record_batch([texts, numbers], schema)
                    texts, numbers = [], []
        yield pa.record_batch([texts, numbers], schema)


class _Lines:
    """The lines of a file, remembering those that the record being read is made of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._taken: list[str] = []
        self.number = 0
        """Lines read so far."""
        self.broken = False
        """Whether a line of the record is not UTF-8."""
        self.ended = False
        """Whether the file has no more lines."""

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = next(self._stream)
        except StopIteration:
            self.ended = True
            raise
        self.number += 1
        self._taken.append(line)
        self.broken = self.broken or not _is_text(line)
        return line

    @property
    def first(self) -> int:
        """Line on which the record begins."""
        return self.number - len(self._taken) + 1

    def begin_record(self) -> None:
        """Forget the lines of the last record."""
        self._taken.clear()
        self.broken = False

    def content(self) -> str:
        """The record as it stands in the file."""
        text = "".join(self._taken).rstrip("\r\n")
        return text.encode(errors="surrogateescape").decode(errors="replace")


def _is_text(line: str) -> bool:
    try:
        return line.isascii() or bool(line.encode())
    except UnicodeEncodeError:
        return False


def _open_text(path: Path) -> TextIO:
    """Text in which bytes that are not UTF-8 are lone surrogates; line ends stay as they are."""
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
