"""PDF logo: a brand's image on the page."""

from dataclasses import dataclass
from io import BytesIO

from exporters.formats.logo import flatten
from exporters.formats.logo import read_logo as read_image
from exporters.formats.pdf.objects import Objects

LOGO = "Logo"
"""What content streams call it."""

_WIDTH, _HEIGHT = 140.0, 46.0
"""Most points that it takes."""

_MOST_PIXELS = 25_000_000
_SIDE = 700
"""Most pixels of a side that are kept: more than a printer shows."""


@dataclass(frozen=True)
class Logo:
    """An image and the points that it takes."""

    pixels: bytes
    """Three bytes each: red, green, blue."""
    across: int
    down: int
    width: float
    height: float

    def draw(self, right: float, top: float) -> bytes:
        """Returns the operators that draw it with this corner."""
        where = f"{self.width:.2f} 0 0 {self.height:.2f} {right - self.width:.2f} {top - self.height:.2f} cm"
        return f"q {where} /{LOGO} Do Q\n".encode()


def read_logo(image: bytes) -> Logo:
    """Reads an image, on white where it is transparent.

    Raises ValueError when it is no PNG or JPEG, or has too many pixels.
    """
    # Pillow is only needed for brands with an image.
    from PIL import Image  # noqa: PLC0415

    found = read_image(image)
    if found.width * found.height > _MOST_PIXELS:
        raise ValueError(
            f"The brand's logo has {found.width} x {found.height} pixels: "
            f"give an image of at most {_MOST_PIXELS} pixels."
        )
    with Image.open(BytesIO(flatten(found))) as shown:
        shown.thumbnail((_SIDE, _SIDE))
        pixels, across, down = shown.tobytes(), shown.width, shown.height
    scale = min(_WIDTH / across, _HEIGHT / down)
    return Logo(pixels, across, down, across * scale, down * scale)


def write_logo(objects: Objects, logo: Logo) -> int:
    """Writes the image and returns its number."""
    return objects.add_stream(
        logo.pixels,
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8"
        % (logo.across, logo.down),
    )
