"""Whether this process lives, and whether it can serve."""

import asyncio
from collections.abc import Callable
from functools import partial

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from api.http.probes import Probe
from api.http.services import Services, encoded
from exporters.database.migrations import check_schema
from exporters.storage import Store

_FRESH_SECONDS = 3.0
"""How long an answer is told again: asking more often puts no more load on what is asked about."""
_PATIENCE_SECONDS = 2.0

_KEY = "readiness"
"""No job's file or folder has this name."""


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class Readiness(Struct, frozen=True):
    """What the process needs, and whether it is there."""

    status: str
    """`ok`, or `unavailable` where any part is not."""
    parts: dict[str, str]
    """For each of `data`, `records`, `schema` and `store`: `ok`, the kind of error, or `Timeout`."""


def make_routes(services: Services) -> list[HTTPRouteHandler]:
    """The routes for what watches this process."""
    checks: dict[str, Callable[[], object]] = {
        "data": services.figures.current,
        "records": services.database.check,
        "schema": partial(check_schema, services.database),
        "store": partial(_check_store, services.exports.store),
    }
    probes = {
        name: Probe(
            partial(_state_of, check), fresh_seconds=_FRESH_SECONDS, patience_seconds=_PATIENCE_SECONDS
        )
        for name, check in checks.items()
    }

    @get("/healthz")
    async def read_health() -> Response[bytes]:
        return encoded(Health("ok"))

    @get("/readyz")
    async def read_readiness() -> Response[bytes]:
        states = await asyncio.gather(*(probe.look() for probe in probes.values()))
        found = {name: state or "Timeout" for name, state in zip(probes, states, strict=True)}
        ready = all(state == "ok" for state in found.values())
        return encoded(Readiness("ok" if ready else "unavailable", found), 200 if ready else 503)

    return [read_health, read_readiness]


def _check_store(store: Store) -> None:
    # Between them these reach every store: a folder is written to, without a trace; a server is asked.
    store.writer(_KEY).abort()
    for _ in store.list(_KEY):
        break


def _state_of(check: Callable[[], object]) -> str:
    try:
        check()
    except Exception as error:  # noqa: BLE001  whatever it is, the part cannot be used
        return type(error).__name__
    return "ok"
