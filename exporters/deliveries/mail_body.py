"""The body of a mail, as plain text and as HTML that loads nothing and holds no script."""

from dataclasses import dataclass
from html import escape

from exporters.deliveries.wording import say
from exporters.formats.table import Language

_FONT = "font-size:15px;line-height:1.5;font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif"


@dataclass(frozen=True)
class Body:
    """What a mail says."""

    language: Language
    title: str
    facts: tuple[tuple[str, str], ...]
    """Names and values."""
    sentences: tuple[str, ...]
    link: str | None
    closing: str
    is_attached: bool


def write_text(body: Body) -> str:
    """The body as plain text."""
    width = max((len(name) for name, _ in body.facts), default=0) + 2
    facts = "\n".join(f"{name + ':':<{width}}{value}" for name, value in body.facts)
    linked = "\n".join([*body.sentences, *([body.link] if body.link else [])])
    return "\n\n".join(part for part in (body.title, facts, linked, f"--\n{body.closing}") if part) + "\n"


def write_html(body: Body) -> str:
    """The body as HTML; every value is escaped."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal;color:#555;padding:2px 16px 2px 0">'
        f'{escape(name)}</th><td style="padding:2px 0">{escape(value)}</td></tr>'
        for name, value in body.facts
    )
    table = f'<table style="border-collapse:collapse;margin:0 0 16px">{rows}</table>' if rows else ""
    paragraphs = "".join(f'<p style="margin:0 0 16px">{escape(each)}</p>' for each in body.sentences)
    button = ""
    if body.link:
        button = (
            f'<p style="margin:0 0 16px"><a href="{escape(body.link)}" style="display:inline-block;'
            f'padding:10px 18px;background:#1d4ed8;color:#fff;text-decoration:none;border-radius:6px">'
            f"{escape(say(body.language, 'download'))}</a></p>"
        )
    return (
        f'<!doctype html><html lang="{body.language}"><head><meta charset="utf-8">'
        f"<title>{escape(body.title)}</title></head>"
        f'<body style="margin:0;padding:24px;color:#111;background:#fff;{_FONT}">'
        f'<h1 style="font-size:20px;margin:0 0 16px">{escape(body.title)}</h1>{table}{paragraphs}{button}'
        f'<p style="margin:24px 0 0;color:#666;font-size:13px">{escape(body.closing)}</p></body></html>\n'
    )
