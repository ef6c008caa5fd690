"""Logos: the image of a brand, as a browser and as a PDF/A-1 file can take it."""

import io
from dataclasses import dataclass

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


@dataclass(frozen=True)
class Logo:
    """An image, its media type and its size in pixels."""

    content: bytes
    media_type: str
    width: int
    height: int


def read_logo(content: bytes) -> Logo:
    """Looks at the image's header. Raises ValueError when it is neither a PNG nor a JPEG image."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(content), formats=tuple(_MEDIA_TYPES)) as image:
            return Logo(content, _MEDIA_TYPES[image.format or ""], *image.size)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("The brand's logo is neither a PNG nor a JPEG image: give one that is.") from error


def flatten(logo: Logo) -> bytes:
    """Returns the logo as a PNG image in RGB on white, without transparency.

    Raises ValueError when the image is damaged.
    """
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(logo.content)) as image:
            colored = image.convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise ValueError("The brand's logo is damaged and cannot be read: give another.") from error
    opaque = Image.new("RGBA", colored.size, "#ffffff")
    opaque.alpha_composite(colored)
    flat = io.BytesIO()
    opaque.convert("RGB").save(flat, "PNG")
    return flat.getvalue()
