"""Every store keeps the same promises: a file is whole or it is not there."""

import hashlib
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from exporters.file_names import content_disposition
from exporters.storage import (
    NotFoundError,
    S3Options,
    Store,
    StoreError,
    open_store,
)
from tests.s3_server import S3Server
from tests.worker_processes import PATIENCE

MIB = 1024 * 1024
KEY = "exports/7/job/1/bookings.csv"


@dataclass(frozen=True)
class Place:
    """Where a store is, and what really lies there, seen without the product's code."""

    url: str
    s3: S3Options | None
    everything: Callable[[], list[str]]


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        root = tmp_path / "store"
        return Place(
            root.as_uri(), None, lambda: sorted(str(path.relative_to(root)) for path in root.rglob("*"))
        )
    server: S3Server = request.getfixturevalue("s3_server")
    prefix = uuid.uuid4().hex
    return Place(f"s3://{server.bucket}/{prefix}", server.options(), lambda: server.names(prefix))


@pytest.fixture
def store(place: Place) -> Store:
    return open_store(place.url, s3=place.s3)


def put(store: Store, key: str, data: bytes = b"x") -> None:
    with store.writer(key) as out:
        out.write(data)


def read(store: Store, key: str) -> bytes:
    with store.open(key) as source:
        return source.read()


def keys(store: Store, folder: str = "") -> list[str]:
    return [file.key for file in store.list(folder)]


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 8 * MIB, 20 * MIB + 3])
def test_a_file_comes_back_as_it_was_written(store: Store, size: int) -> None:
    data = os.urandom(size)
    before = datetime.now(UTC)
    with store.writer(KEY) as out:
        for start in range(0, size, 3 * MIB + 1):
            out.write(memoryview(data)[start : start + 3 * MIB + 1])
            assert out.tell() == min(start + 3 * MIB + 1, size)
    assert (out.size, out.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert read(store, KEY) == data
    stored = store.stat(KEY)
    assert (stored.key, stored.size) == (KEY, size)
    rounding = timedelta(seconds=2)
    assert before - rounding <= stored.modified <= datetime.now(UTC) + rounding
    assert [(file.key, file.size) for file in store.list()] == [(KEY, size)]
    store.delete(KEY)
    assert keys(store) == []


def test_one_large_write_is_the_same_as_many(store: Store) -> None:
    data = os.urandom(17 * MIB)
    put(store, KEY, data)
    assert hashlib.sha256(read(store, KEY)).digest() == hashlib.sha256(data).digest()


def test_reading_goes_forward_in_pieces(store: Store) -> None:
    put(store, KEY, b"first\nsecond\n" + bytes(3 * MIB))
    with store.open(KEY) as source:
        assert source.readline() == b"first\n"
        assert source.read(6) == b"second"
        assert len(source.read()) == 3 * MIB + 1
        assert source.read(1) == b""


@pytest.mark.parametrize("size", [100, 9 * MIB])
def test_nothing_is_seen_before_the_commit(store: Store, size: int) -> None:
    with store.writer(KEY) as out:
        out.write(bytes(size))
        assert keys(store) == []
        with pytest.raises(NotFoundError):
            store.stat(KEY)
        with pytest.raises(NotFoundError):
            store.open(KEY)
    assert keys(store) == [KEY]


class CrashError(Exception):
    pass


@pytest.mark.parametrize("size", [0, 100, 9 * MIB])
def test_an_exception_leaves_nothing_behind(place: Place, store: Store, size: int) -> None:
    def crash() -> None:
        with store.writer(KEY) as out:
            out.write(bytes(size))
            raise CrashError

    with pytest.raises(CrashError):
        crash()
    assert place.everything() == []


def test_a_file_given_up_or_closed_early_is_not_stored(place: Place, store: Store) -> None:
    with store.writer(KEY) as out:
        out.write(bytes(9 * MIB))
        out.abort()
    assert place.everything() == []
    out = store.writer(KEY)
    out.write(b"half")
    out.close()
    with pytest.raises(ValueError, match="not stored"):
        out.commit()
    with pytest.raises(ValueError, match="closed"):
        out.write(b"the other half")
    assert place.everything() == []


def test_a_commit_is_final(store: Store) -> None:
    with store.writer(KEY) as out:
        out.write(b"whole")
        out.commit()
        out.commit()
        out.abort()
    assert read(store, KEY) == b"whole"


KILLED = """
import os, sys
from exporters.storage import S3Options, open_store
url, *s3 = sys.argv[1:]
out = open_store(url, s3=S3Options(*s3) if s3 else None).writer("exports/7/killed.csv")
out.write(bytes(9 * 1024 * 1024))
os._exit(9)
"""


def arguments(place: Place) -> list[str]:
    s3 = place.s3
    return [place.url] + (
        [str(s3.endpoint_url), str(s3.region), str(s3.access_key), str(s3.secret_key)] if s3 else []
    )


def sweep_something(store: Store) -> int:
    """How much was swept once there was something: S3 rounds the time of beginning up to a second."""
    deadline = time.monotonic() + PATIENCE
    while not (swept := store.sweep(timedelta(0))):
        assert time.monotonic() < deadline, "nothing was swept"
        time.sleep(0.1)
    return swept


def test_what_a_killed_writer_leaves_is_never_seen_and_is_swept(place: Place, store: Store) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments(place)], check=False, timeout=60)
    assert killed.returncode == 9
    assert place.everything() != []
    assert keys(store) == []
    put(store, KEY)
    with store.writer("exports/7/slow.csv") as slow:
        slow.write(bytes(9 * MIB))
        assert store.sweep(timedelta(hours=1)) == 0
    assert sweep_something(store) == 1
    assert keys(store) == [KEY, "exports/7/slow.csv"]
    assert not [name for name in place.everything() if "killed" in name or ".part-" in name]
    assert store.sweep(timedelta(0)) == 0


def test_an_unfinished_file_that_was_swept_cannot_be_committed(place: Place, store: Store) -> None:
    out = store.writer(KEY)
    out.write(bytes(9 * MIB))
    assert sweep_something(store) == 1
    with pytest.raises(StoreError, match=r"bookings\.csv"):
        out.commit()
    assert keys(store) == []


def test_a_reader_sees_the_old_file_or_the_new_one_whole(store: Store) -> None:
    bodies = [bytes([letter]) * 300_000 for letter in b"ab"]
    put(store, KEY, bodies[0])
    done = threading.Event()

    def overwrite() -> int:
        turns = 0
        while not (done.is_set() and turns >= 10):
            put(store, KEY, bodies[turns % 2])
            turns += 1
        return turns

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(overwrite)
        try:
            for _ in range(10):
                assert read(store, KEY) in bodies
                assert store.stat(KEY).size == 300_000
        finally:
            done.set()
        turns = writing.result()
    assert read(store, KEY) == bodies[(turns - 1) % 2]


def test_writers_of_different_keys_do_not_meet(store: Store) -> None:
    def write(number: int) -> tuple[str, bytes]:
        data = os.urandom(100_000 + number) if number else os.urandom(10 * MIB)
        put(store, f"exports/{number % 3}/{number}.csv", data)
        return f"exports/{number % 3}/{number}.csv", data

    with ThreadPoolExecutor(6) as pool:
        written = dict(pool.map(write, range(12)))
    assert keys(store) == sorted(written)
    assert all(read(store, key) == data for key, data in written.items())


def test_folders_that_empty_and_fill_at_once_lose_no_file(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    done = threading.Event()

    def prune() -> None:
        while not done.is_set():
            store.writer("a/b/c/given-up").abort()

    with ThreadPoolExecutor(1) as pool:
        pruning = pool.submit(prune)
        try:
            for number in range(200):
                store.writer(f"a/b/c/{number}").abort()
            put(store, "a/b/c/kept")
        finally:
            done.set()
        pruning.result()
    assert keys(store) == ["a/b/c/kept"]


def test_a_listing_is_sorted_and_keeps_to_its_folder(store: Store) -> None:
    names = [
        "a/b",
        "a-b/x",
        "a/b.csv",
        "ab",
        "a/Z",
        "a/é",
        "a/c/1",
        "exports/7/x",
        "exports/70/x",
        "a/c/2",
        "b",
    ]
    for key in names:
        put(store, key.replace("a/b", "a/b/y") if key == "a/b" else key, b"12")
    expected = sorted("a/b/y" if key == "a/b" else key for key in names)
    assert keys(store) == expected
    assert keys(store, "exports/7") == keys(store, "exports/7/") == ["exports/7/x"]
    assert keys(store, "a/c") == ["a/c/1", "a/c/2"]
    assert keys(store, "ab") == []
    assert keys(store, "nowhere") == []
    assert {file.size for file in store.list()} == {2}


def test_deleting_twice_is_no_error(place: Place, store: Store) -> None:
    store.delete(KEY)
    put(store, KEY)
    put(store, "exports/7/kept")
    store.delete(KEY)
    store.delete(KEY)
    assert keys(store) == ["exports/7/kept"]
    with pytest.raises(NotFoundError, match=r"bookings\.csv"):
        store.open(KEY)
    store.delete("exports/7/kept")
    assert place.everything() == []


def test_a_folder_is_not_a_file(store: Store) -> None:
    put(store, "a/b")
    for key in ("a", "a/b/c"):
        with pytest.raises(NotFoundError):
            store.stat(key)
        with pytest.raises(NotFoundError):
            store.open(key)
        store.delete(key)
    assert keys(store, "a/b") == []
    assert keys(store) == ["a/b"]


@pytest.mark.parametrize(
    "key", ["verksted æøå/rapport 2026+1 100%.csv", "a b/?x=1&y#z", "日本/🚗 \"'<&>;,:@=~.csv"]
)
def test_keys_may_hold_spaces_and_any_script(store: Store, key: str) -> None:
    put(store, key, key.encode())
    assert keys(store) == [key]
    assert keys(store, key.split("/", maxsplit=1)[0]) == [key]
    assert store.stat(key).size == len(key.encode())
    assert read(store, key) == key.encode()
    store.delete(key)
    assert keys(store) == []


@pytest.mark.parametrize("size", [10, 9 * MIB])
def test_s3_sends_a_files_type_and_name_along(s3_server: S3Server, size: int) -> None:
    name = 'Bjørns "bil" æ.csv'
    store = open_store(f"s3://{s3_server.bucket}/named", s3=s3_server.options())
    with store.writer("a.csv", media_type="text/csv", disposition=content_disposition(name)) as out:
        out.write(b"x" * size)
    sent = s3_server.client().get_object(Bucket=s3_server.bucket, Key="named/a.csv")
    assert sent["ContentType"] == "text/csv"
    assert sent["ContentDisposition"] == content_disposition(name)
    assert sent["ContentLength"] == size


@pytest.mark.parametrize(("offset", "length"), [(0, None), (5, None), (5, 3), (0, 1), (9, 1), (0, 10)])
def test_a_part_of_a_file_is_read_from_its_offset(store: Store, offset: int, length: int | None) -> None:
    put(store, KEY, b"0123456789")
    with store.open(KEY, offset=offset, length=length) as source:
        assert source.read(length or -1) == b"0123456789"[offset:][:length]


def test_a_folder_gives_no_links(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    put(store, KEY)
    assert store.link(KEY, timedelta(minutes=5)) is None


def test_a_link_to_s3_gives_the_file_to_anyone_until_it_ends(s3_server: S3Server) -> None:
    store = open_store(f"s3://{s3_server.bucket}/linked", s3=s3_server.options())
    with store.writer(KEY, media_type="text/csv", disposition=content_disposition("å.csv")) as out:
        out.write(b"a;b")
    link = store.link(KEY, timedelta(seconds=60))
    assert link is not None
    answer = httpx.get(link)
    assert (answer.status_code, answer.content) == (200, b"a;b")
    assert answer.headers["content-disposition"] == content_disposition("å.csv")
    assert httpx.get(link.replace(KEY, KEY + "x")).status_code in {403, 404}
    assert httpx.get(link.partition("?")[0]).status_code in {400, 401, 403}
    short = store.link(KEY, timedelta(seconds=1))
    assert short is not None
    time.sleep(2.1)
    assert httpx.get(short).status_code in {401, 403}
