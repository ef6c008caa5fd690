"""What can go wrong with a report definition, one exception per case a caller tells apart."""

from exporters.database import RecordError


class DefinitionError(ValueError):
    """What is asked of a definition cannot be met as it stands."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """What is wrong: a field of the definition, or `arguments.<key>`."""
        self.message = message


class DefinitionNotFound(RecordError):  # noqa: N818  the condition reads better without "Error"
    """There is no such definition, or it is another workshop's: the two are told apart to nobody."""

    def __init__(self, definition_id: str) -> None:
        super().__init__(f"report definition {definition_id} does not exist")
        self.definition_id = definition_id


class ArgumentNotFound(RecordError):  # noqa: N818
    """The definition has no such argument."""

    def __init__(self, argument_id: str) -> None:
        super().__init__(f"argument {argument_id} does not exist")
        self.argument_id = argument_id


class DefinitionChanged(RecordError):  # noqa: N818
    """Others changed the definition again and again at the same time; nothing was changed."""

    def __init__(self, definition_id: str) -> None:
        super().__init__(f"report definition {definition_id} was changed at the same moment: ask again")
        self.definition_id = definition_id


class IllegalFireTransition(RecordError):  # noqa: N818
    """The fire's state does not allow what was asked; the record is unchanged."""

    def __init__(self, fire_id: int, state: str, asked: str) -> None:
        super().__init__(f"fire {fire_id} is {state} and cannot become {asked}")
        self.fire_id = fire_id
        self.state = state
