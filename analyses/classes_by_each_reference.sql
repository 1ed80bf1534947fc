-- How many of today's buyers stand high in each metric by the mean, and how many by the median? The choice of the var
-- value_class_reference moves the eight classes more than anything else.

with

buyers as (
    select
        customer_id,
        recency_days,
        frequency_count,
        monetary_amount
    from {{ ref('customer_states') }}
    where
        is_current
        and recency_score is not null
),

lines as (
    select
        {{ average('recency_days') }} as mean_recency_days,
        {{ average('frequency_count') }} as mean_frequency_count,
        {{ average('monetary_amount') }} as mean_monetary_amount,
        {{ quantile('recency_days', 0.5) }} as median_recency_days,
        {{ quantile('frequency_count', 0.5) }} as median_frequency_count,
        {{ quantile('monetary_amount', 0.5) }} as median_monetary_amount
    from buyers
),

compared as (
    select
        count(*) as buyer_count,
        count(*) filter (where buyers.recency_days <= lines.mean_recency_days) as recency_high_by_mean_count,
        count(*) filter (where buyers.recency_days <= lines.median_recency_days) as recency_high_by_median_count,
        count(*) filter (where buyers.frequency_count > lines.mean_frequency_count) as frequency_high_by_mean_count,
        count(*) filter (where buyers.frequency_count > lines.median_frequency_count) as frequency_high_by_median_count,
        count(*) filter (where buyers.monetary_amount > lines.mean_monetary_amount) as monetary_high_by_mean_count,
        count(*) filter (where buyers.monetary_amount > lines.median_monetary_amount) as monetary_high_by_median_count
    from buyers
    cross join lines
)

select * from compared
