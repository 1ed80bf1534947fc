-- RFM scores and value classes of the current as-of date straight from staged purchases, for those who want these alone:
-- no history, no lifecycle, nothing stored. The same as customer_states says of its buyers, as long as frequency counts
-- purchase days and scores and thresholds come from the buyers themselves (rfm_frequency_unit: purchase_days,
-- rfm_score_method: quantile, value_class_reference: mean).

with

current_day as (
    select as_of_date
    from {{ ref('as_of_dates') }}
    where is_current
),

transactions as (
    select
        customer_id,
        activity_date,
        is_purchase,
        case when is_purchase then amount else 0 end as gross_amount,
        case when is_purchase then amount else -amount end as net_amount
    from {{ with_customer_id(ref('stg_transactions')) }} as with_ids
    where
        record_status = 'accepted'
        and (is_purchase or is_return)
),

value_classes as (
    select * from {{ ref('value_classes') }}
    where is_recency_high is not null
),

-- a day of returns only is no purchase day, but its money counts
buyers as (
    select
        transactions.customer_id,
        {{ days_between(
            'max(transactions.activity_date) filter (where transactions.is_purchase)', 'max(current_day.as_of_date)'
        ) }} as recency_days,
        {{ count_days(
            'transactions.activity_date', 'transactions.is_purchase', 'current_day.as_of_date', var('rfm_window_days')
        ) }} as frequency_count,
        {{ sum_amount(monetary_amount('transactions')) }} as monetary_amount
    from transactions
    inner join current_day
        on
            transactions.activity_date <= current_day.as_of_date
            and {{ last_days('transactions.activity_date', 'current_day.as_of_date', var('rfm_window_days')) }}
    group by transactions.customer_id
    having count(*) filter (where transactions.is_purchase) > 0
),

-- before they are rounded to lines, so that each is worked out, and planned, once
quantiles as (
    select
        {{ quantiles('recency_days') }},
        {{ quantiles('frequency_count') }},
        {{ quantiles('monetary_amount') }},
        {{ average('recency_days') }} as recency_days_mean,
        {{ average('frequency_count') }} as frequency_count_mean,
        {{ average('monetary_amount') }} as monetary_amount_mean
    from buyers
),

recency_references as (
    select
        {{ cut_points_of('recency_days') }},
        {{ to_threshold('recency_days_mean') }} as reference_value
    from quantiles
),

frequency_references as (
    select
        {{ cut_points_of('frequency_count') }},
        {{ to_threshold('frequency_count_mean') }} as reference_value
    from quantiles
),

monetary_references as (
    select
        {{ cut_points_of('monetary_amount') }},
        {{ to_threshold('monetary_amount_mean') }} as reference_value
    from quantiles
),

scored as (
    select
        buyers.customer_id,
        buyers.recency_days,
        buyers.frequency_count,
        buyers.monetary_amount,
        {{ rfm_score('buyers.recency_days', 'recency_references', best='low') }} as recency_score,
        {{ rfm_score('buyers.frequency_count', 'frequency_references') }} as frequency_score,
        {{ rfm_score('buyers.monetary_amount', 'monetary_references') }} as monetary_score,
        {{ is_high('buyers.recency_days', 'recency_references', best='low') }} as is_recency_high,
        {{ is_high('buyers.frequency_count', 'frequency_references') }} as is_frequency_high,
        {{ is_high('buyers.monetary_amount', 'monetary_references') }} as is_monetary_high
    from buyers
    cross join recency_references
    cross join frequency_references
    cross join monetary_references
),

classified as (
    select
        scored.customer_id,
        scored.recency_days,
        scored.frequency_count,
        scored.monetary_amount,
        scored.recency_score,
        scored.frequency_score,
        scored.monetary_score,
        value_classes.value_class
    from scored
    inner join value_classes
        on
            scored.is_recency_high = value_classes.is_recency_high
            and scored.is_frequency_high = value_classes.is_frequency_high
            and scored.is_monetary_high = value_classes.is_monetary_high
)

select * from classified
