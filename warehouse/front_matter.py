"""Reading an SQL file with its TOML front matter: a leading block comment that declares what the query is."""

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import sqlglot
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from warehouse.errors import ModelError, describe_faults

SQL_ROOT = Path(__file__).resolve().parent.parent / "sql"

_FRONT_MATTER = re.compile(r"\A/\*\r?\n(?P<toml>.*?)\r?\n\*/\r?\n(?P<sql>.*)\Z", re.DOTALL)


class Header(BaseModel):
    """Base of every front matter: unknown keys fail, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


HeaderType = TypeVar("HeaderType", bound=Header)


def read_sql_file(path: Path, header_type: type[HeaderType]) -> tuple[HeaderType, str]:
    """The header and the query of the file at `path`.

    Raises:
        ModelError: no front matter, bad TOML, an unknown or missing key, or SQL that does not parse.
    """
    match = _FRONT_MATTER.match(path.read_text(encoding="utf-8"))
    if match is None:
        raise ModelError(f"{path.name}: must begin with a /* … */ block of TOML, followed by the query")
    try:
        header = header_type.model_validate(tomllib.loads(match["toml"]))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"{path.name}: the header is not TOML: {error}") from error
    except ValidationError as error:
        raise ModelError(f"{path.name}: the header is wrong: {describe_faults(error)}") from error
    sql = match["sql"].strip().rstrip(";")
    read_tables(path.name, sql)
    return header, sql


@lru_cache(maxsize=256)  # whoever opens the catalogue reads every query
def read_tables(name: str, sql: str) -> frozenset[str]:
    """Names of the tables that the query `sql` of the file `name` reads, its own CTEs left out.

    Raises:
        ModelError: the SQL is not one query that parses.
    """
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except SqlglotError as error:
        raise ModelError(f"{name}: the query does not parse: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ModelError(f"{name}: must hold exactly one query after its header")
    sources = [source for scope in traverse_scope(statements[0]) for source in scope.sources.values()]
    return frozenset(source.name.lower() for source in sources if isinstance(source, exp.Table))


def reads_row_by_row(sql: str) -> str | None:
    """The one table that the query reads, when each row of it gives one row, from that row alone."""
    query = sqlglot.parse_one(sql, dialect="duckdb")
    gathering = (
        exp.Join,
        exp.Group,
        exp.Distinct,
        exp.Window,
        exp.AggFunc,
        exp.Qualify,
        exp.Subquery,
        exp.With,
    )
    expanding = (exp.Unnest, exp.Explode, exp.Limit, exp.SetOperation, exp.Lateral)
    tables = list(query.find_all(exp.Table))
    if not isinstance(query, exp.Select) or len(tables) != 1 or query.find(*gathering, *expanding):
        return None
    return tables[0].name


def mentioned_columns(sql: str, table: str, columns: Iterable[str]) -> list[str]:
    """Those of a table's columns that the query may read: all that it names anywhere, or all by a star."""
    query = sqlglot.parse_one(sql, dialect="duckdb")
    aliases = {read.alias_or_name.lower() for read in query.find_all(exp.Table) if read.name.lower() == table}
    for star in query.find_all(exp.Star):
        owner = star.parent
        if isinstance(owner, exp.Column) and owner.table.lower() in aliases:
            return list(columns)
        if isinstance(owner, exp.Select) and any(read.name.lower() == table for read in _read_by(owner)):
            return list(columns)
    named = {identifier.name.lower() for identifier in query.find_all(exp.Identifier)}
    return [column for column in columns if column.lower() in named]


def _read_by(select: exp.Select) -> list[exp.Table]:
    clauses = [select.args.get("from_") or select.args.get("from"), *(select.args.get("joins") or [])]
    return [clause.this for clause in clauses if clause is not None and isinstance(clause.this, exp.Table)]
