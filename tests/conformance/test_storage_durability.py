"""What a local store makes durable: each file, and each folder that is new, once."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.storage import Store, open_store

FOLDER = "exports/7/job/1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[str]]:
    """Gives what was made durable since it was asked last, in order, by path; a file as `*`."""
    seen: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append(str(path.relative_to(tmp_path / "store")) if is_folder else "*")
        fsync(descriptor)

    def take() -> list[str]:
        taken = seen[:]
        seen.clear()
        return taken

    monkeypatch.setattr(os, "fsync", note)
    return take


def put(store: Store, key: str) -> None:
    with store.writer(key) as out:
        out.write(b"x")


def test_a_file_and_its_new_folders_are_made_durable_once(
    store: Store, synced: Callable[[], list[str]]
) -> None:
    put(store, f"{FOLDER}/bookings.csv")
    assert synced() == ["*", FOLDER, "exports/7/job", "exports/7", "exports", "."]
    put(store, f"{FOLDER}/bookings.csv.manifest.json")
    assert synced() == ["*", FOLDER]
    put(store, "exports/7/other/1/bookings.csv")
    assert synced() == ["*", "exports/7/other/1", "exports/7/other", "exports/7"]
    put(store, "exports/8/job/1/bookings.csv")
    assert synced() == ["*", "exports/8/job/1", "exports/8/job", "exports/8", "exports"]


def test_a_folder_that_was_removed_and_made_again_is_made_durable_again(
    store: Store, synced: Callable[[], list[str]]
) -> None:
    for _ in range(3):  # a new folder likes to get the number of the one removed just before
        put(store, f"{FOLDER}/bookings.csv")
        assert synced() == ["*", FOLDER, "exports/7/job", "exports/7", "exports", "."]
        store.delete(f"{FOLDER}/bookings.csv")
        assert not list(Path(store.url_of("x").removeprefix("file://")).parent.iterdir())


def test_a_folder_that_another_process_made_again_is_made_durable_again(
    tmp_path: Path, store: Store, synced: Callable[[], list[str]]
) -> None:
    put(store, f"{FOLDER}/bookings.csv")
    synced()
    store.delete(f"{FOLDER}/bookings.csv")
    (tmp_path / "store" / "exports/7/job/1").mkdir(parents=True)
    put(store, f"{FOLDER}/bookings.csv")
    assert synced() == ["*", FOLDER, "exports/7/job", "exports/7", "exports", "."]


def test_few_folders_are_held_open_however_many_are_written_to(tmp_path: Path) -> None:
    def count_open() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count_open()
    store = open_store(str(tmp_path / "store"))
    for job in range(200):
        put(store, f"exports/7/job-{job}/1/bookings.csv")
    assert count_open() - before < 50
    put(store, "exports/7/job-0/1/more.csv")
    del store
    assert count_open() <= before
