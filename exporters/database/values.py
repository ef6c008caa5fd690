"""Values as every record keeps them: text that a database takes, and the present instant."""

from datetime import UTC, datetime


def storable(text: str) -> str:
    """The text with what a database refuses (NUL, halves of surrogate pairs) written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def utc_now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)
