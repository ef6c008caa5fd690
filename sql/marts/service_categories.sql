/*
description = "The categories of each service: one row per category, and one without a category where it has none."
key = ["workshop_id", "service_id", "category_id"]
sort = ["workshop_id", "service_id", "category_id"]
of = "services"
slice = ["workshop_id", "service_id"]

[columns]
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that offers the service." }
service_id = { type = "VARCHAR", required = true, description = "The service." }
category_id = { type = "VARCHAR", description = "The category; null: the service has none." }
category = { type = "VARCHAR", description = "Name of the category; null: the service has none." }
*/
with listed as (
    select source, workshop_id, service_id, unnest(category_ids) as category_id from services
),

named as (
    select l.source, l.workshop_id, l.service_id, c.category_id, c.name
    from listed as l
    join categories as c on c.source = l.source and c.category_id = l.category_id
)

select distinct s.workshop_id, s.service_id, n.category_id, n.name as category
from services as s
left join named as n
    on n.source = s.source and n.workshop_id = s.workshop_id and n.service_id = s.service_id
