"""The results of batches as tables."""

import textwrap

from bench.batches import BUSIEST, FIRST_DAY, ITEMS, LAST_DAY, POISONED, SIZE, Batch, BatchFigures
from bench.page import ResultTable
from bench.serving_exports import SLOTS

_INTRODUCTION = """\
A batch of {items:,} workshops is asked for over the API: for each a PDF of its bookings from {first} to
{last} (`pdf;brief`, one page each: the {busiest} busiest workshops are left out), and when all have
ended the zip of them is downloaded; with covers, each PDF has one page more, of key figures and charts.
A worker with {slots} slots makes the files; records are in SQLite, files in a local folder; there are
{bookings:,} bookings. Each item is a job with its record, its manifest and its checks. The peer is
[fpdf2 in a loop](../bench/batches_peer.py) in one process: the same rows by the same query of the same
generation, the same columns, written into a zip, without records or checks. Its font is ours, embedded,
or one of the core fonts, which are in no file and know Western European letters only.
"""


def introduce() -> str:
    """What was measured and how."""
    told = _INTRODUCTION.format(
        items=ITEMS, busiest=BUSIEST, first=FIRST_DAY, last=LAST_DAY, slots=SLOTS, bookings=SIZE.bookings
    )
    return textwrap.fill(told, 110)


def make_tables(figures: BatchFigures) -> list[ResultTable]:
    """The results, ratios first."""
    ratios = [
        [f"Items per second, zip included, ours : fpdf2 in a loop, {font} font", f"{ours / peer:.1f} ×"]
        for font, peer in figures.peers.items()
        for ours in [figures.whole.per_second]
    ]
    sides = [
        ("Ours", figures.whole),
        (f"Ours, {POISONED} items poisoned", figures.poisoned),
        ("Ours, once more", figures.again),
        ("Ours, with covers", figures.covered),
    ]
    return [
        ResultTable("Ratios", ["What", "Ratio"], ratios),
        ResultTable(
            "Batches on this machine",
            ["Batch", "PDFs", "Failed", "Items/s", "Accepted, s", "All ended, s", "Zip, s", "Zip, MB"],
            [_describe(name, batch) for name, batch in sides]
            + [
                [f"fpdf2, {font} font", f"{ITEMS}", "", f"{peer:.1f}", "", "", "", ""]
                for font, peer in figures.peers.items()
            ],
        ),
        ResultTable(
            "Memory of API and worker, MB",
            ["Batch", "Before", "All ended", "Zip downloaded"],
            [[name, *(f"{bytes_ / 1e6:,.0f}" for bytes_ in batch.memory)] for name, batch in sides],
        ),
    ]


def _describe(name: str, batch: Batch) -> list[str]:
    return [
        name,
        str(batch.files),
        str(batch.failed),
        f"{batch.per_second:.1f}",
        f"{batch.accepted:.2f}",
        f"{batch.finished:.1f}",
        f"{batch.downloaded:.2f}",
        f"{batch.zip_bytes / 1e6:.1f}",
    ]
