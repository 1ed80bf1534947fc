-- The three metrics of the buyers of the window below one another, so that thresholds are drawn through them alike.
with

buyers as (
    select * from {{ ref('int_rfm_metrics') }}
    where is_buyer
),

metric_values as (
    select
        customer_id,
        as_of_date,
        'recency_days' as metric,
        {{ to_amount('recency_days') }} as metric_value
    from buyers

    union all

    select
        customer_id,
        as_of_date,
        'frequency_count' as metric,
        {{ to_amount('frequency_count') }} as metric_value
    from buyers

    union all

    select
        customer_id,
        as_of_date,
        'monetary_amount' as metric,
        monetary_amount as metric_value
    from buyers
)

select * from metric_values
