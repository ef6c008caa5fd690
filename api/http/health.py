"""Whether this process lives, and whether it can serve."""

import asyncio
from collections.abc import Callable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from api.http.services import Services, encoded


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True):
    """What the process needs, and whether it is there."""

    status: str
    parts: dict[str, str]
    """`ok`, or the kind of error, for each."""


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes for what watches this process."""
    parts: dict[str, Callable[[], object]] = {
        "data": services.figures.current,
        "records": services.database.check,
    }

    @get("/healthz")
    async def read_health() -> Response[bytes]:
        return encoded(Health("ok"))

    @get("/readyz")
    async def read_readiness() -> Response[bytes]:
        found = {name: await asyncio.to_thread(_state_of, check) for name, check in parts.items()}
        ready = all(state == "ok" for state in found.values())
        return encoded(Readiness("ok" if ready else "unavailable", found), 200 if ready else 503)

    return [read_health, read_readiness]


def _state_of(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  whatever it is, the part cannot be used
        return type(error).__name__
    return "ok"
