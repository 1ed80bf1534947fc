{{ config(materialized='by_as_of_date') }}

-- How many customers stand in each segment and where they came from, so that the marts on segments read few rows.
with

states as (
    select
        hub.*,
        coalesce(hub.previous_value_class, 'newly_known') as from_value_class
    from {{ ref('int_customer_states') }} as hub
    {{ only_dates_to_build() }}
),

-- from the old class to today's values by the old thresholds is behaviour; from there to today's class is the threshold
counts as (
    select
        as_of_date,
        from_value_class,
        value_class,
        abc_class,
        is_buyer,
        cast(count(*) as bigint) as customer_count,
        cast(count(recency_days) as bigint) as customer_count_with_recency,
        cast(sum(recency_days) as bigint) as recency_days,
        cast(sum(frequency_count) as bigint) as frequency_count,
        {{ sum_amount('monetary_amount') }} as monetary_amount,
        min(monetary_amount) as smallest_monetary_amount,
        {{ to_amount('sum(previous_monetary_amount)') }} as previous_monetary_amount,
        cast(count(*) filter (where from_value_class != value_class_with_previous_lines) as bigint) as behaviour_moved_count,
        cast(count(*) filter (where value_class_with_previous_lines != value_class) as bigint) as line_moved_count,
        cast(sum(value_class_rank_with_previous_lines - previous_value_class_rank) as bigint) as behaviour_rank_change,
        cast(
            sum(value_class_rank - value_class_rank_with_previous_lines) filter (
                where previous_value_class_rank is not null
            ) as bigint
        ) as line_rank_change
    from states
    group by as_of_date, from_value_class, value_class, abc_class, is_buyer
)

select * from counts
