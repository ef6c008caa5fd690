"""Events, participants, applications, invoices and payments: of PlanDocket's one tenant, and of files."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.rest import EntityPages
from pipelines.sources.rest_client import Patience
from tests.event_books import FILES
from tests.night_world import following, rows_built_whole, served_rows
from tests.plandocket_server import PlanDocketServer
from tests.small_warehouse import ROOT, SmallWarehouse, csv_text
from warehouse.erasure import LandingErasure
from warehouse.erasures import Erasure
from warehouse.landing import Days, Verdict
from warehouse.models import load_models
from warehouse.owners import check_ownership, unclaimed
from warehouse.sources import RestSource, SourceConfigError, load_sources

QUICK = Patience(tries=2, first_wait=0.01, timeout=60)
AT = "2026-02-03T10:00:00+01:00"
NINE = datetime.fromisoformat("2026-02-03T09:00:00")
EVENT = {
    "id": 1,
    "event_key": "messe",
    "title": "Messe",
    "country": "DE",
    "city": None,
    "date_from": "2026-03-01",
    "date_to": "2026-03-02",
    "is_visible": True,
}
PARTICIPANT = {
    "id": 1,
    "event_id": 1,
    "contact_id": 7,
    "is_confirmed": True,
    "created_at": AT,
    "updated_at": AT,
}
APPLICATION = {
    "id": 1,
    "company_name": "A & B",
    "first_name": "Ann",
    "last_name": "Berg",
    "email": "ann@example.org",
    "country": "DE",
    "rating": 4,
    "events": [{"id": 1, "event_key": "messe"}],
    "created_at": AT,
    "updated_at": AT,
}
INVOICE = {
    "id": 1,
    "invoice_number": "R-1",
    "invoice_type": "invoice",
    "related_invoice_id": None,
    "status": "sent",
    "event_participant_id": 1,
    "total": 100.5,
    "currency": "EUR",
    "paid_amount": 40.0,
    "open_amount": 60.5,
    "due_date": None,
    "is_locked": True,
    "notes": "ring Ann",
    "created_at": AT,
    "updated_at": AT,
}
PAYMENT = {
    "id": 1,
    "invoice_id": 1,
    "amount": 40.0,
    "currency": "EUR",
    "gateway_key": "stripe",
    "gateway_name": "Stripe",
    "transaction_id": "tx",
    "gateway_fee": 1.2,
    "net_amount": 38.8,
    "status": "completed",
    "payment_date": None,
    "notes": None,
    "created_at": AT,
    "updated_at": AT,
}


@dataclass
class TenantWarehouse(SmallWarehouse):
    """A warehouse whose one source is PlanDocket."""

    def load(self, entity: str, days: Days | None = None, source: str = "plandocket") -> Verdict:
        declared = self.sources[source]
        assert isinstance(declared, RestSource)
        secrets = self.root / "secrets.toml"
        return EntityPages(self.landing, source, declared, entity, secrets, patience=QUICK).load(days)


@pytest.fixture
def server() -> Iterator[PlanDocketServer]:
    with PlanDocketServer() as running:
        running.rows = {
            "events": [dict(EVENT)],
            "participants": [dict(PARTICIPANT)],
            "applications": [dict(APPLICATION)],
            "invoices": [dict(INVOICE)],
            "payments": [dict(PAYMENT)],
        }
        yield running


@pytest.fixture
def warehouse(server: PlanDocketServer, tmp_path: Path) -> TenantWarehouse:
    server.write_secrets(tmp_path / "secrets.toml")
    declared = load_sources(ROOT / "sources.toml", ["plandocket"])["plandocket"]
    changes = {"url": server.url, "requests_per_second": 5000}
    return TenantWarehouse(tmp_path, {"plandocket": declared.model_copy(update=changes)})


def test_all_rows_are_the_tenants(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    warehouse.night()
    assert warehouse.rows("select workshop_id, name, time_zone, currency from workshops") == [
        ("plandocket", "PlanDocket", "Europe/Berlin", "EUR")
    ]
    for table in ("events", "participants", "applications", "application_events", "invoices", "payments"):
        assert warehouse.rows(f"select workshop_id from {table}") == [("plandocket",)], table
    assert warehouse.rows("select event_id, invoiced, paid, open, day from invoices") == [
        ("1", Decimal("100.50"), Decimal("40.00"), Decimal("60.50"), date(2026, 2, 3))
    ]
    assert warehouse.rows("select event_id, amount, fee, net, day from payments") == [
        ("1", Decimal("40.00"), Decimal("1.20"), Decimal("38.80"), date(2026, 2, 3))
    ]
    [asked] = server.calls("/api/v1/applications")
    assert "include=events" in asked.target


def test_a_tenant_without_events_is_not_there_yet(
    server: PlanDocketServer, warehouse: TenantWarehouse
) -> None:
    server.rows = {name: [] for name in server.rows}
    warehouse.night()
    assert warehouse.rows("select * from workshops") == []


def test_an_application_names_several_events(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    server.rows["events"].append({**EVENT, "id": 2, "event_key": "herbst"})
    server.rows["applications"] = [
        {**APPLICATION, "id": 1, "events": [{"id": 1}, {"id": 2}]},
        {**APPLICATION, "id": 2, "events": []},
        {**APPLICATION, "id": 3, "events": None},
        {**APPLICATION, "id": 4, "events": [{"id": 2}, {"id": 9}]},
    ]
    warehouse.night()
    assert warehouse.rows("select application_id, event_id from application_events order by all") == [
        ("1", "1"),
        ("1", "2"),
        ("4", "2"),
    ]
    assert warehouse.rows("select reason from quarantine") == [("event 9 is unknown at workshop plandocket",)]


def test_instants_are_unix_seconds_or_iso_8601(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    told = [
        1770109200,
        "1770109200",
        "2026-02-03T10:00:00+01:00",
        "2026-02-03T09:00:00.000000Z",
        "2026-02-03 09:00:00",
    ]
    for rows in server.rows.values():
        rows[:] = [
            {**rows[0], "id": number, "created_at": instant, "updated_at": instant}
            for number, instant in enumerate(told, 1)
        ]
    warehouse.night()
    for table in ("participants", "applications", "invoices", "payments"):
        found = warehouse.rows(f"select created_at, updated_at from {table}")
        assert found == [(NINE, NINE)] * len(told), table


def test_a_payment_counts_on_its_local_day(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    days: dict[str | int | None, date] = {
        None: date(2026, 2, 3),
        "2026-02-28": date(2026, 2, 28),
        "2026-02-28T23:30:00Z": date(2026, 3, 1),
        1772321400: date(2026, 3, 1),
        "2026-02-28T22:59:59Z": date(2026, 2, 28),
    }
    server.rows["payments"] = [
        {**PAYMENT, "id": number, "payment_date": told} for number, told in enumerate(days)
    ]
    warehouse.night()
    assert warehouse.rows("select day from payments order by payment_id") == [(day,) for day in days.values()]


COUNTED: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({}, ("100.50", "40.00", "60.50")),
    ({"status": "draft"}, ("0.00", "0.00", "0.00")),
    ({"status": "Cancelled"}, ("0.00", "0.00", "0.00")),
    ({"status": "Partially Paid"}, ("100.50", "40.00", "60.50")),
    ({"invoice_type": "credit_note"}, ("-100.50", "-40.00", "-60.50")),
    (
        {"invoice_type": "credit_note", "total": -100.5, "paid_amount": -40, "open_amount": -60.5},
        ("-100.50", "-40.00", "-60.50"),
    ),
    ({"open_amount": None}, ("100.50", "40.00", "60.50")),
    ({"paid_amount": 110.5, "open_amount": -10}, ("100.50", "110.50", "-10.00")),
    ({"paid_amount": None, "open_amount": None}, ("100.50", "0.00", "100.50")),
    ({"total": 0.1 + 0.2}, ("0.30", "40.00", "60.50")),
]


def test_what_an_invoice_counts(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    server.rows["invoices"] = [
        {**INVOICE, "id": 100 + number, **change} for number, (change, _) in enumerate(COUNTED)
    ]
    warehouse.night()
    counted = warehouse.rows("select invoiced, paid, open from invoices order by invoice_id")
    assert counted == [tuple(map(Decimal, sums)) for _, sums in COUNTED]


UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("events", {"event_key": None}, "event_key is missing"),
    ("events", {"date_to": "2026-02-01"}, "last day 2026-02-01 is before the first, 2026-03-01"),
    ("participants", {"event_id": 5}, "event 5 is unknown at workshop plandocket"),
    ("participants", {"is_confirmed": "maybe"}, "is_confirmed 'maybe' is not BOOLEAN"),
    ("applications", {"rating": 6}, "rating 6 is not 1 to 5"),
    ("applications", {"rating": 4.5}, "rating '4.5' has too many decimals"),
    ("applications", {"created_at": "soon"}, "created_at 'soon' is not TIMESTAMP"),
    ("invoices", {"total": None}, "total is missing"),
    ("invoices", {"total": 1.005}, "total '1.005' has too many decimals"),
    ("invoices", {"total": -3}, "an invoice of a negative sum, -3.00"),
    ("invoices", {"currency": "euro"}, "currency euro is no ISO 4217 code"),
    ("invoices", {"invoice_type": "proforma"}, "invoice type proforma is neither invoice nor credit_note"),
    ("payments", {"amount": 0}, "amount 0.00 is not positive"),
    ("payments", {"gateway_fee": -1}, "fee -1.00 is negative"),
    ("payments", {"invoice_id": 8}, "invoice 8 is unknown at workshop plandocket"),
    ("payments", {"payment_date": "soon"}, "paid_day 'soon' is not DATE"),
]


def test_what_is_unfit_is_set_aside(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    for number, (resource, change, _) in enumerate(UNFIT, 100):
        server.rows[resource].append({**server.rows[resource][0], "id": number, **change})
    warehouse.night()
    told = warehouse.rows("select entity, reason from quarantine where entity <> 'application_events'")
    assert sorted(told) == sorted((resource, reason) for resource, _, reason in UNFIT)
    for resource in server.rows:
        assert warehouse.rows(f"select count(*) from {resource}") == [(1,)]


def test_a_payment_without_a_currency_or_a_status_has_the_invoices_and_is_completed(
    server: PlanDocketServer, warehouse: TenantWarehouse
) -> None:
    server.rows["invoices"] = [{**INVOICE, "currency": None}, {**INVOICE, "id": 2, "currency": "CHF"}]
    server.rows["payments"] = [
        {**PAYMENT, "id": number, "invoice_id": number, "currency": None, "status": None} for number in (1, 2)
    ]
    warehouse.night()
    assert warehouse.rows("select status from payments") == [("completed",)] * 2
    for table, key in (("invoices", "invoice_id"), ("payments", "payment_id")):
        assert warehouse.rows(f"select {key}, currency from {table} order by 1") == [
            ("1", "EUR"),
            ("2", "CHF"),
        ]


def test_an_invoice_of_a_removed_participant_keeps_its_event(
    server: PlanDocketServer, warehouse: TenantWarehouse
) -> None:
    warehouse.night()
    server.rows["participants"] = [{**PARTICIPANT, "id": 2}]
    server.rows["invoices"].append({**INVOICE, "id": 2, "event_participant_id": 77})
    warehouse.night()
    assert warehouse.rows("select participant_id, deleted_at is null from participants order by 1") == [
        ("1", False),
        ("2", True),
    ]
    assert warehouse.rows("select invoice_id, event_id from invoices order by 1") == [("1", "1"), ("2", None)]
    [broken] = warehouse.rows(
        "select broken_rows from check_report where check_name = 'participant_is_known'"
    )
    assert broken == (1,)


def test_a_locked_invoice_that_is_gone_is_told(server: PlanDocketServer, warehouse: TenantWarehouse) -> None:
    server.rows["invoices"].append({**INVOICE, "id": 2, "is_locked": False})
    server.rows["invoices"].append({**INVOICE, "id": 3})
    warehouse.night()
    del server.rows["invoices"][1:]
    warehouse.night()
    assert warehouse.rows("select invoice_id, counts, invoiced from invoices order by 1") == [
        ("1", True, Decimal("100.50")),
        ("2", False, Decimal("0.00")),
        ("3", False, Decimal("0.00")),
    ]
    assert warehouse.rows("select broken_rows from check_report where check_name = 'locked_stays'") == [(1,)]


def erasure_of(workshop: str, customer: str | None = None) -> Erasure:
    return Erasure(
        number=1,
        kind="customer" if customer else "workshop",
        workshop_id=workshop,
        customer_id=customer,
        sources=("plandocket",),
        asked_at=datetime.now(UTC),
    )


def test_erasing_the_tenant_leaves_nothing_of_it(warehouse: TenantWarehouse) -> None:
    warehouse.night()
    erasing = LandingErasure(warehouse.landing, warehouse.sources)
    assert erasing.find(erasure_of("another")).rows == {}
    counts = {f"plandocket.{name}": 1 for name in warehouse.sources["plandocket"].entities}
    assert erasing.find(erasure_of("plandocket")).rows == counts
    erasing.erase(erasure_of("plandocket"))
    with warehouse.open() as build:
        for entity in warehouse.sources["plandocket"].entities:
            assert build.create_raw("plandocket", entity) == 0
        for model in warehouse.models:
            build.build_model(model)
        assert build.connection.execute("select count(*) from workshops").fetchall() == [(0,)]
        assert build.connection.execute("select count(*) from payments").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("customer", "left"),
    [("7", (None, "ann@example.org", None, None)), ("ann@example.org", ("7", None, "ring Ann", "tx"))],
)
def test_erasing_a_customer_empties_what_tells_of_them(
    warehouse: TenantWarehouse, customer: str, left: tuple[str | None, ...]
) -> None:
    warehouse.night()
    erasing = LandingErasure(warehouse.landing, warehouse.sources)
    erasure = erasure_of("plandocket", customer)
    erasing.find(erasure)
    erasing.erase(erasure)
    with warehouse.open() as build:
        for entity in warehouse.sources["plandocket"].entities:
            build.create_raw("plandocket", entity)
        for model in warehouse.models:
            build.build_model(model)

        def one(sql: str) -> Any:
            [(value,)] = build.connection.execute(sql).fetchall()
            return value

        found = (
            one("select contact_id from participants"),
            one("select email from applications"),
            one("select notes from raw_plandocket__invoices"),
            one("select transaction_id from payments"),
        )
        assert found == left
        assert one("select sum(invoiced) from invoices") == Decimal("100.50")


def test_what_a_source_with_a_tenant_declares(tmp_path: Path) -> None:
    for name in ("plandocket", "events"):
        sources = load_sources(ROOT / "sources.toml", [name])
        assert unclaimed(sources[name]) == []
        check_ownership(sources)
    config = tmp_path / "sources.toml"
    config.write_text(
        '[desk]\npath = "./desk"\ntime_zone = "Europe/Berlin"\ntenant = { id = "1", name = "One" }\n'
        '[desk.entities.jobs]\nfiles = "*.csv"\nformat = "csv"\nkey = ["id"]\ncolumns = ["id", "site"]\n'
        'workshop = "site"\n'
    )
    sources = load_sources(config, ["desk"])
    assert sources["desk"].place == str(tmp_path / "desk"), "a path from ./ on begins at the declaring file"
    with pytest.raises(
        SourceConfigError, match=r"desk: entities\.jobs: all rows are the tenant's: leave workshop"
    ):
        check_ownership(sources)


@pytest.fixture
def sample(tmp_path: Path) -> SmallWarehouse:
    """The sample of events, whose files the test may change."""
    declared = load_sources(ROOT / "sources.toml", ["events"])["events"]
    shutil.copytree(FILES, tmp_path / "sources" / "events")
    return SmallWarehouse(tmp_path, {"events": declared.model_copy(update={"path": "events"})})


def test_following_changes_gives_what_building_whole_gives(sample: SmallWarehouse) -> None:
    with following() as counts:
        sample.night()
        assert served_rows(sample) == rows_built_whole(sample)
        counts.clear()
        invoices = [json.loads(line) for line in (FILES / "invoices.ndjson").read_text().splitlines()]
        invoices[4] |= {"status": "cancelled"}
        invoices[9] |= {"event_participant_id": 31}
        del invoices[12]
        sample.write("invoices.ndjson", "".join(json.dumps(row) + "\n" for row in invoices), "events")
        participants = (FILES / "participants.csv").read_text().splitlines()
        del participants[3]
        participants[5] = participants[5].replace(",1,706,", ",2,706,")
        sample.write("participants.csv", "\n".join([*participants, ""]), "events")
        sample.night()
        assert served_rows(sample) == rows_built_whole(sample)
        assert counts["followed"] >= 3, counts
        events = (FILES / "events.csv").read_text().replace("502,2,gipfel-2026", "502,3,gipfel-2026")
        sample.write("events.csv", events, "events")
        sample.night()
        assert served_rows(sample) == rows_built_whole(sample)
        assert sample.rows(
            "select count(*) from participants where event_id = '2' and workshop_id = '502'"
        ) == [(10,)], "a deleted event still resolves"


def test_two_tenants_with_the_same_ids_do_not_meet(sample: SmallWarehouse) -> None:
    sample.night()
    crossed = sample.rows(
        """
        select count(*) from payments as p join invoices as i
            on i.workshop_id = p.workshop_id and i.invoice_id = p.invoice_id
        where p.event_id is distinct from i.event_id
        """
    )
    assert crossed == [(0,)]
    shared = "select count(*) from (select invoice_id from invoices group by 1 having count(*) = 2)"
    [(both,)] = sample.rows(shared)
    assert both > 30


def test_a_night_without_events_has_empty_tables(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    warehouse.night()
    for table in ("events", "participants", "applications", "application_events", "invoices", "payments"):
        assert warehouse.rows(f"select * from {table}") == []


def test_a_workshop_that_is_not_there_sets_its_rows_aside(sample: SmallWarehouse) -> None:
    sample.write(
        "workshops.csv", csv_text([], ["id", "org_number", "name", "time_zone", "currency"]), "events"
    )
    assert load_models(sample.sources).keys() == sample.models.keys()
    sample.night()
    reasons = sample.rows(
        "select distinct entity, reason from quarantine where entity in ('events', 'invoices')"
    )
    assert ("events", "workshop 501 is unknown") in reasons
    assert ("invoices", "workshop 502 is unknown") in reasons
