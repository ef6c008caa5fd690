"""What a worker's processes do first, so that they can be watched: the log and the traces of the settings."""

from collections.abc import Callable
from functools import partial

from api.logs import configure_logging, is_terminal
from api.tracing import check_telemetry, trace_jobs
from settings import Settings


def prepare_worker(settings: Settings) -> Callable[[], None]:
    """Set up this process's log, and return what each process of a worker does first.

    Raises:
        SettingsError: traces are asked for, but their libraries are not installed.
    """
    check_telemetry(settings.otlp_endpoint)
    as_text = is_terminal()
    configure_logging(settings.log_level, as_text=as_text)
    return partial(_prepare, settings.log_level, as_text, settings.otlp_endpoint)


def _prepare(level: str, as_text: bool, endpoint: str | None) -> None:
    configure_logging(level, as_text=as_text)
    trace_jobs(endpoint)
