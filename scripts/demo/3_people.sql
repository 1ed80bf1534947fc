-- Who the customers are, hidden truth included. Nothing here is delivered as it stands.
-- An archetype with a turning point has a change: the day on which the customer begins to behave
-- differently. The turn is true from turns_from to turns_to days after the change, or, where
-- turns_to is empty, until the end of the month of the change. An outcome may follow.

create table people as
with

-- archetypes get their exact shares, in an order that only the seed knows
numbered as (
    select
        range as customer_number,
        (row_number() over (order by chance(range, 'place', 0), range) - 0.5)
        / getvariable('customers') as place
    from range(1, getvariable('customers') + 1)
),

ranges as (
    select
        archetype,
        sum(share) over (
            order by archetype
            rows unbounded preceding
        ) - share as place_from,
        sum(share) over (
            order by archetype
            rows unbounded preceding
        ) as place_to
    from archetypes
),

-- a few come on each day after the history
newcomers as (
    select
        getvariable('customers') + 1 + range as customer_number,
        getvariable('end_date')
        + cast(1 + range // (1 + getvariable('customers') // 2000) as integer) as joined_date
    from
        range(
            (getvariable('last_date') - getvariable('end_date'))
            * (1 + getvariable('customers') // 2000)
        )
),

named_people as (
    select
        numbered.customer_number,
        ranges.archetype,
        cast(
            (numbered.place - ranges.place_from) / (ranges.place_to - ranges.place_from) as double
        ) as place_in_archetype,
        cast(null as date) as joined_date
    from numbered
    inner join ranges
        on numbered.place > ranges.place_from and numbered.place <= ranges.place_to

    union all

    select
        customer_number,
        'newcomer' as archetype,
        cast(null as double) as place_in_archetype,
        joined_date
    from newcomers
),

-- The changes of an archetype are spread evenly, so that about as many turn in each month. They begin
-- lead_days after the history does, in the last two years of a long one, and go on for ahead_days
-- after its end: who will leave then is still a customer like others, and the bank does not shrink.
with_span as (
    select
        named_people.*,
        archetypes.* exclude (archetype),
        greatest(
            getvariable('history_from') + archetypes.lead_days,
            cast(getvariable('end_date') - interval 24 month as date)
        ) as changes_from,
        getvariable('end_date') + archetypes.ahead_days as changes_until
    from named_people
    inner join archetypes on named_people.archetype = archetypes.archetype
),

with_change as (
    select
        *,
        case
            when turning_point_type is not null
                then changes_from + cast(
                    floor((changes_until - changes_from + 1) * place_in_archetype) as integer
                )
        end as change_date,
        coalesce(change_date, getvariable('end_date')) as story_date,
        chance(customer_number, 'wealth', 0) as wealth_chance
    from with_span
),

with_outcome_drawn as (
    select
        *,
        case
            when turning_point_type is not null
                then pick('after ' || archetype, chance(customer_number, 'outcome', 0))
        end as outcome_drawn
    from with_change
),

with_outcome as (
    select
        with_outcome_drawn.*,
        outcomes.outcome,
        with_outcome_drawn.change_date + whole_between(
            outcomes.days_from,
            outcomes.days_to,
            chance(with_outcome_drawn.customer_number, 'outcome day', 0)
        ) as outcome_date
    from with_outcome_drawn
    left join outcomes
        on
            with_outcome_drawn.archetype = outcomes.archetype
            and with_outcome_drawn.outcome_drawn = outcomes.outcome
),

with_known_date as (
    select
        *,
        coalesce(
            joined_date,
            story_date - whole_between(known_from, known_to, chance(customer_number, 'known', 0))
        ) as known_date,
        -- the first day on which there are rows of the customer
        greatest(known_date, getvariable('history_from')) as seen_from,
        outcome is not distinct from 'leaves' as is_leaving,
        case
            when wealth_chance < affluent_share * 0.06 then 'private'
            when wealth_chance < affluent_share then 'affluent'
            else 'mass'
        end as segment,
        exp(0.35 * bell(customer_number, 'level', 0)) as amount_level,
        exp(0.25 * bell(customer_number, 'visits', 0)) * visits_per_month as visit_rate,
        pace_from * pow(pace_to / pace_from, chance(customer_number, 'pace', 0)) as pace_days
    from with_outcome
),

-- regular purchases begin within a pace of the first day, pause, and may go on; no date = never
with_purchases as (
    select
        *,
        case
            when chance(customer_number, 'buyer', 0) < buyer_share
                then seen_from + cast(
                    floor(pace_days * chance(customer_number, 'first', 0)) as integer
                )
        end as begins_on,
        case
            when stops_from is not null
                then greatest(
                    seen_from,
                    story_date
                    + whole_between(stops_from, stops_to, chance(customer_number, 'stop', 0))
                )
            when is_leaving then outcome_date
        end as pauses_on,
        case
            when event = 'resumes' then change_date
            when outcome = 'buys' then outcome_date
        end as resumes_on,
        case
            when is_leaving then outcome_date
            -- who has no turn and stops leaves at once
            when change_date is null then pauses_on
        end as leaves_on
    from with_known_date
)

select
    customer_number,
    customer_key(customer_number) as customer_id,
    archetype,
    turning_point_type,
    known_date,
    seen_from,
    segment,
    amount_level,
    visit_rate,
    pace_days,
    irregularity,
    event,
    change_date,
    change_date + turns_from as turn_start_date,
    case
        when turns_to is null then last_day(change_date)
        when outcome in ('buys', 'settled', 'visits')
            then least(change_date + turns_to, outcome_date - 1)
        else change_date + turns_to
    end as turn_end_date,
    outcome,
    outcome_date,
    -- who buys once does so on the day on which purchases pause
    case
        when buys_once and begins_on is not null then pauses_on
        when begins_on is not null then least(begins_on, pauses_on)
    end as begins_on,
    pauses_on,
    resumes_on,
    leaves_on,
    least(leaves_on, getvariable('end_date')) as active_until,
    -- in between, the customer spends only a part
    case when spending_factor is not null then change_date + 1 end as low_from,
    case
        when spending_factor is null then null
        when outcome = 'recovers' then outcome_date - 1
        else date '9999-12-31'
    end as low_until,
    spending_factor,
    -- in between, there are visits of the archetype's own number instead of the usual ones
    case when contact_days is not null then change_date end as contacts_on,
    contact_days,
    case
        when outcome = 'visits' then outcome_date - 1 else change_date + contact_days - 1
    end as contacts_until,
    contacts_from,
    contacts_to,
    case when event = 'complains' then change_date end as complaint_date,
    case when outcome = 'settled' then outcome_date end as settled_on,
    -- who was paid into an account here: the day of the month, and how much
    case
        when
            begins_on < getvariable('end_date') - 90
            and not buys_once
            and chance(customer_number, 'salary', 0) < 0.16
            then cast(pick('payday', chance(customer_number, 'payday', 0)) as integer)
    end as payday,
    7500
    * exp(0.35 * bell(customer_number, 'salary', 0))
    * case segment when 'private' then 9 when 'affluent' then 3 else 1 end as salary_amount
from with_purchases
order by customer_number;

-- everybody on each day after the history on which they are known
create view later_people as
with

numbered as (
    select
        *,
        unnest(range(1, getvariable('last_date') - getvariable('end_date') + 1)) as day_number
    from people
),

dated as (
    select
        *,
        getvariable('end_date') + cast(day_number as integer) as day_date
    from numbered
)

select *
from dated
where day_date >= known_date;
