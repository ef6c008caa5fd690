"""Links in mails and calls: each leads to the page of a delivery, signed so that none can be guessed."""

import re

from exporters.deliveries.options import DeliveryOptions
from exporters.deliveries.records import Delivery
from exporters.seal import Seal

LINKS = "/reports/files"
"""Path that links begin with, behind the public URL."""
_PURPOSE = "delivery"
_LINK = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{43})")


def link_to(delivery: Delivery, options: DeliveryOptions) -> str:
    """The URL of the delivery's page: a secret of its recipient, made when it is needed and never stored."""
    signature = options.seal.sign(_PURPOSE, delivery.delivery_id)
    return f"{options.public_url}{LINKS}/{delivery.delivery_id}.{signature}"


def read_link(text: str, seal: Seal) -> str | None:
    """The id of the delivery that the last segment of a link is for; None: it is not one of ours."""
    found = _LINK.fullmatch(text)
    if found is None or not seal.is_signed(_PURPOSE, found[1], found[2]):
        return None
    return found[1]
