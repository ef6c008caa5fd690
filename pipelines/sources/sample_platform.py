"""The made-up platform behind the sample data: workshops with services and customers, visits, ratings."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipelines.sources import sample_text as text
from pipelines.sources.sample_quirks import Rating, Row

BOOKING_COLUMNS: Final = (
    *("id", "group_id", "workshop_id", "service_id", "customer_id", "customer_name", "registration_number"),
    *("status", "start_time", "end_time", "completed_at", "cancelled_at", "cancellation_reason"),
    *("price", "currency", "walk_in", "notes", "created_at", "updated_at"),
)
_BIGGEST, _ABROAD, _IDLE = 0, 1, 2  # places in the list of workshops
_CLOSED: Final = {(1, 1), (5, 1), (5, 17), (12, 24), (12, 25), (12, 26), (12, 31)}
# Visits by month, January first: wheels are changed in spring and autumn.
_SEASON: Final = (0.9, 0.9, 1.0, 1.35, 1.1, 1.0, 0.5, 0.9, 1.0, 1.4, 1.3, 0.7)
_SCALE: Final = (5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """The local days bookings start on, both inclusive, and the instant of the export."""

    first: date
    last: date
    as_of: datetime

    def days(self) -> Iterator[date]:
        """Every day from first to last."""
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class Service:
    """A service of one workshop; price in hundredths of the workshop's currency."""

    id: int
    text: text.ServiceText
    price_cents: int
    created: datetime
    paused: datetime | None
    deleted: datetime | None

    def is_offered(self, at: datetime) -> bool:
        """Whether a visit starting then may hold the service; a visit is booked up to 30 days ahead."""
        end = self.deleted or self.paused
        return self.created <= at - timedelta(days=30) and (end is None or at < end)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of one workshop and the car that comes."""

    id: int
    name: str
    plate: str


@dataclass(frozen=True, slots=True)
class Workshop:
    """A workshop with what it offers and who comes."""

    id: int
    place: int
    text: text.WorkshopText
    opened: datetime
    services: list[Service] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)

    def localize(self, day: date, clock: time) -> datetime:
        """The UTC instant of a local day and time."""
        return datetime.combine(day, clock, tzinfo=ZoneInfo(self.text.time_zone)).astimezone(UTC)


def span_period(until: date, years: int) -> Period:
    """The years up to and including until; the export is taken 14 days before the end, at 02:00 UTC."""
    after = until + timedelta(days=1)
    day = 28 if (after.month, after.day) == (2, 29) else after.day
    as_of = datetime.combine(until - timedelta(days=14), time(2), tzinfo=UTC)
    return Period(after.replace(year=after.year - years, day=day), until, as_of)


def open_workshops(rng: random.Random, count: int, period: Period) -> list[Workshop]:
    """The first count workshops, with services and customers."""
    shops = []
    customer_id = 30_001
    for place in range(count):
        kind = text.WORKSHOPS[place % len(text.WORKSHOPS)]
        if place >= len(text.WORKSHOPS):
            branch = f"{kind.name}, avd. {place // len(text.WORKSHOPS) + 1}"
            kind = text.WorkshopText(f"9{place:08}", branch, "Europe/Oslo", "NOK", 1.0 + place % 5)
        opened = datetime.combine(period.first, time(9, 30), tzinfo=UTC)
        opened -= timedelta(days=rng.randint(400, 2800))
        if place == _IDLE:
            opened = period.as_of - timedelta(days=40)
        shop = Workshop(101 + place, place, kind, opened)
        shop.services.extend(_offer(rng, shop, period))
        size = 0 if place == _IDLE else 20 + int(kind.visits_per_day * 150)
        shop.customers.extend(_meet(rng, customer_id + number) for number in range(size))
        customer_id += size
        shops.append(shop)
    return shops


def _offer(rng: random.Random, shop: Workshop, period: Period) -> Iterator[Service]:
    """The services of one workshop: two are deleted on the way, two paused, two newer than the rest."""
    begin = datetime.combine(period.first, time(10), tzinfo=UTC)
    level = rng.uniform(0.85, 1.25)
    for number, ware in enumerate(rng.sample(text.SERVICES, rng.randint(14, 20))):
        created = shop.opened + timedelta(days=rng.randint(0, 30), minutes=rng.randint(0, 400))
        changed = begin + timedelta(days=rng.randint(120, 340), minutes=rng.randint(0, 600))
        paused = deleted = None
        if shop.place != _IDLE:
            deleted = changed if number in {0, 1} else None
            paused = changed if number in {2, 3} else None
            created = changed if number in {10, 11} else created
        cents = round(ware.price_ore * level / 1000) * 1000 + ware.price_ore % 1000
        if shop.text.currency != "NOK":
            cents //= 10
        # Room for 100 services keeps the ids of one workshop together.
        yield Service(2001 + shop.place * 100 + number, ware, cents, created, paused, deleted)


def _meet(rng: random.Random, number: int) -> Customer:
    name = f"{rng.choice(text.FIRST_NAMES)} {rng.choice(text.LAST_NAMES)}"
    if rng.random() < 0.14:
        name = rng.choice(text.OTHER_NAMES)
    plate = f"{rng.choice(text.PLATE_LETTERS)}{rng.randint(10_000, 99_999)}"
    if rng.random() < 0.03:
        plate = rng.choice(text.FOREIGN_PLATES)
    return Customer(number, name, plate)


def book(
    rng: random.Random, shops: Iterable[Workshop], period: Period
) -> tuple[list[list[Row]], list[list[Row]]]:
    """All visits, each the list of its bookings: the ordinary ones, and those at the edges of local days."""
    ordinary: list[list[Row]] = []
    edge: list[list[Row]] = []
    for shop in shops:
        if shop.place == _IDLE:
            continue
        ordinary += [_visit(rng, shop, start, period.as_of) for start in _working_starts(rng, shop, period)]
        edge += [_visit(rng, shop, start, period.as_of) for start in _midnight_starts(shop, period)]
        edge += [_visit(rng, shop, start, period.as_of) for start in _clock_change_starts(shop, period)]
    _number(ordinary + edge)
    return ordinary, edge


def _working_starts(rng: random.Random, shop: Workshop, period: Period) -> Iterator[datetime]:
    for day in period.days():
        saturday = day.weekday() == 5
        closed = day.weekday() == 6 or (saturday and shop.place != _BIGGEST)
        if closed or (day.month, day.day) in _CLOSED:
            continue
        mean = shop.text.visits_per_day * _SEASON[day.month - 1] * (0.4 if saturday else 1)
        for _ in range(int(mean * rng.uniform(0.6, 1.4) + rng.random())):
            yield shop.localize(day, time(rng.randint(7, 15), rng.choice((0, 15, 30, 45))))


def _midnight_starts(shop: Workshop, period: Period) -> Iterator[datetime]:
    """Around each first of a month: the UTC day, month or year is not the local one."""
    # After Oslo's midnight UTC is still on the day before; before New York's it is on the next one already.
    seconds = {_BIGGEST: (-1800, -1, 0, 900, 3540), _ABROAD: (-12_600, -1800)}.get(shop.place, ())
    for day in period.days():
        if day.day == 1 and day > period.first:
            midnight = shop.localize(day, time(0))
            yield from (midnight + timedelta(seconds=step) for step in seconds)


def _clock_change_starts(shop: Workshop, period: Period) -> Iterator[datetime]:
    """Both Sundays a year on which Europe's clocks change, at 01:00 UTC."""
    for day in period.days():
        last_sunday = day.weekday() == 6 and day.day >= 25
        if shop.place == _BIGGEST and last_sunday and day.month in {3, 10}:
            change = datetime.combine(day, time(1), tzinfo=UTC)
            yield from (change + timedelta(minutes=step) for step in (-90, -30, 0, 30, 90, 600))
            yield shop.localize(day, time(0))
            yield shop.localize(day, time(23, 59))


def _visit(rng: random.Random, shop: Workshop, start: datetime, as_of: datetime) -> list[Row]:
    """The bookings of one visit, one after the other; they share customer, fate and time of booking."""
    customer = rng.choice(shop.customers)
    offered = [service for service in shop.services if service.is_offered(start)]
    chosen = rng.sample(offered, rng.choices((1, 2, 3, 4), (65, 22, 9, 4))[0])
    walk_in = start < as_of and rng.random() < 0.12
    ahead = timedelta(minutes=rng.randint(2, 20) if walk_in else rng.randint(120, 30_000))
    created = min(start - ahead, as_of - timedelta(minutes=rng.randint(30, 6_000)))
    past = start + timedelta(minutes=sum(service.text.minutes for service in chosen) + 120) < as_of
    fates = ("COMPLETED", "CANCELLED", "CONFIRMED", "PENDING")
    fate = rng.choices(fates, (87, 10, 2, 1) if past else (0, 8, 64, 28))[0]
    rows = []
    for service in chosen:
        end = start + timedelta(minutes=service.text.minutes)
        status = "CANCELLED" if fate == "COMPLETED" and rng.random() < 0.02 else fate
        history = _settle(rng, status, created, min(start, as_of), end)
        cells = (
            *("", "", str(shop.id), str(service.id), str(customer.id), customer.name, customer.plate, status),
            *(format_instant(start), format_instant(end), *history[:3]),
            *(format_price(_charge(rng, service)), shop.text.currency, "true" if walk_in else "false"),
            *(_note(rng), format_instant(created), history[3]),
        )
        rows.append(dict(zip(BOOKING_COLUMNS, cells, strict=True)))
        start = end
    return rows


def _settle(
    rng: random.Random, status: str, created: datetime, before: datetime, end: datetime
) -> tuple[str, str, str, str]:
    """completed_at, cancelled_at, cancellation_reason and updated_at of a booking made before `before`."""
    if status == "COMPLETED":
        completed = format_instant(end + timedelta(minutes=rng.randint(-10, 90)))
        return completed, "", "", completed
    moved = format_instant(created + (before - created) * rng.random())
    if status == "CANCELLED":
        reason = rng.choice(text.CANCELLATION_REASONS) if rng.random() < 0.8 else ""
        return "", moved, reason, moved
    return "", "", "", moved if status == "CONFIRMED" else format_instant(created)


def _charge(rng: random.Random, service: Service) -> int:
    """Price in hundredths: mostly the list price, at times a rebate, extra parts, or nothing (warranty)."""
    luck = rng.random()
    if luck < 0.01:
        return 0
    if luck < 0.12:
        return service.price_cents * 9 // 10
    if luck < 0.25:
        return service.price_cents + rng.randint(1, 40) * 1250
    return service.price_cents


def _note(rng: random.Random) -> str:
    luck = rng.random()
    if luck < 0.4:
        return ""
    if luck < 0.43:
        return rng.choice(text.ODD_NOTES)
    if luck < 0.6:
        return rng.choice(text.JOBS)
    return f"{rng.choice(text.JOBS)}, {rng.choice(text.REMARKS)}"


def _number(visits: Sequence[list[Row]]) -> None:
    """Give bookings and groups their ids, counted up in the order they were made."""
    booking_id = 1_000_001
    for number, visit in enumerate(sorted(visits, key=lambda visit: visit[0]["created_at"])):
        for row in visit:
            row["id"] = str(booking_id)
            row["group_id"] = f"g-{100_001 + number}"
            booking_id += 1


def rate(rng: random.Random, rows: Iterable[Row], as_of: datetime) -> list[Rating]:
    """Ratings of about a third of the completed bookings, written before as_of."""
    ratings: list[Rating] = []
    for row in rows:
        if row["status"] != "COMPLETED" or rng.random() > 0.36:
            continue
        created = datetime.fromisoformat(row["completed_at"]) + timedelta(minutes=rng.randint(20, 12_000))
        if created < as_of:
            message = rng.choice(text.RATING_MESSAGES) if rng.random() < 0.55 else None
            ratings.append(
                {
                    "id": 500_001 + len(ratings),
                    "booking_id": int(row["id"]),
                    "service_rating": rng.choices(_SCALE, (50, 14, 16, 6, 6, 2, 3, 1, 2))[0],
                    "service_rating_message": message,
                    "private_service_rating": rng.random() < 0.15,
                    "created_at": format_instant(created),
                    "updated_at": format_instant(created),
                }
            )
    return ratings


def format_price(cents: int) -> str:
    """Hundredths as text with two decimals."""
    return f"{cents // 100}.{cents % 100:02}"


def format_instant(instant: datetime) -> str:
    """A UTC instant to the second, such as `2026-02-03T08:00:00Z`."""
    return f"{instant:%Y-%m-%dT%H:%M:%S}Z"
