/*
description = "Service categories of the workshop portal."
rows_in = "select count(*) from raw_portal__categories"

[columns]
category_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select id as category_id, name, _file, _row
from raw_portal__categories
