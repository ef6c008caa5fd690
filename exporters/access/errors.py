"""What can go wrong with access, one exception per case a caller tells apart."""


class AccessError(Exception):
    """Any refusal of access."""


class Unauthenticated(AccessError):  # noqa: N818  the condition reads better without "Error"
    """The credential speaks for nobody. The text says neither why nor whether such a key exists."""

    def __init__(self) -> None:
        super().__init__("the credential is not valid: send an API key or a token that is, as a Bearer")


class KeySetUnavailable(AccessError):  # noqa: N818
    """The keys that tokens are checked against could not be read yet: no token can be judged."""


class LimitExceeded(AccessError):  # noqa: N818
    """The caller asks more often, or for more at once, than one caller may."""

    def __init__(self, what: str, limit: int, retry_after_seconds: int) -> None:
        unit = {"rate": "requests a minute", "hour": "requests an hour"}.get(what, "requests at once")
        super().__init__(f"more than {limit} {unit}: try again in {retry_after_seconds} s")
        self.what = what
        """`rate`, `concurrency` or `hour`."""
        self.limit = limit
        self.retry_after_seconds = retry_after_seconds


class CodeRefused(AccessError):  # noqa: N818
    """The code of the second factor is absent, wrong or expired."""

    def __init__(self) -> None:
        super().__init__(
            "the second factor's code (tfa) is absent, wrong or expired: send '' where none is set up"
        )


class SignInPaused(AccessError):  # noqa: N818
    """Signing in has failed, as it did too often before."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"too many failed attempts: try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds


class KeyNotFound(AccessError):  # noqa: N818
    """There is no API key of that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no API key {key_id!r}; `reports keys list` lists them")
        self.key_id = key_id


class KeyRefused(AccessError):  # noqa: N818
    """An API key cannot be made as asked."""
