/*
title = "Event applications"
description = "Applications as a whole, by event and by rating; one that names several events counts once in the whole and once in each of them."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which they came in." }
date_to = { type = "date", title = "To", description = "Last local day on which they came in." }

[arguments.event_key]
type = "text"
title = "Event"
description = "Only what belongs to the event of this key."

[arguments.event_key.entity]
type = "event"
sql = "select event_key as id, title as name from events where workshop_id = $workshop_id order by event_key"

[company]
id = 203
name = "Event applications"
group = "events"
class_name = "ReportEventApplications"
added = 2026-11-22

[columns]
breakdown = { title = "By", kind = "text", description = "all, event or rating: what the row counts." }
event_key = { title = "Event key", kind = "text", description = "Of rows by event, what the event is called by; empty: the applications that name none." }
event = { title = "Event", kind = "text", description = "Of rows by event, its title." }
rating = { title = "Rating", kind = "integer", description = "Of rows by rating, 1 to 5; empty: not rated." }
applications = { title = "Applications", kind = "integer", description = "Applications." }
rated = { title = "Rated", kind = "integer", description = "Those that have a rating." }
rating_avg = { title = "Average rating", kind = "decimal", description = "Mean of the ratings to two places; empty: none is rated." }

[group]
name = "breakdown"
title = "By"

[languages.nb]
title = "Søknader"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { breakdown = "Etter", event_key = "Arrangementsnøkkel", event = "Arrangement", rating = "Vurdering", applications = "Søknader", rated = "Vurdert", rating_avg = "Snittvurdering" }
group = "Etter"

[languages.sv]
title = "Ansökningar"
arguments = { date_from = "Från", date_to = "Till", event_key = "Evenemang" }
columns = { breakdown = "Efter", event_key = "Evenemangsnyckel", event = "Evenemang", rating = "Betyg", applications = "Ansökningar", rated = "Bedömda", rating_avg = "Snittbetyg" }
group = "Efter"

[languages.da]
title = "Ansøgninger"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { breakdown = "Efter", event_key = "Arrangementsnøgle", event = "Arrangement", rating = "Bedømmelse", applications = "Ansøgninger", rated = "Bedømt", rating_avg = "Gennemsnitlig bedømmelse" }
group = "Efter"

[languages.de]
title = "Bewerbungen"
arguments = { date_from = "Von", date_to = "Bis", event_key = "Veranstaltung" }
columns = { breakdown = "Nach", event_key = "Veranstaltungsschlüssel", event = "Veranstaltung", rating = "Bewertung", applications = "Bewerbungen", rated = "Bewertet", rating_avg = "Mittlere Bewertung" }
group = "Nach"
*/
with chosen as (
    select a.workshop_id, a.application_id, a.rating
    from applications as a
    where a.workshop_id = $workshop_id
        and ($date_from is null or a.day >= $date_from)
        and ($date_to is null or a.day <= $date_to)
        and ($event_key is null or a.application_id in (
            select l.application_id
            from application_events as l
            join events as e on e.workshop_id = l.workshop_id and e.event_id = l.event_id
            where l.workshop_id = $workshop_id and e.event_key = $event_key
        ))
),

parts as (
    select c.workshop_id, 1 as place, 'all' as breakdown, null as event_id, null as by_rating, c.rating
    from chosen as c
    union all
    select c.workshop_id, 2 as place, 'event' as breakdown, l.event_id, null as by_rating, c.rating
    from chosen as c
    left join application_events as l
        on l.workshop_id = c.workshop_id and l.application_id = c.application_id
    union all
    select c.workshop_id, 3 as place, 'rating' as breakdown, null as event_id, c.rating as by_rating, c.rating
    from chosen as c
)

select
    p.workshop_id,
    p.breakdown,
    t.event_key,
    t.title as event,
    cast(p.by_rating as integer) as rating,
    count(*) as applications,
    count(p.rating) as rated,
    cast(
        case
            -- Halves are rounded up; a division would leave the decimals.
            when count(p.rating) > 0
                then (200 * sum(cast(p.rating as bigint)) + count(p.rating)) // (2 * count(p.rating)) * 0.01
        end as decimal(9, 2)
    ) as rating_avg
from parts as p
left join events as t on t.workshop_id = p.workshop_id and t.event_id = p.event_id
where p.place <> 2 or $event_key is null or t.event_key = $event_key
group by p.workshop_id, p.place, p.breakdown, p.event_id, t.event_key, t.title, p.by_rating
order by p.place, t.event_key nulls last, p.event_id, p.by_rating nulls last
