/*
description = "Bookings per workshop and local day: every booking figure of any date range is a sum of these rows."
key = ["workshop_id", "day"]
sort = ["workshop_id", "day"]
of = "bookings"
slice = ["workshop_id", "day"]
restated = ["bookings", "done", "active", "cancelled", "revenue"]

[columns]
workshop_id = { type = "VARCHAR", required = true, description = "Workshop." }
day = { type = "DATE", required = true, description = "Local day of the bookings' service time." }
bookings = { type = "BIGINT", required = true, description = "Bookings of any status." }
done = { type = "BIGINT", required = true, description = "Completed ones." }
active = { type = "BIGINT", required = true, description = "Pending and confirmed ones." }
cancelled = { type = "BIGINT", required = true, description = "Cancelled ones." }
revenue = { type = "DECIMAL(38,2)", description = "Sum of the prices of the done ones, in the workshop's currency; null: none has a price." }

[[checks]]
name = "bookings_add_up"
description = "The rollup holds each booking once."
sql = """
select * from (
    select (select coalesce(sum(bookings), 0) from booking_days) as rolled_up, (select count(*) from bookings) as rows
) where rolled_up <> rows
"""
*/
select
    workshop_id,
    day,
    count(*) as bookings,
    count(*) filter (where outcome = 'done') as done,
    count(*) filter (where outcome = 'active') as active,
    count(*) filter (where outcome = 'cancelled') as cancelled,
    sum(price) filter (where outcome = 'done' and currency is not null) as revenue
from bookings
group by workshop_id, day
