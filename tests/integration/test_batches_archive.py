"""The zip of a batch: whole, safe, and made in little memory however much goes into it."""

import csv
import hashlib
import io
import json
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from exporters.batches.archive import ArchiveCut, write_archive
from exporters.batches.records import Item, ItemFile, ItemState
from exporters.batches.zip_stream import ZipStream
from exporters.storage import Store, open_store

NOW = datetime(2026, 4, 1, 1, 0, 9, tzinfo=UTC)
GENERATION = "20260401T010000Z"


@dataclass
class Shelf:
    """A store with the files of items."""

    store: Store
    told: list[str]

    def put(self, number: int, content: bytes, **changes: Any) -> Item:
        """A completed item whose file is in the store."""
        key = f"exports/{number}"
        with self.store.writer(key) as writer:
            writer.write(content)
            writer.commit()
        return item_of(number, key, len(content), hashlib.sha256(content).hexdigest(), **changes)

    def write(self, *pages: Sequence[Item]) -> Iterator[bytes]:
        return write_archive(pages, self.store, lambda items: self.told.extend(one.item_id for one in items))

    def take(self, *pages: Sequence[Item]) -> zipfile.ZipFile:
        return zipfile.ZipFile(io.BytesIO(b"".join(self.write(*pages))))


def item_of(number: int, key: str, size: int, sha256: str, **changes: Any) -> Item:
    name = changes.get("name", f"{number}-Verksted")
    file = ItemFile(
        key=key,
        name=f"{name}.pdf",
        media_type="application/pdf",
        size_bytes=size,
        sha256=sha256,
        rows=1,
        generation=GENERATION,
        expires_at=None,
    )
    item = Item(
        item_id=f"item-{number}",
        batch_id="batch",
        position=number,
        run=0,
        workshop_id=str(number),
        cvr=str(900_000_000 + number),
        internal_customer_id=None,
        name_template=None,
        name=name,
        state=ItemState.COMPLETED,
        job_id=f"job-{number}",
        generation=None,
        error_code=None,
        error_message=None,
        created_at=NOW,
        finished_at=NOW,
        file=file,
    )
    return replace(item, **changes)


def failed(number: int, name: str) -> Item:
    whole = item_of(number, "none", 0, "", name=name)
    return replace(
        whole, state=ItemState.FAILED, file=None, error_code="WORKSHOP_NOT_FOUND", error_message="no such one"
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(open_store(f"file://{tmp_path}/store"), [])


def test_each_item_has_its_file_and_its_result(shelf: Shelf) -> None:
    items = [shelf.put(1, b"%PDF-one", name="1-Bø"), failed(2, "2#error"), shelf.put(3, b"%PDF-three")]
    items.append(replace(items[2], item_id="item-4", name="4-gone", file=None))
    with shelf.take(items[:2], items[2:]) as found:
        assert found.testzip() is None
        results = [f"results/{item.name}.json" for item in items]
        assert sorted(found.namelist()) == sorted(
            ["1-Bø.pdf", "3-Verksted.pdf", *results, "results/index.csv"]
        )
        assert found.read("1-Bø.pdf") == b"%PDF-one"
        told = [json.loads(found.read(name)) for name in results]
        rows = list(csv.DictReader(io.StringIO(found.read("results/index.csv").decode())))
        info = found.getinfo("1-Bø.pdf")
    assert [one["status"] for one in told] == ["Completed", "Failed", "Completed", "Completed"]
    assert [one["expired"] for one in told] == [False, False, False, True]
    assert told[0]["sha256"] == hashlib.sha256(b"%PDF-one").hexdigest()
    assert (told[0]["size"], told[0]["generation"], told[0]["file"]) == (8, GENERATION, "1-Bø.pdf")
    assert (told[1]["errorCode"], told[1]["errorMessage"], told[1]["file"]) == (
        "WORKSHOP_NOT_FOUND", "no such one", None,
    )  # fmt: skip
    assert [row["name"] for row in rows] == [item.name for item in items]
    assert (info.compress_type, info.date_time) == (zipfile.ZIP_STORED, (2026, 4, 1, 1, 0, 8))
    assert shelf.told == ["item-1", "item-3"]


def test_a_file_that_is_gone_from_the_store_has_its_result_alone(shelf: Shelf) -> None:
    item = shelf.put(1, b"%PDF-one")
    shelf.store.delete("exports/1")
    with shelf.take([item]) as found:
        assert found.namelist() == ["results/1-Verksted.json", "results/index.csv"]
        assert json.loads(found.read("results/1-Verksted.json"))["expired"] is True


@pytest.mark.parametrize("size", [100, 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize(
    "change",
    [lambda kept: b"X" + kept[1:], lambda kept: kept[:-1], lambda kept: kept + b"X"],
    ids=["other", "short", "long"],
)
def test_a_file_that_is_not_the_recorded_one_cuts_the_archive(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, size: int, change: Callable[[bytes], bytes]
) -> None:
    content = b"%PDF" * (size // 4)
    item = shelf.put(1, content)
    shelf.put(1, change(content))
    with pytest.raises(ArchiveCut):
        list(shelf.write([item]))
    assert "item item-1" in caplog.text


def test_cells_are_no_formulas(shelf: Shelf) -> None:
    with shelf.take([failed(1, "=HYPERLINK(1)")]) as found:
        assert b"'=HYPERLINK(1)" in found.read("results/index.csv")


def test_a_file_called_index_clashes_with_nothing(shelf: Shelf) -> None:
    item = shelf.put(1, b"a,b", name="index")
    assert item.file
    with shelf.take([replace(item, file=replace(item.file, name="index.csv"))]) as found:
        assert len(set(found.namelist())) == len(found.namelist()) == 3


def test_a_thousand_items(shelf: Shelf, tmp_path: Path) -> None:
    kept = [
        shelf.put(number, b"%PDF-" + bytes([number]) * (900 if number else 2_000_000)) for number in range(10)
    ]
    items = [_named(kept[number and 1 + number % 9], number) for number in range(1000)]
    path = tmp_path / "batch.zip"
    with path.open("wb") as out:
        out.writelines(shelf.write(*(items[at : at + 200] for at in range(0, 1000, 200))))
    told = subprocess.run(["unzip", "-tqq", path], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
    with zipfile.ZipFile(path) as found:
        assert len(found.namelist()) == 2001
        for item in items:
            assert item.file
            assert hashlib.sha256(found.read(item.file.name)).hexdigest() == item.file.sha256


def test_memory_does_not_grow_with_the_items(shelf: Shelf) -> None:
    base = shelf.put(0, b"%PDF" * 1000)

    def peak(count: int) -> int:
        pages = (
            [
                replace(base, item_id=f"i{at + n}", name=f"{at + n}-Verksted", position=at + n)
                for n in range(200)
            ]
            for at in range(0, count, 200)
        )
        tracemalloc.start()
        try:
            for _ in write_archive(pages, shelf.store, lambda _items: None):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(200)
    assert peak(5_000) < peak(1_000) + 600_000


def test_more_than_four_gigabytes(tmp_path: Path) -> None:
    """A part that is larger than the plain format can say, and one that lies behind it."""
    size = (1 << 32) + 5
    # Of so many zeros, as is the CRC below; to compute them takes as long as the rest of the test.
    digest = "709fc0b74f7c916cedccb212d681c035f36ffbb31ebfe806eb40c31592744eb5"
    store = cast("Store", _Zeros({"large": size, "small": 3}))
    items = [
        item_of(1, "large", size, digest),
        item_of(2, "small", 3, hashlib.sha256(bytes(3)).hexdigest()),
    ]
    path, zeros = tmp_path / "large.zip", bytes(1 << 24)
    with path.open("wb") as out:
        for written in write_archive([items], store, lambda _items: None):
            if zeros.startswith(written):
                out.seek(len(written), io.SEEK_CUR)
            else:
                out.write(written)
    others = ["unzip", "-tqq", str(path), "-x", "1-Verksted.pdf"]
    told = subprocess.run(others, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")
    with zipfile.ZipFile(path) as found:
        large, small = found.getinfo("1-Verksted.pdf"), found.getinfo("2-Verksted.pdf")
        assert (large.file_size, large.CRC, small.header_offset > 1 << 32) == (size, 2_982_322_595, True)
        assert found.read(small) == bytes(3)


def test_more_parts_than_the_plain_format_counts() -> None:
    stream = ZipStream()
    out = io.BytesIO()
    for number in range(66_000):
        out.write(stream.add(f"{number}", b"", NOW))
    out.writelines(stream.finish())
    stream.close()
    with zipfile.ZipFile(out) as found:
        assert len(found.namelist()) == 66_000
        assert found.read("65999") == b""


def _named(item: Item, number: int) -> Item:
    """Another item with the same file, under a name of its own."""
    assert item.file
    name = f"{number}-Verksted"
    file = replace(item.file, name=f"{name}.pdf")
    return replace(item, item_id=f"item-{number}", name=name, position=number, file=file)


class _Zeros:
    """A store whose files are nothing but zeros, which take no room."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._sizes = sizes

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        assert (offset, length) == (0, None)
        return io.BufferedReader(_ZeroFile(self._sizes[key]))


class _ZeroFile(io.RawIOBase):
    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._left)
        buffer[:count] = bytes(count)
        self._left -= count
        return count
