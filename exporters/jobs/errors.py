"""What can go wrong with a job record, one exception per case a caller tells apart."""

from datetime import timedelta

from exporters.database import RecordError


class JobError(RecordError):
    """Any refusal of the job records."""


class JobNotFound(JobError):  # noqa: N818  the condition reads better without "Error"
    """There is no such job, or it is another workshop's: the two are told apart to nobody."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} does not exist")
        self.job_id = job_id


class JobExists(JobError):  # noqa: N818
    """A job of that id was created before."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} exists already: leave job_id out to get a new one")
        self.job_id = job_id


class KeyReused(JobError):  # noqa: N818
    """The idempotency key came with another request in the last 24 hours."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"the idempotency key was used in the last 24 hours for another request, which made job {job_id}:"
            " give each new request a key of its own"
        )
        self.job_id = job_id


class RequestRunning(JobError):  # noqa: N818
    """A request with the same idempotency key is under way at this moment."""

    def __init__(self) -> None:
        super().__init__("a request with this idempotency key is under way: send it again in a second")


class QuotaExceeded(JobError):  # noqa: N818
    """The workshop has, or would have, more than its quota; nothing was recorded."""

    def __init__(self, what: str, limit: int, used: int, retry_after: timedelta | None, message: str) -> None:
        super().__init__(message)
        self.what = what
        """`rows`, `bytes` or `pending`."""
        self.limit = limit
        self.used = used
        """Without what was asked for."""
        self.retry_after = retry_after
        """How long until the same request is within the quota, as far as known; None: not known, or never."""


class IllegalTransition(JobError):  # noqa: N818
    """The job's state does not allow what was asked; the record is unchanged."""

    def __init__(self, job_id: str, status: str, asked: str, allowed: str) -> None:
        super().__init__(
            f"job {job_id} is {status} and cannot become {asked}: only a job that is {allowed} can"
        )
        self.job_id = job_id
        self.status = status


class LeaseLost(JobError):  # noqa: N818
    """The worker holds the job no longer; it must stop, remove what it has written and not report again."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(
            f"job {job_id} is no longer held under this lease (it is {status} now): stop and discard the work"
        )
        self.job_id = job_id
        self.status = status


class JobCancelled(JobError):  # noqa: N818
    """The job was cancelled while the worker had it; the worker must stop and remove what it has written."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"job {job_id} was cancelled: stop and discard the work")
        self.job_id = job_id
