"""Headings: what stands around a report's rows, in the language asked: title, details, summary, brand."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from exporters.catalogue import Filters, ReportType
from exporters.formats.display import show_time, show_value
from exporters.formats.table import Brand, Chart, KeyFigure, Language, Table
from exporters.formats.wording import Words, choose, say
from warehouse import figures
from warehouse.figures import NO_CATEGORY, Workshop
from warehouse.front_matter import read_tables
from warehouse.generations import Snapshot
from warehouse.period import Period

_WORDS: dict[str, Words] = {
    "workshop": ("Verksted", "Verkstad", "Værksted", "Werkstatt", "Workshop"),
    "from": ("Fra", "Från", "Fra", "Von", "From"),
    "to": ("Til", "Till", "Til", "Bis", "To"),
    "beginning": ("begynnelsen", "början", "begyndelsen", "Anfang", "the beginning"),
    "now": ("nå", "nu", "nu", "jetzt", "now"),
    "time_zone": ("Tidssone", "Tidszon", "Tidszone", "Zeitzone", "Time zone"),
    "currency": ("Valuta", "Valuta", "Valuta", "Währung", "Currency"),
    "none": ("ingen", "ingen", "ingen", "keine", "none"),
    "data_as_of": ("Data per", "Data per", "Data pr.", "Datenstand", "Data as of"),
    "never": (
        "aldri lest helt",
        "aldrig helt läst",
        "aldrig læst helt",
        "nie ganz gelesen",
        "never wholly read",
    ),
    "done": ("Utførte jobber", "Utförda jobb", "Udførte job", "Erledigte Aufträge", "Done jobs"),
    "revenue": ("Omsetning", "Omsättning", "Omsætning", "Umsatz", "Revenue"),
    "services": (
        "Aktive tjenester",
        "Aktiva tjänster",
        "Aktive ydelser",
        "Aktive Leistungen",
        "Active services",
    ),
    "rating": ("Snittvurdering", "Snittbetyg", "Gns. bedømmelse", "Ø Bewertung", "Average rating"),
    "ratings": ("Vurderinger", "Betyg", "Bedømmelser", "Bewertungen", "Ratings"),
    "by_category": (
        "Tjenester per kategori",
        "Tjänster per kategori",
        "Ydelser pr. kategori",
        "Leistungen je Kategorie",
        "Services by category",
    ),
    "services_title": ("Tjenester", "Tjänster", "Ydelser", "Leistungen", "Services"),
    "by_month": (
        "Snittvurdering per måned",
        "Snittbetyg per månad",
        "Gennemsnitlig bedømmelse pr. måned",
        "Durchschnittliche Bewertung je Monat",
        "Average rating per month",
    ),
    "no_category": ("Uten kategori", "Utan kategori", "Uden kategori", "Ohne Kategorie", "No category"),
}
"""By key."""

_SUMMED_UP = frozenset({"bookings", "booking_days", "category_days", "ratings", "rating_days", "services"})
"""What the summary tells of."""


def make_table(
    snapshot: Snapshot,
    workshop: Workshop,
    report: ReportType,
    filters: Filters,
    *,
    language: Language,
    brand: Brand,
    created_at: datetime,
) -> Table:
    """The frame of the report's rows. Its summary is of the workshop in the period, as the report endpoints
    give it; other filters of the report do not narrow it. A report of other data than theirs has none.

    Raises:
        UnknownWorkshopError: the snapshot has no such workshop.
    """
    period = Period(filters.get("date_from"), filters.get("date_to"))
    is_summed_up = _tells_of_bookings(report.name, report.sql)
    return Table(
        title=report.title(language),
        columns=report.columns(language),
        details=_details(snapshot, workshop, report, filters, language),
        created_at=created_at,
        language=language,
        currency=workshop.currency,
        key_figures=_key_figures(snapshot, workshop, period, language) if is_summed_up else (),
        charts=_charts(snapshot, workshop, period, language) if is_summed_up else (),
        group=report.group(language),
        brand=brand,
    )


@lru_cache(maxsize=256)
def _tells_of_bookings(name: str, sql: str) -> bool:
    return not read_tables(name, sql).isdisjoint(_SUMMED_UP)


def _say(language: Language, key: str) -> str:
    return choose(_WORDS[key], language)


def _details(
    snapshot: Snapshot, workshop: Workshop, report: ReportType, filters: Filters, language: Language
) -> tuple[tuple[str, str], ...]:
    as_of = snapshot.generation.data_as_of
    zone = ZoneInfo(workshop.time_zone)
    first = filters.get("time_from") or filters.get("date_from")
    last = filters.get("time_to") or filters.get("date_to")
    details = [
        (_say(language, "workshop"), workshop.name),
        (_say(language, "from"), show_time(first, language) if first else _say(language, "beginning")),
        (_say(language, "to"), show_time(last, language) if last else _say(language, "now")),
        (_say(language, "time_zone"), workshop.time_zone),
        (_say(language, "currency"), workshop.currency or _say(language, "none")),
        (
            _say(language, "data_as_of"),
            show_time(as_of.astimezone(zone), language) if as_of else _say(language, "never"),
        ),
    ]
    details += [
        (report.argument_title(name, language), _show_filter(value, language))
        for name, value in filters.items()
        if value is not None and name not in {"date_from", "date_to", "time_from", "time_to"}
    ]
    return tuple(details)


def _show_filter(value: Any, language: Language) -> str:
    match value:
        case bool():
            return say(language, "yes" if value else "no")
        case Decimal():
            return show_value(value, "decimal", language)
        case date():
            return show_time(value, language)
        case list():
            return ", ".join(value)
    return str(value)


def _key_figures(
    snapshot: Snapshot, workshop: Workshop, period: Period, language: Language
) -> tuple[KeyFigure, ...]:
    overview = figures.overview(snapshot.figures, workshop.workshop_id, period)
    return (
        KeyFigure(_say(language, "done"), overview.done, "integer"),
        KeyFigure(_say(language, "revenue"), overview.revenue, "money", overview.currency),
        KeyFigure(_say(language, "services"), overview.services, "integer"),
        KeyFigure(_say(language, "rating"), overview.rating_average, "decimal"),
        KeyFigure(_say(language, "ratings"), overview.rating_count, "integer"),
    )


def _charts(snapshot: Snapshot, workshop: Workshop, period: Period, language: Language) -> tuple[Chart, ...]:
    categories = figures.services_by_category(snapshot.figures, workshop.workshop_id, period)
    months = figures.ratings_by_month(snapshot.figures, workshop.workshop_id, period)
    unnamed = _say(language, "no_category")
    return (
        Chart(
            title=_say(language, "by_category"),
            form="bars",
            labels=tuple(unnamed if row.category == NO_CATEGORY else row.category for row in categories),
            values=tuple(row.count for row in categories),
            value_title=_say(language, "services_title"),
            kind="integer",
        ),
        Chart(
            title=_say(language, "by_month"),
            form="line",
            labels=tuple(point.period for point in months),
            values=tuple(point.average for point in months),
            value_title=_say(language, "rating"),
            kind="decimal",
        ),
    )
