"""Logos: the image of a brand, as a browser and as a PDF/A-1 file can take it."""

import io
from dataclasses import dataclass

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}

_ORIENTATION, _LYING = 0x0112, range(5, 9)
"""The tag of how a camera was held, and its values at which width and height are swapped."""


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
            width, height = image.size
            if image.getexif().get(_ORIENTATION, 1) in _LYING:
                width, height = height, width
            return Logo(content, _MEDIA_TYPES[image.format or ""], width, height)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ValueError("The brand's logo is neither a PNG nor a JPEG image: give one that is.") from error


def flatten(logo: Logo) -> bytes:
    """Returns the logo as a PNG image in RGB on white, without transparency.

    Raises ValueError when the image is damaged.
    """
    from PIL import Image, ImageOps  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(logo.content)) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                # Grey in 16 bits, which `convert` would cut to white.
                upright = upright.convert("I").point(lambda grey: grey / 256).convert("L")
            colored = upright.convert("RGBA")
    except (OSError, SyntaxError) as error:
        raise ValueError("The brand's logo is damaged and cannot be read: give another.") from error
    opaque = Image.new("RGBA", colored.size, "#ffffff")
    opaque.alpha_composite(colored)
    flat = io.BytesIO()
    opaque.convert("RGB").save(flat, "PNG")
    return flat.getvalue()
