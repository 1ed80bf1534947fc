{#
    Protects the calendar of the states: every month-end from the first payment, or history_months back, to the current
    as-of date, each right after the one before it.
    With a month missing, the changes since "the month before" would be those of two months, and a short history would
    pass for a young bank.
#}
with

as_of_dates as (
    select * from {{ ref('as_of_dates') }}
),

first_payment as (
    select min(activity_days.activity_date) as first_date
    from {{ ref('activity_days') }} as activity_days
    where activity_days.transaction_count > 0
),

bounds as (
    select
        min(as_of_dates.as_of_date) as oldest_date,
        max(as_of_dates.as_of_date) as newest_date
    from as_of_dates
),

gaps as (
    select
        'the as-of date before is not the last month-end' as fault,
        as_of_dates.as_of_date,
        as_of_dates.previous_as_of_date
    from as_of_dates
    cross join bounds
    where
        as_of_dates.as_of_date > bounds.oldest_date
        and as_of_dates.previous_as_of_date is distinct from {{ month_end('as_of_dates.as_of_date', -1) }}

    union all

    select
        'neither a month-end nor the current as-of date' as fault,
        as_of_dates.as_of_date,
        as_of_dates.previous_as_of_date
    from as_of_dates
    where
        not as_of_dates.is_current
        and as_of_dates.as_of_date is distinct from {{ month_end('as_of_dates.as_of_date') }}

    union all

    select
        'the history does not reach back far enough' as fault,
        bounds.oldest_date as as_of_date,
        null as previous_as_of_date
    from bounds
    cross join first_payment
    where
        bounds.oldest_date > {{ month_end('first_payment.first_date') }}
        and bounds.oldest_date > {{ month_end('bounds.newest_date', -1 * var('history_months')) }}
)

select * from gaps
