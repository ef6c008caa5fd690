/*
description = "The events that each application names: one row for each of them."
key = ["source", "workshop_id", "application_id", "event_id"]
sort = ["workshop_id", "application_id", "event_id"]
follows = true

[lookups]
applications = ["source", "workshop_id", "application_id"]
events = ["source", "workshop_id", "event_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that holds the events." }
application_id = { type = "VARCHAR", required = true, description = "The application." }
event_id = { type = "VARCHAR", required = true, description = "An event that it names." }
*/
select
    l.*,
    case
        when a.application_id is null
            then 'application ' || l.application_id || ' is unknown at workshop ' || l.workshop_id
        when e.event_id is null then 'event ' || l.event_id || ' is unknown at workshop ' || l.workshop_id
    end as reason
from typed_application_events as l
left join applications as a
    on a.source = l.source and a.workshop_id = l.workshop_id and a.application_id = l.application_id
left join events as e on e.source = l.source and e.workshop_id = l.workshop_id and e.event_id = l.event_id
