"""Wording: what mails and the pages behind their links say, in every language."""

from datetime import date, datetime

from babel.numbers import format_decimal

from exporters.formats.display import find_locale, show_time, show_value
from exporters.formats.table import Language
from exporters.formats.wording import Words, choose

_WORDS: dict[str, Words] = {
    "report": ("Rapport", "Rapport", "Rapport", "Bericht", "Report"),
    "workshop": ("Verksted", "Verkstad", "Værksted", "Werkstatt", "Workshop"),
    "period": ("Periode", "Period", "Periode", "Zeitraum", "Period"),
    "rows": ("Rader", "Rader", "Rækker", "Zeilen", "Rows"),
    "as_of": ("Data per", "Data per", "Data pr.", "Datenstand", "Data as of"),
    "file": ("Fil", "Fil", "Fil", "Datei", "File"),
    "attached": (
        "Rapporten er vedlagt.",
        "Rapporten är bifogad.",
        "Rapporten er vedhæftet.",
        "Der Bericht ist angehängt.",
        "The report is attached.",
    ),
    "linked": (
        "Rapporten kan lastes ned frem til {until}:",
        "Rapporten kan laddas ner fram till {until}:",
        "Rapporten kan hentes indtil {until}:",
        "Der Bericht kann bis {until} heruntergeladen werden:",
        "The report can be downloaded until {until}:",
    ),
    "too_large": (
        "Filen er på {size} og for stor til å sendes med e-post, derfor får du en lenke.",
        "Filen är {size} och för stor för att skickas med e-post, därför får du en länk.",
        "Filen er på {size} og for stor til at sende med e-mail, derfor får du et link.",
        "Die Datei ist {size} groß und damit zu groß für eine E-Mail; deshalb erhalten Sie einen Link.",
        "The file is {size} and too large for a mail, so you get a link.",
    ),
    "expired": (
        "Filen er slettet fordi lagringstiden er ute. Be om rapporten på nytt.",
        "Filen är borttagen eftersom lagringstiden har gått ut. Begär rapporten igen.",
        "Filen er slettet, fordi opbevaringstiden er udløbet. Bestil rapporten igen.",
        "Die Datei ist gelöscht, weil ihre Aufbewahrungszeit abgelaufen ist. Fordern Sie sie erneut an.",
        "The file has been removed because its retention has passed. Ask for the report again.",
    ),
    "failed": (
        "Rapporten kunne ikke lages: {error}",
        "Rapporten kunde inte skapas: {error}",
        "Rapporten kunne ikke laves: {error}",
        "Der Bericht konnte nicht erstellt werden: {error}",
        "The report could not be made: {error}",
    ),
    "no_file": (
        "Det finnes ingen fil for denne rapporten.",
        "Det finns ingen fil för den här rapporten.",
        "Der findes ingen fil til denne rapport.",
        "Zu diesem Bericht gibt es keine Datei.",
        "There is no file for this report.",
    ),
    "download": ("Last ned", "Ladda ner", "Hent", "Herunterladen", "Download"),
    "available": (
        "Kan lastes ned frem til {until}.",
        "Kan laddas ner fram till {until}.",
        "Kan hentes indtil {until}.",
        "Kann bis {until} heruntergeladen werden.",
        "Can be downloaded until {until}.",
    ),
    "unknown": (
        "Lenken fører ikke til noen fil. Kontroller at hele lenken ble med.",
        "Länken leder inte till någon fil. Kontrollera att hela länken kom med.",
        "Linket fører ikke til nogen fil. Kontrollér, at hele linket kom med.",
        "Der Link führt zu keiner Datei. Prüfen Sie, ob er vollständig ist.",
        "The link leads to no file. Check that all of it was copied.",
    ),
    "automatic": (
        "Denne e-posten er sendt automatisk. Svar blir ikke lest.",
        "Det här meddelandet har skickats automatiskt. Svar läses inte.",
        "Denne e-mail er sendt automatisk. Svar bliver ikke læst.",
        "Diese E-Mail wurde automatisch gesendet. Antworten werden nicht gelesen.",
        "This mail was sent automatically. Replies are not read.",
    ),
}
"""By key."""


def say(language: Language, key: str, **parts: object) -> str:
    """Returns the words of this key, with its `{parts}` filled in."""
    return choose(_WORDS[key], language).format(**parts)


def show_size(size: int, language: Language) -> str:
    """Returns a number of bytes in the unit that people use for it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            shown = format_decimal(size / factor, "#,##0.#", locale=find_locale(language))
            return f"{shown} {unit}"
    return f"{size} B"


def show_number(number: int, language: Language) -> str:
    """Returns a whole number with its digits grouped."""
    return show_value(number, "integer", language)


def show_instant(instant: datetime, language: Language) -> str:
    """Returns an instant in UTC, to the minute."""
    return f"{_show_minute(instant, language)} UTC"


def show_period(start: str, end: str, language: Language) -> str:
    """Returns a period of two texts in ISO 8601, dates or local date-times; others are shown as they are."""
    shown = [_show_local(text, language) for text in dict.fromkeys((start, end)) if text]
    return " – ".join(shown)


def _show_local(text: str, language: Language) -> str:
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    return show_time(local.date(), language) if _is_day(text) else _show_minute(local, language)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _show_minute(instant: datetime, language: Language) -> str:
    return f"{show_time(instant.date(), language)} {instant:%H:%M}"
