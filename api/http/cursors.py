"""Cursors: the place in a list where its next page begins, as clients hand it back."""

import base64
import binascii

from api.http.problems import refuse_value


def write_cursor(last_id: str) -> str:
    """The cursor behind the item with this id."""
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The id that a cursor was made of.

    Raises:
        Refusal: it is none of ours.
    """
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error):
        raise refuse_value("cursor", cursor, "a next_cursor of a page") from None
