"""Direct links to the files of items: signed so that none can be guessed, and good as long as the files."""

import re

from exporters.batches.reading import read_item
from exporters.batches.records import Item
from exporters.database import Database
from exporters.deliveries.options import DeliveryOptions

LINKS = "/reports/items"
"""Path that links begin with, behind the public URL."""
_PURPOSE = "item"
_LINK = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})")


def link_to(item: Item, options: DeliveryOptions) -> str | None:
    """The URL of the item's file: a secret, made when it is asked for and never stored. None: it has none."""
    if item.file is None:
        return None
    return f"{options.public_url}{LINKS}/{item.item_id}.{options.seal.sign(_PURPOSE, item.item_id)}"


def follow_link(text: str, options: DeliveryOptions, database: Database) -> Item | None:
    """The item that the last segment of a link is for; None: it is not one of ours, or its item is gone.

    Raises:
        DatabaseUnavailable: the records cannot be read.
    """
    found = _LINK.fullmatch(text)
    if found is None or not options.seal.is_signed(_PURPOSE, found[1], found[2]):
        return None
    with database.reading() as connection:
        return read_item(connection, found[1])
