"""Reading tables of a PostgreSQL database: a read-only snapshot, columns of a table, rows as Arrow batches.

Every column is landed without loss. What the driver would bend (numerics, instants it cannot hold, arrays of
several dimensions, types it does not know) is sent as text by the server, or refused with the column's name.
"""

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from adbc_driver_manager.dbapi import Connection
from adbc_driver_postgresql import dbapi
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from warehouse.database import quote_name, quote_text
from warehouse.errors import LandingError

_CONNECTION = {
    "client_encoding": "UTF8",
    "connect_timeout": "15",
    "application_name": "workshop-reports",
    "keepalives_idle": "60",  # with the next two: a server that went silent is noticed within two minutes
    "keepalives_interval": "15",
    "keepalives_count": "4",
}
_FAULTS = {
    "42501": "the user may not read it",
    "57014": "the server ended the query: it took longer than the server's or user's statement_timeout",
    "40001": "the server ended the query, as its rows were needed elsewhere",
}
_LOST_STATES = ("08", "57P0")
_LOST_WORDS = re.compile(
    "closed (the connection )?unexpectedly|terminating connection|Connection (refused|reset)|timeout expired"
    "|timed out|could not (receive|send) data|no connection to the server|starting up|shutting down"
)

_INSTANT = "{0} BETWEEN '4714-11-24 BC' AND '294246-12-31'"  # what microseconds since 1970 can hold
_DATE = "isfinite({0})"
_FLAT = "coalesce(array_ndims({0}) = 1 AND array_lower({0}, 1) = 1, {0} IS NOT NULL AND cardinality({0}) = 0)"
_TYPES: Mapping[str, tuple[pa.DataType, str | None]] = {
    "bool": (pa.bool_(), None),
    "int2": (pa.int16(), None),
    "int4": (pa.int32(), None),
    "int8": (pa.int64(), None),
    "float4": (pa.float32(), None),
    "float8": (pa.float64(), None),
    "text": (pa.string(), None),
    "varchar": (pa.string(), None),
    "bpchar": (pa.string(), None),
    "bytea": (pa.binary(), None),
    "date": (pa.date32(), _DATE),
    "timestamp": (pa.timestamp("us"), _INSTANT),
    "timestamptz": (pa.timestamp("us", "UTC"), _INSTANT),
    "_bool": (pa.list_(pa.bool_()), _FLAT),
    "_int2": (pa.list_(pa.int16()), _FLAT),
    "_int4": (pa.list_(pa.int32()), _FLAT),
    "_int8": (pa.list_(pa.int64()), _FLAT),
    "_float8": (pa.list_(pa.float64()), _FLAT),
    "_text": (pa.list_(pa.string()), _FLAT),
    "_varchar": (pa.list_(pa.string()), _FLAT),
}
"""Types that are landed as themselves, and the condition under which the driver reads a value rightly."""
WATERMARK_TYPES = frozenset({"date", "timestamp", "timestamptz"})


class LostConnectionError(LandingError):
    """The server went away, or cannot be reached: trying again may help."""


@dataclass(frozen=True)
class Column:
    """A column of a table, by its name there and in the landing."""

    name: str
    type: str
    """Name of its base type where that is one of PostgreSQL's own; else empty."""
    required: bool
    """Never null."""
    readable: bool

    @property
    def field(self) -> pa.Field:
        """Its name and type as landed."""
        return pa.field(self.name, _TYPES.get(self.type, (pa.string(), None))[0])

    @property
    def expression(self) -> str:
        """SQL of the value to land; it fails, naming the column, for one that cannot be landed rightly."""
        name = quote_name(self.name)
        if self.type == "money":
            return f"{name}::numeric::text"
        if self.type not in _TYPES:
            return f"{name}::text"
        condition = _TYPES[self.type][1]
        if condition is None:
            return name
        sql_type = f"{self.type[1:]}[]" if self.type.startswith("_") else self.type
        # A conversion that cannot succeed: its error quotes the text, and a null stays null.
        fault = f"({quote_text(f'the column {self.name} holds ')} || left({name}::text, 60))::{sql_type}"
        return f"CASE WHEN {condition.format(name)} THEN {name} ELSE {fault} END"


@dataclass(frozen=True)
class Table:
    """A table or view."""

    name: str
    sql: str
    """Its quoted name."""
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column of that name, which there is."""
        return next(column for column in self.columns if column.name == name)

    @property
    def schema(self) -> pa.Schema:
        """Its columns as landed."""
        return pa.schema([column.field for column in self.columns])


class Snapshot:
    """One read-only transaction: everything read in it is the state of one instant."""

    def __init__(self, connection: Connection, told: Callable[[Exception], LandingError]) -> None:
        self._connection = connection
        self._told = told
        self._execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO, YMD'", "IntervalStyle = 'postgres'"):
            self._execute(f"SET LOCAL {setting}")
        [(encoding,)] = self.rows("SELECT current_setting('server_encoding')")
        self._any_bytes = encoding == "SQL_ASCII"

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The few rows of a query; its parameters are $1, $2 and so on."""
        with self._faults(), closing(self._connection.cursor()) as cursor:
            cursor.execute(query, parameters or None)
            return cursor.fetchall()

    def bind(self, name: str, value: str) -> str:
        """SQL for a text value in queries of this snapshot: a bulk read takes no parameters."""
        self.rows("SELECT set_config($1, $2, true)", f"landing.{name}", value)
        return f"current_setting({quote_text(f'landing.{name}')})"

    def read(self, query: str, schema: pa.Schema) -> Generator[pa.RecordBatch, None, None]:
        """The rows of a query, batch by batch as they arrive; close it before the snapshot."""
        with self._faults(), closing(self._connection.cursor()) as cursor:
            cursor.execute(query)
            for batch in cursor.fetch_record_batch():
                if self._any_bytes:  # nobody has checked that texts are UTF-8
                    batch.validate(full=True)
                yield batch.cast(schema)

    def find_table(self, name: str) -> Table:
        """The table of that declared name.

        Raises:
            LandingError: there is none.
        """
        sql = ".".join(quote_name(part) for part in name.split("."))
        columns = self.rows(_COLUMNS, sql)
        if not columns:
            raise LandingError(
                "there is no such table or view in the search path: name its schema, grant USAGE on it"
            )
        return Table(name, sql, tuple(Column(*column) for column in columns))

    def _execute(self, statement: str) -> None:
        with self._faults(), closing(self._connection.cursor()) as cursor:
            cursor.execute(statement)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (DriverError, pa.ArrowException, OSError) as error:
            raise self._told(error) from None  # the cause's text is not checked for secrets


_COLUMNS = """
    SELECT a.attname::text,
           CASE WHEN base.typnamespace = 'pg_catalog'::regnamespace THEN base.typname::text ELSE '' END,
           a.attnotnull OR declared.typnotnull,
           has_column_privilege(a.attrelid, a.attnum, 'SELECT')
    FROM pg_attribute AS a
    JOIN pg_type AS declared ON declared.oid = a.atttypid
    JOIN pg_type AS base ON base.oid = coalesce(nullif(declared.typbasetype, 0), declared.oid)
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""


class Database:
    """A database, by its URL, which is a secret."""

    def __init__(self, url: str) -> None:
        """Raises LandingError where the URL is none; the message tells nothing of it."""
        try:
            given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
        except ProgrammingError:
            raise LandingError(
                "the url in the secrets is not of the form postgresql://user:password@host/database"
            ) from None
        self._conninfo = make_conninfo(**(_CONNECTION | given))
        self._password = given.get("password", "")
        self.place = f"{given.get('host', 'localhost')}/{given.get('dbname', '')}"

    @contextmanager
    def open_snapshot(self) -> Iterator[Snapshot]:
        """A snapshot, open while the block lasts.

        Raises:
            LostConnectionError: the server cannot be reached or, while the snapshot is read, went away.
            LandingError: the server refuses the user, or a query.
        """
        try:
            connection = dbapi.connect(self._conninfo, autocommit=True)
        except DriverError as error:
            raise self._told(error) from None
        with closing(connection):
            yield Snapshot(connection, self._told)

    def _told(self, error: Exception) -> LandingError:
        # While rows stream, the state is in the text alone.
        found = re.search(r"\. SQLSTATE: (\w{5})", str(error))
        state = found[1] if found else ""
        text = re.split(r"\n\nQuery was:|\nLINE |\. SQLSTATE: ", str(error))[0]
        text = " ".join(text.split()).rpartition("ERROR: ")[2].removeprefix("IO: [libpq] ")
        if self._password:
            text = text.replace(self._password, "***")
        if state.startswith(_LOST_STATES) or _LOST_WORDS.search(text):
            return LostConnectionError(f"the connection to {self.place} was lost or not made: {text}")
        reason = f"{_FAULTS[state]} ({text})" if state in _FAULTS else text
        return LandingError(f"{self.place}: {reason}")
