-- Who the customers are, hidden truth included. Nothing here is delivered as it stands.

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
        + cast(1 + range // (1 + getvariable('customers') // 2000) as integer) as known_date
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
        cast(null as date) as known_date
    from numbered
    inner join ranges
        on numbered.place > ranges.place_from and numbered.place <= ranges.place_to

    union all

    select
        customer_number,
        'newcomer' as archetype,
        known_date
    from newcomers
),

cast_people as (
    select
        named_people.customer_number,
        archetypes.*,
        coalesce(
            named_people.known_date,
            getvariable('end_date')
            - whole_between(
                known_from, known_to, chance(named_people.customer_number, 'known', 0)
            )
        ) as known_date,
        chance(named_people.customer_number, 'wealth', 0) as wealth_chance
    from named_people
    inner join archetypes on named_people.archetype = archetypes.archetype
),

-- the regular purchases end so many days before the end and never before the customer was known
with_last_purchase as (
    select
        cast_people.*,
        case
            when wealth_chance < affluent_share * 0.06 then 'private'
            when wealth_chance < affluent_share then 'affluent'
            else 'mass'
        end as segment,
        exp(0.35 * bell(customer_number, 'level', 0)) as amount_level,
        exp(0.25 * bell(customer_number, 'visits', 0)) * visits_per_month as visit_rate,
        pace_from * pow(pace_to / pace_from, chance(customer_number, 'pace', 0)) as pace_days,
        case
            when chance(customer_number, 'buyer', 0) < buyer_share
                then greatest(
                    known_date,
                    getvariable('end_date')
                    - whole_between(
                        silence_from, silence_to, chance(customer_number, 'silence', 0)
                    )
                )
        end as last_purchase_date
    from cast_people
),

-- ... and begin within a pace of the first day that counts
with_first_purchase as (
    select
        with_last_purchase.*,
        least(
            last_purchase_date,
            greatest(
                known_date,
                getvariable('history_from'),
                last_purchase_date
                - cast(floor(pace_days * (coalesce(purchases_max, 100000) - 1)) as integer)
            )
            + case
                when purchases_max = 1 then 0
                else cast(floor(pace_days * chance(customer_number, 'first', 0)) as integer)
            end
        ) as first_purchase_date
    from with_last_purchase
)

select
    with_first_purchase.* exclude (
        known_from, known_to, affluent_share, wealth_chance, buyer_share, pace_from, pace_to,
        purchases_max, silence_from, silence_to, drop_days, visits_per_month, first_purchase_date
    ),
    customer_key(customer_number) as customer_id,
    cast(
        1 + floor((last_purchase_date - first_purchase_date) / pace_days) as integer
    ) as purchase_count,
    first_days.first_slot as first_purchase_slot,
    last_days.first_slot as last_purchase_slot,
    getvariable('end_date') - drop_days as drop_date,
    silence_from < 30 or return_days is not null as is_still_buying,
    -- where the customer has fallen silent for long, nothing else goes on either
    case
        when silence_from >= 180 and return_days is null then last_purchase_date
        else getvariable('end_date')
    end as active_until,
    -- who was paid into an account here: the day of the month, and how much
    case
        when last_purchase_date - known_date > 90 and chance(customer_number, 'salary', 0) < 0.16
            then cast(pick('payday', chance(customer_number, 'payday', 0)) as integer)
    end as payday,
    7500
    * exp(0.35 * bell(customer_number, 'salary', 0))
    * case segment when 'private' then 9 when 'affluent' then 3 else 1 end as salary_amount
from with_first_purchase
left join calendar as first_days
    on with_first_purchase.first_purchase_date = first_days.activity_date
left join calendar as last_days
    on with_first_purchase.last_purchase_date = last_days.activity_date
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
