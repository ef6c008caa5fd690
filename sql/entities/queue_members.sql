/*
description = "Who answers a queue's calls. One who left stays, so that old calls resolve."
key = ["source", "workshop_id", "queue_id", "member_id"]
newest = ["updated_at"]
sort = ["workshop_id", "queue_id", "member_id"]
follows = true

[lookups]
queues = ["source", "workshop_id", "queue_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
workshop_id = { type = "VARCHAR", required = true, description = "Workshop whose queue it is." }
queue_id = { type = "VARCHAR", required = true, description = "The queue." }
member_id = { type = "VARCHAR", required = true, description = "Identifies the person within the workshop." }
member_name = { type = "VARCHAR", required = true, description = "Name of the person." }
updated_at = { type = "TIMESTAMP", description = "UTC instant of the last change." }
*/
select
    m.*,
    case
        when q.queue_id is null then 'queue ' || m.queue_id || ' is unknown at workshop ' || m.workshop_id
    end as reason
from typed_queue_members as m
left join queues as q
    on q.source = m.source and q.workshop_id = m.workshop_id and q.queue_id = m.queue_id
