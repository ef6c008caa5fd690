"""Generates the sample data: Norwegian car workshops as a running booking platform would export them.

`generate_sample` fills a folder. CSV is UTF-8 without BOM, comma, RFC 4180 quoting, LF line ends, one header
line, an empty field for null. Instants are UTC text such as `2026-02-03T08:00:00Z`; booleans are `true` and
`false`; money has two decimals and stands beside its currency; ids are whole numbers, group ids text.

- `workshops.csv`: id, org_number, name, time_zone, currency, created_at, updated_at. Ids from 101. 101 is
  the biggest; 102 lies in America/New_York and takes USD, the others in Europe/Oslo and take NOK; 103 has
  no bookings.
- `categories.csv`: id, name. Ids 1 to 12.
- `services.parquet`: id int64 (from 2001), workshop_id int64, title string, price decimal(18,2), is_active
  bool, category_ids list<int64> (empty, one or several), duration_minutes int64, description string or null,
  created_at, updated_at, deleted_at timestamp[us, UTC] (deleted_at null while alive; bookings made before
  the deletion still refer to the service).
- `booking_statuses.csv`: code, label, allowed_transitions (codes joined by `|`, empty at an end), color,
  icon. Codes PENDING, CONFIRMED, COMPLETED, CANCELLED.
- `bookings/bookings-YYYY-MM.csv`, by the UTC month of the start: id (from 1000001), group_id (`g-100001`; the
  1 to 4 bookings of one visit), workshop_id, service_id, customer_id (from 30001), customer_name,
  registration_number (text: `0123AB`, `00481`, `1E10` occur), status, start_time, end_time, completed_at
  (COMPLETED only), cancelled_at and cancellation_reason (CANCELLED only; the reason may be null), price,
  currency, walk_in, notes (null in about 40 %; may hold line breaks), created_at, updated_at.
- `bookings/bookings-update.csv`: the same columns; versions with a later updated_at of sound bookings.
- `ratings.ndjson`: id (from 500001), booking_id, service_rating (1 to 5 in half steps, `4` or `4.5`),
  service_rating_message (text or null), private_service_rating (bool), created_at, updated_at.
- `quirks.json`: quirk name to the number of lines that have it. A line has one quirk at most, but for
  lines that repeat or outdate another:
  - booking_status_unknown: status NO_SHOW, otherwise sound
  - booking_price_negative; booking_price_not_a_number: `gratis`; booking_price_missing: null, yet COMPLETED
  - booking_currency_other: SEK; booking_workshop_unknown: 999; booking_service_unknown: 99999
  - booking_start_time_missing: null; booking_start_time_impossible: 2026-02-30T10:00:00Z
  - booking_utf8_broken: a lone Latin-1 byte; booking_too_many_fields: a note whose comma is not quoted
  - booking_duplicate_row: extra lines equal to another, in the same file or the last month's
  - booking_key_twice: extra lines with an earlier version (CONFIRMED, earlier updated_at) of a booking
  - booking_update: the lines of bookings-update.csv
  - rating_zero: 0; rating_six: 6; rating_booking_unknown: 9999001 and on
  - rating_json_broken: a line cut in half; rating_duplicate_row: extra lines equal to another
  - rating_key_twice: extra lines with an earlier version (by updated_at) of a rating

The export is taken 14 days before the last day: what starts later is PENDING, CONFIRMED or CANCELLED. Some
bookings stand around the local midnight between months, and around both changes of the clock.
"""

import json
import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.sources.sample_platform import (
    BOOKING_COLUMNS,
    Workshop,
    book,
    format_instant,
    open_workshops,
    rate,
    span_period,
)
from pipelines.sources.sample_quirks import (
    QUIRKS,
    build_updates,
    format_line,
    pick_targets,
    write_months,
    write_ratings,
)
from pipelines.sources.sample_text import CATEGORIES

_STATUS_COLUMNS: Final = ("code", "label", "allowed_transitions", "color", "icon")
_STATUSES: Final = (
    ("PENDING", "Venter", "CONFIRMED|CANCELLED", "#f59e0b", "clock"),
    ("CONFIRMED", "Bekreftet", "COMPLETED|CANCELLED|CONFIRMED", "#3b82f6", "calendar-check"),
    ("COMPLETED", "Fullført", "", "#16a34a", "check"),
    ("CANCELLED", "Kansellert", "", "#dc2626", "x"),
)
_WORKSHOP_COLUMNS: Final = (
    *("id", "org_number", "name", "time_zone", "currency", "created_at", "updated_at"),
)


def generate_sample(
    folder: Path,
    *,
    seed: int = 20260101,
    workshops: int = 12,
    until: date = date(2026, 2, 28),
    years: int = 2,
) -> None:
    """Write the sample data into folder, made if absent; the files of an earlier run there are replaced.

    Equal parameters give equal bytes. until is the last local day a booking starts on, years how far they
    reach back from it. Raises ValueError outside 3 to 500 workshops and below 1 year: the quirks need room
    and the ids of unknown things must stay free.
    """
    if not 3 <= workshops <= 500 or years < 1:
        raise ValueError(
            f"sample data takes 3 to 500 workshops and at least 1 year, not {workshops} and {years}"
        )
    rng = random.Random(seed)  # noqa: S311 - made-up data, nothing secret
    period = span_period(until, years)
    shops = open_workshops(rng, workshops, period)
    ordinary, edge = book(rng, shops, period)
    rows = sorted((row for visit in ordinary + edge for row in visit), key=lambda row: int(row["id"]))
    targets = pick_targets(rng, [row for visit in ordinary for row in visit])
    spoiled = {row["id"] for chosen in targets.values() for row in chosen}
    sound = [row for row in rows if row["id"] not in spoiled]
    ratings = write_ratings(rng, rate(rng, sound, period.as_of), unknown_booking=9_999_001)
    updates = build_updates(rng, sound, format_instant(period.as_of))

    bookings = folder / "bookings"
    bookings.mkdir(parents=True, exist_ok=True)
    for stale in bookings.glob("bookings-*.csv"):
        stale.unlink()
    for month, lines in write_months(rows, targets).items():
        (bookings / f"bookings-{month}.csv").write_bytes(format_line(BOOKING_COLUMNS) + lines)
    _write_csv(bookings / "bookings-update.csv", BOOKING_COLUMNS, (row.values() for row in updates))
    _write_csv(folder / "workshops.csv", _WORKSHOP_COLUMNS, map(_describe, shops))
    _write_csv(
        folder / "categories.csv", ("id", "name"), ((str(n), name) for n, name in enumerate(CATEGORIES, 1))
    )
    _write_csv(folder / "booking_statuses.csv", _STATUS_COLUMNS, _STATUSES)
    _tabulate_services(shops).write_parquet(folder / "services.parquet")
    (folder / "ratings.ndjson").write_bytes(ratings)
    (folder / "quirks.json").write_text(json.dumps(QUIRKS, indent=2) + "\n", encoding="utf-8")


def _describe(shop: Workshop) -> tuple[str, ...]:
    changed = shop.opened + timedelta(days=7)
    kind = shop.text
    return (
        *(str(shop.id), kind.org_number, kind.name, kind.time_zone, kind.currency),
        *(format_instant(shop.opened), format_instant(changed)),
    )


def _tabulate_services(shops: Iterable[Workshop]) -> pl.DataFrame:
    rows = [
        {
            "id": service.id,
            "workshop_id": shop.id,
            "title": service.text.title,
            "price": Decimal(service.price_cents).scaleb(-2),
            "is_active": service.paused is None and service.deleted is None,
            "category_ids": list(service.text.category_ids),
            "duration_minutes": service.text.minutes,
            "description": service.text.description,
            "created_at": service.created,
            "updated_at": service.deleted or service.paused or service.created,
            "deleted_at": service.deleted,
        }
        for shop in shops
        for service in shop.services
    ]
    instant = pl.Datetime("us", "UTC")
    schema = {
        "id": pl.Int64(),
        "workshop_id": pl.Int64(),
        "title": pl.String(),
        "price": pl.Decimal(18, 2),
        "is_active": pl.Boolean(),
        "category_ids": pl.List(pl.Int64()),
        "duration_minutes": pl.Int64(),
        "description": pl.String(),
        "created_at": instant,
        "updated_at": instant,
        "deleted_at": instant,
    }
    return pl.DataFrame(rows, schema=schema)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    path.write_bytes(format_line(header) + b"".join(format_line(row) for row in rows))
