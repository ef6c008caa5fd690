/*
description = "Events that a workshop holds; one that its source has no more stays, so that what names it resolves."
key = ["source", "workshop_id", "event_id"]
newest = ["updated_at"]
sort = ["workshop_id", "event_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that holds it." }
event_id = { type = "VARCHAR", required = true, description = "Identifies the event within its workshop." }
event_key = { type = "VARCHAR", required = true, description = "What people and the API call it by; unique within its workshop." }
title = { type = "VARCHAR", required = true, description = "Title." }
country = { type = "VARCHAR", description = "Country, as its source writes it." }
city = { type = "VARCHAR", description = "City." }
first_day = { type = "DATE", description = "First day of the event." }
last_day = { type = "DATE", description = "Last day of the event." }
is_visible = { type = "BOOLEAN", description = "Whether the public sees it." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
deleted_at = { type = "TIMESTAMP", description = "UTC instant since which its source has it no more; null: it is there." }

[[checks]]
name = "event_key_is_unique"
description = "No two events of a workshop have the same event_key; reports of such a key tell of all of them."
severity = "warn"
sql = "select workshop_id, event_key, count(*) as events from events where deleted_at is null group by all having count(*) > 1"
*/
select
    e.*,
    case
        when w.workshop_id is null then 'workshop ' || e.workshop_id || ' is unknown'
        when e.last_day < e.first_day
            then 'last day ' || cast(e.last_day as varchar)
                || ' is before the first, ' || cast(e.first_day as varchar)
    end as reason
from typed_events as e
left join workshops as w on w.source = e.source and w.workshop_id = e.workshop_id
