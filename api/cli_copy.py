"""Copying a finished file out of the store, to where `--output` says."""

import hashlib
import os
import stat
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from api.cli_errors import ExitCode, Failure, refusal
from exporters.jobs import Job, Status
from exporters.storage import Store

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """Where a copy goes, symbolic links followed: to a file of this path, or into a folder of it."""

    path: Path
    is_folder: bool


def check_target(output: str) -> Target:
    """The place that `--output` names: a file in a folder that exists, or a folder.

    A folder that does not exist yet is named with a slash at its end; it is made when the file is there.

    Raises:
        Failure: it cannot be one, or something is there that a file must not replace.
    """
    if not output:
        raise refusal("--output is empty; name a folder or a file", option="--output")
    path = Path(os.path.realpath(output))
    if os.path.isdir(path):
        return Target(path, is_folder=True)
    named_folder = output.endswith(os.sep)
    if named_folder and os.path.lexists(path):
        raise refusal(f"--output: {path} is not a folder", option="--output")
    folder = path.parent
    while named_folder and not os.path.lexists(folder):
        folder = folder.parent
    if not os.path.isdir(folder):
        raise refusal(f"--output: there is no folder {str(folder)!r}; make it first", option="--output")
    _check_replaceable(path)
    return Target(path, named_folder)


def save_copy(store: Store, job: Job, target: Target) -> Path:
    """Copy a completed job's file out of the store, replacing a file that is there; returns where it is.

    It is seen under its name only when it is whole and its checksum is the recorded one.

    Raises:
        Failure: the job has no file, the copy cannot be written, or the stored file is not the recorded one.
        StoreError: the stored file cannot be read.
    """
    if job.status is not Status.COMPLETED or job.file_key is None or job.file_name is None:
        raise Failure(
            ExitCode.CONFLICT,
            "EXPORT_EXPIRED" if job.status is Status.EXPIRED else "EXPORT_NOT_READY",
            f"job {job.job_id} is {job.status}: only a completed job has a file to copy",
            {"job_id": job.job_id, "status": job.status},
        )
    path = target.path
    if target.is_folder:
        path = Path(os.path.realpath(path / job.file_name))
    _check_replaceable(path)
    try:
        if target.is_folder:
            target.path.mkdir(parents=True, exist_ok=True)
        _write(store, job, job.file_key, path)
    except OSError as error:
        raise Failure(
            ExitCode.UNAVAILABLE,
            "OUTPUT_FAILED",
            f"{path}: the copy cannot be written: {error.strerror or error};"
            f" the file itself is {store.url_of(job.file_key)}",
            {"job_id": job.job_id},
        ) from error
    return path


def _write(store: Store, job: Job, key: str, path: Path) -> None:
    digest = hashlib.sha256()
    beside = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with store.open(key) as stored, beside.open("xb") as out:
            while chunk := stored.read(_CHUNK):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != job.sha256:
            raise Failure(
                ExitCode.UNAVAILABLE,
                "CHECKSUM_MISMATCH",
                f"{store.url_of(key)}: the file is not the one that was stored; export it again",
                {"job_id": job.job_id, "sha256": digest.hexdigest(), "expected": job.sha256},
            )
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _check_replaceable(path: Path) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise refusal(f"--output: {path}: {error.strerror}", option="--output") from error
    if not stat.S_ISREG(mode):
        raise refusal(
            f"--output: {path} is neither a file nor a folder, and is left as it is; name another place",
            option="--output",
        )
