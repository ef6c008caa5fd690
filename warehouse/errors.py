"""What can go wrong in the warehouse, as errors a person can act on."""

from pydantic import ValidationError


class WarehouseError(Exception):
    """Something in the warehouse is not as it must be; the message says what, where and what to do."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing."""


class ModelError(WarehouseError):
    """A model file is wrong: its header, its SQL, or the columns it builds."""


class LandingError(WarehouseError):
    """Rows of a source could not be landed; what was landed before is untouched."""


class CheckFailedError(WarehouseError):
    """A check that guards publishing did not hold."""


class NoGenerationError(WarehouseError):
    """Nothing has been published yet."""


class UnknownWorkshopError(WarehouseError):
    """The published generation has no such workshop."""


class InvalidPeriodError(ValueError):
    """A period's first day is after its last."""


def describe_faults(error: ValidationError) -> str:
    """What is wrong with a declaration: each faulty key and why."""
    faults = (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
    return "; ".join(faults)
