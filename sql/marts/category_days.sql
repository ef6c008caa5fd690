/*
description = "Bookings per workshop, service category and local day; a service in two categories counts in both."
key = ["workshop_id", "category", "day"]
sort = ["workshop_id", "day", "category"]

[columns]
workshop_id = { type = "VARCHAR", required = true, description = "Workshop." }
category = { type = "VARCHAR", description = "Name of the category; null: none." }
day = { type = "DATE", required = true, description = "Local day of the bookings' service time." }
bookings = { type = "BIGINT", required = true, description = "Bookings of any status." }
*/
select b.workshop_id, c.category, b.day, count(*) as bookings
from bookings as b
left join service_categories as c on c.workshop_id = b.workshop_id and c.service_id = b.service_id
group by b.workshop_id, c.category, b.day
