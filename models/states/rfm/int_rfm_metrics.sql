-- The purchase metrics with recency, frequency and monetary, as the settings define them.
with

purchase_metrics as (
    select * from {{ ref('int_purchase_metrics') }}
),

metrics as (
    select
        purchase_metrics.*,
        {{ days_between('last_purchase_date', 'as_of_date') }} as recency_days,
        {{ frequency_count('purchase_metrics') }} as frequency_count,
        {{ monetary_amount('purchase_metrics') }} as monetary_amount,
        window_purchase_day_count > 0 as is_buyer
    from purchase_metrics
)

select * from metrics
