/*
description = "Service categories."
key = ["source", "category_id"]
sort = ["source", "category_id"]

[columns]
source = { type = "VARCHAR", derived = true, required = true, description = "Source the row came from." }
category_id = { type = "VARCHAR", required = true, description = "Identifies the category within its source." }
name = { type = "VARCHAR", required = true, description = "Name, as the source writes it." }
*/
select c.*, cast(null as varchar) as reason
from typed_categories as c
