"""What can go wrong with the records of deliveries."""

from exporters.database import RecordError


class DeliveryError(RecordError):
    """Any refusal of the records of deliveries."""


class DeliveryNotFound(DeliveryError):  # noqa: N818  the condition reads better without "Error"
    """There is no such delivery, or not for whoever asks."""

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"there is no delivery {delivery_id!r}")


class DeliveryStands(DeliveryError):  # noqa: N818
    """The delivery does not stand where what is asked for could be done."""

    def __init__(self, delivery_id: str, state: str, needed: str) -> None:
        super().__init__(f"delivery {delivery_id} is {state}: this can be done only when it is {needed}")
        self.state = state


class ReasonMissing(DeliveryError):  # noqa: N818
    """Something that needs a reason came without one, or with one that is too long."""


class SendingLost(DeliveryError):  # noqa: N818
    """The delivery is another sender's by now, or cancelled: its outcome is not this one's to write."""

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"delivery {delivery_id} is no longer this sender's")
