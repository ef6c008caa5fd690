"""Every store keeps the same promises: a file is whole or not there, and errors say what to do."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.storage import (
    InvalidKeyError,
    InvalidStoreUrlError,
    NotFoundError,
    S3Options,
    Store,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
    open_store,
)
from tests.s3_server import S3Server

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
    assert abs(stored.modified - before) < timedelta(seconds=10)
    assert [(file.key, file.size) for file in store.list()] == [(KEY, size)]


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


def test_what_a_killed_writer_leaves_is_never_seen_and_is_swept(place: Place, store: Store) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments(place)], check=False, timeout=60)
    assert killed.returncode == 9
    assert place.everything() != []
    assert keys(store) == []
    put(store, KEY)
    with store.writer("exports/7/slow.csv") as slow:
        slow.write(bytes(9 * MIB))
        assert store.sweep(timedelta(hours=1)) == 0
    swept = 0
    deadline = time.monotonic() + 5
    while not swept and time.monotonic() < deadline:  # S3 rounds the time of beginning up to a second
        swept = store.sweep(timedelta(0))
        time.sleep(0.1)
    assert swept == 1
    assert keys(store) == [KEY, "exports/7/slow.csv"]
    assert not [name for name in place.everything() if "killed" in name or ".part-" in name]
    assert store.sweep(timedelta(0)) == 0


def test_an_unfinished_file_that_was_swept_cannot_be_committed(place: Place, store: Store) -> None:
    out = store.writer(KEY)
    out.write(bytes(9 * MIB))
    deadline = time.monotonic() + 5
    while not store.sweep(timedelta(0)) and time.monotonic() < deadline:
        time.sleep(0.1)
    with pytest.raises(StoreError, match=r"bookings\.csv"):
        out.commit()
    assert keys(store) == []


def test_a_reader_sees_the_old_file_or_the_new_one_whole(store: Store) -> None:
    bodies = [bytes([letter]) * 300_000 for letter in b"ab"]
    put(store, KEY, bodies[0])
    done = threading.Event()

    def overwrite() -> None:
        try:
            for turn in range(20):
                put(store, KEY, bodies[turn % 2])
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(overwrite)
        reads = 0
        while not done.is_set():
            assert read(store, KEY) in bodies
            assert store.stat(KEY).size == 300_000
            reads += 1
        writing.result()
    assert reads > 1
    assert read(store, KEY) == bodies[1]


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

    def work(number: int) -> None:
        for turn in range(30):
            key = f"a/b/{number}-{turn}"
            put(store, key)
            store.delete(key)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert list((tmp_path / "store").rglob("*")) == []


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
    put(store, KEY, bytes(9 * MIB))
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


def is_name(text: str) -> bool:
    return text.isprintable() and text not in {".", ".."} and not text.startswith(".part-")


names = st.text(st.characters(exclude_characters="/\\", codec="utf-8"), min_size=1, max_size=40).filter(
    is_name
)
bad_names = st.one_of(
    st.sampled_from(["", ".", "..", ".part-1", "a\\b", "\ud800", "\u202e", "é" * 128]),
    st.tuples(names, st.sampled_from("\0\n\r\t\x7f\x85\u2028\\"), names).map("".join),
)


@given(st.lists(names, max_size=3), bad_names, st.lists(names, max_size=3))
def test_bad_keys_are_refused_by_every_door(before: list[str], bad: str, after: list[str]) -> None:
    key = "/".join([*before, bad, *after])
    nowhere = S3Options(endpoint_url="http://127.0.0.1:9", access_key="a", secret_key="b")
    for store in (open_store("/nowhere"), shared_s3_store(nowhere)):
        for door in (store.writer, store.open, store.stat, store.delete, store.url_of):
            with pytest.raises(InvalidKeyError) as caught:
                door(key)
            assert isinstance(caught.value, ValueError)
            assert str(caught.value).isprintable()


opened: dict[S3Options, Store] = {}


def shared_s3_store(options: S3Options) -> Store:
    if options not in opened:
        opened[options] = open_store("s3://bucket", s3=options)
    return opened[options]


@settings(max_examples=40, deadline=None)
@given(st.lists(names, min_size=1, max_size=4), st.binary(max_size=50))
def test_every_good_key_keeps_its_file(segments: list[str], data: bytes) -> None:
    key = "/".join(segments)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        put(store, key, data)
        assert keys(store) == [key]
        assert read(store, key) == data
        assert Path(folder, key).read_bytes() == data


def test_a_key_never_leaves_the_root_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    linked_root = tmp_path / "linked"
    linked_root.symlink_to(root)
    for store in (open_store(str(root)), open_store(str(linked_root))):
        for key in ("link/secret", "file", "link/new/x"):
            for door in (store.open, store.stat, store.delete, store.writer):
                with pytest.raises(InvalidKeyError, match="symbolic link"):
                    door(key)
        assert keys(store) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


FULL = """
import os, resource, sys
from exporters.storage import StoreFullError, open_store
root, limit = sys.argv[1], int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for size in (150_000, 3_000_000):
    try:
        with open_store(root).writer("exports/7/full.csv") as out:
            out.write(bytes(size))
        print("stored", size)
    except StoreFullError as error:
        print("full", "full.csv" in str(error), os.listdir(root))
"""


def test_a_file_over_the_allowed_size_leaves_nothing(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, "100000"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.splitlines() == ["full True []"] * 2


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=100k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1" 0'
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no way to mount a small disk here")
    found = subprocess.run(
        [unshare, "--map-root-user", "--mount", "sh", "-c", mount, "sh", tmp_path, sys.executable, FULL],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if found.returncode == 77 or "unshare" in found.stderr:
        pytest.skip("no permission to mount a small disk here")
    assert found.stdout.splitlines() == ["full True []"] * 2


def test_a_used_up_quota_is_a_full_store(s3_server: S3Server) -> None:
    bucket = f"quota-{uuid.uuid4().hex[:8]}"
    s3_server.client().create_bucket(Bucket=bucket)
    s3_server.limit_bucket(bucket, 1000)
    store = open_store(f"s3://{bucket}", s3=s3_server.options())
    put(store, "small", bytes(900))
    with pytest.raises(StoreFullError, match=f"s3://{bucket}/large") as caught:
        put(store, "large", bytes(200))
    assert not caught.value.retryable
    assert keys(store) == ["small"]


def test_a_file_where_a_folder_must_be_is_refused(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    put(store, "a", b"kept")
    with pytest.raises(StoreRefusedError, match="a/b"):
        put(store, "a/b")
    put(store, "folder/x")
    with pytest.raises(StoreRefusedError, match="folder"):
        put(store, "folder")
    assert read(store, "a") == b"kept"
    assert keys(store) == ["a", "folder/x"]


@pytest.mark.parametrize("option", ["secret_key", "access_key"])
def test_wrong_credentials_are_refused_without_telling_them(s3_server: S3Server, option: str) -> None:
    wrong = "wrong-value-8c1f"
    good = s3_server.options()
    options = S3Options(**{**vars(good), option: wrong})
    store = open_store(f"s3://{s3_server.bucket}/refused", s3=options)
    for act in (
        lambda: put(store, KEY),
        lambda: keys(store),
        lambda: store.stat(KEY),
        lambda: read(store, KEY),
    ):
        with pytest.raises(StoreRefusedError) as caught:
            act()
        told = "".join(traceback.format_exception(caught.value)) + repr(options).replace(f"key='{wrong}'", "")
        assert wrong not in told
        assert str(good.secret_key) not in told
        assert "Signature=" not in told
        assert not caught.value.retryable


def test_a_missing_bucket_is_said_to_be_missing(s3_server: S3Server) -> None:
    store = open_store("s3://no-such-bucket/x", s3=s3_server.options())
    for act in (lambda: put(store, KEY), lambda: keys(store), lambda: read(store, KEY)):
        with pytest.raises(StoreError, match="bucket does not exist"):
            act()


def test_an_unreachable_server_is_unavailable_soon() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        options = S3Options(f"http://127.0.0.1:{unused.getsockname()[1]}", "us-east-1", "a", "b")
        store = open_store("s3://bucket", s3=options)
        begun = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="s3://bucket/exports") as caught:
            put(store, KEY)
        assert caught.value.retryable
        assert time.monotonic() - begun < 10


class BrokenServer(BaseHTTPRequestHandler):
    """Breaks off in the middle of a download, and is overloaded for uploads."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(bytes(1000))

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def broken_store() -> Iterator[Store]:
    with ThreadingHTTPServer(("127.0.0.1", 0), BrokenServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield open_store(
            "s3://bucket", s3=S3Options(f"http://127.0.0.1:{server.server_port}", None, "a", "b")
        )
        server.shutdown()
        thread.join()


def test_a_server_in_trouble_is_unavailable_and_half_a_file_is_no_file(broken_store: Store) -> None:
    with pytest.raises(StoreUnavailableError):
        put(broken_store, KEY)
    with pytest.raises(StoreUnavailableError), broken_store.open(KEY) as source:
        source.read()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "  ",
        "ftp://host/x",
        "https://user:hunter2@host/x",
        "file:relative",
        "file://host/share",
        "file://",
        "s3:bucket",
        "s3://",
        "s3:///prefix",
        "s3://key:hunter2@bucket/x",
        "s3://bucket/../x",
        "s3://bucket/a//b",
        "/tmp/a\nb",
    ],
)
def test_a_bad_url_is_refused_without_repeating_its_secrets(url: str) -> None:
    with pytest.raises(InvalidStoreUrlError, match=r"s3://bucket/prefix|prefix of the store") as caught:
        open_store(url)
    assert isinstance(caught.value, ValueError)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint", ["", "localhost:9000", "http://u:hunter2@host", "http://h:99999", "ftp://host"]
)
def test_a_bad_endpoint_is_refused_without_repeating_its_secrets(endpoint: str) -> None:
    with pytest.raises(InvalidStoreUrlError, match="endpoint") as caught:
        open_store("s3://bucket", s3=S3Options(endpoint_url=endpoint))
    assert "hunter2" not in str(caught.value)


def test_a_location_is_told_without_secrets(tmp_path: Path, s3_server: S3Server) -> None:
    folder = tmp_path / "with space"
    for url in (str(folder), folder.as_uri(), f"{folder.as_uri()}/"):
        assert open_store(url).url_of("a b/æ.csv") == f"{folder.as_uri()}/a%20b/%C3%A6.csv"
    for url in ("s3://reports/some/where", "s3://reports/some/where/"):
        assert (
            open_store(url, s3=s3_server.options()).url_of("a b/æ.csv") == "s3://reports/some/where/a b/æ.csv"
        )
