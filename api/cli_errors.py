"""The command line's failures: the exit code, code and message that each error is told as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class ExitCode(IntEnum):
    """What scripts can trust; docs/cli.md says it in words."""

    DONE = 0
    FAILED = 1
    """The export failed or was cancelled."""
    REFUSED = 2
    """Wrong usage, or a request that cannot be met as it stands."""
    NOT_FOUND = 3
    """No such workshop or job."""
    CONFLICT = 4
    """The job's state does not allow it."""
    UNAVAILABLE = 5
    """Nothing is published, a place cannot be opened or written, or a setting is wrong."""
    INTERRUPTED = 130
    """Ended by Ctrl-C."""


@dataclass
class Failure(Exception):  # noqa: N818  it is told, not traced
    """An end of a command that is not success: how it is told, and the exit code."""

    exit_code: ExitCode
    code: str
    """For programs, in capitals."""
    message: str
    """For people: what, where, what to do."""
    details: Mapping[str, object] = field(default_factory=dict)


def refusal(message: str, code: str = "VALIDATION_ERROR", **details: object) -> Failure:
    """A request that cannot be met as it stands."""
    return Failure(ExitCode.REFUSED, code, message, details)


def explain(error: Exception) -> Failure | None:
    """How an error of the other rooms is told; None for one that is a fault of the program."""
    # Here, not above: they take a second to import, and what only fails by wrong usage never needs them.
    from exporters.batches.errors import BatchError, BatchNotFound  # noqa: PLC0415
    from exporters.catalogue import RequestError  # noqa: PLC0415
    from exporters.database import DatabaseUnavailable  # noqa: PLC0415
    from exporters.definitions.errors import (  # noqa: PLC0415
        ArgumentNotFound,
        DefinitionChanged,
        DefinitionError,
        DefinitionNotFound,
    )
    from exporters.deliveries.endpoints import EndpointNotFound  # noqa: PLC0415
    from exporters.deliveries.errors import (  # noqa: PLC0415
        DeliveryNotFound,
        DeliveryStands,
        ReasonMissing,
    )
    from exporters.jobs import IllegalTransition, JobNotFound, QuotaExceeded  # noqa: PLC0415
    from exporters.seal import SealError  # noqa: PLC0415
    from exporters.storage import StoreError  # noqa: PLC0415
    from settings import SettingsError  # noqa: PLC0415
    from warehouse.errors import NoGenerationError, UnknownWorkshopError, WarehouseError  # noqa: PLC0415

    if isinstance(error, RequestError):
        return Failure(ExitCode.REFUSED, error.code, str(error), error.details)
    if isinstance(error, DefinitionError | BatchError):
        return refusal(str(error), field=error.field)
    # The first that fits: a kind stands above the kind it is one of.
    table: tuple[tuple[type[Exception], ExitCode, str], ...] = (
        (SettingsError, ExitCode.UNAVAILABLE, "INVALID_SETTINGS"),
        (UnknownWorkshopError, ExitCode.NOT_FOUND, "WORKSHOP_NOT_FOUND"),
        (JobNotFound, ExitCode.NOT_FOUND, "EXPORT_NOT_FOUND"),
        (DefinitionNotFound, ExitCode.NOT_FOUND, "DEFINITION_NOT_FOUND"),
        (ArgumentNotFound, ExitCode.NOT_FOUND, "ARGUMENT_NOT_FOUND"),
        (DefinitionChanged, ExitCode.CONFLICT, "DEFINITION_CHANGED"),
        (BatchNotFound, ExitCode.NOT_FOUND, "BATCH_NOT_FOUND"),
        (DeliveryNotFound, ExitCode.NOT_FOUND, "DELIVERY_NOT_FOUND"),
        (EndpointNotFound, ExitCode.NOT_FOUND, "WEBHOOK_NOT_FOUND"),
        (DeliveryStands, ExitCode.CONFLICT, "DELIVERY_STANDS"),
        (ReasonMissing, ExitCode.REFUSED, "VALIDATION_ERROR"),
        (QuotaExceeded, ExitCode.REFUSED, "QUOTA_EXCEEDED"),
        (IllegalTransition, ExitCode.CONFLICT, "ILLEGAL_TRANSITION"),
        (NoGenerationError, ExitCode.UNAVAILABLE, "NO_DATA"),
        (WarehouseError, ExitCode.UNAVAILABLE, "WAREHOUSE_UNAVAILABLE"),
        (DatabaseUnavailable, ExitCode.UNAVAILABLE, "JOBS_UNAVAILABLE"),
        (SealError, ExitCode.UNAVAILABLE, "SEAL_UNAVAILABLE"),
        (StoreError, ExitCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
        (OSError, ExitCode.UNAVAILABLE, "IO_FAILED"),
    )
    for kind, exit_code, code in table:
        if isinstance(error, kind):
            details = {name: getattr(error, name) for name in ("job_id", "status") if hasattr(error, name)}
            return Failure(exit_code, code, str(error), details)
    return None
