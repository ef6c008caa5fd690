"""A store in a local folder: a file is written under a temporary name beside its place, then renamed."""

import errno
import os
import stat
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from exporters.storage.errors import (
    InvalidKeyError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from exporters.storage.store import TEMPORARY_PREFIX, StoredFile, StoreWriter, check_key

_KINDS: dict[int | None, type[StoreError]] = {
    **dict.fromkeys([errno.ENOSPC, errno.EDQUOT, errno.EFBIG], StoreFullError),
    **dict.fromkeys(
        [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP],
        StoreRefusedError,
    ),
    **dict.fromkeys(
        [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.EBUSY],
        StoreUnavailableError,
    ),
}


_MOST_FOLDERS = 32
"""Folders held open; of those that are written to again, the deepest few matter."""


class LocalStore:
    """Files below `root`, which is created by the first write."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._folders = _Folders(self._root)

    def writer(
        self,
        key: str,
        *,
        media_type: str | None = None,  # noqa: ARG002  a folder serves nothing itself
        disposition: str | None = None,  # noqa: ARG002
    ) -> StoreWriter:
        """Begin a file under a temporary name in the key's folder."""
        target = self._path_of(key)
        with _store_errors(target):
            temporary, file = _create_beside(target)
        return _LocalWriter(self._folders, target, temporary, file)

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:  # noqa: ARG002
        """The file's bytes; a file that is replaced meanwhile is read to the end as it was."""
        path = self._path_of(key)
        self.stat(key)
        with _store_errors(path):
            stream = path.open("rb")
            stream.seek(offset)
            return stream

    def link(self, key: str, lifetime: timedelta) -> None:
        """A folder serves nothing over the network."""

    def stat(self, key: str) -> StoredFile:
        """The file's size and time."""
        path = self._path_of(key)
        try:
            with _store_errors(path):
                status = path.stat()
        except StoreRefusedError as error:
            # Below a file there is nothing, as in S3, where it is no contradiction to ask.
            if isinstance(error.__cause__, NotADirectoryError):
                raise NotFoundError(f"{path}: there is no such file.") from error
            raise
        if not stat.S_ISREG(status.st_mode):
            raise NotFoundError(f"{path}: there is no such file.")
        return _stored_file(key, status)

    def list(self, folder: str = "") -> Iterator[StoredFile]:
        """Every whole file below `folder`; symbolic links are not followed."""
        folder = folder.removesuffix("/")
        start = self._path_of(folder) if folder else self._root
        for key, entry in _walk(start, f"{folder}/" if folder else ""):
            if entry.name.startswith(TEMPORARY_PREFIX):
                continue
            try:
                with _store_errors(Path(entry.path)):
                    status = entry.stat(follow_symlinks=False)
            except NotFoundError:
                continue  # deleted since its folder was read
            yield _stored_file(key, status)

    def delete(self, key: str) -> None:
        """Remove the file, and the folders that it leaves empty."""
        path = self._path_of(key)
        with suppress(NotFoundError), _store_errors(path):
            self.stat(key)
            path.unlink()
            _prune(path.parent, self._root)

    def url_of(self, key: str) -> str:
        """The file's `file://` URL."""
        return self._path_of(key).as_uri()

    def sweep(self, older_than: timedelta) -> int:
        """Remove temporary files nobody has written to for that long, and the folders they leave empty."""
        limit = (datetime.now(UTC) - older_than).timestamp()
        swept = 0
        for _, entry in _walk(self._root, ""):
            path = Path(entry.path)
            if not entry.name.startswith(TEMPORARY_PREFIX):
                continue
            with suppress(NotFoundError), _store_errors(path):
                if entry.stat(follow_symlinks=False).st_mtime <= limit:
                    path.unlink()
                    swept += 1
                    _prune(path.parent, self._root)
        return swept

    def _path_of(self, key: str) -> Path:
        path = self._root / check_key(key)
        # A link inside the root could lead out of it; none is ever made here, so none is followed.
        if os.path.realpath(path) != str(path):
            raise InvalidKeyError(f"The key {key!a} passes through a symbolic link below {self._root}.")
        return path


class _LocalWriter(StoreWriter):
    def __init__(self, folders: "_Folders", target: Path, temporary: Path, file: BinaryIO) -> None:
        super().__init__(str(target))
        self._folders = folders
        self._target = target
        self._temporary = temporary
        self._file = file

    def _append(self, data: memoryview) -> None:
        with _store_errors(self._target):
            self._file.write(data)

    def _publish(self) -> None:
        with _store_errors(self._target):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(self._target)
            self._folders.sync(self._target.parent)

    def _discard(self) -> None:
        # Closing flushes, which fails again on a full disk; unlinking needs no space.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()
        _prune(self._target.parent, self._folders.root)


def _create_beside(target: Path) -> tuple[Path, BinaryIO]:
    temporary = target.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    attempts = 100
    while True:
        attempts -= 1
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            return temporary, temporary.open("xb", buffering=256 * 1024)
        except (FileNotFoundError, FileExistsError):
            # Whoever removes a folder's last file prunes it, maybe between any two steps here.
            if not attempts:
                raise


class _Folders:
    """The folders below a root, made durable; what is known to be so already is not done again.

    A folder that is known is held open: its inode is given to no other folder then, so that the one of its
    path and inode is itself, never removed and made again. And while it is there, those above are not
    removed either: with it, all of them are known. It can still be removed by anyone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: OrderedDict[Path, _OpenFolder] = OrderedDict()
        self._lock = Lock()

    def sync(self, folder: Path) -> None:
        """Make new entries durable: those in the folder, and each new folder's in the one above."""
        synced = []
        for path in (folder, *folder.parents):
            opened = _OpenFolder(path)
            os.fsync(opened.descriptor)
            synced.append((path, opened))
            if path == self.root or self._knows(path, opened):
                break
        with self._lock:
            self._known.update(reversed(synced))
            for path, _ in reversed(synced):
                self._known.move_to_end(path)
            while len(self._known) > _MOST_FOLDERS:
                self._known.popitem(last=False)

    def _knows(self, path: Path, opened: "_OpenFolder") -> bool:
        with self._lock:
            known = self._known.get(path)
            return known is not None and known.identity == opened.identity


class _OpenFolder:
    """A folder that is open as long as this is held."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        status = os.fstat(self.descriptor)
        self.identity = status.st_dev, status.st_ino

    def __del__(self) -> None:
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


def _prune(folder: Path, root: Path) -> None:
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Each regular file below `folder` with its key, in the order of the keys."""
    try:
        with _store_errors(folder), os.scandir(folder) as found:
            entries = [(entry.name + "/" * entry.is_dir(follow_symlinks=False), entry) for entry in found]
    except NotFoundError:
        return
    except StoreRefusedError as error:
        if isinstance(error.__cause__, NotADirectoryError):
            return
        raise
    # Sorted with their slash, as whole keys are: "a-b" comes before "a/b".
    for name, entry in sorted(entries, key=lambda item: item[0]):
        if name.endswith("/"):
            yield from _walk(Path(entry.path), prefix + name)
        elif entry.is_file(follow_symlinks=False):
            yield prefix + name, entry


def _stored_file(key: str, status: os.stat_result) -> StoredFile:
    return StoredFile(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


@contextmanager
def _store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise NotFoundError(f"{path}: there is no such file (any more).") from error
        raise _KINDS.get(error.errno, StoreError)(f"{path}: {error.strerror or error}.") from error
