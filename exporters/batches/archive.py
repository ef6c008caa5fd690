"""The archive of a batch: a zip of the finished reports' files, and a result of each, made while it is sent.

However many items there are, no more than one page of them and one piece of a file are in memory.
"""

import csv
import hashlib
import io
import json
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

from exporters.batches.notices import show_number
from exporters.batches.records import Item, ItemFile, ItemState
from exporters.batches.zip_stream import ZipStream
from exporters.formats.formulas import defuse
from exporters.storage import NotFoundError, Store

if TYPE_CHECKING:
    from exporters.batches.door import Batches

_PAGE = 200
"""Items that are read from the records at once."""
_PIECE = 256 * 1024
_WHOLE = 1024 * 1024
"""Bytes of a file up to which it is read whole first: so every program can read the archive forward, too."""
_FOLDER = "results"
_INDEX = f"{_FOLDER}/index.csv"
_COLUMNS = (
    "position", "run", "cvr", "internalCustomerId", "name", "status", "file", "rows", "size", "sha256",
    "generation", "errorCode", "errorMessage", "createdOn",
)  # fmt: skip

_log = logging.getLogger(__name__)


class ArchiveCut(Exception):  # noqa: N818
    """The archive ends here: a stored file is not the one on record, and must not pass for it."""


def walk_items(batches: "Batches", batch_id: str, account: str | None) -> Iterator[Sequence[Item]]:
    """The batch's ended items, page by page; those that end meanwhile, too.

    Raises:
        BatchNotFound: there is no such batch, or it is another account's.
    """
    token = None
    while True:
        page = batches.items(batch_id, account, token=token, limit=_PAGE)
        if page.items:
            yield page.items
        token = page.token
        if token is None:
            return


def write_archive(
    pages: Iterable[Sequence[Item]], store: Store, tell: Callable[[Sequence[Item]], None]
) -> Generator[bytes]:
    """The archive, in blocks of some hundred kilobytes.

    For each item there is its file, as long as there is one, and `results/<name>.json`; `results/index.csv`
    has a row for each. `tell` is called with the items of a page that have files, before these are read.

    Raises:
        ArchiveCut: a stored file is not the recorded one; the log tells which.
        StoreError: a file cannot be read.
    """
    archive = _Archive(store)
    try:
        yield from _gather(archive.write(pages, tell))
    finally:
        archive.close()


class _Archive:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._zip = ZipStream()
        self._index = SpooledTemporaryFile(_PIECE)  # noqa: SIM115  closed by close
        self._size = 0

    def close(self) -> None:
        self._zip.close()
        self._index.close()

    def write(
        self, pages: Iterable[Sequence[Item]], tell: Callable[[Sequence[Item]], None]
    ) -> Iterator[bytes]:
        last = datetime(1980, 1, 1, tzinfo=UTC)
        self._list(_COLUMNS)
        for items in pages:
            tell([item for item in items if item.file is not None])
            for item in items:
                last = item.finished_at or item.created_at
                file = yield from self._write_file(item, last)
                result = describe_result(item, file)
                content = json.dumps(result, ensure_ascii=False, indent=2).encode()
                yield self._zip.add(f"{_FOLDER}/{item.name}.json", content, last)
                self._list([result[name] for name in _COLUMNS])
        yield self._zip.begin(_INDEX, self._size, last)
        self._index.seek(0)
        while piece := self._index.read(_PIECE):
            yield self._zip.append(piece)
        yield self._zip.end()
        yield from self._zip.finish()

    def _write_file(self, item: Item, written: datetime) -> Generator[bytes, None, ItemFile | None]:
        """Returns what is in the archive; None: nothing, as there is no file, or none any more."""
        file = item.file
        if file is None:
            return None
        try:
            stream = self._store.open(file.key)
        except NotFoundError:  # it expired since the page was read
            return None
        with stream:
            if file.size_bytes <= _WHOLE:
                content = b"".join(_read(stream, item, file))
                yield self._zip.add(file.name, content, written)
            else:
                yield self._zip.begin(file.name, file.size_bytes, written)
                for piece in _read(stream, item, file):
                    yield self._zip.append(piece)
                yield self._zip.end()
        return file

    def _list(self, values: Iterable[Any]) -> None:
        line = io.StringIO()
        cells = [defuse(value) if isinstance(value, str) else value for value in values]
        csv.writer(line).writerow(cells)
        self._size += self._index.write(line.getvalue().encode())


def describe_result(item: Item, file: ItemFile | None) -> dict[str, Any]:
    """What is told of an item; `file`: the one that goes with it."""
    return {
        "id": item.item_id,
        "batchId": item.batch_id,
        "position": item.position,
        "run": item.run,
        "cvr": show_number(item.cvr),
        "internalCustomerId": item.internal_customer_id,
        "name": item.name,
        "status": item.state.value.capitalize(),
        "file": file and file.name,
        "expired": file is None and item.state is not ItemState.FAILED,
        "rows": file and file.rows,
        "size": file and file.size_bytes,
        "sha256": file and file.sha256,
        "generation": file and file.generation,
        "errorCode": item.error_code,
        "errorMessage": item.error_message,
        "createdOn": f"{item.finished_at or item.created_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _read(stream: BinaryIO, item: Item, file: ItemFile) -> Iterator[bytes]:
    """The file's bytes, if they are the recorded ones."""
    digest, left = hashlib.sha256(), file.size_bytes
    while piece := stream.read(min(_PIECE, left + 1)):
        left -= len(piece)
        if left < 0:
            break
        digest.update(piece)
        yield piece
    if left or digest.hexdigest() != file.sha256:
        _log.error(
            "batch %s, item %s: the stored file %s is not the recorded one: its archive is cut",
            item.batch_id,
            item.item_id,
            file.key,
        )
        raise ArchiveCut(f"the stored file of item {item.item_id} is not the recorded one")


def _gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= _PIECE:
            yield bytes(block)
            block.clear()
    yield bytes(block)
