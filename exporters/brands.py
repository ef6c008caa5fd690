"""Brands: whose logo, colour and footer a workshop's files carry, read from a folder.

`<folder>/<workshop id, percent-encoded>.toml` is one workshop's, `<folder>/default.toml` everyone else's:
`color = "#1f4e79"`, `footer = "…"`, `logo = "logo.png"` (a PNG or JPEG file in the folder), each of which may
be left out. Without the folder or the file, files carry the product's plain look.
"""

import io
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exporters.formats.table import Brand
from warehouse.errors import describe_faults

_DEFAULT = "default"
_LARGEST_LOGO = 2_000_000
_MOST_PIXELS = 4_000_000


class BrandError(ValueError):
    """A brand's file that cannot be used."""


class _BrandFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    color: str = Field(default=Brand().color, pattern="^#[0-9a-fA-F]{6}$")
    footer: str = Field(default="", max_length=200)
    logo: str | None = None


def read_brand(folder: Path | None, workshop_id: str) -> Brand:
    """The brand of the workshop's files.

    Raises:
        BrandError: its file or logo cannot be read or used.
    """
    if folder is None:
        return Brand()
    for name in (quote(workshop_id, safe=""), _DEFAULT):
        path = folder / f"{name}.toml"
        if len(path.name) <= 255 and path.is_file():
            return _read(path)
    return Brand()


def _read(path: Path) -> Brand:
    try:
        found = _BrandFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        logo = _read_logo(path.parent, found.logo) if found.logo else None
    except ValidationError as error:
        raise BrandError(f"{path.name}: {describe_faults(error)}") from error
    except OSError as error:
        raise BrandError(f"{path.name}: {Path(error.filename or path).name}: {error.strerror}") from error
    except ValueError as error:
        raise BrandError(f"{path.name}: {error}") from error
    return Brand(found.color, logo, found.footer)


def _read_logo(folder: Path, name: str) -> bytes:
    if not re.fullmatch(r"[\w -]+(\.[\w-]+)+", name):
        raise ValueError(f"logo is {name!r}; it must be the name of a file in the same folder")
    logo = (folder / name).read_bytes()
    if len(logo) > _LARGEST_LOGO:
        raise ValueError(f"{name} has {len(logo):,} bytes; a logo has at most {_LARGEST_LOGO:,}")
    try:
        with Image.open(io.BytesIO(logo), formats=("PNG", "JPEG")) as image:
            pixels = image.width * image.height
            if pixels <= _MOST_PIXELS:
                image.load()
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name} cannot be read as a PNG or JPEG image: {error}") from error
    if pixels > _MOST_PIXELS:
        raise ValueError(f"{name} has {pixels:,} pixels; a logo has at most {_MOST_PIXELS:,}")
    return logo
