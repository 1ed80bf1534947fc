{{ config(materialized='by_as_of_date') }}

-- The amounts that separate the value segments: the top fifth by lifetime, high and mid value by quantiles of the window,
-- A and B by the cumulative share of revenue (Pareto).
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    {{ only_dates_to_build() }}
),

rfm_metrics as (
    select * from {{ ref('int_rfm_metrics') }}
    {{ only_dates_to_build() }}
),

lifetime_lines as (
    select
        as_of_date,
        {{ to_threshold(quantile('lifetime_net_amount', share_below(var('high_value_share')))) }} as top_fifth_line_amount
    from rfm_metrics
    where purchase_day_count > 0
    group by as_of_date
),

window_quantiles as (
    select
        as_of_date,
        {{ quantile_list('monetary_amount', [share_below(var('high_value_share')), share_below(var('mid_value_share'))]) }}
            as amounts
    from rfm_metrics
    where is_buyer
    group by as_of_date
),

-- equal amounts stand together, so that they fall into one class
buyers_by_amount as (
    select
        as_of_date,
        monetary_amount,
        count(*) as peer_count,
        sum(monetary_amount) as amount_of_peers
    from rfm_metrics
    where is_buyer
    group by as_of_date, monetary_amount
),

cumulated as (
    select
        as_of_date,
        monetary_amount,
        peer_count,
        sum(amount_of_peers) over (
            partition by as_of_date
            order by monetary_amount desc
            rows between unbounded preceding and current row
        ) as cumulative_amount,
        sum(peer_count) over (
            partition by as_of_date
            order by monetary_amount desc
            rows between unbounded preceding and current row
        ) as cumulative_count,
        sum(amount_of_peers) over (partition by as_of_date) as total_amount,
        ceil({{ var('high_value_share') }} * sum(peer_count) over (partition by as_of_date)) as top_fifth_count
    from buyers_by_amount
),

-- the smallest amount that is still A, and B; null where there is none. Shares of nothing or less have no meaning.
abc_lines as (
    select
        as_of_date,
        min(monetary_amount) filter (
            where total_amount > 0 and cumulative_amount <= {{ var('abc_a_share') }} * total_amount
        ) as abc_a_line_amount,
        min(monetary_amount) filter (
            where total_amount > 0 and cumulative_amount <= {{ var('abc_b_share') }} * total_amount
        ) as abc_b_line_amount,
        -- of the amount at which the fifth ends, only as many peers as are still in it
        sum(monetary_amount * greatest(0, least(peer_count, top_fifth_count - (cumulative_count - peer_count))))
            as top_fifth_amount
    from cumulated
    group by as_of_date
),

value_thresholds as (
    select
        as_of_dates.as_of_date,
        lifetime_lines.top_fifth_line_amount,
        {{ to_threshold(list_element('window_quantiles.amounts', 1)) }} as high_value_line_amount,
        {{ to_threshold(list_element('window_quantiles.amounts', 2)) }} as mid_value_line_amount,
        {{ to_amount('abc_lines.abc_a_line_amount') }} as abc_a_line_amount,
        {{ to_amount('abc_lines.abc_b_line_amount') }} as abc_b_line_amount,
        {{ to_amount('abc_lines.top_fifth_amount') }} as top_fifth_amount
    from as_of_dates
    left join lifetime_lines on as_of_dates.as_of_date = lifetime_lines.as_of_date
    left join window_quantiles on as_of_dates.as_of_date = window_quantiles.as_of_date
    left join abc_lines on as_of_dates.as_of_date = abc_lines.as_of_date
)

select * from value_thresholds
