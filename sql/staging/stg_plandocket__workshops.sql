/*
description = "PlanDocket's tenant, who holds its events: there once there are some."

[columns]
workshop_id = { type = "VARCHAR" }
org_number = { type = "VARCHAR" }
name = { type = "VARCHAR" }
*/
select s.tenant as workshop_id, s.tenant_org_number as org_number, s.tenant_name as name
from sources as s
where s.source = 'plandocket'
    and exists (select 1 from raw_plandocket__events)
