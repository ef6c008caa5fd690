/*
description = "Workshops: the tenants. Each sees only its own rows."
key = ["workshop_id"]
newest = ["updated_at"]
sort = ["workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Identifies the workshop." }
org_number = { type = "VARCHAR", description = "Organisation number." }
name = { type = "VARCHAR", required = true, description = "Name of the workshop." }
time_zone = { type = "VARCHAR", description = "IANA zone whose local days the workshop's figures count by." }
currency = { type = "VARCHAR", description = "ISO 4217 code of all its money; null: no money is known." }
created_at = { type = "TIMESTAMP", description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
*/
select
    w.* exclude (time_zone, currency),
    coalesce(w.time_zone, s.time_zone) as time_zone,
    coalesce(w.currency, s.currency) as currency,
    case
        when coalesce(w.time_zone, s.time_zone) not in (select z.name from time_zones as z)
            then 'time zone ' || w.time_zone || ' is unknown'
    end as reason
from typed_workshops as w
join sources as s on s.source = w.source
