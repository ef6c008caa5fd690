"""What the page of a delivery's link says, as HTML that loads nothing and runs nothing."""

import base64
import hashlib
from html import escape

from exporters.deliveries.wording import say, show_instant, show_size
from exporters.formats.table import Language
from exporters.jobs import Job

_STYLE = """
:root { color-scheme: light dark; --ink: #14181f; --paper: #f5f6f8; --card: #fff; --quiet: #59616e;
  --act: #1d4ed8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaee; --paper: #14171c; --card: #1e2229; --quiet: #a3abb8; --act: #3b6cf0 }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { box-sizing: border-box; width: min(30rem, 100vw); padding: 2rem; background: var(--card);
  border-radius: 12px }
h1 { font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere }
p { margin: 0 0 1rem; overflow-wrap: anywhere }
.quiet { color: var(--quiet) }
button { font: inherit; padding: .7rem 1.4rem; border: 0; border-radius: 8px; background: var(--act);
  color: #fff; cursor: pointer }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px }
""".strip()

STYLE_SOURCE = f"sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}"
"""What a content security policy must allow for the page to have its style."""


def show_file(language: Language, title: str, job: Job, action: str) -> str:
    """The page of a file that is there; `action`: where its button leads, by POST."""
    size = show_size(job.size_bytes or 0, language)
    until = show_instant(job.expires_at, language) if job.expires_at else ""
    available = f'<p class="quiet">{escape(say(language, "available", until=until))}</p>' if until else ""
    return _page(
        language,
        title,
        f"<p>{escape(job.file_name or '')}<br><span class=quiet>{escape(size)}</span></p>"
        f'<form method="post" action="{escape(action)}"><p><button>{escape(say(language, "download"))}'
        f"</button></p></form>{available}",
    )


def show_words(language: Language, key: str, title: str | None = None) -> str:
    """The page that says why there is no file."""
    return _page(language, title or say(language, "report"), f"<p>{escape(say(language, key))}</p>")


def _page(language: Language, title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{content}</main></body></html>\n"
    )
