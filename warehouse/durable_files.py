"""Files that survive a power cut: written whole or not at all, and on the disk when the call returns."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old text or the new one, whatever happens."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    sync_file(path.parent)


def sync_file(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
