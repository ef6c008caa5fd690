"""The routes of the family."""

from litestar.handlers import HTTPRouteHandler

from api.http.company.arguments import make_arguments
from api.http.company.download import make_download
from api.http.company.outlook import make_outlook
from api.http.company.records import Records
from api.http.company.reports import make_reports
from api.http.company.sending import make_sending
from api.http.company.sign_in import make_sign_in
from api.http.company.types import make_types
from api.http.services import Services


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes."""
    records = Records(services)
    return [
        *make_sign_in(services),
        *make_types(services),
        *make_reports(records),
        *make_arguments(records),
        *make_sending(records),
        *make_outlook(records),
        *make_download(records),
    ]
