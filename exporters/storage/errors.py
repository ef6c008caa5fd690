"""What can go wrong with a store, sorted by what the caller can do about it."""


class StoreError(Exception):
    """A store could not do what was asked. The text names the place and never holds a secret."""

    retryable = False
    """Whether the same call may succeed a little later, with nothing changed by anybody."""


class NotFoundError(StoreError):
    """There is no file under the key."""


class StoreFullError(StoreError):
    """The disk or the quota is full."""


class StoreRefusedError(StoreError):
    """The store does not allow it: permissions, credentials, or a file where a folder must be."""


class StoreUnavailableError(StoreError):
    """The store did not answer, or answered that it is in trouble."""

    retryable = True


class InvalidKeyError(StoreError, ValueError):
    """The key cannot name a file."""


class InvalidStoreUrlError(StoreError, ValueError):
    """The URL, or the endpoint beside it, cannot name a store."""
