-- The value segments of the buyers of the window: one of the eight RFM classes (today's values by today's thresholds, and by
-- those of the date before), ABC by cumulative revenue, and the level by quantiles.
with

scores as (
    select * from {{ ref('int_rfm_scores') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
    where is_recency_high is not null
),

thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

segments as (
    select
        scores.customer_id,
        scores.as_of_date,
        classes.value_class,
        classes.value_class_rank,
        previous_classes.value_class as class_with_previous_lines,
        previous_classes.value_class_rank as rank_with_previous_lines,
        case
            when scores.monetary_amount >= thresholds.abc_a_line_amount then 'a'
            when scores.monetary_amount >= thresholds.abc_b_line_amount then 'b'
            else 'c'
        end as abc_class,
        case
            when scores.monetary_amount > thresholds.high_value_line_amount then 'high'
            when scores.monetary_amount > thresholds.mid_value_line_amount then 'mid'
            else 'low'
        end as value_level
    from scores
    left join thresholds on scores.as_of_date = thresholds.as_of_date
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
