"""The landing as loads are written to it: what was erased does not come back with them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from warehouse.database import DatabaseOptions
from warehouse.erasure import LandingErasure, hide_rejected, write_without
from warehouse.erasures import Erasure, Register
from warehouse.errors import LandingError
from warehouse.landing import Days, Landing, LoadWriter
from warehouse.owners import check_ownership, unclaimed
from warehouse.ownership import Ownership
from warehouse.sources import Source


class ScreenedLanding(Landing):
    """A landing that screens each load for rows that were erased, before the load is there."""

    def __init__(
        self, root: Path, sources: Mapping[str, Source], options: DatabaseOptions | None = None
    ) -> None:
        """Take the declared sources.

        Raises:
            SourceConfigError: what they declare of whose their rows are contradicts itself.
        """
        super().__init__(root)
        check_ownership(sources)
        self._sources = sources
        self._erasure = LandingErasure(self, sources, options)
        self._register = Register(root)

    @contextmanager
    def write_load(
        self, source: str, entity: str, days: Days | None = None, *, changes: bool = False
    ) -> Iterator[LoadWriter]:
        """See Landing; the rows of workshops and customers that were erased are taken out at the end.

        Raises:
            WarehouseError: they cannot be told; the load is not landed.
        """
        with super().write_load(source, entity, days, changes=changes) as writer:
            yield writer
            for erasure in self._register.of_source(source):
                self._screen(writer, source, entity, erasure)

    def _screen(self, writer: LoadWriter, source: str, entity: str, erasure: Erasure) -> None:
        declared = self._sources[source].entities[entity]
        if entity in unclaimed(self._sources[source]):
            raise LandingError(
                f"{source}.{entity}: {erasure.subject} was erased, and nothing declares whose these rows are;"
                " declare workshop, belongs_to or shared"
            )
        if declared.shared:
            return
        new = False
        with self._erasure.open(source, erasure) as owned:
            if erasure.kind == "workshop" or declared.personal:
                hide_rejected(owned.connection, writer.folder)
            for place, landed in enumerate(writer.files):
                path = writer.folder / landed.part
                numbers = owned.rows_of(entity, path)
                if not numbers:
                    continue
                new |= owned.note_keys(entity, path)
                beside = path.with_name(f".{path.name}")
                rows = write_without(erasure, declared, path, beside, numbers)
                beside.replace(path)
                writer.files[place] = replace(landed, rows=rows)
            if new:
                owned.write_keys()
                if self._are_landed(owned, source):
                    self._register.put(erasure.model_copy(update={"done_at": None}))

    def _are_landed(self, owned: Ownership, source: str) -> bool:
        """Whether rows that go with those just found came before them."""
        return any(
            owned.rows_of(entity, load.folder / landed.part)
            for entity, declared in self._sources[source].entities.items()
            if declared.belongs_to is not None
            for load in self.loads(source, entity)
            for landed in load.files
        )
