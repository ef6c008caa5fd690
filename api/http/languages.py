"""The language that a client reads, as its header Accept-Language tells."""

from api.http.services import AnyRequest
from exporters.formats.table import Language
from exporters.formats.wording import LANGUAGES


def language_of(request: AnyRequest) -> Language:
    """The first of ours that is asked for, else English."""
    asked = request.scope["state"]["headers"].get("accept-language", "")
    tags = [tag.partition(";")[0].strip().lower()[:2] for tag in asked.split(",")]
    found = ("nb" if tag in {"no", "nn"} else tag for tag in tags)
    return next((language for tag in found for language in LANGUAGES if language == tag), "en")
