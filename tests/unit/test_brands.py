"""Brands: whose file applies to a workshop, and what is refused."""

import io
from pathlib import Path

import pytest
from PIL import Image

from exporters.brands import BrandError, read_brand
from exporters.formats.table import Brand


def make_image(size: tuple[int, int], form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_workshops_own_brand_comes_before_the_default(tmp_path: Path, form: str) -> None:
    logo = make_image((40, 20), form)
    (tmp_path / "logo.img").write_bytes(logo)
    (tmp_path / "a%2Fb.toml").write_text(
        'color = "#0A5511"\nlogo = "logo.img"\nfooter = "Æ"', encoding="utf-8"
    )
    (tmp_path / "default.toml").write_text('footer = "All"')
    assert read_brand(tmp_path, "a/b") == Brand("#0A5511", logo, "Æ")
    assert read_brand(tmp_path, "other") == Brand(footer="All")
    assert read_brand(tmp_path, "x" * 300) == Brand(footer="All")
    assert read_brand(tmp_path / "absent", "a/b") == read_brand(None, "a/b") == Brand()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('color = "red"', "color"),
        ('colour = "#000000"', "colour"),
        ("color = 5", "color"),
        ("footer = [", "1.toml"),
        ('logo = "../secret.png"', "name of a file in the same folder"),
        ('logo = "/etc/passwd"', "name of a file in the same folder"),
        ('logo = "absent.png"', "absent.png"),
        ('logo = "text.png"', "cannot be read as a PNG or JPEG"),
        ('logo = "cut.png"', "cannot be read as a PNG or JPEG"),
        ('logo = "logo.gif"', "cannot be read as a PNG or JPEG"),
        ('logo = "huge.png"', "pixels"),
        ('logo = "heavy.png"', "at most 2,000,000"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "1.toml").write_text(text)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(make_image((300, 300))[:-30])
    (tmp_path / "logo.gif").write_bytes(make_image((3, 3), "GIF"))
    (tmp_path / "huge.png").write_bytes(make_image((2_001, 2_000)))
    (tmp_path / "heavy.png").write_bytes(b"x" * 2_000_001)
    with pytest.raises(BrandError, match=r"1\.toml") as caught:
        read_brand(tmp_path, "1")
    assert told in str(caught.value)
