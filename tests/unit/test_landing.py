"""The landing: a load is whole or absent, a newer one replaces what it covers, and verdicts are kept."""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small_warehouse import BOOKING, SmallWarehouse
from warehouse.landing import Days, LandedFile, Landing, LoadWriter

JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))


def land(
    writer: LoadWriter, file: str, fingerprint: str = "f", content: bytes = b"rows", rejected: int = 0
) -> None:
    part = writer.part_path()
    part.write_bytes(content)
    writer.files.append(LandedFile(file, fingerprint, part.name, 1, rejected))


def live(landing: Landing) -> list[tuple[int, str]]:
    return [(part.load, part.file) for part in landing.live_parts("s", "e")]


def test_a_load_is_there_whole_when_its_block_ends(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "1")
        land(writer, "b.csv", "2")
        assert landing.loads("s", "e") == []
    [load] = landing.loads("s", "e")
    assert (load.number, load.days, [f.file for f in load.files]) == (1, None, ["a.csv", "b.csv"])
    assert load.landed_at.tzinfo == UTC
    assert [part.path.read_bytes() for part in landing.live_parts("s", "e")] == [b"rows", b"rows"]
    assert landing.fingerprints("s", "e") == {"a.csv": "1", "b.csv": "2"}


def test_an_exception_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "1")

    def fail_in_the_middle() -> None:
        with landing.write_load("s", "e", None) as writer:
            land(writer, "a.csv", "2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert [path.name for path in landing.entity_folder("s", "e").iterdir()] == ["load=000001"]
    assert landing.fingerprints("s", "e") == {"a.csv": "1"}


def test_a_load_of_no_file_is_no_load(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None):
        pass
    assert list(landing.entity_folder("s", "e").iterdir()) == []


def test_a_killed_load_leaves_nothing_that_counts_and_the_next_one_clears_it(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from warehouse.landing import Landing\n"
        "with Landing(Path(sys.argv[1])).write_load('s', 'e', None) as writer:\n"
        "    writer.part_path().write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    landing = Landing(tmp_path)
    assert len(list(landing.entity_folder("s", "e").iterdir())) == 1
    assert landing.loads("s", "e") == []
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv")
    assert [path.name for path in landing.entity_folder("s", "e").iterdir()] == ["load=000001"]


def test_a_newer_load_of_a_file_replaces_it_and_no_other(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "1")
        land(writer, "b.csv", "1")
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "2")
    assert live(landing) == [(1, "b.csv"), (2, "a.csv")]
    assert landing.fingerprints("s", "e") == {"a.csv": "2", "b.csv": "1"}


def test_a_load_of_days_adds_rows_until_the_next_whole_load(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    for days in (None, JANUARY):
        with landing.write_load("s", "e", days) as writer:
            land(writer, "a.csv", f"{days}")
    assert live(landing) == [(1, "a.csv"), (2, "a.csv")]
    assert landing.fingerprints("s", "e") == {"a.csv": "None"}, "a part of a file does not make it known"
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "3")
    assert live(landing) == [(3, "a.csv")], "a whole load replaces all before it"


def test_rejected_records_speak_for_the_newest_whole_load_of_their_file(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", rejected=1)
        land(writer, "b.csv", rejected=2)
        land(writer, "c.csv")
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv")
    [(path, files)] = landing.rejected_parts("s", "e")
    assert (path.parent.name, files) == ("load=000001", ["b.csv"])


def test_loads_are_ordered_by_number_beyond_the_padding(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    with landing.write_load("s", "e", None) as writer:
        land(writer, "a.csv", "1")
    first = landing.entity_folder("s", "e") / "load=000001"
    manifest = first / "load.json"
    manifest.write_text(manifest.read_text().replace('"load": 1', '"load": 999999'))
    first.rename(first.with_name("load=999999"))
    for fingerprint in ("2", "3"):
        with landing.write_load("s", "e", None) as writer:
            land(writer, "a.csv", fingerprint)
    assert [load.number for load in landing.loads("s", "e")] == [999999, 1000000, 1000001]
    assert landing.fingerprints("s", "e") == {"a.csv": "3"}


def test_a_failed_verdict_keeps_the_instant_of_the_last_good_one(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    assert landing.verdict("s", "e") is None
    never = landing.record_verdict("s", "e", "failed", "ødelagt")
    assert (never.status, never.detail, never.data_as_of) == ("failed", "ødelagt", None)
    before = datetime.now(UTC)
    good = landing.record_verdict("s", "e", "loaded", "3 rows")
    assert good.data_as_of is not None
    assert before <= good.data_as_of <= datetime.now(UTC)
    failed = landing.record_verdict("s", "e", "failed", "gone")
    assert failed.data_as_of == good.data_as_of
    assert failed.at > good.at
    assert landing.verdict("s", "e") == failed
    unchanged = landing.record_verdict("s", "e", "unchanged", "")
    assert unchanged.data_as_of == unchanged.at


def test_an_unchanged_file_is_not_landed_again(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_bookings("bookings/a.csv", [BOOKING])
    warehouse.write_bookings("bookings/b.csv", [{**BOOKING, "id": "2"}])
    assert warehouse.load("bookings").detail == "2 rows from 2 files"
    os.utime(warehouse.file("bookings/a.csv"))
    again = warehouse.load("bookings")
    assert (again.status, again.detail) == ("unchanged", "2 files, none changed")
    warehouse.write_bookings("bookings/b.csv", [{**BOOKING, "id": "2", "price": "5.00"}])
    assert warehouse.load("bookings").detail == "1 rows from 1 files"
    assert [load.number for load in warehouse.landing.loads("sample", "bookings")] == [1, 2]


def test_one_broken_file_fails_the_verdict_and_keeps_the_others_and_its_own_last_rows(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample(bookings=[])
    warehouse.write_bookings("bookings/a.csv", [BOOKING])
    warehouse.write_bookings("bookings/b.csv", [{**BOOKING, "id": "2"}])
    good = warehouse.load("bookings")
    warehouse.write_bookings("bookings/a.csv", [{**BOOKING, "price": "3.00"}])
    warehouse.write("bookings/b.csv", "")
    verdict = warehouse.load("bookings")
    assert verdict.status == "failed"
    assert verdict.detail.startswith("bookings/b.csv: is empty")
    assert verdict.data_as_of == good.data_as_of
    warehouse.night()
    assert [str(price) for (price,) in warehouse.rows("SELECT price FROM bookings ORDER BY booking_id")] == [
        "3.00",
        "1000.00",
    ]
    assert warehouse.load("bookings").status == "failed", "the broken file is tried each night"


def test_an_entity_without_a_watermark_cannot_be_loaded_by_day(tmp_path: Path) -> None:
    warehouse = SmallWarehouse(tmp_path)
    warehouse.write_sample()
    verdict = warehouse.load("categories", JANUARY)
    assert verdict.status == "failed"
    assert "load it whole" in verdict.detail
    assert warehouse.landing.loads("sample", "categories") == []


UPDATES = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@settings(max_examples=5, deadline=None)
@given(updates=UPDATES, first=st.integers(1, 60), length=st.integers(0, 30))
def test_loading_days_again_changes_nothing_when_the_source_did_not(
    tmp_path_factory: pytest.TempPathFactory, updates: list[int], first: int, length: int
) -> None:
    """Whatever the days: rows on them come again, all others stay, also those around local midnight."""
    warehouse = SmallWarehouse(tmp_path_factory.mktemp("days"))
    rows = [
        {**BOOKING, "id": str(number), "updated_at": f"{instant(day)}T23:30:00Z" if day % 5 else ""}
        for number, day in enumerate(updates)
    ]
    warehouse.write_bookings("bookings/a.csv", rows)
    warehouse.load("bookings")
    days = Days(date.fromisoformat(instant(first)), date.fromisoformat(instant(first + length)))
    with warehouse.open() as build:
        build.create_raw("sample", "bookings")
        before = build.connection.execute("SELECT id, updated_at FROM raw_sample__bookings").fetchall()
        assert warehouse.load("bookings", days).status == "loaded"
        build.create_raw("sample", "bookings")
        after = build.connection.execute("SELECT id, updated_at FROM raw_sample__bookings").fetchall()
    assert sorted(after) == sorted(before)
    assert len(after) == len(rows)


def instant(day: int) -> str:
    return date.fromordinal(date(2026, 1, 1).toordinal() + day - 1).isoformat()
