/*
description = "Ratings per workshop and local day: every rating figure of any date range is exact from these rows."
key = ["workshop_id", "day"]
sort = ["workshop_id", "day"]
of = "ratings"
slice = ["workshop_id", "day"]
restated = ["ratings", "rating_sum"]

[columns]
workshop_id = { type = "VARCHAR", required = true, description = "Workshop." }
day = { type = "DATE", required = true, description = "Local day on which the ratings were first given." }
ratings = { type = "BIGINT", required = true, description = "Ratings, private ones among them." }
rating_sum = { type = "DECIMAL(38,1)", required = true, description = "Sum of their values: an average is rating_sum / ratings." }

[[checks]]
name = "ratings_add_up"
description = "The rollup holds each rating once."
sql = """
select * from (
    select (select coalesce(sum(ratings), 0) from rating_days) as rolled_up, (select count(*) from ratings) as rows
) where rolled_up <> rows
"""
*/
select workshop_id, day, count(*) as ratings, sum(rating) as rating_sum
from ratings
group by workshop_id, day
