"""What can go wrong with a batch, one exception per case a caller tells apart."""

from exporters.database import RecordError


class BatchRefusal(RecordError):  # noqa: N818  the condition reads better without "Error"
    """Any refusal of the batches."""


class BatchNotFound(BatchRefusal):
    """There is no such batch, or it is another account's: the two are told apart to nobody."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(f"there is no batch {batch_id}")
        self.batch_id = batch_id


class ItemNotFound(BatchRefusal):
    """The batch has no such item, or it has not ended."""

    def __init__(self, item_id: str) -> None:
        super().__init__(f"there is no finished item {item_id!r}")


class BatchError(BatchRefusal):
    """What was asked of a batch cannot be done as it stands."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """Name of the field in the API, such as `items[3].format`."""
