/*
description = "Repair groups. Two organisations may name a group alike, so the organisation is part of the id."

[columns]
workshop_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
*/
select distinct data_provider || ' / ' || group_identifier as workshop_id, group_identifier as name
from raw_openrepair__repairs
