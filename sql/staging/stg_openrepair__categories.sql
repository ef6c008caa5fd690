/*
description = "Product categories."

[columns]
category_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
*/
select distinct product_category as category_id, product_category as name
from raw_openrepair__repairs
