"""The measured serving: figures and exports of a platform of so many bookings, over the API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.build import PlatformWarehouse
from bench.measure import run_step
from bench.platform_data import PlatformSize, write_platform
from bench.product import Product
from bench.serving_exports import ExportLoads, measure_exports
from bench.serving_figures import FigureLoads, measure_figures
from bench.serving_work import find_workshops
from bench.soak import Soak, measure_soak

_MEMORY = "4GB"


@dataclass(frozen=True)
class ServingLoads:
    """What was measured."""

    size: PlatformSize
    figures: FigureLoads
    exports: ExportLoads


def measure_serving(folder: Path, size: PlatformSize, tell: Callable[[str], None]) -> ServingLoads:
    """Publish a platform of this size in an empty folder, and measure its figures and exports.

    Raises:
        RuntimeError: a step or a request failed, or the API and its peer did not agree.
    """
    product = publish_platform(folder, size, tell)
    workshops = find_workshops(product)
    figures = measure_figures(product, workshops, tell)
    return ServingLoads(size, figures, measure_exports(product, workshops, tell))


def soak(folder: Path, size: PlatformSize, seconds: float, tell: Callable[[str], None]) -> Soak:
    """Publish a platform of this size in an empty folder, and soak its exports for so long.

    Raises:
        RuntimeError: a step or an export failed.
    """
    product = publish_platform(folder, size, tell)
    return measure_soak(product, find_workshops(product), seconds, tell)


def publish_platform(folder: Path, size: PlatformSize, tell: Callable[[str], None]) -> Product:
    """The product with a platform of this size published.

    Raises:
        RuntimeError: a step failed.
    """
    tell(f"Publishing {size.bookings:,} bookings")
    write_platform(PlatformWarehouse(folder).files, size)
    run_step("bench.build", "land", folder, _MEMORY)
    run_step("bench.build", "full", folder, _MEMORY)
    return Product(folder)
