"""The ASGI application: the routes put together behind the gate."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from litestar import HttpMethod, Litestar, Response, get, route
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler

from api.http import catalogue, downloads, exports, figures, health, page
from api.http.gate import Application, Gate
from api.http.logs import RequestLog
from api.http.openapi import OPERATIONS, describe_api
from api.http.problems import PROBLEM, Refusal, encode_problem, explain
from api.http.services import AnyRequest, open_services, request_id_of
from settings import Settings, load_settings


def create_app(settings: Settings) -> Application:
    """The API of the rooms that the settings name.

    Raises:
        DatabaseUnavailable, StoreError: one of them cannot be opened.
    """
    services = open_services(settings)
    document = describe_api(services.exports.catalogue)

    @get("/openapi.json")
    async def read_openapi() -> Response[bytes]:
        return Response(document, media_type="application/json", headers={"cache-control": "no-cache"})

    @asynccontextmanager
    async def closing(_: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            services.close()

    routed = Litestar(
        route_handlers=[
            *figures.make_routes(services),
            *catalogue.make_routes(services),
            *exports.make_routes(services),
            *downloads.make_routes(services),
            *health.make_routes(services),
            *page.make_routes(services.link_origins()),
            read_openapi,
            *_make_options(),
        ],
        openapi_config=None,
        exception_handlers={Exception: _refuse, HTTPException: _refuse},
        request_max_body_size=None,  # the one route that takes a body sees to it
        lifespan=[closing],
        logging_config=None,
    )
    return Gate(routed, services.access, RequestLog())


def create_app_from_environment() -> Application:
    """The API of this process's settings; what the server loads."""
    return create_app(load_settings())


def _make_options() -> list[HTTPRouteHandler]:
    """For each path, what may be done with it; the framework's own answer leaves methods out."""
    methods: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        offered = ("GET", "HEAD") if operation.method == "get" else (operation.method.upper(),)
        methods.setdefault(operation.path, []).extend(offered)

    def make(path: str, offered: list[str]) -> HTTPRouteHandler:
        allow = {"allow": ", ".join([*offered, "OPTIONS"])}

        @route(path.replace("{job_id}", "{job_id:str}"), http_method=[HttpMethod.OPTIONS], status_code=204)
        async def tell_methods() -> Response[bytes]:
            return Response(b"", status_code=204, headers=allow)

        return tell_methods

    return [make(path, offered) for path, offered in methods.items()]


def _refuse(request: AnyRequest, error: Exception) -> Response[bytes]:
    refusal = _translate(error)
    headers: Mapping[str, Any] = {"cache-control": "no-store", **refusal.headers}
    return Response(
        encode_problem(refusal, request_id_of(request)),
        status_code=refusal.status,
        media_type=PROBLEM,
        headers=headers,
    )


def _translate(error: Exception) -> Refusal:
    """The framework's own errors as ours."""
    if isinstance(error, NotFoundException):
        return Refusal(404, "NOT_FOUND", "there is nothing at this path; /openapi.json lists what there is")
    if isinstance(error, MethodNotAllowedException):
        headers = error.headers or {}
        return Refusal(405, "METHOD_NOT_ALLOWED", "the path does not take this method", {}, headers)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return Refusal(error.status_code, "BAD_REQUEST", "the request cannot be read")
    return explain(error)
