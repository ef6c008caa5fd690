"""The worker when what it stands on breaks: slots that cannot live, callers that are killed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from exporters import worker_slot
from exporters.formats import Format
from exporters.worker import run_worker
from tests.api_server import run_api
from tests.exported import options_for
from tests.worker_processes import parent_of, processes, wait_until


def die_when_ready(moments: Path) -> None:
    """What a slot does first: note when it began, and see to it that it ends as soon as it could work."""

    def be_warm(format_: Format) -> None:
        """Nothing, so that it is ready soon."""

    def send_and_die(orders: Connection, message: object) -> None:
        send(orders, message)
        _note(moments)
        os._exit(9)

    _note(moments)
    send = Connection.send
    worker_slot.warm_up = be_warm
    Connection.send = send_and_die  # type: ignore[method-assign,assignment]


def _note(moments: Path) -> None:
    with moments.open("a", encoding="utf-8") as out:
        out.write(f"{time.time()}\n")


def test_a_slot_that_dies_as_soon_as_it_works_is_started_less_and_less_often(
    sample_data: Path, tmp_path: Path
) -> None:
    moments, stop = tmp_path / "moments", threading.Event()
    prepare = partial(die_when_ready, moments)
    options = options_for(tmp_path, sample_data)
    worker = threading.Thread(
        target=run_worker, args=(options, 1, stop), kwargs={"grace": timedelta(0), "prepare": prepare}
    )
    worker.start()
    try:
        wait_until(lambda: moments.exists() and len(moments.read_text().splitlines()) >= 5)
    finally:
        stop.set()
        worker.join()
    _, first_end, second_start, second_end, third_start, *_ = map(float, moments.read_text().split())
    assert second_start - first_end > 1
    assert third_start - second_end > 3


def descendants(process_id: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    for pid in processes():
        if parent_of(pid) == process_id:
            yield pid
            yield from descendants(pid)


def is_of_the_worker(process_id: int) -> bool:
    """Whether it is the worker or a slot, and still runs; the others are the server's."""
    try:
        return b"multiprocessing.spawn" in Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return False


def runs(process_id: int) -> bool:
    """Whether a process is there, and is no mere entry that nobody has collected."""
    try:
        return b") Z " not in Path(f"/proc/{process_id}/stat").read_bytes()
    except OSError:
        return False


def test_nothing_is_left_when_the_api_is_killed(sample_data: Path, tmp_path: Path) -> None:
    with run_api(sample_data, tmp_path / "api", "--slots", "1") as api:
        wait_until(
            lambda: sum(map(is_of_the_worker, descendants(api.process.pid))) == 3
        )  # worker, slot, dispatcher
        family = set(descendants(api.process.pid))
        api.process.kill()
        api.process.wait()
        try:
            wait_until(lambda: not any(map(runs, family)))
        finally:
            for pid in family:
                if parent_of(pid) is not None:
                    os.kill(pid, signal.SIGKILL)
