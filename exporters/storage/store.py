"""The interface of every store: the rules for keys, and a writer's life (open, then committed or gone)."""

import hashlib
import io
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Protocol, Self

from exporters.storage.errors import InvalidKeyError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TEMPORARY_PREFIX = ".part-"
"""How the name of an unfinished local file begins; no segment of a key may."""


@dataclass(frozen=True)
class S3Options:
    """How to reach S3: any server by `endpoint_url`, else the cloud's. Without keys, the SDK's own chain."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StoredFile:
    """A whole file in a store: its size in bytes, and the UTC instant it was last written."""

    key: str
    size: int
    modified: datetime


class Store(Protocol):
    """Files under keys such as `exports/7/bookings.csv`. Safe to use from several threads.

    Every method but `url_of` raises StoreError when the store is at fault, and InvalidKeyError for a bad key.
    """

    def writer(
        self, key: str, *, media_type: str | None = None, disposition: str | None = None
    ) -> "StoreWriter":
        """Begin a file; it is seen under `key`, replacing what was there, once the writer has committed.

        A store that serves files over HTTP itself sends the two along, as Content-Type and
        Content-Disposition.
        """

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """The file's bytes from `offset` on, read forward in pieces. Raises NotFoundError.

        `length` is how many bytes will be read at most; the file may give more. `offset` is below the size.
        A read raises StoreError when a server fails, OSError when a disk does: it never just ends early.
        """

    def stat(self, key: str) -> StoredFile:
        """The file's size and time. Raises NotFoundError."""

    def list(self, folder: str = "") -> Iterator[StoredFile]:
        """Every whole file below `folder`, sorted by key.

        A folder is whole segments: `exports/7` never lists `exports/70/…`. An absent folder lists nothing.
        """

    def delete(self, key: str) -> None:
        """Remove the file; one that is not there is no error."""

    def link(self, key: str, lifetime: timedelta) -> str | None:
        """A URL by which anyone can read the file for `lifetime`; None: this store serves no files itself.

        It is a secret as long as it lives: it is handed out, never stored or logged.
        """

    def url_of(self, key: str) -> str:
        """Where the file is, for people to read. It holds no secret and grants no access."""

    def sweep(self, older_than: timedelta) -> int:
        """Remove what killed writers left behind, and say how many.

        `older_than` must be longer than a file takes to write: an unfinished file of that age is gone for
        its writer too, whose commit then fails.
        """


class StoreWriter(io.BufferedIOBase, BinaryIO):
    """A binary file that is written forward and becomes visible only when it is whole.

    Leaving the `with` normally commits; leaving it by an exception, `abort` or `close` leaves nothing behind,
    and so does a failed write. Not for use from several threads.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._digest = hashlib.sha256()
        self._size = 0
        self._committed = False
        self._aborted = False

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes written so far."""
        return self._digest.hexdigest()

    def write(self, data: "ReadableBuffer", /) -> int:
        """Append all of `data`. Raises StoreError, and then the file is given up."""
        if self.closed:
            raise ValueError(f"{self._location}: the file is closed, nothing more can be written to it.")
        view = memoryview(data)
        if not view.nbytes:
            return 0
        view = view.cast("B")
        try:
            self._append(view)
        except BaseException:
            # Part of the data may be in: whoever swallows this error must not commit the rest.
            self.close()
            raise
        self._digest.update(view)
        self._size += view.nbytes
        return view.nbytes

    def commit(self) -> None:
        """Make the file visible under its key, durably. Raises StoreError, leaving nothing behind."""
        if self._committed:
            return
        if self.closed:
            raise ValueError(f"{self._location}: the file was closed before it was whole; it is not stored.")
        try:
            self._publish()
            self._committed = True
        finally:
            self.close()

    def abort(self) -> None:
        """Give the file up. What cannot be removed now is left to `Store.sweep`."""
        self._aborted = True
        self.close()

    def close(self) -> None:
        """Give the file up, unless it is committed."""
        if self.closed:
            return
        try:
            if not self._committed:
                self._discard()
        finally:
            super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.abort()
        elif not self._aborted:
            self.commit()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    @abstractmethod
    def _append(self, data: memoryview) -> None:
        """Add `data` to the unfinished file."""

    @abstractmethod
    def _publish(self) -> None:
        """Finish the file and show it under its key in one step."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove the unfinished file; raises no StoreError."""


def check_key(key: str) -> str:
    """`key`, if it can name a file in every store; raises InvalidKeyError."""
    segments = key.split("/")
    rules = (
        (key.isprintable(), "holds control or invisible characters"),
        ("\\" not in key, "holds a backslash"),
        (_length(key) <= 1024, "is longer than 1024 bytes"),
        (max(map(_length, segments)) <= 255, "has a segment longer than 255 bytes"),
        (not {"", ".", ".."} & set(segments), "has an empty, '.' or '..' segment"),
        (
            not any(segment.startswith(TEMPORARY_PREFIX) for segment in segments),
            f"has a segment beginning with {TEMPORARY_PREFIX!r}, the mark of unfinished files",
        ),
    )
    for kept, fault in rules:
        if not kept:
            raise InvalidKeyError(f"The key {key[:100]!a} {fault}. Write it like exports/7/bookings.csv.")
    return key


def _length(text: str) -> int:
    return len(text.encode(errors="replace"))
