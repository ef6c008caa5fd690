/*
description = "Applications to take part in events; which ones, the table application_events tells."
key = ["source", "workshop_id", "application_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "application_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that holds the events." }
application_id = { type = "VARCHAR", required = true, description = "Identifies the application within its workshop." }
company_name = { type = "VARCHAR", personal = true, description = "Company that applies." }
first_name = { type = "VARCHAR", personal = true, description = "First name of who applies." }
last_name = { type = "VARCHAR", personal = true, description = "Last name of who applies." }
email = { type = "VARCHAR", personal = true, description = "Address of who applies; identifies them." }
country = { type = "VARCHAR", description = "Country, as its source writes it." }
rating = { type = "DECIMAL(3,0)", description = "1 to 5, by who decides on it; null: not rated." }
created_at = { type = "TIMESTAMP", required = true, description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
day = { type = "DATE", derived = true, required = true, description = "Local day of created_at in the workshop's zone." }
*/
select
    a.*,
    cast(a.created_at at time zone 'UTC' at time zone w.time_zone as date) as day,
    case
        when w.workshop_id is null then 'workshop ' || a.workshop_id || ' is unknown'
        when a.rating < 1 or a.rating > 5 then 'rating ' || cast(a.rating as varchar) || ' is not 1 to 5'
    end as reason
from typed_applications as a
left join workshops as w on w.source = a.source and w.workshop_id = a.workshop_id
