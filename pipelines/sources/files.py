"""Sources of files: finds the new and changed ones in a folder or S3 prefix and lands them."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from exporters.storage import S3Options, Store, StoreError, open_store
from warehouse.column_types import ColumnTypes
from warehouse.database import DatabaseOptions
from warehouse.errors import LandingError
from warehouse.file_formats import FileLander
from warehouse.landing import Days, LandedFile, Landing, Verdict, VerdictStatus
from warehouse.sources import FileEntity, FileSource


class Folder(Protocol):
    """Where a source's files lie."""

    def fingerprints(self, pattern: str) -> Mapping[str, str]:
        """Name and fingerprint of each file that matches the glob, in the order of names."""
        ...

    def listing(self, pattern: str) -> Mapping[str, str]:
        """Name of each file that matches, with its size and when it was written: found without reading it."""
        ...

    def local_copy(self, file: str) -> AbstractContextManager[Path]:
        """The named file on this machine's disk while the block lasts."""
        ...


class LocalFolder:
    """Files on this machine; a file's fingerprint is the digest of its bytes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fingerprints(self, pattern: str) -> Mapping[str, str]:
        """See Folder."""
        found = sorted(path for path in self._root.glob(pattern) if path.is_file())
        return {path.relative_to(self._root).as_posix(): _digest(path) for path in found}

    def listing(self, pattern: str) -> Mapping[str, str]:
        """See Folder. Raises LandingError when the folder is not there, such as one that is not mounted."""
        if not self._root.is_dir():
            raise LandingError(f"{self._root}: there is no such folder; make it, or mount it")
        found = {}
        for path in sorted(self._root.glob(pattern)):
            with suppress(FileNotFoundError):  # removed since its folder was read
                if path.is_file():
                    status = path.stat()
                    name = path.relative_to(self._root).as_posix()
                    found[name] = f"{status.st_size}@{status.st_mtime_ns}"
        return found

    @contextmanager
    def local_copy(self, file: str) -> Iterator[Path]:
        """See Folder."""
        yield self._root / file


class StoreFolder:
    """Files under an S3 prefix; a file's fingerprint is its size and the instant it was written."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def fingerprints(self, pattern: str) -> Mapping[str, str]:
        """See Folder."""
        return self.listing(pattern)

    def listing(self, pattern: str) -> Mapping[str, str]:
        """See Folder."""
        fixed = pattern.split("*", 1)[0].rpartition("/")[0]
        return {
            stored.key: f"{stored.size}@{stored.modified.isoformat()}"
            for stored in self._store.list(f"{fixed}/" if fixed else "")
            if _matches(stored.key, pattern)
        }

    @contextmanager
    def local_copy(self, file: str) -> Iterator[Path]:
        """See Folder."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / PurePosixPath(file).name
            with self._store.open(file) as stream, path.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            yield path


def open_folder(source: FileSource, root: Path, s3: S3Options) -> Folder:
    """The folder that a source's path names; a relative one starts from `root`."""
    if source.path.startswith("s3://"):
        return StoreFolder(open_store(source.path, s3=s3))
    return LocalFolder(root / source.path)


@dataclass(frozen=True)
class EntityFiles:
    """The files of one entity of a source, and the landing they go to."""

    landing: Landing
    folder: Folder
    name: str
    """Name of the source."""
    source: FileSource
    entity: str
    database: DatabaseOptions = field(default_factory=DatabaseOptions)
    """Limits of reading one file."""

    @property
    def declared(self) -> FileEntity:
        """The entity's declaration."""
        return self.source.entities[self.entity]

    def load(self, days: Days | None = None) -> Verdict:
        """Land the new and changed files, or with `days` the rows of those days from every file.

        A file that cannot be landed stops neither the other files nor other entities: what was landed of it
        before stays, and the verdict, which is kept in the landing, says what is wrong.
        """
        try:
            files = self.folder.fingerprints(self.declared.files)
            landed = {} if days else self.landing.fingerprints(self.name, self.entity)
            due = {file: mark for file, mark in files.items() if landed.get(file) != mark}
            rows, faults = self._land(due, days) if due else (0, [])
        except (LandingError, StoreError, OSError) as error:
            return self._record("failed", str(error), days)
        if not files:
            return self._record(
                "failed", f"no file matches {self.declared.files} in {self.source.path}", days
            )
        if faults:
            return self._record("failed", "; ".join(faults), days)
        if not due:
            return self._record("unchanged", f"{len(files)} files, none changed", days)
        return self._record("loaded", f"{rows} rows from {len(due)} files", days)

    def _land(self, files: Mapping[str, str], days: Days | None) -> tuple[int, list[str]]:
        """Land the files in one load; returns the rows landed and what went wrong with single files."""
        faults: list[str] = []
        types = self._column_types()
        with (
            self.landing.write_load(self.name, self.entity, days) as load,
            closing(FileLander(self.declared, self.source.time_zone, days, self._options())) as lander,
        ):
            for file, fingerprint in files.items():
                if not file.isprintable():
                    faults.append(f"{file!r}: the file's name has characters that cannot be kept; rename it")
                    continue
                part = load.part_path()
                try:
                    with self.folder.local_copy(file) as path:
                        rows, rejected = lander.land(path, file, part)
                    columns = types.add(part, file)
                except (LandingError, StoreError, OSError) as error:
                    part.unlink(missing_ok=True)
                    faults.append(str(error))
                    continue
                load.files.append(LandedFile(file, fingerprint, part.name, rows, rejected, columns))
            lander.write_rejected(load.folder / "rejected.parquet")
        return sum(landed.rows for landed in load.files), faults

    def _column_types(self) -> ColumnTypes:
        """Those of all that was ever landed: rows that were replaced are read too, to find what changed."""
        parts = [
            *self.landing.replaced_parts(self.name, self.entity),
            *self.landing.live_parts(self.name, self.entity),
        ]
        return ColumnTypes((part.path for part in parts), self._options())

    def _options(self) -> DatabaseOptions:
        return replace(self.database, spill_folder=self.landing.root / ".spill")

    def _record(self, status: VerdictStatus, detail: str, days: Days | None) -> Verdict:
        return self.landing.record_verdict(self.name, self.entity, status, detail, days)


def _matches(key: str, pattern: str) -> bool:
    """Whether the whole key matches; PurePath.match alone looks at the last parts only."""
    path = PurePosixPath(key)
    return len(path.parts) == len(PurePosixPath(pattern).parts) and path.match(pattern)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
