{{ config(materialized='by_as_of_date') }}

-- The days that separate lifecycle stages: the pooled gap between purchases, the silence that counts as churn (a setting, or
-- the gap that churn_gap_share of gaps stay below), and the quartiles of the gap to a second purchase.
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
        {{ discrete_quantile('second_gap_days', share_below(var('second_purchase_tail_share'))) }} as second_gap_upper_days
    from returned_customers
    group by as_of_date
),

purchase_days as (
    select
        activity_date,
        lag(activity_date) over (
            partition by customer_id
            order by activity_date
        ) as previous_activity_date
    from daily_purchases
),

observed_churn_lines as (
    select
        as_of_dates.as_of_date,
        {{ discrete_quantile(
            days_between('purchase_days.previous_activity_date', 'purchase_days.activity_date'), var('churn_gap_share')
        ) }} as churn_line_days
    from as_of_dates
    left join purchase_days
        on
            as_of_dates.as_of_date >= purchase_days.activity_date
            and purchase_days.previous_activity_date is not null
    group by as_of_dates.as_of_date
),

given_churn_lines as (
    select
        as_of_date,
        {{ var('churn_after_days') or 'null' }} as churn_line_days
    from as_of_dates
),

churn_lines as (
    select * from {{ 'given' if var('churn_after_days') else 'observed' }}_churn_lines
),

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
