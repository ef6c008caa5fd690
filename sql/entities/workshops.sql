/*
description = "Workshops: the tenants. Each sees only its own rows. An id belongs to the first source that has it."
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
with placed as (
    select
        w.* exclude (time_zone, currency),
        coalesce(w.time_zone, s.time_zone) as time_zone,
        coalesce(w.currency, s.currency) as currency,
        first_value(w.source) over (partition by w.workshop_id order by s.position) as owner
    from typed_workshops as w
    join sources as s on s.source = w.source
)

select
    p.* exclude (owner),
    case
        when p.owner <> p.source then 'workshop ' || p.workshop_id || ' belongs to the source ' || p.owner
        when p.time_zone not in (select z.name from time_zones as z)
            then 'time zone ' || p.time_zone || ' is unknown'
    end as reason
from placed as p
