"""Pages on their way to the landing: kept on disk as they are read, so that a killed load goes on."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa

from pipelines.sources.rest_shapes import Page, Row
from pipelines.sources.rest_text import AT, TextColumns, check_names, microseconds
from warehouse.durable_files import sync_file, write_atomically

LONGEST_PAUSE = timedelta(hours=6)
"""Pages older than this are read anew."""
_ROWS_KEPT, _SECONDS_KEPT = 10_000, 2.0
"""How much may be in memory only."""


@dataclass
class Progress:
    """How far an input was read."""

    question: str
    """What was asked: pages of another question are of no use."""
    begun_at: float
    """Seconds since 1970."""
    position: str | None = None
    """Where the next page is; None: at the beginning, or there is none."""
    complete: bool = False
    columns: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    rows: int = 0
    total: int | None = None
    """What the last page told."""
    total_moved: bool = False
    """A page told another total than the one before it."""
    last: int | None = None
    """Watermark of the last row read while they came newest first, in microseconds since 1970."""
    in_order: bool = False
    """The rows were asked for newest first, and came so."""


class KeptPages:
    """The pages read of one input, on disk in a folder of their own."""

    def __init__(
        self,
        folder: Path,
        question: str,
        text: TextColumns,
        added: Mapping[str, str],
        watermark: str | None,
        *,
        newest_first: bool,
    ) -> None:
        self._folder, self._text, self._added, self._watermark = folder, text, added, watermark
        self._newest_first = newest_first and watermark is not None
        self._pending: list[bytes] = []
        self._pending_rows = 0
        self._place = ""
        self._kept_at = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        found = self._read_progress()
        if found is not None and _is_of_use(found, question):
            self.progress = found
        else:
            self.restart(question)

    def restart(self, question: str | None = None) -> None:
        """Forget the pages."""
        self._pending, self._pending_rows = [], 0
        for path in self._folder.iterdir():
            path.unlink()
        question = question or self.progress.question
        self.progress = Progress(question, time.time(), in_order=self._newest_first)

    def remove(self) -> None:
        """Remove the pages from the disk: they are landed, or of no use."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, page: Page, text: bytes) -> None:
        """Take a page and the answer it came in; it is on the disk within seconds of reading.

        Raises:
            RestError: a field has a name that cannot be kept.
        """
        progress = self.progress
        self._note_columns(page.rows)
        if self._watermark is not None and progress.in_order:
            self._note_order([microseconds(row.get(self._watermark)) for row in page.rows])
        if page.rows:
            place = page.place or ""
            if self._pending and place != self._place:
                self.keep()
            self._place = place
            self._pending.append(text if page.place is not None else json.dumps(page.rows).encode())
            self._pending_rows += len(page.rows)
        progress.rows += len(page.rows)
        progress.total_moved |= progress.rows > len(page.rows) and page.total != progress.total
        progress.total = page.total
        progress.position, progress.complete = page.next, page.next is None
        waited = time.monotonic() - self._kept_at
        if progress.complete or self._pending_rows >= _ROWS_KEPT or waited >= _SECONDS_KEPT:
            self.keep()

    def end(self) -> None:
        """The pages read are enough."""
        self.progress.complete = True
        self.keep()

    def keep(self) -> None:
        """Put what is in memory on the disk."""
        if self._pending:
            name = f"rows-{len(self.progress.segments):06d}.arrow"
            table = self._text.table(
                self._pending, self._place, self.progress.columns, self._added, self._watermark
            )
            with (
                pa.OSFile(str(self._folder / name), "wb") as stream,
                pa.ipc.new_file(stream, table.schema) as file,
            ):
                file.write_table(table)
            sync_file(self._folder / name)
            self.progress.segments.append(name)
            self._pending, self._pending_rows = [], 0
        record = json.dumps(asdict(self.progress), ensure_ascii=False)
        write_atomically(self._folder / "progress.json", record)
        self._kept_at = time.monotonic()

    def frame(self, declared: Sequence[str]) -> pl.LazyFrame:
        """The rows kept: a column for each field seen, the added ones first, and the instants.

        Of no rows at all there are the declared columns.
        """
        names = self._names(declared)
        schema = pl.Schema({**dict.fromkeys(names, pl.String()), AT: pl.Int64()})
        segments = [
            pl.scan_ipc(self._folder / name, glob=False, hive_partitioning=False)
            for name in self.progress.segments
        ]
        return pl.concat([pl.LazyFrame(schema=schema), *segments], how="diagonal").select(list(schema))

    def table(self, declared: Sequence[str]) -> pa.Table:
        """The rows of `frame`, as they lie on the disk."""
        names = self._names(declared)
        schema = pa.schema([*((name, pa.string()) for name in names), (AT, pa.int64())])
        segments = []
        for name in self.progress.segments:
            with pa.memory_map(str(self._folder / name)) as stream:
                segments.append(pa.ipc.open_file(stream).read_all())
        return pa.concat_tables([schema.empty_table(), *segments], promote_options="default").select(
            schema.names
        )

    @property
    def part(self) -> Path:
        """Where the part is written before it is landed."""
        return self._folder / "part.parquet"

    def _names(self, declared: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*self._added, *(self.progress.columns or declared)]))

    def _note_columns(self, rows: Sequence[Row]) -> None:
        known = dict.fromkeys(self.progress.columns)
        before = len(known)
        if not known.keys() >= set().union(*rows):
            for row in rows:
                known.update(dict.fromkeys(row))
        if len(known) > before:
            check_names(known)
            self.progress.columns = list(known)

    def _note_order(self, instants: Sequence[int | None]) -> None:
        progress = self.progress
        known = [at for at in instants if at is not None]
        last = [progress.last] if progress.last is not None else []
        if len(known) < len(instants) or any(before < after for before, after in pairwise([*last, *known])):
            progress.in_order = False
        if known:
            progress.last = known[-1]

    def _read_progress(self) -> Progress | None:
        try:
            found = Progress(**json.loads((self._folder / "progress.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        whole = all((self._folder / name).exists() for name in found.segments)
        return found if whole else None


def _is_of_use(progress: Progress, question: str) -> bool:
    age = time.time() - progress.begun_at
    return progress.question == question and 0 <= age < LONGEST_PAUSE.total_seconds()
