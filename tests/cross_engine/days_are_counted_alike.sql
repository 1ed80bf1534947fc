{#
    Protects the calendar: days, business days and month ends are the same on every engine, over the ends of months, years
    and leap Februaries. One that counts another day would move money between windows.
#}
with

days as (
    select
        date '2024-01-31' as first_day,
        date '2024-03-01' as last_day,
        timestamp '2024-02-29 16:00:00' as at_midnight,
        timestamp '2024-02-29 15:59:59.999999' as before_midnight
),

found as (
    select
        {{ days_between('first_day', 'last_day') }} as days_apart,
        {{ days_between('last_day', 'first_day') }} as days_back,
        {{ add_days('first_day', 29) }} as leap_day,
        {{ add_days('last_day', '-1 * 366') }} as year_before,
        {{ month_end('first_day') }} as same_month,
        {{ month_end('first_day', 1) }} as next_month,
        {{ month_end('last_day', -13) }} as february_before,
        {{ business_date('at_midnight') }} as next_day,
        {{ business_date('before_midnight') }} as same_day
    from days
),

-- the window's first and last day, one of them twice, a day that does not count, and someone without any that does
events as (
    select
        'some' as who,
        date '2024-03-01' as event_day,
        true as is_counted
    union all
    select
        'some' as who,
        date '2024-03-01' as event_day,
        true as is_counted
    union all
    select
        'some' as who,
        date '2024-02-01' as event_day,
        true as is_counted
    union all
    select
        'some' as who,
        date '2024-02-29' as event_day,
        false as is_counted
    union all
    select
        'none' as who,
        date '2024-02-29' as event_day,
        false as is_counted
),

day_counts as (
    select
        events.who,
        {{ count_days('events.event_day', 'events.is_counted', 'days.last_day', 30) }} as few_days,
        {{ count_days('events.event_day', 'events.is_counted', 'days.last_day', 36500) }} as many_days,
        {{ count_days('events.event_day', 'events.is_counted', 'days.last_day', none) }} as any_days
    from events
    cross join days
    group by events.who
),

counted as (
    select
        max(few_days) filter (where who = 'some') as some_of_few,
        max(many_days) filter (where who = 'some') as some_of_many,
        max(any_days) filter (where who = 'some') as some_of_any,
        max(few_days) filter (where who = 'none') as none_of_few
    from day_counts
),

found_and_counted as (
    select
        found.*,
        counted.*
    from found
    cross join counted
),

failures as (
    select * from found_and_counted
    where
        some_of_few is distinct from 2
        or some_of_many is distinct from 2
        or some_of_any is distinct from 2
        or none_of_few is distinct from 0
        or days_apart is distinct from 30
        or days_back is distinct from -30
        or leap_day is distinct from date '2024-02-29'
        or year_before is distinct from date '2023-03-01'
        or same_month is distinct from date '2024-01-31'
        or next_month is distinct from date '2024-02-29'
        or february_before is distinct from date '2023-02-28'
        {%- if var('business_timezone') == 'Asia/Shanghai' %}
        or next_day is distinct from date '2024-03-01'
        or same_day is distinct from date '2024-02-29'
        {%- endif %}
)

select * from failures
