"""A caller is erased by the number: no trace of it is left, and no other call changes."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from pipelines.erasures import erase_customer, erase_workshop
from pipelines.project import Project
from settings import Settings
from tests.built import ROOT, build_once
from tests.small_warehouse import WORKSHOP, SmallWarehouse
from warehouse.screening import ScreenedLanding
from warehouse.sources import load_sources

FILES = ROOT / "samples" / "telephony"


@pytest.fixture
def project(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> tuple[SmallWarehouse, Project]:
    """The telephony sample beside a small booking platform, published."""
    template = build_once(tmp_path_factory, "telephony_house", lambda folder: open_small(folder).night())
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    small = open_small(tmp_path)
    settings = Settings(data_folder=tmp_path, memory_limit="1GB", threads=2)
    return small, Project(settings, small.sources, small.models, small.landing)


def open_small(folder: Path) -> SmallWarehouse:
    """The files of both, and what they are to be loaded into."""
    small = SmallWarehouse(folder, dict(load_sources(ROOT / "sources.toml", ["sample", "telephony"])))
    small.landing = ScreenedLanding(folder / "landing", small.sources)
    small.write_sample(workshops=[WORKSHOP, {**WORKSHOP, "id": "102"}])
    for path in FILES.rglob("*.csv"):
        small.write(str(path.relative_to(FILES)), path.read_bytes(), "telephony")
    return small


def callers(small: SmallWarehouse) -> Counter[tuple[str, str | None]]:
    return Counter(dict(small.rows("select (workshop_id, caller_number), count(*) from calls group by all")))


def test_a_caller_is_erased_and_the_calls_stay(project: tuple[SmallWarehouse, Project]) -> None:
    small, whole = project
    before = callers(small)
    (shop, number), count = next(pair for pair in before.most_common() if pair[0][0] == "101" and pair[0][1])
    assert number
    erasure = erase_customer(whole, "101", number, "letter of 3 May")
    assert erasure.rows["telephony.calls"] >= count
    expected = Counter(before)
    expected[shop, None] += expected.pop((shop, number))
    assert callers(small) == expected
    small.night()  # the file still has the number: it does not come back
    assert callers(small) == expected


def test_an_erased_workshop_has_no_calls(project: tuple[SmallWarehouse, Project]) -> None:
    small, whole = project
    others = Counter({key: count for key, count in callers(small).items() if key[0] != "102"})
    erasure = erase_workshop(whole, "102", "asked for")
    assert {"telephony.calls", "telephony.queues", "telephony.queue_members"} <= erasure.rows.keys()
    assert callers(small) == others
    assert small.rows("select 1 from queues where workshop_id = '102'") == []
