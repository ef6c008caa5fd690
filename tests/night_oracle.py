"""The figures of a world of nights, worked out in plain Python from what was landed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from tests.night_world import DeliveredLoad, NightWorld, Record
from warehouse.figures import Overview, RatingPoint

_OUTCOMES = {"COMPLETED": "done", "PENDING": "active", "CONFIRMED": "active", "CANCELLED": "cancelled"}
_UNREADABLE = object()


@dataclass
class OracleWorkshop:
    """A workshop and all that counts in its figures."""

    zone: ZoneInfo
    currency: str
    services: dict[str, bool] = field(default_factory=dict)
    """By id, whether it is active and not deleted."""
    bookings: dict[str, tuple[date, str, Decimal | None]] = field(default_factory=dict)
    """By id: day, outcome and price."""
    ratings: dict[str, tuple[date, Decimal]] = field(default_factory=dict)
    """By booking: day and value."""

    def overview(self) -> Overview:
        """Its key figures of all time."""
        done = [price for _, outcome, price in self.bookings.values() if outcome == "done"]
        priced = [price for price in done if price is not None]
        return Overview(
            done=len(done),
            revenue=sum(priced, Decimal("0.00")) if priced or not done else None,
            currency=self.currency,
            services=sum(self.services.values()),
            rating_average=_average([value for _, value in self.ratings.values()]),
            rating_count=len(self.ratings),
        )

    def ratings_by_month(self) -> list[RatingPoint]:
        """Its ratings per month, the months between filled in."""
        months: dict[int, list[Decimal]] = defaultdict(list)
        for day, value in self.ratings.values():
            months[day.year * 12 + day.month - 1].append(value)
        every = range(min(months), max(months) + 1) if months else ()
        return [
            RatingPoint(
                f"{number // 12}-{number % 12 + 1:02}",
                len(months.get(number, [])),
                _average(months.get(number)),
            )
            for number in every
        ]


def work_out(world: NightWorld) -> dict[str, OracleWorkshop]:
    """The workshops by their ids, an id with the first source that has it."""
    shops: dict[tuple[str, str], OracleWorkshop] = {}
    owners: dict[str, str] = {}
    for source in world.sources:
        for row, _ in _present(world, source, "workshops"):
            if row["id"] is None:
                continue
            owner = owners.setdefault(row["id"], source)
            zone = row["time_zone"] or "Europe/Oslo"
            if owner == source and row["name"] is not None and zone in available_timezones():
                shops[source, row["id"]] = OracleWorkshop(ZoneInfo(zone), row["currency"] or "NOK")
    for source in world.sources:
        _add_services(world, source, shops)
        _add_bookings(world, source, shops)
        _add_ratings(world, source, shops)
    return {workshop: shop for (_, workshop), shop in shops.items()}


def _add_services(world: NightWorld, source: str, shops: dict[tuple[str, str], OracleWorkshop]) -> None:
    for row, since in _present(world, source, "services"):
        shop = shops.get((source, str(row["workshop_id"])))
        fit = None not in (row["id"], row["title"], row["is_active"]) and (row["price"] or 0) >= 0
        if shop and fit:
            shop.services[str(row["id"])] = row["is_active"] and not row["deleted_at"] and since is None


def _add_bookings(world: NightWorld, source: str, shops: dict[tuple[str, str], OracleWorkshop]) -> None:
    for row, _ in _present(world, source, "bookings"):
        shop, start, price = (
            shops.get((source, row["workshop_id"])),
            _instant(row["start_time"]),
            _money(row["price"]),
        )
        if shop is None or None in (row["id"], row["status"]) or not isinstance(start, datetime):
            continue
        if row["service_id"] is not None and row["service_id"] not in shop.services:
            continue
        if price is _UNREADABLE or (price or 0) < 0 or (row["currency"] or shop.currency) != shop.currency:
            continue
        day = start.astimezone(shop.zone).date()
        shop.bookings[row["id"]] = (day, _OUTCOMES.get(row["status"], "unknown"), price)


def _add_ratings(world: NightWorld, source: str, shops: dict[tuple[str, str], OracleWorkshop]) -> None:
    for row, _ in _present(world, source, "ratings"):
        given, value = _instant(row["created_at"]), row["service_rating"]
        if None in (row["id"], row["booking_id"], value) or not isinstance(given, datetime):
            continue
        for (owner, _), shop in shops.items():
            if owner == source and row["booking_id"] in shop.bookings:
                number = Decimal(value)
                if 1 <= number <= 5 and number * 2 % 1 == 0:
                    shop.ratings[row["booking_id"]] = (given.astimezone(shop.zone).date(), number)


def _present(world: NightWorld, source: str, entity: str) -> Iterator[tuple[Record, datetime | None]]:
    """The newest row of each key, and of a vanished service the one that went last, with the instant."""
    declared, loads = world.declared(source, entity), world.log[source, entity]
    [key], mark = declared.key, declared.watermark
    gone: dict[Any, DeliveredLoad] = {one: load for load in loads for one in load.deleted}
    live: dict[Any, list[tuple[Any, Record]]] = defaultdict(list)
    past: dict[Any, list[tuple[Any, Record]]] = defaultdict(list)
    for load, file, number, row in _landed(loads):
        instant = _instant(row[mark]) if mark else None
        if instant is _UNREADABLE:
            continue
        newest = (instant is not None, instant or datetime.min.replace(tzinfo=UTC), file, load.number, number)
        later = [o.at for o in loads if not o.changes and o.number > load.number and file in o.files]
        tomb = gone.get(row[key])
        buried = tomb.at if tomb and load.number < tomb.number else None
        since = min((at for at in (*later[:1], buried) if at), default=None)
        if since is None:
            live[row[key]].append((newest, row))
        else:
            past[row[key]].append(((since, newest), row))
    for one, rows in live.items():
        if one is None:
            yield from ((row, None) for _, row in rows)
        else:
            yield max(rows, key=lambda found: found[0])[1], None
    for one, rows in past.items():
        if declared.keep_vanished and one is not None and one not in live:
            (since, _), row = max(rows, key=lambda found: found[0])
            yield row, since


def _landed(loads: list[DeliveredLoad]) -> Iterator[tuple[DeliveredLoad, str, int, Record]]:
    for load in loads:
        for file, rows in load.files.items():
            for number, row in enumerate(rows):
                yield load, file, number, row


def _instant(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return _UNREADABLE


def _money(value: str | None) -> Any:
    """An amount with at most two decimals."""
    if value is None:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return _UNREADABLE
    return amount if amount == amount.quantize(Decimal("0.01")) else _UNREADABLE


def _average(values: list[Decimal] | None) -> Decimal | None:
    if not values:
        return None
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal("0.01"), ROUND_HALF_UP)
