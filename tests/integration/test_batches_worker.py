"""A batch under a real worker: its dispatcher and its slots do everything."""

from pathlib import Path

from exporters.batches.records import BatchState
from tests.batch_world import ACCOUNT, build_workshops, open_world
from tests.worker_processes import WorkerProcess, wait_until


def test_a_worker_makes_a_batch(tmp_path: Path) -> None:
    build_workshops(tmp_path / "data", 6)
    with open_world(tmp_path, tmp_path / "data", f"sqlite:///{tmp_path}/records.db") as world:
        worker = WorkerProcess(world.options, tmp_path / "worker.log")
        try:
            batch = world.create([*range(1, 7), "0"], format="pdf", type="ReelleEjere", error_append="#error")
            wait_until(lambda: world.batches.get(batch.batch_id, ACCOUNT).counts.left == 0)
        finally:
            assert worker.stop() == 0, worker.said()
        batch = world.batches.get(batch.batch_id, ACCOUNT)
        assert (batch.state, batch.counts.completed) == (BatchState.FINISHED_WITH_ERRORS, 6)
        for item in world.items(batch):
            assert (item.file is None) == (item.cvr == "0")
            if item.file:
                with world.exports.store.open(item.file.key) as file:
                    assert file.read(5) == b"%PDF-"
