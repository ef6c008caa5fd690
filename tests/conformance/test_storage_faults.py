"""What stores refuse, and how they fail: bad keys and URLs, full disks, wrong credentials, lost servers."""

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.storage import (
    InvalidKeyError,
    InvalidStoreUrlError,
    S3Options,
    Store,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
    open_store,
)
from tests.s3_server import S3Server

KEY = "exports/7/job/1/bookings.csv"


def put(store: Store, key: str, data: bytes = b"x") -> None:
    with store.writer(key) as out:
        out.write(data)


def read(store: Store, key: str) -> bytes:
    with store.open(key) as source:
        return source.read()


def keys(store: Store, folder: str = "") -> list[str]:
    return [file.key for file in store.list(folder)]


def is_name(text: str) -> bool:
    return text.isprintable() and text not in {".", ".."} and not text.startswith(".part-")


names = st.text(st.characters(exclude_characters="/\\", codec="utf-8"), min_size=1, max_size=40).filter(
    is_name
)
bad_names = st.one_of(
    st.sampled_from(["", ".", "..", ".part-1", "a\\b", "\ud800", "\u202e", "é" * 128]),
    st.tuples(names, st.sampled_from("\0\n\r\t\x7f\x85\u2028\\"), names).map("".join),
)


@settings(max_examples=50)
@given(st.lists(names, max_size=3), bad_names, st.lists(names, max_size=3))
def test_bad_keys_are_refused_by_every_door(before: list[str], bad: str, after: list[str]) -> None:
    key = "/".join([*before, bad, *after])
    nowhere = S3Options(endpoint_url="http://127.0.0.1:9", access_key="a", secret_key="b")
    for store in (open_store("/nowhere"), open_store("s3://bucket", s3=nowhere)):
        for door in (store.writer, store.open, store.stat, store.delete, store.url_of):
            with pytest.raises(InvalidKeyError) as caught:
                door(key)
            assert isinstance(caught.value, ValueError)
            assert str(caught.value).isprintable()


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
out = open_store(root).writer("exports/7/full.csv")
try:
    out.write(bytes(3_000_000))
except StoreFullError:
    out.commit()
"""


def test_a_file_over_the_allowed_size_leaves_nothing(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, "100000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.stdout.splitlines() == ["full True []"] * 2
    assert "ValueError" in found.stderr
    assert "it is not stored" in found.stderr


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
    assert "ValueError" in found.stderr
    assert "it is not stored" in found.stderr


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
        assert time.monotonic() - begun < 60


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
