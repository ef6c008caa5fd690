"""Our side of the benchmarks: the platform's night without Dagster, each step of it a process of its own.

`python -m bench.build <step> <folder> <memory limit>` prints the seconds of the step's parts as JSON. Steps:
`land` lands the new files; `full` builds from what is landed and publishes; `night` does both.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from exporters.storage import S3Options
from pipelines.sources.files import EntityFiles, open_folder
from warehouse.build_file import open_build
from warehouse.database import DatabaseOptions
from warehouse.landing import Landing
from warehouse.models import Model, load_models, published_models
from warehouse.publishing import publish
from warehouse.sources import FileSource, load_sources

SOURCE = "platform"
_SOURCES = Path(__file__).with_name("sources.toml")
_NO_S3 = S3Options(None, "us-east-1", None, None)


@dataclass
class PlatformWarehouse:
    """A folder with the platform's files in `sources/platform`, the landing and warehouse made of them."""

    folder: Path
    options: DatabaseOptions = field(default_factory=DatabaseOptions)
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall seconds of each part of what was done."""

    def __post_init__(self) -> None:
        self._sources = load_sources(_SOURCES, [SOURCE])
        self._landing = Landing(self.folder / "landing")
        self.models: Mapping[str, Model] = load_models(self._sources)

    @property
    def files(self) -> Path:
        """Folder of the platform's files."""
        return self.folder / "sources" / SOURCE

    @property
    def warehouse_folder(self) -> Path:
        """Folder of the build file and the generations."""
        return self.folder / "warehouse"

    @property
    def tables(self) -> list[str]:
        """The published tables that the platform delivers; the others, such as calls, are empty."""
        staged = {model.entity for model in self.models.values() if model.layer == "staging"}
        return [
            name
            for name in published_models(self.models)
            if name in staged or self.models[name].layer == "marts"
        ]

    def land(self) -> None:
        """Land the new and changed files.

        Raises:
            RuntimeError: an entity could not be landed.
        """
        source = self._sources[SOURCE]
        if not isinstance(source, FileSource):
            raise TypeError(f"{_SOURCES}: {SOURCE} must be a source of files")
        files = open_folder(source, self.folder / "sources", _NO_S3)
        with self._timed("landing"):
            for entity in source.entities:
                verdict = EntityFiles(self._landing, files, SOURCE, source, entity, self.options).load()
                if verdict.status == "failed":
                    raise RuntimeError(f"{entity}: {verdict.detail}")

    def build(self) -> Path:
        """Build every model from what is landed and publish; returns the generation's file."""
        path = self.warehouse_folder / "build.duckdb"
        with open_build(path, self._landing, self._sources, self.models, self.options) as build:
            with self._timed("raw tables"):
                for entity in self._sources[SOURCE].entities:
                    build.create_raw(SOURCE, entity)
            for layer in ("staging", "entities", "marts"):
                with self._timed(layer):
                    for model in self.models.values():
                        if model.layer == layer:
                            build.build_model(model.name)
            with self._timed("publishing"):
                return publish(build, self.warehouse_folder, keep=2, grace=timedelta()).path

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[part] = time.perf_counter() - start


def main(step: str, folder: Path, memory_limit: str) -> None:
    """Take one step and print the seconds of its parts."""
    platform = PlatformWarehouse(folder, DatabaseOptions(memory_limit))
    if step in {"land", "night"}:
        platform.land()
    if step in {"full", "night"}:
        platform.build()
    sys.stdout.write(json.dumps(platform.seconds))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
