with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

value_classes as (
    select * from {{ ref('value_classes') }}
),

counted as (
    select * from {{ ref('int_segment_counts') }}
),

moved as (
    select
        as_of_date,
        from_value_class,
        value_class as to_value_class,
        sum(customer_count) as customer_count,
        sum(behaviour_moved_count) as behaviour_moved_count,
        sum(line_moved_count) as line_moved_count,
        sum(behaviour_rank_change) as behaviour_rank_change,
        sum(line_rank_change) as line_rank_change,
        sum(previous_monetary_amount) as previous_monetary_amount,
        sum(monetary_amount) as monetary_amount
    from counted
    group by as_of_date, from_value_class, value_class
),

labelled as (
    select
        moved.as_of_date,
        as_of_dates.is_current,
        as_of_dates.previous_as_of_date,
        moved.from_value_class,
        from_classes.value_class_rank as from_value_class_rank,
        from_classes.label_en as from_value_class_en,
        from_classes.label_zh as from_value_class_zh,
        moved.to_value_class,
        to_classes.value_class_rank as to_value_class_rank,
        to_classes.label_en as to_value_class_en,
        to_classes.label_zh as to_value_class_zh,
        cast(moved.customer_count as bigint) as customer_count,
        cast(moved.behaviour_moved_count as bigint) as behaviour_moved_count,
        cast(moved.line_moved_count as bigint) as line_moved_count,
        cast(moved.behaviour_rank_change as bigint) as behaviour_rank_change,
        cast(moved.line_rank_change as bigint) as line_rank_change,
        {{ to_amount('moved.previous_monetary_amount') }} as previous_monetary_amount,
        {{ to_amount('moved.monetary_amount') }} as monetary_amount
    from moved
    inner join as_of_dates on moved.as_of_date = as_of_dates.as_of_date
    left join value_classes as from_classes on moved.from_value_class = from_classes.value_class
    left join value_classes as to_classes on moved.to_value_class = to_classes.value_class
    -- the first as-of date has nothing to come from
    where as_of_dates.previous_as_of_date is not null
)

select * from labelled
