"""The routes of the family."""

from litestar.handlers import HTTPRouteHandler

from api.http.services import Services


def make_routes(services: Services) -> list[HTTPRouteHandler]:  # noqa: ARG001
    """The routes."""
    return []
