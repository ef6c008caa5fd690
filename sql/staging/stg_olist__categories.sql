/*
description = "Product categories in English, else as written, else Uncategorised."

[columns]
category_id = { type = "VARCHAR" }
name = { type = "VARCHAR" }

[[checks]]
name = "product_has_category"
description = "Each product names a category; one without is Uncategorised."
severity = "warn"
sql = "select product_id from raw_olist__products where product_category_name is null"

[[checks]]
name = "category_is_translated"
description = "Each category has an English name; one without keeps its own."
severity = "warn"
sql = """
select distinct p.product_category_name from raw_olist__products as p
where p.product_category_name is not null
    and not exists (
        select 1 from raw_olist__translations as t where t.product_category_namept = p.product_category_name
    )
"""
*/
select distinct
    coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised') as category_id,
    coalesce(t.product_category_name_english, p.product_category_name, 'Uncategorised') as name
from raw_olist__products as p
left join raw_olist__translations as t on t.product_category_namept = p.product_category_name
