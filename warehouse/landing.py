"""The landing: raw rows as Parquet, one folder per entity and load, never changed once written.

Layout: `<root>/<source>/<entity>/load=000001/part-0000.parquet`, one part per input file, with `load.json`
beside them. What a source without files delivers has names of inputs too, such as a table's or a workshop's.
A later whole load of the same input replaces its rows. A load of changes adds rows, which win over older ones
of their key, and may name keys that the source has no more in `deleted.parquet`.
"""

import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from warehouse.durable_files import sync_file, write_atomically
from warehouse.verdicts import Verdict, VerdictStatus, read_verdict, write_verdict

__all__ = [
    "DELETED",
    "RESERVED_COLUMNS",
    "Days",
    "LandedFile",
    "Landing",
    "Load",
    "LoadWriter",
    "Part",
    "Verdict",
    "VerdictStatus",
]

DELETED = "deleted.parquet"
RESERVED_COLUMNS = frozenset(
    {"_load", "_file", "_row", "_part", "_vanished", "filename", "file_row_number", "file_index"}
)
"""Columns that raw tables have besides the landed ones, and those that reading the parts adds."""
PARTS_OF_A_LOAD = 1_000_000
"""More than a load can have inputs."""


@dataclass(frozen=True)
class Days:
    """Local days of the source, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class LandedFile:
    """One input file of a load and the part that holds its rows."""

    file: str
    fingerprint: str
    """Digest or version tag of the input's content: equal means unchanged."""
    part: str
    rows: int
    rejected: int
    """Records that could not be read; they are in the load's `rejected.parquet`."""
    columns: tuple[str, ...] = ()
    """Columns of the input; empty where an older landing did not note them."""


@dataclass(frozen=True)
class Load:
    """One landed load."""

    number: int
    landed_at: datetime
    changes: bool
    """Its rows add to what is there; else they replace what their inputs held."""
    days: Days | None
    """The days that a load of changes was asked for; None: all that had changed."""
    files: tuple[LandedFile, ...]
    folder: Path
    watermark: str | None = None
    """Up to where the source was read, as its loader writes it."""
    deleted: int = 0
    """Keys that the source has no more, in `deleted.parquet`."""

    @property
    def deleted_path(self) -> Path:
        """Keys that the source has no more: the entity's key columns."""
        return self.folder / DELETED


@dataclass(frozen=True)
class Part:
    """A part of a load, as a raw table reads it."""

    load: int
    file: str
    path: Path
    rows: int
    replaced_at: datetime | None = None
    """When a newer whole load of the input replaced the part; None: its rows are there."""
    columns: tuple[str, ...] = ()
    """See LandedFile."""

    @property
    def number(self) -> int:
        """Identifies the part within its entity."""
        return self.load * PARTS_OF_A_LOAD + int(self.path.stem.removeprefix("part-"))


@dataclass
class LoadWriter:
    """A load being written: parts go to `folder`, and what they hold to `files`."""

    folder: Path
    files: list[LandedFile] = field(default_factory=list)
    watermark: str | None = None
    """See Load."""
    deleted: int = 0
    """How many keys were written to `deleted_path`."""

    def part_path(self) -> Path:
        """Where the next input's rows go."""
        return self.folder / f"part-{len(self.files):04d}.parquet"

    @property
    def deleted_path(self) -> Path:
        """Where the keys go that the source has no more."""
        return self.folder / DELETED


class Landing:
    """The landing folder of all sources."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def entity_folder(self, source: str, entity: str) -> Path:
        """Where the loads of one entity lie."""
        return self.root / source / entity

    def loads(self, source: str, entity: str) -> list[Load]:
        """Whole loads, oldest first."""
        folders = self.entity_folder(source, entity).glob("load=*")
        return sorted(map(_read_load, folders), key=lambda load: load.number)

    def fingerprints(self, source: str, entity: str) -> Mapping[str, str]:
        """Fingerprint of each input file when it was last landed whole."""
        return {
            landed.file: landed.fingerprint
            for load in self.loads(source, entity)
            if not load.changes
            for landed in load.files
        }

    def watermark(self, source: str, entity: str) -> str | None:
        """Up to where the source was read by the newest load that says so."""
        marks = [load.watermark for load in self.loads(source, entity) if load.watermark is not None]
        return marks[-1] if marks else None

    def unfinished(self, source: str, entity: str) -> Path:
        """Folder, made, in which a loader keeps what it has read so far of a load that may be cut short."""
        folder = self.entity_folder(source, entity) / ".unfinished"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def live_parts(self, source: str, entity: str) -> list[Part]:
        """The parts that together hold the entity as last landed."""
        live: list[Part] = []
        whole: set[str] = set()
        for load in reversed(self.loads(source, entity)):
            live[:0] = [
                Part(
                    load.number,
                    landed.file,
                    load.folder / landed.part,
                    landed.rows,
                    columns=landed.columns,
                )
                for landed in load.files
                if landed.file not in whole
            ]
            if not load.changes:
                whole.update(landed.file for landed in load.files)
        return live

    def replaced_parts(self, source: str, entity: str) -> list[Part]:
        """The parts that newer whole loads of their inputs have replaced: what once was there."""
        replaced: list[Part] = []
        whole: dict[str, datetime] = {}
        for load in reversed(self.loads(source, entity)):
            replaced[:0] = [
                Part(load.number, landed.file, load.folder / landed.part, landed.rows, whole[landed.file])
                for landed in load.files
                if landed.file in whole
            ]
            if not load.changes:
                whole.update((landed.file, load.landed_at) for landed in load.files)
        return replaced

    def rejected_parts(self, source: str, entity: str) -> list[tuple[Path, list[str]]]:
        """Files of unreadable records, each with the input files whose whole load it still speaks for."""
        newest: dict[str, int] = {}
        loads = [load for load in self.loads(source, entity) if not load.changes]
        for load in loads:
            newest.update({landed.file: load.number for landed in load.files})
        found = []
        for load in loads:
            files = [f.file for f in load.files if f.rejected and newest[f.file] == load.number]
            if files:
                found.append((load.folder / "rejected.parquet", files))
        return found

    @contextmanager
    def write_load(
        self, source: str, entity: str, days: Days | None = None, *, changes: bool = False
    ) -> Iterator[LoadWriter]:
        """Write one load: it is there whole when the block ends, and not at all when it raises.

        A load of single days is one of changes. A block that lands no input, deletes no key and moves no
        watermark leaves no load.
        """
        parent = self.entity_folder(source, entity)
        parent.mkdir(parents=True, exist_ok=True)
        for abandoned in parent.glob(".writing-*"):
            shutil.rmtree(abandoned)
        loads = self.loads(source, entity)
        number = loads[-1].number + 1 if loads else 1
        folder = parent / f".writing-{number:06d}"
        folder.mkdir()
        try:
            writer = LoadWriter(folder)
            yield writer
            if writer.files or writer.deleted or writer.watermark is not None:
                _write_manifest(writer, number, days, changes or days is not None)
                for path in folder.iterdir():
                    sync_file(path)
                sync_file(folder)
                folder.rename(parent / f"load={number:06d}")
                sync_file(parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def verdict(self, source: str, entity: str) -> Verdict | None:
        """How the last attempt ended; None before the first."""
        return read_verdict(self.entity_folder(source, entity))

    def record_verdict(
        self, source: str, entity: str, status: VerdictStatus, detail: str, days: Days | None = None
    ) -> Verdict:
        """Keep how an attempt ended; one that failed, or read single days, leaves data_as_of where it was."""
        now = datetime.now(UTC)
        before = self.verdict(source, entity)
        whole = status != "failed" and days is None
        as_of = now if whole else (before.data_as_of if before else None)
        verdict = Verdict(status, now, detail, as_of, before.new_columns if before else ())
        write_verdict(self.entity_folder(source, entity), verdict)
        return verdict

    def note_new_columns(self, source: str, entity: str, declared: Collection[str]) -> Verdict:
        """Keep in the entity's verdict which columns of its live inputs are not `declared`; returns it.

        Raises:
            ValueError: the entity has no verdict yet.
        """
        verdict = self.verdict(source, entity)
        if verdict is None:
            raise ValueError(f"{source}.{entity}: has no verdict yet")
        there = (column for part in self.live_parts(source, entity) for column in part.columns)
        new = tuple(dict.fromkeys(column for column in there if column not in declared))
        if new != verdict.new_columns:
            verdict = replace(verdict, new_columns=new)
            write_verdict(self.entity_folder(source, entity), verdict)
        return verdict


def _write_manifest(writer: LoadWriter, number: int, days: Days | None, changes: bool) -> None:
    record = {
        "load": number,
        "landed_at": datetime.now(UTC).isoformat(),
        "changes": changes,
        "days": [days.first.isoformat(), days.last.isoformat()] if days else None,
        "watermark": writer.watermark,
        "deleted": writer.deleted,
        "files": [asdict(landed) for landed in writer.files],
    }
    write_atomically(writer.folder / "load.json", json.dumps(record, ensure_ascii=False, indent=1))


def _read_load(folder: Path) -> Load:
    record = json.loads((folder / "load.json").read_text(encoding="utf-8"))
    days = Days(*(date.fromisoformat(day) for day in record["days"])) if record["days"] else None
    files = tuple(
        LandedFile(**{**landed, "columns": tuple(landed.get("columns", ()))}) for landed in record["files"]
    )
    return Load(
        number=record["load"],
        landed_at=datetime.fromisoformat(record["landed_at"]),
        changes=record.get("changes", days is not None),
        days=days,
        files=files,
        folder=folder,
        watermark=record.get("watermark"),
        deleted=record.get("deleted", 0),
    )
