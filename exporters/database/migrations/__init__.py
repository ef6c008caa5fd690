"""The schema of the records: brings a database to the newest revision."""

from functools import cache
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from exporters.database.connections import Database
from exporters.database.errors import SchemaTooNew

VERSION_TABLE = "jobs_schema_version"
_LOCK_KEY = 7_305_808_869_231_650  # any constant of this program alone, for PostgreSQL's advisory lock
_upgrading = Lock()  # Alembic keeps the running upgrade in globals of the process


def open_database(url: str) -> Database:
    """Open the records at `url`, making the database's folder, file and tables where they are missing.

    Safe when several processes do it at once. Open the records once per process: they do not survive a fork.

    Raises:
        SchemaTooNew: a newer version of the program has upgraded the database.
        DatabaseUnavailable: the URL is of no accepted kind, or the database cannot be opened.
    """
    database = Database(url)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database) -> None:
    """Bring the tables of `database` to the newest revision; does nothing when they are there.

    Any number of processes may call this at once: one upgrades, the others wait for it.

    Raises:
        SchemaTooNew: a newer version of the program has upgraded the database.
        DatabaseUnavailable: the database cannot be opened, or its account may not change the schema.
    """
    script = _known_scripts()
    try:
        with database.reading() as connection:
            if _is_newest(connection, script, database.place):
                return
        with _upgrading, database.writing() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            if not _is_newest(connection, script, database.place):
                config = _configure()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise database.unavailable(getattr(error, "orig", error)) from None


def check_schema(database: Database) -> None:
    """Return if the tables are of this program's revision.

    Raises:
        SchemaTooNew: a newer version of the program has upgraded the database.
        DatabaseUnavailable: the database failed, or its tables are of an older revision.
    """
    with database.reading() as connection:
        if not _is_newest(connection, _known_scripts(), database.place):
            raise database.unavailable("the schema is older than this program; a restart upgrades it")


@cache
def _known_scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_configure())


def _configure() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _is_newest(connection: Connection, script: ScriptDirectory, place: str) -> bool:
    present = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()
    known = [revision.revision for revision in script.walk_revisions()]
    if present is not None and present not in known:
        raise SchemaTooNew(
            f"job records in {place}: the schema is of revision {present}, newer than this program's "
            f"{known[0]}; install the newer version of the program, or use another database"
        )
    return present == known[0]
