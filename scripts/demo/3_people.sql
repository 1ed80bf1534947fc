-- Who the customers are, hidden truth included. Nothing here is delivered as it stands.

-- archetypes get their exact shares, in an order that only the seed knows
create table people as
with

numbered as (
    select
        range as customer_number,
        (row_number() over (order by chance(range, 'place', 0), range) - 0.5) / getvariable('customers') as place
    from range(1, getvariable('customers') + 1)
),

ranges as (
    select
        archetypes.*,
        sum(share) over (order by position rows unbounded preceding) - share as place_from,
        sum(share) over (order by position rows unbounded preceding) as place_to
    from archetypes
),

cast_people as (
    select
        numbered.customer_number,
        ranges.*,
        chance(numbered.customer_number, 'wealth', 0) as wealth_chance,
        getvariable('end_date')
        - whole_between(known_from, known_to, chance(numbered.customer_number, 'known', 0)) as known_date
    from numbered
    inner join ranges
        on
            numbered.place > ranges.place_from
            and numbered.place <= ranges.place_to

    union all

    -- after the history a few come every day
    select
        newcomers.customer_number,
        ranges.*,
        chance(newcomers.customer_number, 'wealth', 0) as wealth_chance,
        getvariable('end_date')
        + whole_between(
            1, getvariable('last_date') - getvariable('end_date'), chance(newcomers.customer_number, 'known', 0)
        ) as known_date
    from (
        select unnest(
            range(
                getvariable('customers') + 1,
                getvariable('customers') + 1
                + (getvariable('last_date') - getvariable('end_date')) * (1 + getvariable('customers') // 2000)
            )
        ) as customer_number
    ) as newcomers
    inner join ranges on ranges.archetype = 'newcomer'
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
        cast(pace_from * pow(pace_to / pace_from, chance(customer_number, 'pace', 0)) as double) as pace_days,
        case
            when chance(customer_number, 'buyer', 0) < buyer_share
                then greatest(
                    known_date,
                    getvariable('end_date')
                    - whole_between(silence_from, silence_to, chance(customer_number, 'silence', 0))
                )
        end as last_purchase_date
    from cast_people
),

with_first_purchase as (
    select
        with_last_purchase.*,
        least(
            last_purchase_date,
            greatest(
                known_date,
                getvariable('history_from'),
                last_purchase_date - cast(floor(pace_days * (coalesce(purchases_max, 100000) - 1)) as integer)
            )
            + cast(floor(
                case when purchases_max = 1 then 0 else pace_days * chance(customer_number, 'first', 0) end
            ) as integer)
        ) as first_purchase_date
    from with_last_purchase
)

select
    with_first_purchase.customer_number,
    customer_key(with_first_purchase.customer_number) as customer_id,
    with_first_purchase.archetype,
    with_first_purchase.turning_point_type,
    with_first_purchase.known_date,
    with_first_purchase.segment,
    with_first_purchase.amount_level,
    with_first_purchase.pace_days,
    with_first_purchase.irregularity,
    with_first_purchase.last_purchase_date,
    cast(
        1 + floor(
            (with_first_purchase.last_purchase_date - with_first_purchase.first_purchase_date)
            / with_first_purchase.pace_days
        ) as integer
    ) as purchase_count,
    first_days.first_slot as first_purchase_slot,
    last_days.first_slot as last_purchase_slot,
    getvariable('end_date') - with_first_purchase.drop_days as drop_date,
    with_first_purchase.drop_factor,
    with_first_purchase.return_days,
    with_first_purchase.turn,
    with_first_purchase.visit_rate,
    with_first_purchase.recent_days,
    with_first_purchase.recent_visits_from,
    with_first_purchase.recent_visits_to,
    with_first_purchase.complaint_days,
    with_first_purchase.silence_from < 30 or with_first_purchase.return_days is not null as is_still_buying,
    -- where the customer has fallen silent for long, nothing else goes on either
    case
        when with_first_purchase.silence_from >= 180 and with_first_purchase.return_days is null
            then with_first_purchase.last_purchase_date
        else getvariable('end_date')
    end as active_until,
    -- who was paid into an account here: the day of the month, and how much
    case
        when
            with_first_purchase.last_purchase_date - with_first_purchase.known_date > 90
            and chance(with_first_purchase.customer_number, 'salary', 0) < 0.16
            then pick('payday', chance(with_first_purchase.customer_number, 'payday', 0))
    end as payday,
    7500
    * exp(0.35 * bell(with_first_purchase.customer_number, 'salary', 0))
    * case with_first_purchase.segment when 'private' then 9 when 'affluent' then 3 else 1 end as salary_amount
from with_first_purchase
left join calendar as first_days
    on with_first_purchase.first_purchase_date = first_days.activity_date
left join calendar as last_days
    on with_first_purchase.last_purchase_date = last_days.activity_date
order by with_first_purchase.customer_number;
