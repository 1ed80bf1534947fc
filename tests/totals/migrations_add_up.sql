{#
    Protects the migrations: those into a class are its customers today, those out of a class its customers on the as-of
    date before, all together the population, as the summary says who came and who left; and what behaviour and the line
    moved is the whole of each move.
    A customer without a state before, or a split that does not add up, would make a moved line look like behaviour.
#}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
    where previous_as_of_date is not null
),

migrations as (
    select * from {{ ref('value_class_migrations') }}
),

summary as (
    select * from {{ ref('value_class_summary') }}
),

moved_to as (
    select
        as_of_date,
        to_value_class as value_class,
        sum(customer_count) as customer_count,
        sum(customer_count) filter (where from_value_class != to_value_class) as arrived_count
    from migrations
    group by as_of_date, to_value_class
),

moved_from as (
    select
        as_of_date,
        from_value_class as value_class,
        sum(customer_count) as customer_count,
        sum(customer_count) filter (where from_value_class != to_value_class) as left_count
    from migrations
    where from_value_class_rank >= 0
    group by as_of_date, from_value_class
),

failures as (
    select
        'into the class' as fault,
        summary.as_of_date,
        summary.value_class,
        summary.customer_count as expected_count,
        coalesce(moved_to.customer_count, 0) as migrated_count
    from summary
    inner join as_of_dates on summary.as_of_date = as_of_dates.as_of_date
    left join moved_to
        on
            summary.as_of_date = moved_to.as_of_date
            and summary.value_class = moved_to.value_class
    where summary.customer_count != coalesce(moved_to.customer_count, 0)

    union all

    select
        'out of the class' as fault,
        as_of_dates.as_of_date,
        summary.value_class,
        summary.customer_count as expected_count,
        coalesce(moved_from.customer_count, 0) as migrated_count
    from summary
    inner join as_of_dates on summary.as_of_date = as_of_dates.previous_as_of_date
    left join moved_from
        on
            as_of_dates.as_of_date = moved_from.as_of_date
            and summary.value_class = moved_from.value_class
    where summary.customer_count != coalesce(moved_from.customer_count, 0)

    union all

    select
        'came to the class' as fault,
        summary.as_of_date,
        summary.value_class,
        summary.arrived_count as expected_count,
        coalesce(moved_to.arrived_count, 0) as migrated_count
    from summary
    inner join as_of_dates on summary.as_of_date = as_of_dates.as_of_date
    left join moved_to
        on
            summary.as_of_date = moved_to.as_of_date
            and summary.value_class = moved_to.value_class
    where summary.arrived_count is distinct from coalesce(moved_to.arrived_count, 0)

    union all

    select
        'left the class' as fault,
        summary.as_of_date,
        summary.value_class,
        summary.left_count as expected_count,
        coalesce(moved_from.left_count, 0) as migrated_count
    from summary
    inner join as_of_dates on summary.as_of_date = as_of_dates.as_of_date
    left join moved_from
        on
            summary.as_of_date = moved_from.as_of_date
            and summary.value_class = moved_from.value_class
    where summary.left_count is distinct from coalesce(moved_from.left_count, 0)

    union all

    select
        'behaviour and line are not the whole' as fault,
        as_of_date,
        to_value_class as value_class,
        customer_count * (to_value_class_rank - from_value_class_rank) as expected_count,
        behaviour_rank_change + line_rank_change as migrated_count
    from migrations
    where
        from_value_class_rank >= 0
        and behaviour_rank_change + line_rank_change
        is distinct from customer_count * (to_value_class_rank - from_value_class_rank)
)

select * from failures
