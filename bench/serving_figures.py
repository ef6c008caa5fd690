"""The figures endpoints under load: the API as it is served, and beside it the same over PostgreSQL."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.client import Connection, write_request
from bench.load import Load, Rounds, run_clients
from bench.postgres_rollups import ADDRESS_FILE, SETTINGS, load_rollups
from bench.postgres_server import connect_postgres, running_postgres
from bench.product import Product
from bench.serving_work import ENDPOINTS, Workshops

CLIENTS = 8
STRANGERS = 1_000
_ROUNDS = 5
_SECONDS = 5.0
_COMPARED = 200
"""Answers of each endpoint in which both sides must agree."""


@dataclass(frozen=True)
class FigureLoads:
    """Rounds of each endpoint."""

    ours: Mapping[str, Rounds]
    peer: Mapping[str, Rounds]
    strangers: Rounds
    """The overview, asked for by so many callers that most have to be looked up."""
    memory: int
    """Bytes of the API's processes after all that."""


def measure_figures(product: Product, workshops: Workshops, tell: Callable[[str], None]) -> FigureLoads:
    """Measure each endpoint on both sides, in turns.

    Raises:
        RuntimeError: an answer was refused, or the sides do not agree.
    """
    with running_postgres(SETTINGS) as address:
        tell("Copying the rollups to PostgreSQL")
        with connect_postgres(address) as postgres:
            load_rollups(product.folder / "warehouse", postgres)
        (product.folder / ADDRESS_FILE).write_text(str(address), encoding="utf-8")
        with product.serving() as api, product.serving("bench.postgres_api") as other:
            ours, peer = {}, {}
            for name, path in ENDPOINTS.items():
                tell(f"Figures: {name}")
                work = workshops.figures(path, CLIENTS)
                _refuse_differing(api.port, other.port, work[0][:_COMPARED])
                ours[name], peer[name] = _measure(work, api.port, other.port)
            tell(f"Figures: {STRANGERS} callers")
            work = workshops.figures(ENDPOINTS["overview"], CLIENTS, min(STRANGERS, len(workshops.ids)))
            [strangers] = _measure(work, api.port)
            return FigureLoads(ours, peer, strangers, api.memory)


def _measure(work: Sequence[Sequence[Mapping[str, Any]]], *ports: int) -> list[Rounds]:
    loads: list[list[Load]] = [[] for _ in ports]
    for turn in range(_ROUNDS + 1):
        for port, found in zip(ports, loads, strict=True):
            load = run_clients(port, work, _SECONDS if turn else 1.0, good=200)
            if turn:  # the first one is to warm up
                found.append(load)
    return [Rounds(found) for found in loads]


def _refuse_differing(ours: int, peer: int, items: Sequence[Mapping[str, Any]]) -> None:
    connections = [Connection(ours), Connection(peer)]
    for item in items:
        request = write_request("GET", item["path"], item["key"], item["workshop"])
        answers = [connection.ask(request) for connection in connections]
        figures = [json.loads(body).get("data") for _, body in answers]
        if figures[0] is None or figures[0] != figures[1]:
            raise RuntimeError(f"the sides differ on {item['path']}: {answers[0]} and {answers[1]}")
