/*
description = "Services that workshops offer or offered; a deleted one stays, so that old bookings resolve."
key = ["source", "workshop_id", "service_id"]
newest = ["updated_at"]
sort = ["workshop_id", "service_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that offers it." }
service_id = { type = "VARCHAR", required = true, description = "Identifies the service within its workshop." }
title = { type = "VARCHAR", required = true, description = "Title shown to customers." }
description = { type = "VARCHAR", description = "Longer text shown to customers." }
category_ids = { type = "VARCHAR[]", description = "Categories it belongs to; may be empty." }
categories = { type = "VARCHAR", derived = true, description = "Names of its categories in order, joined by a comma; null: none." }
price = { type = "DECIMAL(18,2)", description = "List price in currency." }
currency = { type = "VARCHAR", derived = true, description = "The workshop's currency." }
duration_minutes = { type = "BIGINT", description = "Planned length in minutes." }
is_active = { type = "BOOLEAN", required = true, description = "Whether it can be booked." }
created_at = { type = "TIMESTAMP", description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
deleted_at = { type = "TIMESTAMP", description = "UTC instant; null: not deleted." }
created_day = { type = "DATE", derived = true, description = "Local day of created_at." }
deleted_day = { type = "DATE", derived = true, description = "Local day of deleted_at." }

[[checks]]
name = "categories_are_known"
description = "Each category of a service is in categories."
severity = "warn"
sql = """
select * from (select source, workshop_id, service_id, unnest(category_ids) as category_id from services) as listed
where not exists (
    select 1 from categories as c where c.source = listed.source and c.category_id = listed.category_id
)
"""
*/
select
    s.*,
    (
        select string_agg(c.name, ', ' order by c.name)
        from categories as c
        where c.source = s.source and list_contains(s.category_ids, c.category_id)
    ) as categories,
    w.currency,
    cast(s.created_at at time zone 'UTC' at time zone w.time_zone as date) as created_day,
    cast(s.deleted_at at time zone 'UTC' at time zone w.time_zone as date) as deleted_day,
    case
        when w.workshop_id is null then 'workshop ' || s.workshop_id || ' is unknown'
        when s.price < 0 then 'price ' || cast(s.price as varchar) || ' is negative'
    end as reason
from typed_services as s
left join workshops as w on w.source = s.source and w.workshop_id = s.workshop_id
