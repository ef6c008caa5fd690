/*
description = "Sellers of the Olist marketplace."
rows_in = "select count(*) from raw_olist__sellers"

[columns]
workshop_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
_file = { type = "VARCHAR" }
_row = { type = "BIGINT" }
*/
select seller_id as workshop_id, seller_city || ' ' || left(seller_id, 6) as name, _file, _row
from raw_olist__sellers
