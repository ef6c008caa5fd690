"""Retention of the landing: loads that newer ones have replaced are removed after a time.

What the pipeline goes on from stays whatever its age: the live parts, the replaced parts that the served
generation names (rows kept although they vanished lie there), and what tells since when they are gone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.database import connect, quote_name, quote_text
from warehouse.errors import NoGenerationError, WarehouseError
from warehouse.file_formats import quote_pattern
from warehouse.generations import current_generation
from warehouse.landing import LandedFile, Landing, Load, Part
from warehouse.load_folders import REJECTED, remove_load, rewrite_load, sweep_entity
from warehouse.sources import Source

Entity = tuple[str, str]
"""Name of a source and of one of its entities."""


@dataclass(frozen=True)
class Pruned:
    """What a pruning removed."""

    parts: int = 0
    loads: int = 0
    """Loads of which nothing was left."""
    size_bytes: int = 0


def prune_landing(
    landing: Landing,
    sources: Mapping[str, Source],
    warehouse_folder: Path,
    keep: timedelta,
    now: datetime | None = None,
) -> Pruned:
    """Remove what has been replaced for longer than `keep`; to be called after publishing, by the one writer.

    While a build is under way, or where what the served generation goes on from cannot be read, nothing is
    removed.
    """
    if (warehouse_folder / "build.duckdb").exists():
        return Pruned()
    try:
        named = _named_parts(current_generation(warehouse_folder).path)
    except (NoGenerationError, WarehouseError, duckdb.Error):
        return Pruned()
    oldest = (now or datetime.now(UTC)) - keep
    parts = loads = size = 0
    for source, declared in sources.items():
        for entity in declared.entities:
            one = _EntityPruning(landing, source, entity, named.get((source, entity)), oldest).run()
            parts, loads, size = parts + one.parts, loads + one.loads, size + one.size_bytes
    return Pruned(parts, loads, size)


def _named_parts(generation: Path) -> dict[Entity, set[int]]:
    connection = connect(generation, read_only=True)
    try:
        named: dict[Entity, set[int]] = {}
        for table in ("parts", "kept"):
            rows = connection.execute(
                f"SELECT DISTINCT source, entity, part FROM pipeline.{table}"
            ).fetchall()
            for source, entity, part in rows:
                named.setdefault((source, entity), set()).add(part)
        return named
    finally:
        connection.close()


class _EntityPruning:
    """The pruning of one entity's loads."""

    def __init__(
        self, landing: Landing, source: str, entity: str, named: set[int] | None, oldest: datetime
    ) -> None:
        self._landing = landing
        self._source = source
        self._entity = entity
        self._named = named
        self._oldest = oldest

    def run(self) -> Pruned:
        folder = self._landing.entity_folder(self._source, self._entity)
        if not folder.exists():
            return Pruned()
        sweep_entity(folder)
        loads = self._landing.loads(self._source, self._entity)
        if not loads or self._named is None:  # a generation without it does not know what it still needs
            return Pruned()
        before = _size(loads)
        gone = {part.number for part in self._prunable(loads)}
        if gone or any(load.deleted or not load.files for load in loads):
            removed = self._remove(loads, gone)
            after = _size(self._landing.loads(self._source, self._entity))
            return Pruned(len(gone), removed, before - after)
        return Pruned()

    def _prunable(self, loads: list[Load]) -> Iterable[Part]:
        """Replaced parts that nothing needs, oldest first.

        A part stays, too, when the one of its input before it stays: it tells when that one was replaced.
        """
        needed: set[str] = set()
        whole = {load.number for load in loads if not load.changes}
        for part in self._landing.replaced_parts(self._source, self._entity):
            old = part.replaced_at is not None and part.replaced_at < self._oldest
            if not old or part.number in (self._named or ()):
                needed.add(part.file)
            elif part.file in needed and part.load in whole:
                needed.discard(part.file)
            else:
                yield part

    def _remove(self, loads: list[Load], gone: set[int]) -> int:
        """Take the parts out of their loads, and out go loads and lists of keys that say nothing any more."""
        newest_mark = max((load.number for load in loads if load.watermark is not None), default=0)
        removed = 0
        oldest_left: int | None = None
        for load in loads:
            files = [landed for landed in load.files if _number(load, landed) not in gone]
            # A list of vanished keys speaks of older loads only.
            speaks = load.deleted and (oldest_left is not None or load.landed_at >= self._oldest)
            deleted = load.deleted if speaks else 0
            # The newest one stays: its number must not come again.
            stays = files or deleted or load.number in (newest_mark, loads[-1].number)
            if not stays and load.landed_at < self._oldest:
                remove_load(load)
                removed += 1
            elif len(files) != len(load.files) or deleted != load.deleted:
                _keep_rejected(load, files)
                rewrite_load(load, files, deleted)
            if files and oldest_left is None:
                oldest_left = load.number
        return removed


def _number(load: Load, landed: LandedFile) -> int:
    return Part(load.number, landed.file, load.folder / landed.part, landed.rows).number


def _size(loads: Iterable[Load]) -> int:
    return sum(path.stat().st_size for load in loads for path in load.folder.iterdir())


def _keep_rejected(load: Load, files: list[LandedFile]) -> None:
    """Keep the unreadable records of these inputs only."""
    left = [landed.file for landed in files if landed.rejected]
    before = [landed.file for landed in load.files if landed.rejected]
    if not left or left == before:
        return
    path = load.folder / REJECTED
    beside = path.with_name(f".{REJECTED}")
    connection = connect(None)
    try:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({quote_pattern(path)}, hive_partitioning = false)"
            f" WHERE {quote_name('file')} IN ({', '.join(map(quote_text, left))}))"
            f" TO {quote_text(str(beside))} (FORMAT parquet)"
        )
    finally:
        connection.close()
    beside.replace(path)
