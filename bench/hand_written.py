"""The peer: a script written by hand for these files alone, with the tables that the warehouse publishes.

`python -m bench.hand_written <files> <database> <memory limit> [newest]`: with `newest` it takes the newest
row of each key, so that the files of later nights count; else it reads the first night's files as they are.
"""

import sys
from pathlib import Path

from bench.platform_data import ENTITIES
from warehouse.database import DatabaseOptions, connect, quote_name, quote_text

_SCRIPT = Path(__file__).with_name("hand_written.sql")
_WATERMARKED = ("workshops", "services", "bookings", "ratings")


def run_script(files: Path, database: Path, memory_limit: str, *, newest: bool) -> None:
    """Make the published tables in a new database file from the platform's files."""
    connection = connect(database, options=DatabaseOptions(memory_limit))
    try:
        for entity in ENTITIES:
            pattern = quote_text(str(files / entity / ("*.parquet" if newest else f"{entity}.parquet")))
            only = ""
            if newest and entity in _WATERMARKED:
                only = " QUALIFY row_number() OVER (PARTITION BY id ORDER BY updated_at DESC) = 1"
            view = quote_name(f"platform_{entity}")
            connection.execute(f"CREATE VIEW {view} AS FROM read_parquet({pattern}){only}")
        connection.execute(_SCRIPT.read_text(encoding="utf-8"))
        for entity in ENTITIES:
            connection.execute(f"DROP VIEW {quote_name(f'platform_{entity}')}")
    finally:
        connection.close()


if __name__ == "__main__":
    run_script(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], newest=sys.argv[4:] == ["newest"])
