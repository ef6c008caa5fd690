"""Wording: the files' own words, in every language.

A plural form is chosen by the language's rule of CLDR.
"""

from babel import Locale

from exporters.formats.table import Language, Note, NoteKind, Table

LANGUAGES: tuple[Language, ...] = ("nb", "sv", "da", "de", "en")

Words = tuple[str, str, str, str, str]
"""The same in every language, in the order of LANGUAGES."""

_WORDS: dict[str, Words] = {
    "summary": ("Sammendrag", "Sammanfattning", "Oversigt", "Zusammenfassung", "Summary"),
    "data": ("Data", "Data", "Data", "Daten", "Data"),
    "total": ("Sum", "Summa", "I alt", "Summe", "Total"),
    "group_total": ("Sum {group}", "Summa {group}", "I alt {group}", "Summe {group}", "Total {group}"),
    "no_data": ("Ingen data", "Inga data", "Ingen data", "Keine Daten", "No data"),
    "no_value": ("–", "–", "–", "–", "–"),
    "more": (
        "og {count} til",
        "och {count} till",
        "og {count} flere",
        "und {count} weitere",
        "and {count} more",
    ),
    "name": ("Navn", "Namn", "Navn", "Name", "Name"),
    "period": ("Periode", "Period", "Periode", "Zeitraum", "Period"),
    "show_figures": ("Vis tallene", "Visa siffrorna", "Vis tallene", "Zahlen anzeigen", "Show the figures"),
    "figures_below": (
        "Tallene står i tabellen under diagrammet.",
        "Siffrorna finns i tabellen under diagrammet.",
        "Tallene står i tabellen under diagrammet.",
        "Die Zahlen stehen in der Tabelle unter dem Diagramm.",
        "The figures are in the table below the chart.",
    ),
    "yes": ("Ja", "Ja", "Ja", "Ja", "Yes"),
    "no": ("Nei", "Nej", "Nej", "Nein", "No"),
    "page": ("Side {page} av ", "Sida {page} av ", "Side {page} af ", "Seite {page} von ", "Page {page} of "),
    "created": ("Laget (UTC)", "Skapad (UTC)", "Oprettet (UTC)", "Erstellt (UTC)", "Created (UTC)"),
    "title": ("Tittel", "Titel", "Titel", "Titel", "Title"),
    "rows": ("Rader", "Rader", "Rækker", "Zeilen", "Rows"),
    "note": ("Merknad", "Anmärkning", "Bemærkning", "Hinweis", "Note"),
    "heading": ("Overskrift", "Rubrik", "Overskrift", "Überschrift", "Heading"),
    "column": (
        "Kolonne «{title}»",
        "Kolumn ”{title}”",
        "Kolonne »{title}«",
        "Spalte „{title}“",
        "Column “{title}”",
    ),
}
"""By key."""

_COUNTED: dict[str, tuple[tuple[str, str], ...]] = {
    "rows": (
        ("{count} rad", "{count} rader"),
        ("{count} rad", "{count} rader"),
        ("{count} række", "{count} rækker"),
        ("{count} Zeile", "{count} Zeilen"),
        ("{count} row", "{count} rows"),
    ),
    "times": (
        ("{count} gang", "{count} ganger"),
        ("{count} gång", "{count} gånger"),
        ("{count} gang", "{count} gange"),
        ("{count} Mal", "{count} Mal"),
        ("{count} time", "{count} times"),
    ),
}
"""By key, in the order of LANGUAGES: the form for one, the form for others."""

_NOTES: dict[NoteKind, Words] = {
    "not_finite": (
        "tom der verdien ikke er et endelig tall",
        "tom där värdet inte är ett ändligt tal",
        "tom, hvor værdien ikke er et endeligt tal",
        "leer, wo der Wert keine endliche Zahl ist",
        "left empty where the value is not a finite number",
    ),
    "cut_to_cell": (
        "tekst kuttet til de 32 767 tegnene en celle rommer",
        "text avkortad till de 32 767 tecken som en cell rymmer",
        "tekst afkortet til de 32.767 tegn, en celle rummer",
        "Text auf die 32.767 Zeichen einer Zelle gekürzt",
        "text cut to the 32,767 characters of a cell",
    ),
    "cut_to_width": (
        "tekst kuttet til plassen i kolonnen",
        "text avkortad till kolumnens utrymme",
        "tekst afkortet til kolonnens plads",
        "Text auf den Platz der Spalte gekürzt",
        "text cut to the room of the column",
    ),
    "no_glyph": (
        "tegn vist som en boks fordi skriften mangler dem",
        "tecken visade som en ruta eftersom typsnittet saknar dem",
        "tegn vist som en boks, fordi skriften mangler dem",
        "Zeichen als Kästchen gezeigt, weil sie der Schrift fehlen",
        "characters shown as a box because the font lacks them",
    ),
    "number_as_text": (
        "tall skrevet som tekst fordi Excel beholder 15 sifre",
        "tal skrivet som text eftersom Excel behåller 15 siffror",
        "tal skrevet som tekst, fordi Excel beholder 15 cifre",
        "Zahl als Text geschrieben, weil Excel 15 Ziffern behält",
        "number written as text because Excel keeps 15 digits",
    ),
    "date_as_text": (
        "dato skrevet som tekst fordi Excels kalender går fra mars 1900 til 9999",
        "datum skrivet som text eftersom Excels kalender går från mars 1900 till 9999",
        "dato skrevet som tekst, fordi Excels kalender går fra marts 1900 til 9999",
        "Datum als Text geschrieben, weil Excels Kalender von März 1900 bis 9999 reicht",
        "date written as text because Excel's calendar runs from March 1900 to 9999",
    ),
    "characters_replaced": (
        "tegn erstattet fordi formatet ikke kan holde dem",
        "tecken ersatta eftersom formatet inte kan hålla dem",
        "tegn erstattet, fordi formatet ikke kan rumme dem",
        "Zeichen ersetzt, weil das Format sie nicht aufnehmen kann",
        "characters replaced because the format cannot hold them",
    ),
}


def choose(words: Words, language: Language) -> str:
    """Returns the words in the language."""
    return words[LANGUAGES.index(language)]


def say(language: Language, key: str, **parts: object) -> str:
    """Returns the words of this key, with its `{parts}` filled in."""
    return choose(_WORDS[key], language).format(**parts)


def say_count(language: Language, key: str, count: int, shown: str) -> str:
    """Returns the words for so many of `key`, in which the number is written as `shown`."""
    forms = _COUNTED[key][LANGUAGES.index(language)]
    is_one = Locale(language).plural_form(count) == "one"
    return forms[0 if is_one else 1].format(count=shown)


def say_note(note: Note, table: Table, language: Language) -> str:
    """Returns the note as a sentence."""
    titles = {column.name: column.title for column in table.columns}
    where = say(language, "column", title=titles[note.column]) if note.column else say(language, "heading")
    what = choose(_NOTES[note.what], language)
    return f"{where}: {what} ({say_count(language, 'times', note.count, str(note.count))})."
