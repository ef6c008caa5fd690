"""What can go wrong with the database of the records, whatever the records are."""


class RecordError(Exception):
    """Any refusal of the records."""


class DatabaseUnavailable(RecordError):  # noqa: N818  the condition reads better without "Error"
    """The database that holds the records cannot be opened, read or written."""


class SchemaTooNew(DatabaseUnavailable):
    """A newer version of the program has upgraded the database."""
