"""Following what changed gives what building everything from the landing gives, whatever changed when.

By hand, with 500 other random worlds and the seed 1:
`python -c "from tests.integration.test_incremental import main; main(500, 1)"`.
"""

import tempfile
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.night_oracle import work_out
from tests.night_world import Edit, NightFailedError, NightWorld, following
from tests.small_warehouse import BOOKING, RATING, SERVICE, WORKSHOP, SmallWarehouse
from warehouse.figures import list_workshops, overview, ratings_by_month
from warehouse.models import MartHeader

EXAMPLES = 3
STEPS = 31
"""At least as many as a night has."""

MARKS = [None, "broken", *(f"2026-02-0{day}T12:00:00Z" for day in range(1, 6))]
WORKSHOPS = ["101", "102", "103"]
INSTANTS = ["2026-01-15T10:00:00Z", "2026-01-31T23:30:00Z", "2026-02-01T04:00:00Z", "2026-03-29T01:30:00Z"]
MODEL_EDITS = (
    ("entities/bookings.sql", "else 'unknown'", "else 'unclear'"),
    ("staging/stg_sample__bookings.sql", "cast(notes as varchar)", "upper(cast(notes as varchar))"),
    ("staging/stg_sample__services.sql", "    title,", "    lower(title) as title,"),
    ("marts/booking_days.sql", '"cancelled", "revenue"]', '"cancelled"]'),
    ("marts/booking_days.sql", '"cancelled"]', '"cancelled", "revenue"]'),
    ("entities/services.sql", "order by c.name)", "order by c.name desc)"),
    ("entities/ratings.sql", '"Text of the review."', '"Text."'),
)


class Night(NamedTuple):
    """What happens on a day, and how the night after it goes."""

    edits: list[Edit]
    model_edit: tuple[str, str, str] | None
    fail_after: int | None
    reopen_after: int


def rows(fixed: Any, **values: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Rows like `fixed` with some of these values."""
    text = {name: None if value in ("", None) else str(value) for name, value in fixed.items()}
    return st.fixed_dictionaries({name: st.sampled_from(value) for name, value in values.items()}).map(
        lambda drawn: text | drawn
    )


ROWS = {
    "workshops": rows(
        WORKSHOP,
        id=[*WORKSHOPS * 4, None],
        name=["Nord", "Sør", "Øst", None],
        time_zone=["Europe/Oslo", "America/New_York", "Europe/Oslo", "Nowhere/Land", None],
        currency=["NOK", "SEK", None],
        updated_at=MARKS,
    ),
    "categories": rows(
        {"id": "1", "name": ""}, id=[*"123123123", None], name=["Motor", "Lakk", "Glass", None]
    ),
    "services": st.fixed_dictionaries(
        {
            "id": st.sampled_from([*[1, 2, 3, 4] * 4, None]),
            "workshop_id": st.sampled_from([101, 101, 102, 103, None]),
            "title": st.sampled_from(["Oljeskift", "Hjulskift", None]),
            "price": st.sampled_from([None, Decimal("990.00"), Decimal("-1.00")]),
            "is_active": st.sampled_from([True, False, None]),
            "category_ids": st.lists(st.sampled_from([1, 2, 3]), max_size=3) | st.none(),
            "updated_at": st.sampled_from([None, *(datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2, 3))]),
            "deleted_at": st.sampled_from([None, None, datetime(2026, 1, 20, tzinfo=UTC)]),
        }
    ).map(lambda drawn: {**SERVICE, **drawn}),
    "bookings": rows(
        BOOKING,
        id=[*"123451234512345", None],
        workshop_id=["101", *WORKSHOPS, None],
        service_id=["1", "2", "3", "4", None],
        status=["COMPLETED", "COMPLETED", "CANCELLED", "PENDING", "NO_SHOW", None],
        start_time=[*INSTANTS, "soon", None],
        price=["100.00", "100.00", "2.5", None, "-1", "gratis", "1.234"],
        currency=["NOK", "NOK", "SEK", None],
        notes=["ring", None],
        updated_at=MARKS,
    ),
    "ratings": rows(
        RATING,
        id=["7", "8", None],
        booking_id=[*"123451234512345", None],
        service_rating=["5", "4.5", "1", "0", "6", "2.3", None],
        private_service_rating=["true", "false", None],
        created_at=[*INSTANTS, "soon", None],
        updated_at=MARKS,
    ),
}
HOWS = ["put", "put", "put", "change", "change", "add", "drop", "delete", "turn", "break"]
EDITS = st.sampled_from(["bookings", "bookings", "bookings", *ROWS]).flatmap(
    lambda entity: st.builds(
        Edit,
        st.just(entity),
        st.sampled_from(HOWS),
        ROWS[entity],
        st.sampled_from([0, 1]),
        st.sampled_from(["sample", "sample", "sample", "extra"]),
    )
)
NIGHTS = st.builds(
    Night,
    st.lists(EDITS, max_size=5),
    st.sampled_from([None] * 50 + list(MODEL_EDITS)),
    st.none() | st.none() | st.none() | st.integers(0, STEPS),
    st.integers(0, STEPS),
)


def check_world(nights: list[Night], twice: bool, counts: Counter[str]) -> None:
    """Run the nights; after each that publishes, everything must be as built whole, and the figures right."""
    with tempfile.TemporaryDirectory() as folder:
        world = NightWorld(Path(folder), twice)
        world.night()
        counts.clear()
        check_night(world)
        for night in [*nights, Night([], None, None, 0)]:
            for edit in night.edits:
                world.edit(edit if twice else edit._replace(source="sample"))
            if night.model_edit:
                world.edit_model(*night.model_edit)
            before = restated_days(world.warehouse)
            try:
                world.night(fail_after=night.fail_after, reopen_after=night.reopen_after)
            except NightFailedError:
                continue
            check_night(world)
            check_restatements(world.warehouse, before)


def check_night(world: NightWorld) -> None:
    """The served generation is what its landing gives."""
    served, whole = world.served(), world.built_whole()
    for table, expected in whole.items():
        assert served[table] == expected, (table, served[table] - expected, expected - served[table])
    oracle = work_out(world)
    with world.warehouse.snapshot() as snapshot:
        assert {shop.workshop_id for shop in list_workshops(snapshot.figures)} == oracle.keys()
        for workshop, expected_shop in oracle.items():
            assert overview(snapshot.figures, workshop) == expected_shop.overview(), workshop
            assert ratings_by_month(snapshot.figures, workshop) == expected_shop.ratings_by_month(), workshop
            for table, key in (
                ("bookings", "booking_id"),
                ("ratings", "booking_id"),
                ("services", "service_id"),
            ):
                found = snapshot.rows(
                    f"SELECT {key} FROM {table} WHERE workshop_id = $one", {"one": workshop}
                )
                assert Counter(one for (one,) in found) == Counter(getattr(expected_shop, table).keys()), (
                    table
                )


def restated_days(warehouse: SmallWarehouse) -> dict[tuple[Any, ...], Any]:
    """Every restated figure that is served: workshop, day and figure, with its value."""
    found: dict[tuple[Any, ...], Any] = {}
    with warehouse.snapshot() as snapshot:
        for name, model in warehouse.models.items():
            figures = model.header.restated if isinstance(model.header, MartHeader) else []
            for figure in figures:
                for workshop, day, value in snapshot.rows(f"SELECT workshop_id, day, {figure} FROM {name}"):
                    found[workshop, day, figure] = value
    return found


def check_restatements(warehouse: SmallWarehouse, before: dict[tuple[Any, ...], Any]) -> None:
    """The served generation restates exactly the figures that moved since the one before it."""
    after = restated_days(warehouse)
    moved = {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
    told = warehouse.rows(
        "SELECT workshop_id, day, figure, old_value, new_value FROM restatements"
        " WHERE generation = (SELECT generation FROM generation)"
    )
    assert len(told) == len({row[:3] for row in told})
    assert {row[:3]: row[3:] for row in told} == moved


WORLDS: dict[str, st.SearchStrategy[Any]] = {
    "nights": st.lists(NIGHTS, min_size=1, max_size=4),
    "twice": st.sampled_from([False, False, True]),
}
PATIENT = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
BAD: dict[str, Any] = {**dict.fromkeys(BOOKING), **BOOKING, "id": "9", "service_id": "1", "price": "-1"}


def test_following_changes_gives_what_building_everything_gives() -> None:
    told: Counter[str] = Counter()
    with following() as counts:

        @settings(PATIENT, max_examples=EXAMPLES, derandomize=True)
        @given(**WORLDS)
        def check(nights: list[Night], twice: bool) -> None:
            check_world(nights, twice, counts)
            told.update(counts)

        check()
    assert told["followed"] > told["whole"] / 2, told


def test_a_replaced_file_of_which_no_row_is_present_before_or_after(tmp_path: Path) -> None:
    with following():
        world = NightWorld(tmp_path)
        world.night()
        older = {**world.rows("bookings")[0], "updated_at": None}
        world.edit(Edit("bookings", "put", older, file=1))
        world.night()
        check_night(world)


def test_a_bad_row_is_quarantined_where_it_lies_though_its_file_came_twice_before_it_was_built(
    tmp_path: Path,
) -> None:
    with following():
        world = NightWorld(tmp_path)
        world.night()
        world.edit(Edit("bookings", "put", BAD))
        with pytest.raises(NightFailedError):
            world.night(fail_after=6)
        world.edit(Edit("bookings", "turn", BAD))
        world.night()
        check_night(world)
        assert world.warehouse.rows("SELECT row FROM quarantine WHERE key LIKE '%9%'") == [(1,)]


def test_a_corrected_declaration_of_the_watermark_is_heeded(tmp_path: Path) -> None:
    world = NightWorld(tmp_path)
    right = world.warehouse.file_source("sample")
    wrong = right.entities["bookings"].model_copy(update={"watermark_format": "%d.%m.%Y"})
    entities = {**right.entities, "bookings": wrong}
    world.warehouse.sources["sample"] = right.model_copy(update={"entities": entities})
    world.night()
    assert world.warehouse.rows("SELECT count(*) FROM bookings") == [(0,)]
    world.warehouse.sources["sample"] = right
    world.night()
    check_night(world)


def main(examples: int, number: int) -> None:
    """Check so many worlds that differ with the seed `number`."""
    told: Counter[str] = Counter()
    with following() as counts:

        @seed(number)
        @settings(PATIENT, max_examples=examples, phases=[Phase.generate, Phase.shrink])
        @given(**WORLDS)
        def check(nights: list[Night], twice: bool) -> None:
            check_world(nights, twice, counts)
            told.update(counts, worlds=1)

        check()
    print(dict(told))
