"""What can go wrong with a job record, one exception per case a caller tells apart."""

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
