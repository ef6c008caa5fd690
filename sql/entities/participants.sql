/*
description = "Participants of events; one that was removed stays, so that invoices of it resolve, and counts no more."
key = ["source", "workshop_id", "participant_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "participant_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]
events = ["source", "workshop_id", "event_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that holds the event." }
participant_id = { type = "VARCHAR", required = true, description = "Identifies the participant within its workshop." }
event_id = { type = "VARCHAR", required = true, description = "The event." }
contact_id = { type = "VARCHAR", personal = true, description = "Identifies who takes part." }
is_confirmed = { type = "BOOLEAN", required = true, description = "Whether taking part is confirmed." }
created_at = { type = "TIMESTAMP", required = true, description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
deleted_at = { type = "TIMESTAMP", description = "UTC instant since which its source has it no more; null: it is there." }
day = { type = "DATE", derived = true, required = true, description = "Local day of created_at in the workshop's zone." }
*/
select
    p.*,
    cast(p.created_at at time zone 'UTC' at time zone w.time_zone as date) as day,
    case
        when w.workshop_id is null then 'workshop ' || p.workshop_id || ' is unknown'
        when e.event_id is null then 'event ' || p.event_id || ' is unknown at workshop ' || p.workshop_id
    end as reason
from typed_participants as p
left join workshops as w on w.source = p.source and w.workshop_id = p.workshop_id
left join events as e on e.source = p.source and e.workshop_id = p.workshop_id and e.event_id = p.event_id
