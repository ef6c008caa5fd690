"""The ASGI application: the routes put together behind the gate."""

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Response, get
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from api.cli_errors import explain as explain_failure
from api.http import catalogue, deliveries, downloads, exports, figures, health, metrics, page
from api.http.batches import routes as batches
from api.http.company import routes as company
from api.http.event_reports import routes as event_reports
from api.http.families import encode_refusal
from api.http.gate import Application, Gate
from api.http.logs import RequestLog
from api.http.metrics_requests import Routes
from api.http.openapi import describe_api
from api.http.operations import find_methods
from api.http.origins import Origins
from api.http.problems import Refusal, explain
from api.http.services import AnyRequest, open_services, request_id_of
from api.logs import catch_strays
from api.tracing import trace_requests
from settings import Settings, load_settings

_THREADS = 128
"""Of what waits for the records and the store. Well above the requests that one caller may have under way,
so that one whose own wait keeps nobody else waiting."""

_log = logging.getLogger(__name__)


def create_app(settings: Settings) -> Gate:
    """The API of the rooms that the settings name.

    Raises:
        DatabaseUnavailable, StoreError: one of them cannot be opened.
    """
    tracer = trace_requests(settings.otlp_endpoint)
    services = open_services(settings)
    document = describe_api(services.exports.catalogue)
    series = metrics.Metrics(services)

    @get("/openapi.json")
    async def read_openapi() -> Response[bytes]:
        return Response(document, media_type="application/json", headers={"cache-control": "no-cache"})

    @asynccontextmanager
    async def closing(_: Litestar) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "request"))
        try:
            yield
        finally:
            services.close()
            if tracer is not None:
                tracer.close()

    routed = Litestar(
        route_handlers=[
            *figures.make_routes(services),
            *catalogue.make_routes(services),
            *exports.make_routes(services),
            *downloads.make_routes(services),
            *health.make_routes(services),
            *metrics.make_routes(series),
            *page.make_routes(services.link_origins()),
            *company.make_routes(services),
            *event_reports.make_routes(services),
            *batches.make_routes(services),
            *deliveries.make_routes(services),
            read_openapi,
        ],
        openapi_config=None,
        exception_handlers={Exception: _refuse, HTTPException: _refuse},
        request_max_body_size=None,  # the one route that takes a body sees to it
        lifespan=[closing],
        logging_config=None,
    )
    routes = Routes(route.path_format for route in routed.routes)
    return Gate(routed, services.access, RequestLog(routes, series.requests, tracer))


def _end_with(parent: int) -> None:
    """End this process when the server's main process was killed: it would go on and keep the port."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def create_app_from_environment() -> Application:
    """The API of this process's settings; what the server loads."""
    catch_strays()
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
    try:
        settings = load_settings()
        app = create_app(settings)
    except Exception as error:  # noqa: BLE001  whatever keeps it from starting is told
        # One line, as of all else; the server that loads this would print a trace.
        _log.critical("the API cannot start: %s", error, exc_info=None if explain_failure(error) else error)
        raise SystemExit(1) from None
    return Origins(app, settings.allowed_origins) if settings.allowed_origins else app


def _refuse(request: AnyRequest, error: Exception) -> Response[bytes]:
    refusal = _translate(error)
    request.scope["state"]["code"] = refusal.code
    headers: dict[str, Any] = {"cache-control": "no-store", **refusal.headers}
    if refusal.status == 405 and (methods := find_methods(request.scope["path"])):
        headers["allow"] = ", ".join(methods)
    body, media_type = encode_refusal(request.scope["path"], refusal, request_id_of(request))
    return Response(body, status_code=refusal.status, media_type=media_type, headers=headers)


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
