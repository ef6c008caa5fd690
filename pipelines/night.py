"""The night without Dagster's services: in this process, one at a time, whatever became of earlier ones."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from pipelines.definitions import build_definitions
from pipelines.instance import find_instance, records_folder
from pipelines.jobs import NIGHT
from pipelines.project import Project

_BEGUN_HERE = {"begun_by": "command line"}


def run_night(project: Project, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
    """Run the night in this process, recorded in Dagster as its own runs are; waits for one under way."""
    storage = records_folder(project.settings.data_folder)
    storage.mkdir(parents=True, exist_ok=True)
    reference = find_instance(project.settings.data_folder)
    # The turn first: two processes that open new storage at once get in each other's way.
    with _hold_turn(storage), dg.DagsterInstance.from_ref(reference) as instance:
        _bury_killed(instance)
        return (
            build_definitions(project)
            .resolve_job_def(NIGHT)
            .execute_in_process(
                instance=instance,
                raise_on_error=False,
                tags={**tags, **_BEGUN_HERE},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )


@contextmanager
def _hold_turn(storage: Path) -> Iterator[None]:
    """Wait until no other night begun here runs; the lock goes with the process, however that ends."""
    with (storage / "night.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _bury_killed(instance: dg.DagsterInstance) -> None:
    """End the runs of killed nights, which would keep the slot of the writer pool, and later nights waiting.

    Nights begun here run one at a time, so in one's turn the unfinished ones are dead.
    """
    alive = {status for status in dg.DagsterRunStatus if status not in FINISHED_STATUSES}
    for run in instance.get_runs(dg.RunsFilter(tags=_BEGUN_HERE, statuses=list(alive))):
        instance.report_run_failed(run, "Its process was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
