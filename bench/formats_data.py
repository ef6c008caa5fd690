"""The table that formats are measured on: bookings of 12 columns, drawn the same every time.

`python -m bench.formats_data <parquet> <rows>` writes so many.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from exporters.formats.table import Column, Table

# Polars reads eight row groups ahead unless told otherwise: memory that is the reader's, not the writer's.
os.environ["POLARS_ROW_GROUP_PREFETCH_SIZE"] = "1"

_CHUNK_ROWS = 131_072
_GROUP_ROWS = 32_768
"""Rows that a reader holds at once, few, so that what is measured is not the reader's memory."""

_FIRST_DAY = datetime(2022, 1, 1)  # noqa: DTZ001 (local wall-clock time)
_SECONDS = 3 * 365 * 86_400

SCHEMA = pa.schema(
    {
        "id": pa.int64(),
        "workshop_id": pa.int64(),
        "workshop": pa.string(),
        "customer": pa.string(),
        "service": pa.string(),
        "category": pa.string(),
        "status": pa.string(),
        "start_at": pa.timestamp("us"),
        "completed_at": pa.timestamp("us"),
        "price": pa.decimal128(10, 2),
        "rating": pa.decimal128(2, 1),
        "notes": pa.string(),
    }
)

_FIRST_NAMES = (
    "Åse Bjørn Cathrine Dag Eirin Frode Grażyna Håkon Ingrid Jørgen Kåre Łukasz Małgorzata Nils "
    "Øystein Paweł Ragnhild Sławomir Tøger Ulla Vår Wojciech Yngve Zbigniew Ægir Agnieszka Børge "
    "Grzegorz Mårten Søren"
)
_MIDDLE_NAMES = "Ask Bø Dahl Elm Fjær Gran Holm Ilje Kjær Lønn Myr Nøst Pil Rø Sølv Tårn Ulv Vik Ås Żak"
_LAST_NAMES = (
    "Aasen Bråten Chłopek Dąbrowski Enger Fjeld Gęsicki Hansen Ibsen Jørgensen Kowalski Lindström "
    "Łaski Møller Nowak Nygård Olsen Østby Pedersen Ruud Sæther Ślusarski Strøm Szczepański Thorsen "
    "Ulriksen Wiśniewski Woźniak Zając Zieliński Ødegård Ålander Åberg Bakke Berg Dahlén Eide Foss "
    "Grøn Haugen Jansson Kjølstad Krüger Lie Lund Moen Næss Nilsen Rød Sand Skjæret Sørlie Tangen "
    "Tveit Vågen Wróbel Wąsik Øvrebø Åsheim Åkesson Bjerke Borg Dyrdal Falk Gjerde Holt Iversen Kvåle "
    "Lødrup Mørk Nygaard Opdahl Prytz Risøy Solli Stålhane Torp Uggla Vold Wergeland Żurek"
)
_TOWNS = (
    "Ålesund Bergen Bodø Drammen Førde Gdańsk Gjøvik Hamar Kraków Lillehammer Łódź Malmö Moss Narvik "
    "Oslo Poznań Røros Skien Stavanger Tromsø Trondheim Voss Wrocław Ørsta Århus"
)
_CATEGORIES = (
    "Service|Brakes|Tyres|Engine|Electrical|Bodywork|Glass|Exhaust|Air conditioning|Inspection|"
    "Detailing|Other"
)
_STATUSES = "requested|confirmed|in_progress|completed|cancelled|no_show"
_PARTS = "Brake pads|Oil|Tyre|Clutch|Battery|Exhaust|Windscreen|Timing belt|Air filter|Headlight"
_WORKS = "change check repair storage service cleaning"
_WORDS = (
    "kunden ringer før levering sjekk bremser foran bytt olje og filter lav lyd fra høyre hjul lakk "
    "skade på dør trenger lånebil hentes etter klokken fire nøkler ligger i postkassen, betalt på "
    "forhånd, dekk lagres her"
)


def make_bookings(path: Path, rows: int) -> None:
    """Write so many bookings to a Parquet file; equal numbers of rows give equal rows."""
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for first in range(0, rows, _CHUNK_ROWS):
            writer.write_table(_draw(first, min(_CHUNK_ROWS, rows - first)), _GROUP_ROWS)


def bookings_table() -> Table:
    """Return the table that the bookings are written as."""
    columns = (
        Column("id", "Booking", "integer"),
        Column("workshop_id", "Workshop number", "integer"),
        Column("workshop", "Workshop", "text"),
        Column("customer", "Customer", "text"),
        Column("service", "Service", "text"),
        Column("category", "Category", "text"),
        Column("status", "Status", "text"),
        Column("start_at", "Start", "timestamp"),
        Column("completed_at", "Completed", "timestamp"),
        Column("price", "Price", "money", total=True),
        Column("rating", "Rating", "decimal"),
        Column("notes", "Notes", "text"),
    )
    details = (("Workshops", "All"), ("Period", "2022-01-01 to 2024-12-31"))
    return Table("Bookings", columns, details, datetime(2025, 4, 1, 2, 20, tzinfo=UTC), currency="NOK")


def read_batches(path: Path, rows: int | None = None, batch_rows: int = 32_768) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows, or its first `rows`, in batches of at most `batch_rows`; texts are views."""
    left = pq.read_metadata(path).num_rows if rows is None else rows
    # Polars reads a file with half the work that pyarrow has, and its texts are not copied.
    for frame in pl.scan_parquet(path).collect_batches(chunk_size=batch_rows, maintain_order=True):
        for batch in frame.head(left).to_arrow(compat_level=pl.CompatLevel.newest()).to_batches():
            yield batch
            left -= batch.num_rows
        if left <= 0:
            return


def _draw(first: int, count: int) -> pa.Table:
    drawn = np.random.default_rng((20_250_401, first))
    workshop = drawn.integers(0, 500, count)
    starts = drawn.integers(0, _SECONDS // 900, count) * 900
    lasts = drawn.integers(1, 97, count) * 900
    columns = {
        "id": pl.Series(np.arange(first + 1, first + count + 1)),
        "workshop_id": pl.Series(1_000 + workshop),
        "workshop": _pick(_workshops(), workshop),
        "customer": _pick(_customers(), drawn.integers(0, 1 << 30, count)),
        "service": _pick(_services(), np.sqrt(drawn.integers(0, 90_000, count)).astype(np.int64)),
        "category": _pick(_CATEGORIES.split("|"), drawn.integers(0, 12, count)),
        "status": _pick(_STATUSES.split("|"), drawn.integers(0, 6, count)),
        "start_at": _instants(starts),
        "completed_at": _some(_instants(starts + lasts), drawn.random(count) < 0.7),
        "price": _decimals(drawn.integers(9_900, 2_500_000, count), 2),
        "rating": _some(_decimals(drawn.integers(10, 51, count), 1), drawn.random(count) < 0.4),
        "notes": _some(_notes(drawn, count), drawn.random(count) < 0.5),
    }
    return pl.DataFrame(columns).to_arrow().cast(SCHEMA)


def _pick(names: list[str], places: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    return pl.Series(names).gather(places % len(names))


def _some(values: pl.Series, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> pl.Series:
    return values.set(pl.Series(~kept), None)


def _instants(seconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    return pl.Series(np.datetime64(_FIRST_DAY, "us") + (seconds * 1_000_000).astype("timedelta64[us]"))


def _decimals(units: np.ndarray[tuple[int], np.dtype[np.int64]], scale: int) -> pl.Series:
    unit = pa.scalar(Decimal(1).scaleb(-scale))
    return pl.Series(pc.multiply(pa.array(units).cast(pa.decimal128(19, 0)), unit))


def _notes(drawn: np.random.Generator, count: int) -> pl.Series:
    vocabulary = _WORDS.split()
    words = [_pick(vocabulary, drawn.integers(0, len(vocabulary), count)).alias(str(n)) for n in range(7)]
    return pl.DataFrame(words).select(pl.concat_str(pl.all(), separator=" ")).to_series()


def _workshops() -> list[str]:
    towns, names = _TOWNS.split(), _LAST_NAMES.split()
    return [f"{towns[n % 25]} {names[n // 25]} Bilverksted AS" for n in range(500)]


def _customers() -> list[str]:
    parts = product(_FIRST_NAMES.split(), _MIDDLE_NAMES.split(), _LAST_NAMES.split())
    return [" ".join(names) for names in parts]


def _services() -> list[str]:
    parts = product(_PARTS.split("|"), _WORKS.split(), range(1, 6))
    return [f"{part} {work} {level}" for part, work, level in parts]


if __name__ == "__main__":
    make_bookings(Path(sys.argv[1]), int(sys.argv[2]))
