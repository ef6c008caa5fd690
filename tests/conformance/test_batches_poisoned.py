"""A batch with bad items: the others are made and told of, each once, whatever is wrong with these."""

from collections import Counter
from pathlib import Path

import pytest

from exporters.batches.records import BatchState, ItemState
from exporters.options import Quotas
from tests.batch_world import ACCOUNT, build_workshops, open_world

COUNT = 196
UNKNOWN = ["1", "2"]
BRAND_BROKEN, STORE_CLOSED = (11, 12, 13), (21, 22, 23)
TWICE = (31, 32)
"""Workshops that are asked for twice, where one export each may wait."""


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    build_workshops(folder, COUNT)
    return folder


def test_the_other_95_of_100_are_made_and_told_of_once(
    tmp_path: Path, warehouse: Path, records_url: str
) -> None:
    brands = tmp_path / "brands"
    brands.mkdir()
    for workshop in BRAND_BROKEN:
        (brands / f"{workshop}.toml").write_text("colour = 'none of this is right'")
    with open_world(
        tmp_path, warehouse, records_url, brand_folder=brands, quotas=Quotas(pending=1), max_attempts=1
    ) as world:
        store = Path(world.exports.store.url_of("x").removeprefix("file://")).parent
        (store / "exports").mkdir(parents=True, exist_ok=True)
        for workshop in STORE_CLOSED:
            (store / "exports" / str(workshop)).write_text("a file where a folder should be")
        items = [*range(1, COUNT + 1), *TWICE, *UNKNOWN]
        assert len(items) == 200
        batch = world.create(
            items,
            error_append="#error",
            notification_email="all@acme.example",
            webhook_url="https://hooks.acme.example/",
        )
        batch = world.finish(batch)
        failed = world.items(batch, ItemState.FAILED)
        told = Counter(item.error_code for item in failed)
        assert told.pop("WORKSHOP_NOT_FOUND") == len(UNKNOWN)
        assert told.pop("QUOTA_EXCEEDED") == len(TWICE)
        assert told.pop("BRAND_BROKEN") == len(BRAND_BROKEN)
        assert sum(told.values()) == len(STORE_CLOSED), told
        assert batch.state is BatchState.FINISHED_WITH_ERRORS
        assert len(failed) == 10, "5 of 100"
        assert (batch.counts.failed, batch.counts.completed) == (10, 190)
        assert batch.counts.completion == 1
        made = world.items(batch, ItemState.COMPLETED)
        for item in made:
            assert item.file is not None
            assert world.exports.store.stat(item.file.key).size == item.file.size_bytes
        assert all(str(item.name).endswith(("#error", "#error-2")) for item in failed)
        orders = Counter((order.subject, order.channel) for order in world.orders())
        everything = world.items(batch)
        assert orders == Counter(
            (f"item:{item.item_id}", channel) for item in everything for channel in ("email", "webhook")
        )
        assert len({str(item.name).lower() for item in everything}) == 200
        assert world.batches.get(batch.batch_id, ACCOUNT) == batch
