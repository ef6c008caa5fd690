"""A booking platform that changes from night to night: what it delivers goes straight into a landing.

    world = NightWorld(folder)
    world.edit(Edit("bookings", "put", {**BOOKING, "price": "5.00"}))
    world.night()
    assert world.served() == world.built_whole()

All that was landed is kept in `log`, from which tests/night_oracle.py works out the figures.
"""

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, SmallWarehouse
from warehouse.build import Build
from warehouse.build_file import open_build
from warehouse.database import DatabaseOptions
from warehouse.entity_changes import MustBuildWholeError
from warehouse.generations import Generation
from warehouse.landing import LandedFile
from warehouse.models import Model, load_models, published_models
from warehouse.publishing import publish
from warehouse.sources import FileEntity

Record = dict[str, Any]
Tables = dict[str, Counter[str]]
How = Literal["put", "add", "drop", "turn", "break", "change", "delete"]

FILES: Mapping[str, tuple[str, ...]] = {
    "workshops": ("workshops.csv",),
    "categories": ("categories.csv",),
    "booking_statuses": ("booking_statuses.csv",),
    "services": ("services.parquet",),
    "bookings": ("bookings/a.csv", "bookings/b.csv"),
    "ratings": ("ratings.ndjson",),
}
_INSTANT = pa.timestamp("us", "UTC")
_SERVICE_TYPES = {
    "id": pa.int64(),
    "workshop_id": pa.int64(),
    "title": pa.string(),
    "price": pa.decimal128(18, 2),
    "is_active": pa.bool_(),
    "category_ids": pa.list_(pa.int64()),
    "duration_minutes": pa.int64(),
    "description": pa.string(),
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "deleted_at": _INSTANT,
}
_ANEW = "anew"
_OPTIONS = DatabaseOptions("1GB", threads=1)


class Edit(NamedTuple):
    """One thing that happens at the platform."""

    entity: str
    how: How
    """put: its key's rows in the file give way to it; add: it comes besides them; drop: its key's rows are
    gone; turn: the file's rows change places; break: a record that cannot be read comes; change: it is
    delivered in a load of changes; delete: a load of changes tells that its key is gone."""
    row: Record
    file: int = 0
    source: str = "sample"


@dataclass(frozen=True)
class DeliveredLoad:
    """What one load brought."""

    number: int
    at: datetime
    changes: bool
    files: Mapping[str, list[Record]]
    deleted: tuple[Any, ...]


@dataclass
class NightWorld:
    """The platform, its landing and its warehouse, below one folder."""

    root: Path
    twice: bool = False
    """Whether there is a second source of the same shape."""
    log: dict[tuple[str, str], list[DeliveredLoad]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.warehouse = SmallWarehouse(self.root)
        own = self.root / "sql"
        shutil.copytree(self.warehouse.sql_root, own)
        self.warehouse.sql_root = own
        if self.twice:
            self.warehouse.add_source("extra")
        self.sources = tuple(self.warehouse.sources)
        self._rows: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
        self._broken: Counter[tuple[str, str, str]] = Counter()
        self._due: set[tuple[str, str, str]] = set()
        self._changed: dict[tuple[str, str], list[Record]] = defaultdict(list)
        self._deleted: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for source in self.sources:
            self._fill(source, 101 if source == "sample" else 201)

    def declared(self, source: str, entity: str) -> FileEntity:
        """The entity's declaration."""
        return self.warehouse.file_source(source).entities[entity]

    def rows(self, entity: str, source: str = "sample") -> list[Record]:
        """What the files of an entity hold."""
        return [row for file in FILES[entity] for row in self._rows[source, entity, file]]

    def edit(self, edit: Edit) -> None:
        """Let it happen; it is landed with the next night."""
        source, entity, row = edit.source, edit.entity, edit.row
        [key] = self.declared(source, entity).key
        place = (source, entity, FILES[entity][edit.file % len(FILES[entity])])
        match edit.how:
            case "put" | "drop":
                self._rows[place] = [other for other in self._rows[place] if other[key] != row[key]]
            case "turn":
                self._rows[place].reverse()
            case "break":
                self._broken[place] += 1
            case "change":
                self._changed[source, entity].append(row)
            case "delete" if row[key] is not None:
                self._deleted[source, entity].append(row[key])
        if edit.how in ("put", "add"):
            self._rows[place].append(row)
        if edit.how not in ("change", "delete"):
            self._due.add(place)

    def edit_model(self, file: str, old: str, new: str) -> None:
        """Change the SQL of a model; what is not there any more was changed before."""
        path = self.warehouse.sql_root / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.warehouse.models = load_models(self.warehouse.sources, self.warehouse.sql_root)

    def night(self, *, fail_after: int | None = None, reopen_after: int = 0) -> Generation:
        """Land, build and publish; the build file is opened anew after so many steps.

        Raises:
            NightFailedError: after `fail_after` steps.
        """
        steps = [(source, entity) for source in self.sources for entity in FILES]
        names = [*steps, *self.warehouse.models]
        with self.warehouse.open() as build:
            self._run(build, names[:reopen_after], fail_after)
        with self.warehouse.open() as build:
            left = None if fail_after is None else fail_after - len(names[:reopen_after])
            self._run(build, names[reopen_after:], left)
            return publish(
                build, self.warehouse.warehouse_folder, keep=3, grace=timedelta(hours=1), max_loss=1
            )

    def land(self, source: str, entity: str) -> None:
        """Land what happened to one entity."""
        due = [place for place in sorted(self._due) if place[:2] == (source, entity)]
        if due:
            self._deliver(source, entity, {place[2]: list(self._rows[place]) for place in due}, changes=False)
            self._due.difference_update(due)
        rows = self._changed.pop((source, entity), [])
        deleted = self._deleted.pop((source, entity), [])
        if rows or deleted:
            self._deliver(source, entity, {FILES[entity][0]: rows} if rows else {}, deleted, changes=True)

    def served(self) -> Tables:
        """See served_rows."""
        return served_rows(self.warehouse)

    def built_whole(self) -> Tables:
        """See rows_built_whole."""
        return rows_built_whole(self.warehouse)

    def _run(self, build: Build, steps: list[Any], fail_after: int | None) -> None:
        for number, step in enumerate(steps):
            if number == fail_after:
                raise NightFailedError
            if isinstance(step, tuple):
                self.land(*step)
                build.create_raw(*step)
            else:
                build.build_model(step)
        if fail_after is not None and fail_after == len(steps):
            raise NightFailedError

    def _deliver(
        self,
        source: str,
        entity: str,
        files: Mapping[str, list[Record]],
        deleted: list[Any] | None = None,
        *,
        changes: bool,
    ) -> None:
        declared, landing = self.declared(source, entity), self.warehouse.landing
        rejected: list[tuple[str, int, str, str]] = []
        with landing.write_load(source, entity, changes=changes) as load:
            for file, rows in files.items():
                broken = 0 if changes else self._broken[source, entity, file]
                rejected += [(file, 900 + line, "unreadable record: as is", "?") for line in range(broken)]
                part = load.part_path()
                pq.write_table(_table(entity, rows, declared.columns), part)
                load.files.append(LandedFile(file, str(len(rejected)), part.name, len(rows), broken))
            if rejected:
                names = ("file", "line", "reason", "content")
                found = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rejected])
                pq.write_table(found, load.folder / "rejected.parquet")
            if deleted:
                keys = [{declared.key[0]: key} for key in deleted]
                pq.write_table(_table(entity, keys, declared.key), load.deleted_path)
                load.deleted = len(deleted)
        landed = landing.loads(source, entity)[-1]
        self.log[source, entity].append(
            DeliveredLoad(landed.number, landed.landed_at, changes, files, tuple(deleted or ()))
        )

    def _fill(self, source: str, workshop: int) -> None:
        """What the platform has on the first night."""
        rows: dict[str, list[Record]] = {
            "workshops": [{**WORKSHOP, "id": str(workshop + n)} for n in (0, 1)],
            "categories": [{"id": str(n), "name": name} for n, name in enumerate(("Motor", "Dekk"), 1)],
            "booking_statuses": [
                dict.fromkeys(("label", "allowed_transitions", "color", "icon")) | {"code": code}
                for code in ("PENDING", "CONFIRMED", "COMPLETED", "CANCELLED")
            ],
            "services": [
                {**SERVICE, "id": n, "workshop_id": workshop + n // 3, "price": 990, "category_ids": [n % 3]}
                for n in (1, 2, 3)
            ],
            "bookings": [
                {**_text(BOOKING), "id": str(n), "workshop_id": str(workshop + n // 3), "service_id": str(n)}
                for n in (1, 2, 3)
            ],
            "ratings": [
                {**_text(RATING), "id": str(n), "booking_id": str(n), "private_service_rating": "false"}
                for n in (1, 2)
            ],
        }
        for entity, given in rows.items():
            for place in [(source, entity, file) for file in FILES[entity]]:
                self._due.add(place)
                if place[2] == FILES[entity][0]:
                    self._rows[place] = given


class NightFailedError(Exception):
    """A night ended before it published."""


@contextmanager
def following(*, never: bool = False) -> Iterator[Counter[str]]:
    """Models follow changes however many they are, or never; counts, of those that could, both kinds."""
    counts: Counter[str] = Counter()
    follow, whole = Build._follow, Build._build_whole

    def counting_follow(self: Build, model: Model, *arguments: Any) -> Any:
        if never:
            raise MustBuildWholeError
        result = follow(self, model, *arguments)
        counts["followed"] += 1
        return result

    def counting_whole(self: Build, model: Model, *arguments: Any) -> Any:
        if self.path.parent.name != _ANEW:
            counts["whole"] += getattr(model.header, "follows", True)
        return whole(self, model, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Build, "most_changed", 1e9)
        patch.setattr(Build, "_follow", counting_follow)
        patch.setattr(Build, "_build_whole", counting_whole)
        yield counts


def served_rows(warehouse: SmallWarehouse) -> Tables:
    """The rows of every table of the served generation, but for what tells of single nights."""
    with warehouse.snapshot() as snapshot:
        return {table: Counter(map(repr, snapshot.rows(query))) for table, query in _queries(warehouse)}


def rows_built_whole(warehouse: SmallWarehouse) -> Tables:
    """The same of a warehouse that is built from the landing alone."""
    folder = warehouse.root / _ANEW
    shutil.rmtree(folder, ignore_errors=True)
    path, sources = folder / "build.duckdb", warehouse.sources
    with open_build(path, warehouse.landing, sources, warehouse.models, _OPTIONS) as build:
        for name, source in sources.items():
            for entity in source.entities:
                build.create_raw(name, entity)
        for model in warehouse.models:
            build.build_model(model)
        return {
            table: Counter(map(repr, build.connection.execute(query).fetchall()))
            for table, query in _queries(warehouse)
        }


def _queries(warehouse: SmallWarehouse) -> Iterator[tuple[str, str]]:
    for table in (*published_models(warehouse.models), "quarantine", "check_report", "load_report"):
        volatile = " EXCLUDE (status, detail, data_as_of, new_columns)" if table == "load_report" else ""
        yield table, f"SELECT *{volatile} FROM {table}"


def _text(row: Mapping[str, object]) -> Record:
    return {name: None if value in ("", None) else str(value) for name, value in row.items()}


def _table(entity: str, rows: list[Record], columns: list[str]) -> pa.Table:
    """The rows in the types in which they land: text, but for the Parquet file of services."""
    types = _SERVICE_TYPES if entity == "services" else dict.fromkeys(columns, pa.string())
    return pa.Table.from_pylist(rows, pa.schema([(name, types[name]) for name in columns]))
