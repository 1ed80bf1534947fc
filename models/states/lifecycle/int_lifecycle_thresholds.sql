{{ config(materialized='by_as_of_date') }}

with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

known_customers as (
    select * from {{ ref('known_customers') }}
),

purchase_metrics as (
    select * from {{ ref('int_purchase_metrics') }}
    where purchase_day_count > 1
),

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where purchase_count > 0
),

returned_customers as (
    select
        as_of_dates.as_of_date,
        purchase_metrics.purchase_day_count - 1 as gap_count,
        {{ days_between('known_customers.first_purchase_date', 'purchase_metrics.last_purchase_date') }} as active_days,
        {{ days_between('known_customers.first_purchase_date', 'known_customers.second_purchase_date') }} as second_gap_days
    from as_of_dates
    inner join purchase_metrics on as_of_dates.as_of_date = purchase_metrics.as_of_date
    inner join known_customers on purchase_metrics.customer_id = known_customers.customer_id
),

lines_of_returned as (
    select
        as_of_date,
        {{ to_threshold(ratio('sum(active_days)', 'sum(gap_count)')) }} as pooled_mean_gap_days,
        {{ discrete_quantile('second_gap_days', var('second_purchase_tail_share')) }} as second_gap_lower_days,
        {{ discrete_quantile('second_gap_days', (1 - var('second_purchase_tail_share')) | round(10)) }} as second_gap_upper_days
    from returned_customers
    group by as_of_date
),

{% if var('churn_after_days') is none -%}
purchase_gaps as (
    select
        activity_date,
        {{ days_between('previous_activity_date', 'activity_date') }} as gap_days
    from (
        select
            activity_date,
            lag(activity_date) over (
                partition by customer_id
                order by activity_date
            ) as previous_activity_date
        from daily_purchases
    ) as purchase_days
    where previous_activity_date is not null
),

churn_lines as (
    select
        as_of_dates.as_of_date,
        {{ discrete_quantile('purchase_gaps.gap_days', var('churn_gap_share')) }} as churn_line_days
    from as_of_dates
    left join purchase_gaps on as_of_dates.as_of_date >= purchase_gaps.activity_date
    group by as_of_dates.as_of_date
),
{%- else -%}
churn_lines as (
    select
        as_of_date,
        {{ var('churn_after_days') }} as churn_line_days
    from as_of_dates
),
{%- endif %}

lifecycle_thresholds as (
    select
        churn_lines.as_of_date,
        lines_of_returned.pooled_mean_gap_days,
        cast(churn_lines.churn_line_days as integer) as churn_line_days,
        cast(lines_of_returned.second_gap_lower_days as integer) as second_gap_lower_days,
        cast(lines_of_returned.second_gap_upper_days as integer) as second_gap_upper_days
    from churn_lines
    left join lines_of_returned on churn_lines.as_of_date = lines_of_returned.as_of_date
)

select * from lifecycle_thresholds
