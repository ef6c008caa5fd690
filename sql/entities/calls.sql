/*
description = "Calls to the queues of workshops, one row per call."
key = ["source", "workshop_id", "call_id"]
newest = ["updated_at"]
sort = ["workshop_id", "day", "started_at", "call_id"]
follows = true

[lookups]
workshops = ["workshop_id"]
queues = ["source", "workshop_id", "queue_id"]
queue_members = ["source", "workshop_id", "queue_id", "member_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop that was called." }
call_id = { type = "VARCHAR", required = true, description = "Identifies the call within its workshop." }
queue_id = { type = "VARCHAR", required = true, description = "The queue that was called." }
caller_number = { type = "VARCHAR", personal = true, description = "Number of the caller; null: withheld." }
status = { type = "VARCHAR", required = true, description = "Status code, as the source writes it." }
outcome = { type = "VARCHAR", derived = true, required = true, description = "What the status means for figures: answered (ANSWERED), missed (ABANDONED, TIMEOUT, OVERFLOW) or unknown." }
member_id = { type = "VARCHAR", description = "Who answered." }
member_name = { type = "VARCHAR", derived = true, description = "Name of who answered; null: no member of the queue." }
started_at = { type = "TIMESTAMP", required = true, description = "UTC instant at which the call came in." }
local_time = { type = "TIMESTAMP", derived = true, required = true, description = "started_at in the workshop's zone: the time that reports show and filter by. When clocks go back, an hour of it comes twice." }
day = { type = "DATE", derived = true, required = true, description = "Local day of started_at in the workshop's zone." }
wait_seconds = { type = "BIGINT", required = true, description = "From the beginning to the answer, or to the end of a call that was missed." }
talk_seconds = { type = "BIGINT", required = true, description = "From the answer to the end; 0: not answered." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }

[[checks]]
name = "status_is_known"
description = "Each call's status is one that figures know; an unknown one counts as a call, neither answered nor missed."
severity = "warn"
sql = "select workshop_id, call_id, status from calls where outcome = 'unknown'"

[[checks]]
name = "member_is_known"
description = "Who answered is a member of the queue; of one who is not, reports show the id in place of the name."
severity = "warn"
sql = "select workshop_id, call_id, member_id from calls where outcome = 'answered' and member_name is null"
*/
select
    c.*,
    m.member_name,
    case
        when c.status = 'ANSWERED' then 'answered'
        when c.status in ('ABANDONED', 'TIMEOUT', 'OVERFLOW') then 'missed'
        else 'unknown'
    end as outcome,
    c.started_at at time zone 'UTC' at time zone w.time_zone as local_time,
    cast(c.started_at at time zone 'UTC' at time zone w.time_zone as date) as day,
    case
        when w.workshop_id is null then 'workshop ' || c.workshop_id || ' is unknown'
        when q.queue_id is null then 'queue ' || c.queue_id || ' is unknown at workshop ' || c.workshop_id
        when c.wait_seconds < 0 then 'wait_seconds ' || cast(c.wait_seconds as varchar) || ' is negative'
        when c.talk_seconds < 0 then 'talk_seconds ' || cast(c.talk_seconds as varchar) || ' is negative'
    end as reason
from typed_calls as c
left join workshops as w on w.workshop_id = c.workshop_id
left join queues as q
    on q.source = c.source and q.workshop_id = c.workshop_id and q.queue_id = c.queue_id
left join queue_members as m
    on m.source = c.source and m.workshop_id = c.workshop_id
    and m.queue_id = c.queue_id and m.member_id = c.member_id
