"""Changing loads that are landed: what a load holds is what its `load.json` names, written in one step.

New files are written beside the old ones first, and what is no longer named is swept afterwards, so that a
load reads as it was or as it is to be, whenever the process ends.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from warehouse.durable_files import sync_file, write_atomically
from warehouse.landing import DELETED, LandedFile, Load

REJECTED = "rejected.parquet"
_MANIFEST = "load.json"
_REMOVED = ".removed-"


def rewrite_load(load: Load, files: Sequence[LandedFile], deleted: int) -> None:
    """Make the load hold `files` and `deleted` vanished keys, which lie in its folder; sweeps the others."""
    for path in load.folder.iterdir():
        sync_file(path)
    sync_file(load.folder)
    manifest = load.folder / _MANIFEST
    record = json.loads(manifest.read_text(encoding="utf-8"))
    record |= {"files": [asdict(landed) for landed in files], "deleted": deleted}
    write_atomically(manifest, json.dumps(record, ensure_ascii=False, indent=1))
    sweep_load(load.folder)


def sweep_load(folder: Path) -> int:
    """Remove what the load's manifest does not name; returns the bytes."""
    record = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    named = {_MANIFEST, *(landed["part"] for landed in record["files"])}
    if record.get("deleted"):
        named.add(DELETED)
    if any(landed["rejected"] for landed in record["files"]):
        named.add(REJECTED)
    freed = 0
    for path in folder.iterdir():
        if path.name not in named:
            freed += path.stat().st_size
            path.unlink()
    if freed:
        sync_file(folder)
    return freed


def remove_load(load: Load) -> None:
    """Remove a load with all that it holds."""
    gone = load.folder.with_name(f"{_REMOVED}{load.number:06d}")
    load.folder.rename(gone)
    sync_file(gone.parent)
    shutil.rmtree(gone)


def sweep_entity(folder: Path) -> None:
    """Remove what processes that were killed left in an entity's folder; nobody may be landing."""
    for pattern in (f"{_REMOVED}*", ".writing-*"):
        for path in folder.glob(pattern):
            shutil.rmtree(path)
    for load in folder.glob("load=*"):
        sweep_load(load)


def free_part(folder: Path) -> Path:
    """A part name that the load has not used: with another content a part has another number."""
    used = [int(path.stem.removeprefix("part-")) for path in folder.glob("part-*.parquet")]
    return folder / f"part-{max(used, default=-1) + 1:04d}.parquet"
