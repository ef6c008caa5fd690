/*
description = "Product categories in English, else as written, else Uncategorised."

[columns]
category_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }
*/
select distinct
    coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised') as category_id,
    coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised') as name
from raw_olist__products as p
left join raw_olist__translations as t on t.product_category_namept = p.product_category_name
