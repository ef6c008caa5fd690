"""The nights' results as tables."""

from collections.abc import Mapping

import duckdb

from bench.measure import Run, Runs
from bench.nights import LITTLE_MEMORY, MEMORY, NightFigures
from bench.page import ResultTable

_INTRODUCTION = """\
The peer is [a script](../bench/hand_written.sql) for DuckDB {duckdb}, written by hand for these files
alone: the same Parquet files in, the same published tables out, in the same order, within the same memory.
It trusts its data. The night does more: it judges each row, sets unfit rows aside with their reasons,
accounts for every row, checks keys, required columns and totals, takes changes without starting anew, and
publishes under open readers. After the full build and again after the nights every row of both sides'
tables was compared: they were equal.

The data are generated ([how](../bench/platform_data.py)): three years with {bookings:,} bookings,
{services:,} services and {workshops:,} workshops, some far busier than others. Of a night's {changes:,}
changes 70 in 100 are changed bookings, more than half of them of the last month and the others of any day
of the three years, 20 are new bookings, 9 new or changed ratings and 1 changed services; a few workshops
have a new name.

The seconds are of whole processes, from their start to their end.
"""


def make_tables(figures: NightFigures, pages: Mapping[str, float] | None) -> list[ResultTable]:
    """The results, ratios first. `pages` are those of reading an API's pages, where they were measured."""
    return [_ratios(figures, pages), _seconds(figures), _parts(figures), *(_pages(pages) if pages else [])]


def introduce(figures: NightFigures) -> str:
    """What was measured and how."""
    return _INTRODUCTION.format(
        duckdb=duckdb.__version__,
        bookings=figures.size.bookings,
        services=figures.size.services,
        workshops=figures.size.workshops,
        changes=figures.changes,
    )


def _ratios(figures: NightFigures, pages: Mapping[str, float] | None) -> ResultTable:
    full, night = figures.full.seconds, figures.nights.seconds
    rows = [
        ["Full build, published : script", f"{full / figures.script.seconds:.2f}"],
        [f"Night of {figures.changes:,} changes : full build", f"{night / full:.2f}"],
        [
            f"Night of {figures.changes:,} changes : landing all files and full build",
            f"{night / (figures.landing.seconds + full):.2f}",
        ],
        [
            f"Night of {figures.changes:,} changes : script run again",
            f"{night / figures.script_again.seconds:.2f}",
        ],
        [
            f"Full build in {LITTLE_MEMORY} : in {MEMORY} of memory",
            f"{figures.full_in_little_memory.seconds / full:.2f}",
        ],
    ]
    if pages:
        rows.append(["Pages per second, loader : bare requests", f"{pages['ratio']:.2f}"])
    return ResultTable("Ratios of time", ["What", "Ratio"], rows)


def _seconds(figures: NightFigures) -> ResultTable:
    steps = [
        ("Landing all files", Runs([figures.landing])),
        (f"Full build, published, in {MEMORY}", figures.full),
        (f"Full build, published, in {LITTLE_MEMORY}", Runs([figures.full_in_little_memory])),
        (f"Script, in {MEMORY}", figures.script),
        (f"Night of {figures.changes:,} changes, landed and published", figures.nights),
        ("Script run again after the nights", Runs([figures.script_again])),
    ]
    return ResultTable(
        "Seconds on this machine",
        ["Step", "Seconds, median", "Runs", "Peak memory, MB"],
        [
            [name, f"{runs.seconds:.1f}", str(len(runs.runs)), f"{runs.peak_bytes / 1e6:,.0f}"]
            for name, runs in steps
        ],
    )


def _parts(figures: NightFigures) -> ResultTable:
    parts = figures.nights.runs[0].told
    return ResultTable(
        "Seconds of the parts",
        ["Part", "Full build", "Night of changes"],
        [
            [
                part.capitalize(),
                f"{_told(figures.landing, figures.full, part):.1f}",
                f"{figures.nights.told(part):.1f}",
            ]
            for part in parts
        ],
    )


def _told(landing: Run, full: Runs, part: str) -> float:
    return landing.told[part] if part in landing.told else full.told(part)


def _pages(pages: Mapping[str, float]) -> list[ResultTable]:
    rows = [
        ["Loader", f"{pages['loader_pages_per_s']:.1f}"],
        ["Bare requests", f"{pages['bare_pages_per_s']:.1f}"],
    ]
    return [ResultTable("Pages of an API on this machine", ["Reader", "Pages per second"], rows)]
