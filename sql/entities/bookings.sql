/*
description = "Bookings, one row per booked service. Never deleted: a cancelled one has its status."
key = ["source", "booking_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "service_time", "booking_id"]
follows = true

[lookups]
workshops = ["source", "workshop_id"]
services = ["source", "workshop_id", "service_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop the booking was made at." }
booking_id = { type = "VARCHAR", required = true, description = "Identifies the booking within its source." }
group_id = { type = "VARCHAR", description = "Shared by bookings that were made together." }
service_id = { type = "VARCHAR", description = "The booked service; null: none was named." }
service_title = { type = "VARCHAR", derived = true, description = "Title of the booked service." }
categories = { type = "VARCHAR", derived = true, description = "Names of the service's categories, joined by a comma." }
customer_id = { type = "VARCHAR", personal = true, description = "Identifies the customer." }
customer_name = { type = "VARCHAR", personal = true, description = "Name of the customer." }
registration_number = { type = "VARCHAR", personal = true, description = "Registration number of the vehicle." }
status = { type = "VARCHAR", required = true, description = "Status code, as the source writes it." }
outcome = { type = "VARCHAR", derived = true, required = true, description = "What the status means for figures: done (COMPLETED), active (PENDING, CONFIRMED), cancelled (CANCELLED) or unknown." }
start_time = { type = "TIMESTAMP", required = true, description = "UTC instant at which the service begins." }
end_time = { type = "TIMESTAMP", description = "UTC instant at which it ends." }
completed_at = { type = "TIMESTAMP", description = "UTC instant of completion." }
cancelled_at = { type = "TIMESTAMP", description = "UTC instant of cancelling." }
cancellation_reason = { type = "VARCHAR", personal = true, description = "Why it was cancelled." }
service_time = { type = "TIMESTAMP", derived = true, required = true, description = "UTC instant that decides on which day the booking counts." }
day = { type = "DATE", derived = true, required = true, description = "Local day of service_time in the workshop's zone: the day that figures and date filters use." }
price = { type = "DECIMAL(18,2)", description = "Price of this booking in currency; null: unknown." }
currency = { type = "VARCHAR", description = "The workshop's currency." }
walk_in = { type = "BOOLEAN", description = "Whether the customer came without an appointment." }
notes = { type = "VARCHAR", personal = true, description = "Free text." }
created_at = { type = "TIMESTAMP", description = "UTC instant." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }

[[checks]]
name = "status_is_known"
description = "Each booking's status is one that figures know; an unknown one counts as neither done nor cancelled."
severity = "warn"
sql = "select workshop_id, booking_id, status from bookings where outcome = 'unknown'"

[[checks]]
name = "done_is_priced"
description = "Each done booking of a workshop with money has a price; one without adds nothing to revenue."
severity = "warn"
sql = "select workshop_id, booking_id from bookings where outcome = 'done' and price is null and currency is not null"
*/
with timed as (
    select
        b.*,
        case
            when o.service_time = 'completed_at' then coalesce(b.completed_at, b.start_time) else b.start_time
        end as service_time
    from typed_bookings as b
    join sources as o on o.source = b.source
)

select
    b.* exclude (currency),
    s.title as service_title,
    s.categories,
    case
        when b.status = 'COMPLETED' then 'done'
        when b.status in ('PENDING', 'CONFIRMED') then 'active'
        when b.status = 'CANCELLED' then 'cancelled'
        else 'unknown'
    end as outcome,
    cast(b.service_time at time zone 'UTC' at time zone w.time_zone as date) as day,
    w.currency,
    case
        when w.workshop_id is null then 'workshop ' || b.workshop_id || ' is unknown'
        when b.service_id is not null and s.service_id is null
            then 'service ' || b.service_id || ' is unknown at workshop ' || b.workshop_id
        when b.price < 0 then 'price ' || cast(b.price as varchar) || ' is negative'
        when b.currency <> w.currency
            then 'currency ' || b.currency || ' is not the workshop''s, ' || w.currency
    end as reason
from timed as b
left join workshops as w on w.source = b.source and w.workshop_id = b.workshop_id
left join services as s
    on s.source = b.source and s.workshop_id = b.workshop_id and s.service_id = b.service_id
