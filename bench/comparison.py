"""Comparing what our side publishes with what the script made: every table, every row."""

from collections.abc import Iterable
from pathlib import Path

from warehouse.database import DatabaseOptions, connect, quote_name, quote_text


def differing_tables(published: Path, script: Path, tables: Iterable[str]) -> list[str]:
    """Names of the tables whose columns, number of rows or contents differ, with both digests.

    A table's digest is the number of its rows and the sum of their hashes, whatever their order.
    """
    found = []
    connection = connect(None, options=DatabaseOptions("4GB"))
    try:
        connection.execute(f"ATTACH {quote_text(str(published))} AS published (READ_ONLY)")
        connection.execute(f"ATTACH {quote_text(str(script))} AS script (READ_ONLY)")
        for table in tables:
            described = connection.execute(f"DESCRIBE published.{quote_name(table)}").fetchall()
            columns = ", ".join(f"{quote_name(row[0])}::{row[1]}" for row in described)
            digests = [
                connection.execute(
                    f"SELECT count(*), sum(hash({columns})) FROM {side}.{quote_name(table)}"
                ).fetchone()
                for side in ("published", "script")
            ]
            if digests[0] != digests[1]:
                found.append(f"{table} (published {digests[0]}, script {digests[1]})")
    finally:
        connection.close()
    return found
