"""The faults of the sample data: a small, known number of each, put into sound bookings and ratings.

A spoiled row is one the sound data does not lean on: no rating and no later version refers to it, so the
counts of different faults never mix.
"""

import csv
import io
import json
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

Row = dict[str, str]
"""A booking as its CSV line holds it: column name to text, "" for null."""
Rating = dict[str, Any]
"""A rating as its JSON line holds it."""

# Faults inside one row: how many rows, and the values that replace the sound ones.
_EDITS: Final[dict[str, tuple[int, Callable[[Row], Row]]]] = {
    "booking_status_unknown": (3, lambda _: {"status": "NO_SHOW", "completed_at": ""}),
    "booking_price_negative": (3, lambda row: {"price": "-" + row["price"]}),
    "booking_price_not_a_number": (2, lambda _: {"price": "gratis"}),
    "booking_price_missing": (4, lambda _: {"price": ""}),
    "booking_currency_other": (3, lambda _: {"currency": "SEK"}),
    "booking_workshop_unknown": (2, lambda _: {"workshop_id": "999"}),
    "booking_service_unknown": (3, lambda _: {"service_id": "99999"}),
    "booking_start_time_missing": (3, lambda _: {"start_time": ""}),
    "booking_start_time_impossible": (2, lambda _: {"start_time": "2026-02-30T10:00:00Z"}),
}
_LINES: Final = {
    "booking_utf8_broken": 2,
    "booking_too_many_fields": 2,
    "booking_duplicate_row": 5,
    "booking_key_twice": 4,
}
_RATINGS: Final = {
    "rating_zero": 2,
    "rating_six": 2,
    "rating_booking_unknown": 3,
    "rating_json_broken": 2,
    "rating_duplicate_row": 2,
    "rating_key_twice": 5,
}
_UPDATES: Final = {"confirm": 12, "complete": 12, "cancel": 5, "reprice": 8}

QUIRKS: Final[dict[str, int]] = {
    **{name: count for name, (count, _) in _EDITS.items()},
    **_LINES,
    "booking_update": sum(_UPDATES.values()),
    **_RATINGS,
}
"""Name of each quirk to the number of lines that have it."""


def format_line(values: Iterable[str]) -> bytes:
    """One CSV line, UTF-8, quoted where RFC 4180 needs it, ended by LF."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def pick_targets(rng: random.Random, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Choose completed bookings to spoil, a different one for each fault: quirk name to its rows."""
    counts = {**{name: count for name, (count, _) in _EDITS.items()}, **_LINES}
    sound = [row for row in rows if row["status"] == "COMPLETED" and row["price"] != "0.00"]
    chosen = iter(rng.sample(sound, sum(counts.values())))
    return {name: [next(chosen) for _ in range(count)] for name, count in counts.items()}


def write_months(rows: Sequence[Row], targets: dict[str, list[Row]]) -> dict[str, bytes]:
    """Render bookings by UTC month of start, `YYYY-MM` to CSV lines without header, and put the faults in."""
    months: dict[str, list[bytes]] = {}
    home = {row["id"]: row["start_time"][:7] for row in rows}
    for name, (_, edit) in _EDITS.items():
        for row in targets[name]:
            row.update(edit(row))
    broken = {row["id"] for row in targets["booking_utf8_broken"]}
    overlong = {row["id"] for row in targets["booking_too_many_fields"]}
    older = {row["id"]: number for number, row in enumerate(targets["booking_key_twice"])}
    late: list[tuple[str, bytes]] = []
    for row in rows:
        month = months.setdefault(home[row["id"]], [])
        if row["id"] in broken:
            month.append(_break_utf8(row))
        elif row["id"] in overlong:
            month.append(_overflow(row))
        elif row["id"] in older:
            # The older version stands before the newer one, or far behind it: order in a file proves nothing.
            if older[row["id"]] % 2 == 0:
                month.append(format_line(_older_version(row).values()))
            else:
                late.append((home[row["id"]], format_line(_older_version(row).values())))
            month.append(format_line(row.values()))
        else:
            month.append(format_line(row.values()))
    last = max(months)
    for number, row in enumerate(targets["booking_duplicate_row"]):
        # Some duplicates come in the file of another month, as when an export ran twice.
        late.append((last if number % 2 else home[row["id"]], format_line(row.values())))
    for month_name, line in late:
        months[month_name].append(line)
    return {name: b"".join(lines) for name, lines in sorted(months.items())}


def _break_utf8(row: Row) -> bytes:
    line = format_line({**row, "notes": "Kunden ønsker lånebil"}.values())
    return line.replace("ø".encode(), "ø".encode("latin-1"), 1)


def _overflow(row: Row) -> bytes:
    """A note whose comma was never quoted: one field too many."""
    line = format_line({**row, "notes": "@@"}.values())
    return line.replace(b"@@", b"Bytte av klosser, kunden venter", 1)


def _older_version(row: Row) -> Row:
    return {**row, "status": "CONFIRMED", "completed_at": "", "updated_at": row["created_at"]}


def build_updates(rng: random.Random, rows: Sequence[Row], as_of: str) -> list[Row]:
    """Later versions of sound bookings, changed after the export at as_of (UTC text)."""
    pending = [row for row in rows if row["status"] == "PENDING" and row["start_time"] > as_of]
    confirmed = sorted(
        (row for row in rows if row["status"] == "CONFIRMED" and row["start_time"] > as_of),
        key=lambda row: (row["start_time"], row["id"]),
    )
    done = [row for row in rows if row["status"] == "COMPLETED" and row["price"] != "0.00"]
    complete, rest = confirmed[: _UPDATES["complete"]], confirmed[_UPDATES["complete"] :]
    later = as_of[:11] + "09:30:00Z"
    updates = [
        {**row, "status": "CONFIRMED", "updated_at": later}
        for row in rng.sample(pending, _UPDATES["confirm"])
    ]
    updates += [
        {
            **row,
            "status": "COMPLETED",
            "completed_at": row["end_time"],
            "updated_at": row["end_time"],
        }
        for row in complete
    ]
    updates += [
        {
            **row,
            "status": "CANCELLED",
            "cancelled_at": later,
            "cancellation_reason": "Ikke møtt",
            "updated_at": later,
        }
        for row in rng.sample(rest, _UPDATES["cancel"])
    ]
    updates += [
        {**row, "price": f"{int(row['price'][:-3])}.75", "updated_at": later}
        for row in rng.sample(done, _UPDATES["reprice"])
    ]
    return updates


def write_ratings(rng: random.Random, ratings: Sequence[Rating], unknown_booking: int) -> bytes:
    """Render ratings, one JSON object a line, faults put in; unknown_booking and higher ids are free."""
    chosen = iter(rng.sample(range(len(ratings)), sum(_RATINGS.values())))
    at = {name: [next(chosen) for _ in range(count)] for name, count in _RATINGS.items()}
    spoiled = [dict(rating) for rating in ratings]
    for index in at["rating_zero"]:
        spoiled[index]["service_rating"] = 0
    for index in at["rating_six"]:
        spoiled[index]["service_rating"] = 6
    for number, index in enumerate(at["rating_booking_unknown"]):
        spoiled[index]["booking_id"] = unknown_booking + number
    lines = [json.dumps(rating, ensure_ascii=False) for rating in spoiled]
    for index in at["rating_json_broken"]:
        lines[index] = lines[index][: len(lines[index]) // 2]
    lines += [lines[index] for index in at["rating_duplicate_row"]]
    for index in at["rating_key_twice"]:
        # The earlier version comes last: only updated_at tells which one holds.
        rating = spoiled[index]
        first = 1 if rating["service_rating"] != 1 else 5
        lines.append(json.dumps({**rating, "service_rating": first}, ensure_ascii=False))
        rating["updated_at"] = rating["updated_at"][:-3] + "59Z"
        lines[index] = json.dumps(rating, ensure_ascii=False)
    return "".join(line + "\n" for line in lines).encode()
