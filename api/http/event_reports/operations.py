"""The operations of the family, as a table."""

from api.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
