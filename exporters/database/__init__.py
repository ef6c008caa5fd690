"""The database of the records: jobs, keys, audit. SQLite by default, PostgreSQL by URL."""

from exporters.database.connections import Database
from exporters.database.errors import DatabaseUnavailable, RecordError, SchemaTooNew
from exporters.database.migrations import open_database

__all__ = ["Database", "DatabaseUnavailable", "RecordError", "SchemaTooNew", "open_database"]
