/*
description = "Bookings per workshop, service category and local day; a service in two categories counts in both, in two of one name once."
key = ["workshop_id", "category", "day"]
sort = ["workshop_id", "day", "category"]
of = "bookings"
slice = ["workshop_id", "day"]

[lookups]
service_categories = ["workshop_id", "service_id"]

[columns]
workshop_id = { type = "VARCHAR", required = true, description = "Workshop." }
category = { type = "VARCHAR", description = "Name of the category; null: none." }
day = { type = "DATE", required = true, description = "Local day of the bookings' service time." }
bookings = { type = "BIGINT", required = true, description = "Bookings of any status." }
*/
with named as (
    select distinct workshop_id, service_id, category from service_categories
)

select b.workshop_id, n.category, b.day, count(*) as bookings
from bookings as b
left join named as n on n.workshop_id = b.workshop_id and n.service_id = b.service_id
group by b.workshop_id, n.category, b.day
