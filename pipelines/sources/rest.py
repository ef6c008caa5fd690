"""Sources of REST APIs: reads their pages, many workshops at once, and lands the rows that are new."""

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
from polars.exceptions import PolarsError

from pipelines.sources.rest_api import Reader, Resource
from pipelines.sources.rest_client import Patience
from pipelines.sources.rest_inputs import Finished, InputReading, Marks
from pipelines.sources.rest_secrets import open_api
from pipelines.sources.rest_text import TextColumns, instant_text, microseconds
from pipelines.sources.secrets import load_secrets
from warehouse.database import DatabaseOptions
from warehouse.errors import WarehouseError
from warehouse.landing import Days, LandedFile, Landing, Load, Verdict, VerdictStatus
from warehouse.sources import RestEntity, RestSource


@dataclass(frozen=True)
class _Outcome:
    """How reading one input ended: one of the two is there."""

    finished: Finished | None = None
    fault: str = ""


@dataclass(frozen=True)
class EntityPages:
    """One entity of a REST source, and the landing it goes to."""

    landing: Landing
    name: str
    """Name of the source."""
    source: RestSource
    entity: str
    secrets: Path | None
    """File of the sources' secrets."""
    database: DatabaseOptions = field(default_factory=DatabaseOptions)
    """Limits of turning answers into columns."""
    patience: Patience = field(default_factory=Patience)

    @property
    def declared(self) -> RestEntity:
        """The entity's declaration."""
        return self.source.entities[self.entity]

    def load(self, days: Days | None = None) -> Verdict:
        """Land what is new; with `days` the rows of those days, where the API can be asked for days.

        A workshop that cannot be read stops no other: what was landed of it before stays, and the verdict,
        which is kept in the landing, says whose it is and what is wrong.
        """
        try:
            api = open_api(self.name, self.source, load_secrets(self.secrets, self.name), self.patience)
            resource = api.resource(self.declared.resource)
            days = days if resource.days else None
            readers = api.readers(resource)
            outcomes = self._read(readers, resource, days)
            landed = self._land(outcomes, resource, days)
        except (WarehouseError, OSError) as error:
            return self._record("failed", str(error), days)
        faults = [outcome.fault for outcome in outcomes if outcome.fault]
        rows = sum(file.rows for file in landed)
        told = f"{rows} rows from {len(landed)} of {len(outcomes)} inputs"
        if faults:
            return self._record("failed", "; ".join([*faults, f"landed: {told}"]), days)
        if not landed:
            return self._record("unchanged", f"{len(outcomes)} inputs, none changed", days)
        return self._record("loaded", told, days)

    def _read(self, readers: Sequence[Reader], resource: Resource, days: Days | None) -> list[_Outcome]:
        text = TextColumns(replace(self.database, threads=1, spill_folder=self.landing.root / ".spill"))
        marks = self._marks(resource)
        stop = threading.Event()
        seen: set[str] = set()
        lock = threading.Lock()

        def read(reader: Reader) -> _Outcome:
            try:
                origin = reader.origin()
                with lock:
                    twice = origin.name in seen
                    seen.add(origin.name)
                if twice:
                    return _Outcome(fault=f"{reader.label}: the secrets have it twice")
                reading = InputReading(
                    reader,
                    origin,
                    resource,
                    self.declared,
                    marks,
                    self._unfinished(),
                    text,
                    days,
                    stop,
                )
                return _Outcome(reading.finish())
            except (WarehouseError, OSError, pa.ArrowException, PolarsError) as error:
                return _Outcome(fault=f"{reader.label}: {error}")

        with closing(text), ThreadPoolExecutor(self.source.concurrency, f"read-{self.name}") as pool:
            try:
                return list(pool.map(read, readers))
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _land(self, outcomes: list[_Outcome], resource: Resource, days: Days | None) -> list[LandedFile]:
        """Land what was read and is not there yet, in one load."""
        finished = [outcome.finished for outcome in outcomes if outcome.finished]
        due = [one for one in finished if one.is_new]
        landed: list[LandedFile] = []
        if due:
            with self.landing.write_load(self.name, self.entity, days, changes=resource.changes) as load:
                for one in due:
                    part = load.part_path()
                    one.pages.part.replace(part)
                    load.files.append(
                        LandedFile(one.name, one.fingerprint, part.name, one.rows, 0, tuple(one.columns))
                    )
                if resource.changes and days is None:
                    load.watermark = self._moved_watermark(due)
                landed = load.files
        for one in finished:
            one.pages.remove()
        return landed

    def _moved_watermark(self, due: list[Finished]) -> str:
        known = _parsed(self.landing.watermark(self.name, self.entity))
        moved = {one.name: instant_text(one.newest) for one in due if one.newest is not None}
        return json.dumps(known | moved, sort_keys=True)

    def _marks(self, resource: Resource) -> Marks:
        """What the landing knows of each input."""
        loads = self.landing.loads(self.name, self.entity)
        fingerprints = {
            file.file: file.fingerprint
            for load in loads
            if load.changes == resource.changes and load.days is None
            for file in load.files
        }
        overlap = int(self.source.overlap_hours * 3_600_000_000)
        newest = _instants(self.landing.watermark(self.name, self.entity)) if resource.changes else {}
        landed = _overlapping_parts(loads, newest, overlap)
        return Marks(fingerprints, newest, overlap, landed, f"{self.source.url}{resource.path}")

    def _unfinished(self) -> Path:
        return self.landing.unfinished(self.name, self.entity)

    def _record(self, status: VerdictStatus, detail: str, days: Days | None) -> Verdict:
        return self.landing.record_verdict(self.name, self.entity, status, detail, days)


def _parsed(watermark: str | None) -> dict[str, str]:
    found = json.loads(watermark) if watermark else {}
    return found if isinstance(found, dict) else {}


def _instants(watermark: str | None) -> Mapping[str, int]:
    """Newest watermark of each input, in microseconds since 1970."""
    texts = _parsed(watermark)
    return {name: at for name, text in texts.items() if (at := microseconds(text)) is not None}


def _overlapping_parts(
    loads: Sequence[Load], newest: Mapping[str, int], overlap: int
) -> Mapping[str, Sequence[Path]]:
    """Parts of each input, oldest first, that may hold rows of the overlap before its newest watermark."""
    parts: dict[str, list[Path]] = {}
    over: set[str] = set()
    for load in reversed(loads):
        if not load.changes:
            break
        over.update(
            name for name, at in _instants(load.watermark).items() if at < newest.get(name, at) - overlap
        )
        for file in load.files:
            if file.file not in over:
                parts.setdefault(file.file, []).insert(0, load.folder / file.part)
    return parts
