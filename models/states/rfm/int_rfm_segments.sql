-- The scores of the buyers of the window, which of their metrics are high, and the value class that follows: by the thresholds
-- of the as-of date, and by those of the date before, so that a change from there on is the threshold's, not the customer's.
with

thresholds as (
    select * from {{ ref('int_rfm_thresholds') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
    where is_recency_high is not null
),

buyers as (
    select
        rfm_metrics.customer_id,
        rfm_metrics.as_of_date,
        rfm_metrics.recency_days,
        rfm_metrics.frequency_count,
        rfm_metrics.monetary_amount,
        as_of_dates.previous_as_of_date
    from {{ ref('int_rfm_metrics') }} as rfm_metrics
    inner join {{ ref('as_of_dates') }} as as_of_dates on rfm_metrics.as_of_date = as_of_dates.as_of_date
    where rfm_metrics.is_buyer
),

scores as (
    select
        buyers.customer_id,
        buyers.as_of_date,
        {{ rfm_score('buyers.recency_days', 'recency', best='low') }} as recency_score,
        {{ rfm_score('buyers.frequency_count', 'frequency') }} as frequency_score,
        {{ rfm_score('buyers.monetary_amount', 'monetary') }} as monetary_score,
        {{ is_high('buyers.recency_days', 'recency', best='low') }} as is_recency_high,
        {{ is_high('buyers.frequency_count', 'frequency') }} as is_frequency_high,
        {{ is_high('buyers.monetary_amount', 'monetary') }} as is_monetary_high,
        {{ is_high('buyers.recency_days', 'recency_before', best='low') }} as was_recency_high,
        {{ is_high('buyers.frequency_count', 'frequency_before') }} as was_frequency_high,
        {{ is_high('buyers.monetary_amount', 'monetary_before') }} as was_monetary_high
    from buyers
    left join thresholds as recency
        on buyers.as_of_date = recency.as_of_date and recency.metric = 'recency_days'
    left join thresholds as frequency
        on buyers.as_of_date = frequency.as_of_date and frequency.metric = 'frequency_count'
    left join thresholds as monetary
        on buyers.as_of_date = monetary.as_of_date and monetary.metric = 'monetary_amount'
    left join thresholds as recency_before
        on buyers.previous_as_of_date = recency_before.as_of_date and recency_before.metric = 'recency_days'
    left join thresholds as frequency_before
        on buyers.previous_as_of_date = frequency_before.as_of_date and frequency_before.metric = 'frequency_count'
    left join thresholds as monetary_before
        on buyers.previous_as_of_date = monetary_before.as_of_date and monetary_before.metric = 'monetary_amount'
),

segments as (
    select
        scores.customer_id,
        scores.as_of_date,
        scores.recency_score,
        scores.frequency_score,
        scores.monetary_score,
        scores.is_recency_high,
        scores.is_frequency_high,
        scores.is_monetary_high,
        classes.value_class,
        classes.value_class_rank,
        previous_classes.value_class as class_with_previous_lines,
        previous_classes.value_class_rank as rank_with_previous_lines
    from scores
    left join value_classes as classes
        on
            scores.is_recency_high = classes.is_recency_high
            and scores.is_frequency_high = classes.is_frequency_high
            and scores.is_monetary_high = classes.is_monetary_high
    left join value_classes as previous_classes
        on
            scores.was_recency_high = previous_classes.is_recency_high
            and scores.was_frequency_high = previous_classes.is_frequency_high
            and scores.was_monetary_high = previous_classes.is_monetary_high
)

select * from segments
