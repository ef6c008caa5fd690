/*
description = "Telephone queues of workshops. A workshop's telephone system is often another source than its bookings, so only the workshop's id counts, not the source that it belongs to."
key = ["source", "workshop_id", "queue_id"]
newest = ["updated_at"]
sort = ["workshop_id", "queue_id"]
follows = true

[lookups]
workshops = ["workshop_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop whose queue it is." }
queue_id = { type = "VARCHAR", required = true, description = "Identifies the queue within its workshop." }
name = { type = "VARCHAR", required = true, description = "Name of the queue." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }

[[checks]]
name = "one_source_per_workshop"
description = "A workshop's queues come from one source: its reports tell queues apart by their id alone."
severity = "warn"
sql = "select workshop_id, count(distinct source) as sources from queues group by workshop_id having count(distinct source) > 1"
*/
select
    q.*,
    case when w.workshop_id is null then 'workshop ' || q.workshop_id || ' is unknown' end as reason
from typed_queues as q
left join workshops as w on w.workshop_id = q.workshop_id
