"""The routes of the family, with the direct links to reports."""

from litestar.handlers import HTTPRouteHandler

from api.http.batches.archives import make_archives
from api.http.batches.batches import make_batches
from api.http.batches.items import make_items
from api.http.batches.links import make_links
from api.http.batches.records import Records
from api.http.batches.webhook_trials import make_webhook_trials
from api.http.services import Services


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes."""
    records = Records(services)
    return [
        *make_batches(records),
        *make_items(records),
        *make_archives(records),
        *make_links(records),
        *make_webhook_trials(records),
    ]
