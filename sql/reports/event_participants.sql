/*
title = "Event participants"
description = "Participants of each event; those that were removed are left out."
formats = ["csv", "xlsx", "pdf", "html", "parquet"]

[arguments]
date_from = { type = "date", title = "From", description = "First local day on which they were added." }
date_to = { type = "date", title = "To", description = "Last local day on which they were added." }

[arguments.event_key]
type = "text"
title = "Event"
description = "Only what belongs to the event of this key."

[arguments.event_key.entity]
type = "event"
sql = "select event_key as id, title as name from events where workshop_id = $workshop_id order by event_key"

[company]
id = 202
name = "Event participants"
group = "events"
class_name = "ReportEventParticipants"
added = 2026-11-22

[columns]
event_key = { title = "Event key", kind = "text", description = "What the event is called by." }
event = { title = "Event", kind = "text", description = "Title of the event." }
participants = { title = "Participants", kind = "integer", total = true, description = "Participants." }
confirmed = { title = "Confirmed", kind = "integer", total = true, description = "Those who are confirmed." }
unconfirmed = { title = "Not confirmed", kind = "integer", total = true, description = "Those who are not." }

[languages.nb]
title = "Deltakere"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { event_key = "Arrangementsnøkkel", event = "Arrangement", participants = "Deltakere", confirmed = "Bekreftet", unconfirmed = "Ikke bekreftet" }

[languages.sv]
title = "Deltagare"
arguments = { date_from = "Från", date_to = "Till", event_key = "Evenemang" }
columns = { event_key = "Evenemangsnyckel", event = "Evenemang", participants = "Deltagare", confirmed = "Bekräftade", unconfirmed = "Ej bekräftade" }

[languages.da]
title = "Deltagere"
arguments = { date_from = "Fra", date_to = "Til", event_key = "Arrangement" }
columns = { event_key = "Arrangementsnøgle", event = "Arrangement", participants = "Deltagere", confirmed = "Bekræftet", unconfirmed = "Ikke bekræftet" }

[languages.de]
title = "Teilnehmende"
arguments = { date_from = "Von", date_to = "Bis", event_key = "Veranstaltung" }
columns = { event_key = "Veranstaltungsschlüssel", event = "Veranstaltung", participants = "Teilnehmende", confirmed = "Bestätigt", unconfirmed = "Nicht bestätigt" }
*/
select
    p.workshop_id,
    t.event_key,
    t.title as event,
    count(*) as participants,
    count(*) filter (where p.is_confirmed) as confirmed,
    count(*) filter (where not p.is_confirmed) as unconfirmed
from participants as p
join events as t on t.workshop_id = p.workshop_id and t.event_id = p.event_id
where p.workshop_id = $workshop_id
    and p.deleted_at is null
    and ($date_from is null or p.day >= $date_from)
    and ($date_to is null or p.day <= $date_to)
    and ($event_key is null or p.event_id in (
        select e.event_id from events as e where e.workshop_id = $workshop_id and e.event_key = $event_key
    ))
group by p.workshop_id, t.event_id, t.event_key, t.title
order by t.event_key, t.event_id
