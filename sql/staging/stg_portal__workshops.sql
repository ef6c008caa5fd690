/*
description = "Workshops of the workshop portal."
rows_in = "select count(*) from raw_portal__workshops"

[columns]
workshop_id = { type = "VARCHAR" }
org_number = { type = "VARCHAR" }
name = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select workshop_id, org_number, name, _file, _row
from raw_portal__workshops
