"""Deliveries over HTTP: listed, sent again; and the page that a mailed link leads to."""

from litestar.handlers import HTTPRouteHandler

from api.http.operation import Operation
from api.http.services import Services

OPERATIONS: tuple[Operation, ...] = ()


def make_routes(services: Services) -> list[HTTPRouteHandler]:  # noqa: ARG001
    """The routes."""
    return []
