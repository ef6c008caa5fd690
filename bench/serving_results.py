"""The results of serving and of the soak as tables."""

import textwrap

from bench.client import POLL_SECONDS
from bench.load import Rounds
from bench.page import ResultTable
from bench.serving import ServingLoads
from bench.serving_exports import CLIENTS as EXPORT_CLIENTS
from bench.serving_exports import ROWS, SLOTS, SMALL_ROWS
from bench.serving_figures import CLIENTS, STRANGERS
from bench.serving_work import ENDPOINTS
from bench.soak import Soak

_INTRODUCTION = """\
The API runs as `reports serve` does, one process, on a warehouse of {bookings:,} bookings of {workshops:,}
workshops. Its settings are the usual ones, but for the rate limit, which a benchmark's few keys would meet.
Clients, server and databases share the machine. [A client](../bench/client.py) is a process with one kept
connection that asks, waits for the answer and asks again.

**Figures.** {clients} clients, each with an API key for 100 workshops, ask for random workshops and random
years. The peer is [the same API](../bench/postgres_api.py) with the same gate, framework, server and encoder,
whose figures come from [daily rollups in PostgreSQL](../bench/postgres_rollups.py): covering indexes,
everything in memory, a pool of connections, one prepared query for an answer, by asyncpg. Both gave the same
figures in every answer that was compared. Rounds of the two sides alternate.

**Exports.** {export_clients} clients, each of its own workshop, ask for a file, look at its job every
{poll:.0f} ms until it is completed, and ask for the next one: the time is what a client sees. A worker with
{slots} slots makes the files; records are in SQLite, files in a local folder. Large files are CSV of {rows:,}
bookings; small ones have {small_rows} bookings, and 40 in 100 are CSV, 30 XLSX, 15 HTML, 10 Parquet and 5
PDF. The peer runs the Dagster job `export_report` for each large file in a process of its own, `dagster job
execute`, without the API.
"""
_SOAK_INTRODUCTION = """\
{clients} clients make small exports, as under Serving, without a pause for {minutes:.1f} minutes, and
download each file. In that time {jobs:,} jobs were made: as many as {hourly:,.0f} a minute for an hour. No
request and no job failed, and every file had the digest of its record. After it {asked:,} jobs were on
record, those of a short warm-up among them: {consistent}.
"""
_CONSISTENT = (
    "each was created, claimed and completed once, at the first try, none was left over, and each had its"
    " file and manifest"
)


def introduce(loads: ServingLoads) -> str:
    """What was measured and how."""
    return _INTRODUCTION.format(
        bookings=loads.size.bookings,
        workshops=loads.size.workshops,
        clients=CLIENTS,
        export_clients=EXPORT_CLIENTS,
        poll=POLL_SECONDS * 1e3,
        slots=SLOTS,
        rows=ROWS,
        small_rows=SMALL_ROWS,
    )


def make_tables(loads: ServingLoads) -> list[ResultTable]:
    """The results, ratios first."""
    return [_ratios(loads), _figures(loads), _exports(loads)]


def _ratios(loads: ServingLoads) -> ResultTable:
    figures, exports = loads.figures, loads.exports
    rows = [
        [
            f"Requests per second, {name}, ours : PostgreSQL rollups",
            f"{figures.ours[name].per_second / figures.peer[name].per_second:.2f}",
        ]
        for name in ENDPOINTS
    ]
    rows += [
        [
            f"CSV of {ROWS:,} rows, files per second, worker : a Dagster process each",
            f"{exports.large.per_second / exports.processes.per_second:.0f} ×",
        ],
        [
            f"CSV of {ROWS:,} rows, alone, seconds, a Dagster process : worker",
            f"{exports.process_alone.share(0.5) / exports.alone.share(0.5):.0f} ×",
        ],
    ]
    return ResultTable("Ratios", ["What", "Ratio"], rows)


def _figures(loads: ServingLoads) -> ResultTable:
    figures = loads.figures
    sides = [
        row
        for name in ENDPOINTS
        for row in ((name, "ours", figures.ours[name]), (name, "PostgreSQL", figures.peer[name]))
    ]
    sides.append((f"overview, {STRANGERS:,} keys of one workshop each", "ours", figures.strangers))
    return ResultTable(
        f"Figures with {CLIENTS} clients on this machine",
        [
            "Endpoint",
            "Side",
            "Requests/s, median",
            "Slowest to fastest round",
            "p50, ms",
            "p99, ms",
            "Worst round's p99, ms",
        ],
        [
            [
                name.capitalize(),
                side,
                f"{rounds.per_second:,.0f}",
                "{:,.0f} to {:,.0f}".format(*rounds.per_second_spread),
                *(
                    f"{seconds * 1e3:.1f}"
                    for seconds in (rounds.share(0.5), rounds.share(0.99), rounds.worst_share(0.99))
                ),
            ]
            for name, side, rounds in sides
        ],
    )


def _exports(loads: ServingLoads) -> ResultTable:
    exports = loads.exports
    steps = [
        (f"CSV of {ROWS:,} rows, worker", EXPORT_CLIENTS, exports.large),
        (f"CSV of {ROWS:,} rows, worker", 1, exports.alone),
        ("Small files of all formats, worker", EXPORT_CLIENTS, exports.small),
        (f"CSV of {ROWS:,} rows, a Dagster process each", SLOTS, Rounds([exports.processes])),
        (f"CSV of {ROWS:,} rows, a Dagster process each", 1, Rounds([exports.process_alone])),
    ]
    return ResultTable(
        "From asking to completed on this machine",
        [
            "Exports",
            "Clients",
            "Files/s, median",
            "Slowest to fastest round",
            "p50, s",
            "p95, s",
            "Worst round's p95, s",
        ],
        [
            [
                name,
                str(clients),
                f"{rounds.per_second:.1f}",
                "{:.1f} to {:.1f}".format(*rounds.per_second_spread),
                *(
                    f"{seconds:.2f}"
                    for seconds in (rounds.share(0.5), rounds.share(0.95), rounds.worst_share(0.95))
                ),
            ]
            for name, clients, rounds in steps
        ],
    )


def introduce_soak(soak: Soak) -> str:
    """What was done and whether it held."""
    found = "; ".join(f"{count:,} went through {events}" for events, count in soak.histories.items())
    told = _SOAK_INTRODUCTION.format(
        clients=EXPORT_CLIENTS,
        minutes=soak.load.seconds / 60,
        jobs=len(soak.load.done),
        hourly=len(soak.load.done) / 60,
        asked=soak.asked,
        consistent=_CONSISTENT if soak.is_consistent else f"{found}; {soak.files:,} have their files",
    )
    return textwrap.fill(told, 110)


def make_soak_tables(soak: Soak) -> list[ResultTable]:
    """Rate and memory."""
    rate = ResultTable(
        "Rate on this machine",
        ["Files/s", "p50, s", "p95, s", "p99, s", "Longest, s"],
        [[f"{soak.load.per_second:.1f}", *(f"{soak.load.share(part):.2f}" for part in (0.5, 0.95, 0.99, 1))]],
    )
    memory = ResultTable(
        "Memory, MB, median of each third",
        ["Process", "Beginning", "Middle", "End"],
        [
            [name, *(f"{soak.memory(part, third) / 1e6:,.0f}" for third in range(3))]
            for name, part in (("API", "api"), (f"Worker, {SLOTS} slots", "worker"))
        ],
    )
    return [rate, memory]
