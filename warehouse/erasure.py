"""Erasing from the landing: rows of a workshop are taken out of all loads, a customer's are emptied.

Each load is changed in one step, and all of it can be done again: an erasure that was cut short is completed
by running it once more.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

import duckdb

from warehouse.database import DatabaseOptions, connect, quote_text
from warehouse.erasures import Erasure, ErasureError, Register
from warehouse.errors import LandingError
from warehouse.file_formats import quote_pattern
from warehouse.landing import LandedFile, Landing, Load
from warehouse.load_folders import REJECTED, free_part, rewrite_load, sweep_entity
from warehouse.owners import parents_first, unclaimed
from warehouse.ownership import Ownership
from warehouse.part_files import drop_rows, empty_columns, take_rows
from warehouse.sources import FileSource, Source, SourceEntity


@dataclass(frozen=True)
class Found:
    """Landed rows that an erasure is about."""

    rows: Mapping[str, int]
    """By `<source>.<entity>`, in all loads."""
    inputs: Mapping[str, tuple[str, ...]]
    """Live input files of sources of files that hold some."""


class LandingErasure:
    """Finds and erases the rows of an erasure in the landing; nobody else may write to it meanwhile."""

    def __init__(
        self, landing: Landing, sources: Mapping[str, Source], options: DatabaseOptions | None = None
    ) -> None:
        self._landing = landing
        self._sources = sources
        self._register = Register(landing.root)
        options = options or DatabaseOptions()
        self._options = replace(options, spill_folder=landing.root / ".spill")

    def find(self, erasure: Erasure) -> Found:
        """Count the rows, and keep their keys. Also in sources that the erasure does not name."""
        rows: dict[str, int] = {}
        inputs: dict[str, tuple[str, ...]] = {}
        for name, source in self._sources.items():
            held: set[str] = set()
            with self.open(name, erasure) as owned:
                for entity in parents_first(name, source):
                    count, files = self._count(owned, name, entity)
                    held |= files
                    if count:
                        rows[f"{name}.{entity}"] = count
                        owned.write_keys()
            if held and isinstance(source, FileSource):
                inputs[name] = tuple(sorted(held))
        return Found(rows, inputs)

    def _count(self, owned: Ownership, name: str, entity: str) -> tuple[int, set[str]]:
        live = {part.path for part in self._landing.live_parts(name, entity)}
        count, files = 0, set()
        for load in self._landing.loads(name, entity):
            for landed in load.files:
                path = load.folder / landed.part
                found = len(owned.rows_of(entity, path))
                if found:
                    owned.note_keys(entity, path)
                    count += found
                    if path in live:
                        files.add(landed.file)
        return count, files

    def copy_rows(self, erasure: Erasure, folder: Path) -> dict[Path, int]:
        """Copy the rows as landed to `<folder>/<source>/<entity>/load=…/part-….parquet`; returns counts."""
        copied: dict[Path, int] = {}
        for name, source in self._sources.items():
            with self.open(name, erasure) as owned:
                for entity in parents_first(name, source):
                    for load in self._landing.loads(name, entity):
                        for landed in load.files:
                            part = load.folder / landed.part
                            owned.note_keys(entity, part)
                            numbers = owned.rows_of(entity, part)
                            target = folder / name / entity / load.folder.name / landed.part
                            if numbers:
                                target.parent.mkdir(parents=True, exist_ok=True)
                                copied[target] = take_rows(part, target, numbers)
        return copied

    def refuse_unclaimed(self, names: Sequence[str]) -> None:
        """Refuse sources with landed rows of which nothing says whose they are.

        Raises:
            ErasureError: which entities it is.
        """
        for name in names:
            held = [
                entity
                for entity in unclaimed(self._sources[name])
                if any(landed.rows for load in self._landing.loads(name, entity) for landed in load.files)
            ]
            if held:
                raise ErasureError(
                    f"source {name}: nothing declares whose the rows of {', '.join(held)} are;"
                    " declare workshop, belongs_to or shared for them, and try again"
                )

    def erase(self, erasure: Erasure) -> None:
        """Erase the rows from all loads of the erasure's sources, with what their loaders have half read."""
        for name in erasure.sources:
            source = self._sources.get(name)
            if source is None:
                raise LandingError(
                    f"{erasure.subject}: the source {name} is not active, its rows cannot be told; add it to"
                    " REPORTS_SOURCES and try again"
                )
            with self.open(name, erasure) as owned:
                for entity in parents_first(name, source):
                    self._erase_entity(owned, name, entity, source.entities[entity], erasure)
                owned.write_keys()
        rmtree(self._landing.root / ".spill", ignore_errors=True)

    def _erase_entity(
        self, owned: Ownership, name: str, entity: str, declared: SourceEntity, erasure: Erasure
    ) -> None:
        folder = self._landing.entity_folder(name, entity)
        if declared.shared or not folder.exists():
            return
        sweep_entity(folder)
        rmtree(folder / ".unfinished", ignore_errors=True)
        loads = self._landing.loads(name, entity)
        for load in loads:
            for landed in load.files:
                owned.note_keys(entity, load.folder / landed.part)
        owned.write_keys()
        for load in loads:
            files = [self._erase_file(owned, load, entity, landed, erasure) for landed in load.files]
            deleted = self._erase_deleted(owned, load, entity) if erasure.kind == "workshop" else load.deleted
            if erasure.kind == "workshop" or declared.personal:
                hide_rejected(owned.connection, load.folder)
            if files != list(load.files) or deleted != load.deleted:
                rewrite_load(load, files, deleted)

    def _erase_file(
        self, owned: Ownership, load: Load, entity: str, landed: LandedFile, erasure: Erasure
    ) -> LandedFile:
        path = load.folder / landed.part
        numbers = owned.rows_of(entity, path)
        if not numbers:
            return landed
        target = free_part(load.folder)
        declared = owned.declared(entity)
        rows = write_without(erasure, declared, path, target, numbers)
        return replace(landed, part=target.name, rows=rows)

    def _erase_deleted(self, owned: Ownership, load: Load, entity: str) -> int:
        """Take the keys of erased rows out of the load's list of vanished keys; returns those left."""
        if not load.deleted:
            return 0
        return _replace_parquet(
            owned.connection, load.deleted_path, owned.left_deleted(entity, load.deleted_path)
        )

    @contextmanager
    def open(self, name: str, erasure: Erasure) -> Iterator[Ownership]:
        """The rows of one source that the erasure is about."""
        connection = connect(None, options=self._options)
        try:
            keys = self._register.keys_path(erasure, name)
            yield Ownership(connection, self._landing, name, self._sources[name], erasure=erasure, keys=keys)
        except duckdb.Error as error:
            raise LandingError(f"source {name}: rows of {erasure.subject} cannot be told: {error}") from error
        finally:
            connection.close()


def write_without(
    erasure: Erasure, declared: SourceEntity, part: Path, target: Path, numbers: Sequence[int]
) -> int:
    """Write the part to `target` as it is after the erasure of these rows; returns its rows."""
    if erasure.kind == "workshop":
        return drop_rows(part, target, numbers)
    return empty_columns(part, target, numbers, declared.personal)


def hide_rejected(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Empty the content of a load's unreadable records: whose they are cannot be told."""
    path = folder / REJECTED
    if path.exists():
        rows = f"read_parquet({quote_pattern(path)}, hive_partitioning = false)"
        if connection.execute(f"SELECT 1 FROM {rows} WHERE content IS NOT NULL LIMIT 1").fetchall():
            _replace_parquet(connection, path, f"SELECT * REPLACE (NULL::VARCHAR AS content) FROM {rows}")


def _replace_parquet(connection: duckdb.DuckDBPyConnection, path: Path, query: str) -> int:
    """Make the file hold the rows of the query; returns how many."""
    beside = path.with_name(f".{path.name}")
    [(rows,)] = connection.execute(
        f"COPY ({query}) TO {quote_text(str(beside))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()
    beside.replace(path)
    return int(rows)
