"""What the pipeline works on: the declared sources, the models and the folders, made from the settings."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settings import Settings
from warehouse.build import Build
from warehouse.build_file import open_build
from warehouse.landing import Landing
from warehouse.models import Model, load_models
from warehouse.screening import ScreenedLanding
from warehouse.sources import Source, load_sources


@dataclass(frozen=True)
class Project:
    """The loaded project."""

    settings: Settings
    sources: Mapping[str, Source]
    models: Mapping[str, Model]
    landing: Landing

    @property
    def warehouse_folder(self) -> Path:
        """Folder of the build file and the generations."""
        return self.settings.warehouse_folder

    @contextmanager
    def open_build(self) -> Iterator[Build]:
        """The build file, open for writing."""
        path = self.warehouse_folder / "build.duckdb"
        with open_build(path, self.landing, self.sources, self.models, self.settings.database) as build:
            yield build


def load_project(settings: Settings) -> Project:
    """Read the source configuration and the models.

    Raises:
        WarehouseError: one of them is wrong.
    """
    sources = load_sources(settings.source_config, list(settings.sources))
    landing = ScreenedLanding(settings.landing_folder, sources, settings.database)
    return Project(settings, sources, load_models(sources), landing)
