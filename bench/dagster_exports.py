"""The peer of the warm worker: one Dagster process for each export, started when it is asked for."""

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.load import Load
from bench.product import ROOT, Product
from pipelines.export_names import EXPORT_OP, EXPORT_REPORT


def run_in_processes(product: Product, items: Sequence[Mapping[str, Any]], at_once: int) -> Load:
    """Make each export by `dagster job execute`, so many at once.

    Raises:
        RuntimeError: one of them failed.
    """
    home = product.folder / "dagster_home"
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    begun = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        done = list(pool.map(lambda item: _run(product, item), items))
    return Load(done, time.perf_counter() - begun)


def _run(product: Product, item: Mapping[str, Any]) -> dict[str, Any]:
    asked = item["body"]
    config = {
        "workshop_id": item["workshop"],
        "report_type": asked["type"],
        **{name: asked[name] for name in ("format", "filters", "language")},
    }
    file = product.folder / "dagster_home" / f"{uuid.uuid4()}.yaml"
    file.write_text(json.dumps({"ops": {EXPORT_OP: {"config": config}}}), encoding="utf-8")
    command = ["dagster", "job", "execute", "-m", "pipelines.definitions", "-j", EXPORT_REPORT]
    begun = time.perf_counter()
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-m", *command, "--config", str(file)],
        cwd=product.folder,
        env=product.environment | {"DAGSTER_HOME": str(product.folder / "dagster_home")},
        check=False,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ended.stderr[-2000:]}")
    return {"seconds": time.perf_counter() - begun, "status": "completed"}
