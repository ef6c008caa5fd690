"""The SQL models: files of `sql/` found by folder, their headers, and the order their queries ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

from pydantic import Field

from warehouse.errors import ModelError
from warehouse.front_matter import SQL_ROOT, Header, read_sql_file, read_tables, reads_row_by_row

Layer = Literal["staging", "entities", "marts"]

ROW_COLUMNS = ("_file", "_row", "_reason")
"""Columns that any staging model may add: where a row came from; why it cannot be loaded, null if it can."""


class ColumnHeader(Header):
    """A declared column."""

    type: str
    description: str = ""
    required: bool = False
    """Never null."""
    derived: bool = False
    """Entities only: computed by the entity's own query, not delivered by a staging model."""
    personal: bool = False
    """Tells of a person: kept out of previews, which outlive the data."""


class CheckHeader(Header):
    """A check: `sql` selects the rows that break it."""

    name: str
    description: str
    sql: str
    severity: Literal["error", "warn"] = "error"
    """`error` keeps the build from being published; `warn` is reported only."""


class StagingHeader(Header):
    """Header of `sql/staging/stg_<source>__<entity>.sql`."""

    description: str
    columns: dict[str, ColumnHeader]
    rows_in: str | None = None
    """A query for the number of raw rows that the model must carry: none is lost or doubled on the way."""
    checks: list[CheckHeader] = Field(default_factory=list)


class TableHeader(Header):
    """Header of a published table."""

    description: str
    key: list[str]
    sort: list[str]
    """Order of the published rows: a workshop's rows lie together."""
    columns: dict[str, ColumnHeader]
    checks: list[CheckHeader] = Field(default_factory=list)
    lookups: dict[str, list[str]] = Field(default_factory=dict)
    """Tables that the query joins to its rows, with the columns they are joined on: a changed row of such a
    table touches the rows that have the same values. When another table that the query reads changes, the
    model is built whole."""


class MartHeader(TableHeader):
    """Header of `sql/marts/<table>.sql`."""

    of: str | None = None
    """The table whose rows it rolls up; None: it is always built whole."""
    slice: list[str] = Field(default_factory=list)
    """Columns, of `of` and of its own, whose values tell which of its rows a row of `of` counts in."""
    restated: list[str] = Field(default_factory=list)
    """Figures per workshop and day whose moves are told in the table restatements."""


class EntityHeader(TableHeader):
    """Header of `sql/entities/<entity>.sql`."""

    newest: list[str] = Field(default_factory=list)
    """Of rows with one key the one with the highest of these is kept, the others are duplicates."""
    follows: bool = False
    """Whether each of its rows comes from one staged row and its lookups alone, so that it can be kept up
    with changes; else it is always built whole."""


@dataclass(frozen=True)
class Model:
    """One SQL file = one table."""

    name: str
    layer: Layer
    header: StagingHeader | EntityHeader | MartHeader
    sql: str
    reads: frozenset[str]
    """Tables named in the query."""

    @property
    def entity(self) -> str:
        """The canonical entity that a staging model delivers."""
        return self.name.split("__", 1)[1]

    @property
    def source(self) -> str:
        """The source that a staging model reads."""
        return self.name.removeprefix("stg_").split("__", 1)[0]

    @cached_property
    def row_by_row(self) -> str | None:
        """Of a staging model whose rows each come from one raw row, and say which: the raw table."""
        if not {"_file", "_row"} <= set(self.header.columns):
            return None
        return reads_row_by_row(self.sql)

    @property
    def shown_columns(self) -> list[str]:
        """Columns that a preview may show."""
        return [name for name, column in self.header.columns.items() if not column.personal]

    @property
    def checks(self) -> tuple[CheckHeader, ...]:
        """Every check of the model: the implied ones, then the declared ones."""
        return (*self.implied_checks, *self.header.checks)

    @property
    def implied_checks(self) -> tuple[CheckHeader, ...]:
        """The checks of the model that its key and required columns imply, or the rows that it must carry.

        Whether a row breaks them is told by the rows of its key alone.
        """
        if isinstance(self.header, StagingHeader):
            # A query that reads row by row cannot lose or double one.
            return () if self.row_by_row else _row_conservation(self.name, self.header)
        return tuple(_implied_checks(self.name, self.header))


def load_models(sources: Iterable[str], sql_root: Path = SQL_ROOT) -> dict[str, Model]:
    """The models of the named sources, in an order in which each comes after what it reads.

    Raises:
        ModelError: a header or query is wrong, names clash, or models read each other in a circle.
    """
    wanted = set(sources)
    found = {model.name: model for model in _read_models(sql_root)}
    for model in found.values():
        _check_staging(model, found)
        _check_following(model, found)
    models = {
        name: model for name, model in found.items() if model.layer != "staging" or model.source in wanted
    }
    graph = {name: dependencies(model, models) for name, model in models.items()}
    try:
        return {name: models[name] for name in TopologicalSorter(graph).static_order()}
    except CycleError as error:
        raise ModelError(f"models read each other in a circle: {' -> '.join(error.args[1])}") from error


def published_models(models: Mapping[str, Model]) -> dict[str, TableHeader]:
    """The models that analysts see, entities and marts, with their headers."""
    return {name: m.header for name, m in models.items() if isinstance(m.header, TableHeader)}


def dependents(name: str, models: Mapping[str, Model]) -> frozenset[str]:
    """Names of the models that are built from `name`, directly or through others."""
    found: set[str] = set()
    for other in models.values():  # in an order in which each comes after what it reads
        if (dependencies(other, models) | other.reads) & (found | {name}):
            found.add(other.name)
    return frozenset(found - {name})


def dependencies(model: Model, models: Mapping[str, Model]) -> frozenset[str]:
    """Names of the models that `model` is built from, read from its SQL.

    An entity's query reads `typed_<entity>`: the union of the staging models that deliver it.
    """
    found = {name for name in model.reads if name in models and name != model.name}
    if model.layer == "entities":
        found |= {m.name for m in models.values() if m.layer == "staging" and m.entity == model.name}
    return frozenset(found)


def _read_models(sql_root: Path) -> Iterable[Model]:
    headers: dict[Layer, type[StagingHeader | EntityHeader | MartHeader]] = {
        "staging": StagingHeader,
        "entities": EntityHeader,
        "marts": MartHeader,
    }
    seen: dict[str, Layer] = {}
    for layer, header_type in headers.items():
        for path in sorted((sql_root / layer).glob("*.sql")):
            name = path.stem
            if name in seen:
                raise ModelError(f"{layer}/{path.name}: {seen[name]} has a model of this name already")
            seen[name] = layer
            header, sql = read_sql_file(path, header_type)
            yield Model(name, layer, header, sql, read_tables(path.name, sql))


def _check_staging(model: Model, models: Mapping[str, Model]) -> None:
    if model.layer != "staging":
        return
    if not model.name.startswith("stg_") or "__" not in model.name:
        raise ModelError(f"{model.name}.sql: a staging model is named stg_<source>__<entity>.sql")
    entity = models.get(model.entity)
    if entity is None or not isinstance(entity.header, EntityHeader):
        raise ModelError(f"{model.name}.sql: there is no entity {model.entity!r} in sql/entities")
    delivered = {name for name, column in entity.header.columns.items() if not column.derived}
    unknown = set(model.header.columns) - delivered - set(ROW_COLUMNS)
    if unknown:
        raise ModelError(
            f"{model.name}.sql: {model.entity} takes no column {', '.join(sorted(unknown))};"
            f" it takes {', '.join(sorted(delivered))}"
        )


def _check_following(model: Model, models: Mapping[str, Model]) -> None:
    header = model.header
    if isinstance(header, StagingHeader):
        return
    tables = dict(header.lookups)
    if isinstance(header, MartHeader):
        if header.of is not None:
            tables[header.of] = header.slice
        unknown = set(header.slice) - set(header.key)
        if unknown or (header.restated and header.key != ["workshop_id", "day"]):
            raise ModelError(
                f"{model.name}.sql: slice must name columns of its key, and restated figures need the key"
                " workshop_id, day"
            )
    of = models.get(header.of or "") if isinstance(header, MartHeader) else None
    own = of.header.columns if of is not None else header.columns
    for table, columns in tables.items():
        read = models.get(table)
        if table not in model.reads or read is None or set(columns) - set(read.header.columns):
            raise ModelError(
                f"{model.name}.sql: {table} is not read, or lacks the columns {', '.join(columns)}"
            )
        if set(columns) - set(own):
            raise ModelError(
                f"{model.name}.sql: {', '.join(columns)} are not columns of the rows it is made of"
            )


def _row_conservation(name: str, header: StagingHeader) -> tuple[CheckHeader, ...]:
    if header.rows_in is None:
        return ()
    return (
        CheckHeader(
            name="no_row_lost",
            description="The model carries each raw row exactly once.",
            sql=f"select * from (select ({header.rows_in}) as raw_rows,"
            f" (select count(*) from {name}) as staged_rows) where raw_rows <> staged_rows",
        ),
    )


def _implied_checks(name: str, header: TableHeader) -> Iterable[CheckHeader]:
    key = ", ".join(header.key)
    yield CheckHeader(
        name="key_is_unique",
        description=f"No two rows have the same {key}.",
        sql=f"select {key}, count(*) as rows from {name} group by all having count(*) > 1",
    )
    required = [column for column, declared in header.columns.items() if declared.required]
    if required:
        yield CheckHeader(
            name="required_columns",
            description=f"Never null: {', '.join(required)}.",
            sql=f"select * from {name} where " + " or ".join(f"{column} is null" for column in required),
        )
