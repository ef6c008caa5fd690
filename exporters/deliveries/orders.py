"""Orders: what is to be delivered to whom, as those who make files hand it to the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the formats' libraries come with it
    from exporters.formats.table import Language


class Channel(StrEnum):
    """A way to the recipient."""

    EMAIL = "email"
    WEBHOOK = "webhook"


@dataclass(frozen=True, kw_only=True)
class Order:
    """One delivery that is asked for: one recipient, one file at most.

    `subject`, `occasion`, `channel`, `recipient` and `format` together are ordered once.
    """

    workshop_id: str | None
    """Whose data it is, which goes when the workshop is erased; None: of no known workshop."""
    account: str
    """Who may see the delivery beside those who may see the workshop, as `Caller.account`."""
    subject: str
    """What is delivered, such as `definition:7` or `item:<id>`."""
    occasion: str
    """When: the instant of a fire, the number of a run."""
    channel: Channel
    recipient: str
    """An e-mail address, or the id of an endpoint."""
    format: str
    job_id: str | None
    """The completed job whose file is delivered; None: there is none, and `content` says why."""
    language: "Language"
    content: Mapping[str, Any] = field(default_factory=dict)
    """JSON. Of an e-mail (each may be missing):

    - `title`, `name`: the report's title, and what whoever ordered it calls it; they make the subject.
    - `workshop`: its name. `date_from`, `date_to`: the period as YYYY-MM-DD, or local date-times.
    - `rows`: how many. `as_of`: the instant as of which the data is, in ISO 8601.
    - `link_only`: true sends a link where the file could be attached.
    - `error`: why there is no file, where there is none; the mail says so.
    - `note`: a paragraph to say in place of all that, with `title` as the subject; for warnings.

    Of a webhook: the body of the call, without a link; the channel adds that.
    """
