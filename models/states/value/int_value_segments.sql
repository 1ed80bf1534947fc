-- The value segments of the buyers of the window: ABC by cumulative revenue, and the level by quantiles.
with

thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

segments as (
    select
        rfm_metrics.customer_id,
        rfm_metrics.as_of_date,
        case
            when rfm_metrics.monetary_amount >= thresholds.abc_a_line_amount then 'a'
            when rfm_metrics.monetary_amount >= thresholds.abc_b_line_amount then 'b'
            else 'c'
        end as abc_class,
        case
            when rfm_metrics.monetary_amount > thresholds.high_value_line_amount then 'high'
            when rfm_metrics.monetary_amount > thresholds.mid_value_line_amount then 'mid'
            else 'low'
        end as value_level
    from {{ ref('int_rfm_metrics') }} as rfm_metrics
    left join thresholds on rfm_metrics.as_of_date = thresholds.as_of_date
    where rfm_metrics.is_buyer
)

select * from segments
