-- The days of the history, the busier ones with more slots: who draws slots evenly buys by the
-- seasons.
create table calendar as
with

days as (
    select cast(day as date) as activity_date
    from
        range(
            getvariable('history_from'),
            getvariable('end_date') + interval '1' day,
            interval '1' day
        ) as days(day)
),

seasonal_days as (
    select
        days.activity_date,
        coalesce(max(seasons.factor), 1) as season_factor
    from days
    left join seasons
        on strftime(days.activity_date, '%m-%d') between seasons.first_day and seasons.last_day
    group by days.activity_date
),

-- people shop in the three weeks before Spring Festival and stay at home in its week
festive_days as (
    select
        seasonal_days.activity_date,
        seasonal_days.season_factor,
        case
            when spring_festivals.festival_date is null then 1
            when seasonal_days.activity_date < spring_festivals.festival_date then 1.6
            else 0.6
        end as festival_factor
    from seasonal_days
    left join spring_festivals
        on seasonal_days.activity_date - spring_festivals.festival_date between -21 and 6
),

weighted_days as (
    select
        activity_date,
        cast(
            round(
                10
                * season_factor
                * festival_factor
                * case when isodow(activity_date) >= 6 then 1.3 else 1 end
                * case when day(activity_date) between 10 and 16 then 1.1 else 1 end
            ) as integer
        ) as slot_count
    from festive_days
)

select
    activity_date,
    slot_count,
    cast(
        sum(slot_count) over (
            order by activity_date
            rows unbounded preceding
        ) as integer
    ) - slot_count as first_slot
from weighted_days
order by activity_date;

create table slots as
select
    cast(calendar.first_slot + numbers.number as integer) as slot,
    calendar.activity_date
from calendar
cross join lateral (select unnest(range(calendar.slot_count)) as number) as numbers
order by slot;
