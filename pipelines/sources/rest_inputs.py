"""Reading one input of a REST source to its end: a listing until it settles, changes as far as needed."""

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.sources.rest_api import Origin, Reader, Resource
from pipelines.sources.rest_client import RestError, StatusError
from pipelines.sources.rest_pages import KeptPages
from pipelines.sources.rest_rows import count_keys, digest, newest_of_each_key, without_landed
from pipelines.sources.rest_shapes import Page, Row
from pipelines.sources.rest_text import AT, TextColumns, microseconds
from warehouse.durable_files import sync_file
from warehouse.landing import Days
from warehouse.sources import RestEntity

_TIMES_READ = 3
"""How often a listing is read that does not settle."""
_TIMES_LOST = 2
"""How often a reading begins anew because the API does not know the position any more."""
_LOST_POSITION = frozenset({400, 404, 410, 422})


@dataclass(frozen=True)
class Marks:
    """What the landing knows of an entity's inputs."""

    fingerprints: Mapping[str, str]
    newest: Mapping[str, int]
    """Newest watermark of each input, in microseconds since 1970."""
    overlap: int
    """How far before it changes are read again, in microseconds."""
    landed: Mapping[str, Sequence[Path]]
    """Parts of each input, oldest first, that hold its landed rows of the overlap."""
    place: str
    """Where the rows come from: part of the question."""


@dataclass(frozen=True)
class Finished:
    """An input that was read whole."""

    name: str
    pages: KeptPages
    """Their `part` holds the rows to land, when they are new."""
    fingerprint: str
    rows: int
    columns: Sequence[str]
    newest: int | None
    is_new: bool
    """The landing does not hold it yet."""


@dataclass(frozen=True)
class InputReading:
    """One input, to be read."""

    reader: Reader
    origin: Origin
    resource: Resource
    declared: RestEntity
    marks: Marks
    folder: Path
    """Where unfinished inputs of the entity lie."""
    text: TextColumns
    days: Days | None
    stop: threading.Event
    """Set when nobody waits for the rows any more."""

    def finish(self) -> Finished:
        """Read what is left of the input and write its part.

        Raises:
            RestError: it could not be read, lacks a column, or never settled.
        """
        folder = self.folder / quote(self.origin.name, safe="=")
        pages = KeptPages(
            folder,
            self._question(),
            self.text,
            self.origin.columns,
            self.declared.watermark,
            newest_first=self.resource.newest_first,
        )
        for _ in range(_TIMES_READ):
            self._read(pages)
            self._check_columns(pages)
            total, counts = pages.progress.total, [0]
            if self.resource.changes:
                if total is None or self._is_settled(pages, counts := self._counts(pages)):
                    return self._finish_changes(pages)
            else:
                rows = newest_of_each_key(pages.table(self.declared.columns), self.declared.key)
                if self._is_settled(pages, counts := [rows.num_rows]):
                    return self._finish_listing(pages, rows)
            pages.restart()
        pages.remove()
        raise RestError(
            f"{self.resource.path}: read {_TIMES_READ} times and never settled: there should be {total} rows,"
            f" and the last time there were {counts[0]}; it changes while it is read, try again later"
        )

    def _read(self, pages: KeptPages) -> None:
        lost = 0
        before: Sequence[Row] = ()
        progress = pages.progress
        while not progress.complete:
            if self.stop.is_set():
                raise RestError("reading was broken off")
            try:
                page, text = self._fetch(progress.position)
            except StatusError as error:
                if progress.position is None or error.status not in _LOST_POSITION or lost == _TIMES_LOST:
                    pages.keep()
                    raise
                lost += 1
                pages.restart()
                progress, before = pages.progress, ()
                continue
            except RestError:
                pages.keep()
                raise
            if page.rows and page.next is not None and page.rows == before:
                raise RestError(
                    f"{self.resource.path}: answers the page {progress.position} with the rows before it"
                )
            before = page.rows
            pages.add(page, text)
            if not progress.complete and self._is_far_enough(pages, page):
                pages.end()

    def _fetch(self, position: str | None) -> tuple[Page, bytes]:
        answer = self.reader.get(self.resource.path, self.resource.parameters(position, self.days))
        try:
            page = self.resource.paging.page(answer.value, position)
        except RestError as error:
            raise RestError(f"{self.resource.path}: {error}") from error
        for name, value in self.origin.columns.items():
            told = [row[name] for row in page.rows if name in row]
            if any(one is not None and str(one) != value for one in told):
                raise RestError(
                    f"{self.resource.path}: answers rows of another {name}; none of them is landed"
                )
        return page, answer.text

    def _is_far_enough(self, pages: KeptPages, page: Page) -> bool:
        """Whether all that follows is older than what is wanted."""
        since, progress = self._since(), pages.progress
        return (
            self.resource.newest_first
            and since is not None
            and progress.in_order
            and bool(page.rows)
            and (microseconds(page.rows[0].get(self.declared.watermark or "")) or 0) < since
        )

    def _since(self) -> int | None:
        """The instant from which on changes are wanted; None: all."""
        newest = self.marks.newest.get(self.origin.name)
        return None if newest is None or self.days is not None else newest - self.marks.overlap

    def _question(self) -> str:
        asked = [
            self.marks.place,
            self.declared.model_dump(mode="json"),
            self.marks.fingerprints.get(self.origin.name),
            self._since(),
            str(self.days),
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def _check_columns(self, pages: KeptPages) -> None:
        seen = {*pages.progress.columns, *self.origin.columns}
        missing = [name for name in self.declared.columns if name not in seen]
        if missing and pages.progress.rows:
            pages.remove()
            raise RestError(
                f"{self.resource.path}: lacks the column {', '.join(missing)};"
                f" it has {', '.join(pages.progress.columns)}"
            )

    def _counts(self, pages: KeptPages) -> list[int]:
        """What the API may mean by a total, the rows first."""
        frame = pages.frame(self.declared.columns)
        also = [[name] for name in self.resource.also_counted if name in pages.progress.columns]
        return [count_keys(frame, key) for key in (self.declared.key, *also)]

    def _is_settled(self, pages: KeptPages, counts: Sequence[int]) -> bool:
        """Whether as many rows were read as the API says there are, and it said the same on every page."""
        total = pages.progress.total
        return total is None or (total in counts and not pages.progress.total_moved)

    def _finish_listing(self, pages: KeptPages, rows: pa.Table) -> Finished:
        fingerprint = digest(rows)
        is_new = self.marks.fingerprints.get(self.origin.name) != fingerprint
        rows = rows.drop_columns(AT)
        if is_new:
            # Texts that zstd packs: dictionaries and statistics would cost more than half as much again.
            pq.write_table(rows, pages.part, compression="zstd", use_dictionary=False, write_statistics=False)
            sync_file(pages.part)
        return Finished(self.origin.name, pages, fingerprint, rows.num_rows, rows.column_names, None, is_new)

    def _finish_changes(self, pages: KeptPages) -> Finished:
        """Write the rows that changed.

        The fingerprint is of the rows in the overlap of this newest watermark, which is what the next load
        reads again: when that finds just them, nothing has changed. Else the rows that the overlap held
        before, unchanged, are not written again.
        """
        frame, since = pages.frame(self.declared.columns), self._since()
        if since is not None:
            frame = frame.filter(pl.col(AT).is_null() | (pl.col(AT) >= since))
        newest = self._newest(pages, frame)
        tail = frame
        if newest is not None and self.days is None:
            tail = frame.filter(pl.col(AT).is_null() | (pl.col(AT) >= newest - self.marks.overlap))
        fingerprint = self._digest(tail)
        again = fingerprint if since is None else self._digest(frame)
        is_new = self.days is not None or self.marks.fingerprints.get(self.origin.name) != again
        rows = 0
        if is_new:
            landed = [] if since is None else self.marks.landed.get(self.origin.name, [])
            written = without_landed(frame, landed, self.declared.key).drop(AT)
            written.sink_parquet(pages.part, compression="zstd")
            rows = pl.scan_parquet(pages.part).select(pl.len()).collect().item()
            sync_file(pages.part)
        columns = [name for name in frame.collect_schema().names() if name != AT]
        return Finished(self.origin.name, pages, fingerprint, rows, columns, newest, is_new)

    def _digest(self, frame: pl.LazyFrame) -> str:
        table = frame.collect().to_arrow(compat_level=pl.CompatLevel.oldest())
        return digest(newest_of_each_key(table, self.declared.key))

    def _newest(self, pages: KeptPages, frame: pl.LazyFrame) -> int | None:
        """The newest watermark known, but none of the future: what changes until then would be missed."""
        known = self.marks.newest.get(self.origin.name)
        read: int | None = frame.select(pl.col(AT).max()).collect().item()
        if read is not None:
            read = min(read, int(pages.progress.begun_at * 1_000_000))
        if known is None or read is None:
            return read if known is None else known
        return max(known, read)
