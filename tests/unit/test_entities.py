"""Canonical entities: good rows are loaded, unfit ones set aside with their reason, all are accounted for."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, Row, SmallWarehouse
from warehouse.figures import ratings_by_month

# What is changed in a sound booking, and the reason it is set aside for.
BAD_BOOKINGS: list[tuple[Row, str]] = [
    ({"price": "gratis"}, "price 'gratis' is not DECIMAL(18,2)"),
    ({"price": "-1.00"}, "price -1.00 is negative"),
    ({"price": "1.005"}, "price '1.005' has too many decimals"),
    ({"price": "1" * 90}, "price '" + "1" * 60 + "' is not DECIMAL(18,2)"),
    ({"price": "NaN"}, "price 'NaN' is not DECIMAL(18,2)"),
    ({"workshop_id": "999"}, "workshop 999 is unknown"),
    ({"workshop_id": "103"}, "workshop 103 is unknown"),  # itself set aside: its zone is unknown
    ({"workshop_id": ""}, "workshop_id is missing"),
    ({"service_id": "99999"}, "service 99999 is unknown at workshop 101"),
    ({"service_id": "2101"}, "service 2101 is unknown at workshop 101"),  # another workshop's
    ({"service_id": "2002"}, "service 2002 is unknown at workshop 101"),  # itself set aside
    ({"currency": "SEK"}, "currency SEK is not the workshop's, NOK"),
    ({"status": ""}, "status is missing"),
    ({"start_time": ""}, "start_time is missing"),
    ({"start_time": "2026-02-30T10:00:00Z"}, "start_time '2026-02-30T10:00:00Z' is not TIMESTAMP"),
    ({"start_time": "infinity"}, "start_time 'infinity' is not TIMESTAMP"),
    ({"start_time": "20260-01-15T10:00:00Z"}, "start_time '20260-01-15T10:00:00Z' is not TIMESTAMP"),
    ({"end_time": "later"}, "end_time 'later' is not TIMESTAMP"),
    ({"walk_in": "perhaps"}, "walk_in 'perhaps' is not BOOLEAN"),
    ({"id": ""}, "booking_id is missing"),
]
AT_NEW_YORK: Row = {"workshop_id": "102", "service_id": "", "currency": "USD"}
GOOD_BOOKINGS: list[tuple[Row, str, object]] = [
    ({"price": ""}, "price", None),
    ({"price": "0"}, "price", Decimal("0.00")),
    ({"price": "12.50"}, "price", Decimal("12.50")),
    ({"currency": ""}, "currency", "NOK"),
    ({"service_id": ""}, "service_title", None),
    ({"service_id": "2001"}, "service_title", "Oljeskift"),
    ({"service_id": "2001"}, "categories", "Dekk, Motor"),
    ({"status": "NO_SHOW"}, "outcome", "unknown"),
    ({"status": "COMPLETED"}, "outcome", "done"),
    ({"status": "PENDING"}, "outcome", "active"),
    ({"status": "CONFIRMED"}, "outcome", "active"),
    ({"status": "CANCELLED"}, "outcome", "cancelled"),
    ({"start_time": "2026-01-15T10:00:00+01:00"}, "start_time", datetime.fromisoformat("2026-01-15T09:00")),
    ({"start_time": "2026-01-15 10:00:00"}, "start_time", datetime.fromisoformat("2026-01-15T10:00")),
    ({"start_time": "2026-01-15T23:30:00Z"}, "day", date(2026, 1, 16)),
    ({**AT_NEW_YORK, "start_time": "2026-01-16T04:30:00Z"}, "day", date(2026, 1, 15)),
    ({**AT_NEW_YORK, "start_time": "2026-01-16T05:30:00Z"}, "day", date(2026, 1, 16)),
    ({"registration_number": "1E10"}, "registration_number", "1E10"),
    ({"registration_number": "00481"}, "registration_number", "00481"),
    ({"notes": 'to "linjer"\r\n,og;mer'}, "notes", 'to "linjer"\r\n,og;mer'),
]
BAD_RATINGS: list[tuple[Row, str]] = [
    ({"service_rating": 0}, "rating 0.0 is not 1 to 5"),
    ({"service_rating": 6}, "rating 6.0 is not 1 to 5"),
    ({"service_rating": -3}, "rating -3.0 is not 1 to 5"),
    ({"service_rating": 4.3}, "rating 4.3 is not a whole or half step"),
    ({"service_rating": 4.25}, "rating '4.25' has too many decimals"),
    ({"service_rating": 1000}, "rating '1000' is not DECIMAL(3,1)"),
    ({"service_rating": "fin"}, "rating 'fin' is not DECIMAL(3,1)"),
    ({"service_rating": None}, "rating is missing"),
    ({"created_at": None}, "created_at is missing"),
    ({"booking_id": 7777777}, "booking 7777777 is unknown"),
    ({"booking_id": 1000}, "booking 1000 is unknown"),  # the first unfit booking
    ({"private_service_rating": "secret"}, "is_private 'secret' is not BOOLEAN"),
]
BAD_SERVICES: list[tuple[Row, str]] = [
    ({"id": 2002, "price": "-5.00"}, "price -5.00 is negative"),
    ({"id": 2003, "workshop_id": 999}, "workshop 999 is unknown"),
    ({"id": 2004, "title": None}, "title is missing"),
]
BAD_WORKSHOPS: list[tuple[Row, str]] = [
    ({"id": "103", "time_zone": "Mars/Base"}, "time zone Mars/Base is unknown"),
    ({"id": "104", "name": ""}, "name is missing"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SmallWarehouse:
    """Every row above in one warehouse; bad bookings have the ids from 1000, good ones from 1."""
    warehouse = SmallWarehouse(tmp_path_factory.mktemp("entities"))
    new_york = {**WORKSHOP, "id": "102", "time_zone": "America/New_York", "currency": "USD"}
    bookings: list[Row] = [
        {**BOOKING, "id": str(number), **change} for number, (change, _, _) in enumerate(GOOD_BOOKINGS, 1)
    ]
    bookings += [{**BOOKING, "id": str(n), **change} for n, (change, _) in enumerate(BAD_BOOKINGS, 1000)]
    ratings: list[Row] = [{**RATING, "private_service_rating": None}]
    ratings += [
        {**RATING, "id": number, "booking_id": number - 599, **change}
        for number, (change, _) in enumerate(BAD_RATINGS, 601)
    ]
    warehouse.write_sample(
        workshops=[WORKSHOP, new_york, *({**WORKSHOP, **change} for change, _ in BAD_WORKSHOPS)],
        services=[
            {**SERVICE, "category_ids": [1, 2]},
            {**SERVICE, "id": 2101, "workshop_id": 102},
            *({**SERVICE, **change} for change, _ in BAD_SERVICES),
        ],
        bookings=bookings,
        ratings=ratings,
    )
    warehouse.night()
    return warehouse


def reasons(warehouse: SmallWarehouse, entity: str, key: str) -> dict[str | None, str]:
    rows = warehouse.rows(
        "SELECT content ->> $key, reason FROM quarantine WHERE entity = $entity AND stage = 'entity'",
        key=key,
        entity=entity,
    )
    return dict(rows)


def test_bad_bookings_are_set_aside_with_their_reason(built: SmallWarehouse) -> None:
    expected = {
        str(change.get("id", number)) or None: reason
        for number, (change, reason) in enumerate(BAD_BOOKINGS, 1000)
    }
    assert reasons(built, "bookings", "booking_id") == expected


@pytest.mark.parametrize("number", range(1, len(GOOD_BOOKINGS) + 1))
def test_good_bookings_of_the_same_file_are_loaded(built: SmallWarehouse, number: int) -> None:
    _, column, value = GOOD_BOOKINGS[number - 1]
    rows = built.rows(f'SELECT "{column}" FROM bookings WHERE booking_id = $id', id=str(number))
    assert rows == [(value,)]


def test_bad_ratings_are_set_aside_with_their_reason(built: SmallWarehouse) -> None:
    expected = {str(number): reason for number, (_, reason) in enumerate(BAD_RATINGS, 601)}
    assert reasons(built, "ratings", "rating_id") == expected
    assert built.rows("SELECT rating_id, rating, is_private, workshop_id, day FROM ratings") == [
        ("500001", Decimal("4.5"), False, "101", date(2026, 1, 16))
    ]


def test_bad_services_and_workshops_are_set_aside(built: SmallWarehouse) -> None:
    assert reasons(built, "services", "service_id") == {str(c["id"]): why for c, why in BAD_SERVICES}
    assert reasons(built, "workshops", "workshop_id") == {c["id"]: why for c, why in BAD_WORKSHOPS}
    assert built.rows("SELECT workshop_id FROM workshops ORDER BY 1") == [("101",), ("102",)]
    assert built.rows("SELECT service_id FROM services ORDER BY 1") == [("2001",), ("2101",)]


def test_the_quarantine_tells_where_the_row_stands_and_holds_it_whole(built: SmallWarehouse) -> None:
    [(key, file, row, content)] = built.rows(
        "SELECT key, file, row, content FROM quarantine WHERE reason = 'price -1.00 is negative'"
    )
    assert key == '{"booking_id":"1001"}'
    assert (file, row) == ("bookings/bookings-2026-01.csv", len(GOOD_BOOKINGS) + 2)
    assert '"customer_name":"Kari Åsnes"' in content
    assert '"price":"-1.00"' in content


def test_every_row_is_loaded_a_duplicate_or_quarantined(built: SmallWarehouse) -> None:
    accounts = built.rows(
        "SELECT entity, stage, rows_in, loaded, duplicate, quarantined FROM load_report ORDER BY ALL"
    )
    assert len(accounts) == 12
    for entity, stage, rows_in, loaded, duplicate, quarantined in accounts:
        assert rows_in == loaded + duplicate + quarantined, (entity, stage)
        if stage == "entity":
            assert built.rows(f"SELECT count(*) FROM {entity}") == [(loaded,)]
    total = len(GOOD_BOOKINGS) + len(BAD_BOOKINGS)
    assert ("bookings", "entity", total, len(GOOD_BOOKINGS), 0, len(BAD_BOOKINGS)) in accounts


def test_an_unknown_status_is_kept_and_reported(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(bookings=[{**BOOKING, "status": "NO_SHOW"}, {**BOOKING, "id": "2"}])
    with warehouse.open() as build:
        checks = {check.check.name: check for check in warehouse.build_all(build)["bookings"]}
    assert checks["status_is_known"].broken_rows == 1
    assert checks["status_is_known"].check.severity == "warn"
    assert "NO_SHOW" in checks["status_is_known"].sample[0]
    assert all(check.passed for name, check in checks.items() if name != "status_is_known")


VERSIONS = [
    {**BOOKING, "price": "1.00", "updated_at": "2026-01-01T00:00:00Z"},
    {**BOOKING, "price": "2.00", "updated_at": "2026-01-02T00:00:00Z"},
    {**BOOKING, "price": "3.00", "updated_at": "2026-01-02T01:00:00+02:00"},  # an hour before the second
]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_the_newest_of_several_rows_with_one_key_is_loaded(tmp_path: Path, order: tuple[int, ...]) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(bookings=[])
    for position, version in enumerate(order):
        warehouse.write_bookings(f"bookings/{position}.csv", [VERSIONS[version]])
    warehouse.night()
    assert warehouse.rows("SELECT price FROM bookings") == [(Decimal("2.00"),)]
    assert warehouse.rows(
        "SELECT rows_in, loaded, duplicate FROM load_report WHERE entity = 'bookings' AND stage = 'source'"
    ) == [(3, 1, 2)]


def test_of_equally_new_rows_the_last_one_is_loaded(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(
        bookings=[{**BOOKING, "price": "7.00"}, {**BOOKING, "price": "5.00"}, {**BOOKING, "price": "6.00"}]
    )
    warehouse.night()
    assert warehouse.rows("SELECT price FROM bookings") == [(Decimal("6.00"),)]


def test_sources_with_the_same_ids_never_mix(tmp_path: Path) -> None:
    """Same service, booking and rating ids at different workshops; and both sources claim workshop 101."""
    warehouse = SmallWarehouse(tmp_path)
    warehouse.add_source("other")
    other = {**WORKSHOP, "id": "201", "name": "Annet verksted"}
    claimed = {**WORKSHOP, "name": "Kupp", "updated_at": "2039-01-01T00:00:00Z"}
    warehouse.write_sample()
    warehouse.write_sample(
        source="other",
        workshops=[other, claimed],
        services=[
            {**SERVICE, "workshop_id": 201, "title": "Lakkering"},
            {**SERVICE, "id": 2050, "title": "Smugling"},
        ],
        bookings=[
            {**BOOKING, "workshop_id": "201", "price": "77.00"},
            {**BOOKING, "id": "2", "service_id": "", "price": "5000.00"},
        ],
        ratings=[{**RATING, "service_rating": 1}, {**RATING, "id": 9, "booking_id": 2, "service_rating": 1}],
    )
    warehouse.night()
    assert warehouse.rows("SELECT workshop_id, source, name FROM workshops ORDER BY 1") == [
        ("101", "sample", "Nordre Bilverksted"),
        ("201", "other", "Annet verksted"),
    ]
    assert warehouse.rows("SELECT workshop_id, service_title, price FROM bookings ORDER BY 1") == [
        ("101", "Oljeskift", Decimal("1000.00")),
        ("201", "Lakkering", Decimal("77.00")),
    ]
    assert warehouse.rows("SELECT workshop_id, rating FROM ratings ORDER BY 1") == [
        ("101", Decimal("4.5")),
        ("201", Decimal("1.0")),
    ]
    assert warehouse.rows("SELECT workshop_id, service_id, title FROM services ORDER BY 1") == [
        ("101", "2001", "Oljeskift"),
        ("201", "2001", "Lakkering"),
    ]
    assert set(warehouse.rows("SELECT source, entity, reason FROM quarantine")) == {
        ("other", "workshops", "workshop 101 belongs to the source sample"),
        ("other", "services", "workshop 101 is unknown"),
        ("other", "bookings", "workshop 101 is unknown"),
        ("other", "ratings", "booking 2 is unknown"),
    }


def test_an_instant_that_no_client_can_read_does_not_reach_the_figures(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    far = {**RATING, "id": 2, "booking_id": 2, "created_at": "12026-01-01T00:00:00Z"}
    warehouse.write_sample(bookings=[BOOKING, {**BOOKING, "id": "2"}], ratings=[RATING, far])
    warehouse.night()
    with warehouse.snapshot() as snapshot:
        assert [point.period for point in ratings_by_month(snapshot.figures, "101")] == ["2026-01"]
    assert reasons(warehouse, "ratings", "rating_id") == {
        "2": "created_at '12026-01-01T00:00:00Z' is not TIMESTAMP"
    }


def test_a_row_whose_watermark_cannot_be_read_is_set_aside_and_the_older_one_stays(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    newer = {**BOOKING, "price": "5.00", "updated_at": "it's new"}
    warehouse.write_sample(bookings=[BOOKING, newer])
    warehouse.night()
    assert warehouse.rows("SELECT price FROM bookings") == [(Decimal("1000.00"),)]
    [(reason, stage, row, content)] = warehouse.rows("SELECT reason, stage, row, content FROM quarantine")
    assert (reason, stage, row) == ("the watermark cannot be read", "source", 2)
    assert json.loads(content)["price"] == "5.00"
    accounts = "SELECT rows_in, loaded, duplicate, quarantined FROM load_report"
    assert warehouse.rows(f"{accounts} WHERE entity = 'bookings' AND stage = 'source'") == [(2, 1, 0, 1)]


def test_a_service_that_vanishes_is_deleted_and_its_bookings_stay(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(services=[SERVICE, {**SERVICE, "id": 2777, "title": "Annet"}])
    warehouse.night()
    warehouse.write_sample(services=[{**SERVICE, "id": 2777, "title": "Annet"}])
    warehouse.load("services")
    warehouse.night()
    assert warehouse.rows("SELECT service_id, deleted_at IS NULL FROM services ORDER BY 1") == [
        ("2001", False),
        ("2777", True),
    ]
    assert warehouse.rows("SELECT service_title, price FROM bookings") == [("Oljeskift", Decimal("1000.00"))]
    warehouse.write_sample()
    warehouse.night()
    assert warehouse.rows("SELECT service_id, deleted_at IS NULL FROM services ORDER BY 1") == [
        ("2001", True),
        ("2777", False),
    ]
    accounts = "SELECT rows_in, loaded, duplicate, quarantined FROM load_report"
    assert warehouse.rows(f"{accounts} WHERE entity = 'services' AND stage = 'source'") == [(1, 1, 0, 0)]


def test_a_source_of_which_nothing_was_ever_landed_stops_no_model(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    (tmp_path / "sources" / "sample" / "services.parquet").unlink(missing_ok=True)
    warehouse.night()
    assert warehouse.rows("SELECT count(*) FROM services") == [(0,)]
    assert warehouse.rows(
        "SELECT status FROM load_report WHERE entity = 'services' AND stage = 'source'"
    ) == [("failed",)]
