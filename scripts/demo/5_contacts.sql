-- The register, interactions, feedback and mentions, as views over people.
-- number is the row's own within its customer: 0.. usual visits, 20000.. those in the days that an
-- archetype has a number for, 30000.. after the history; 40000 more for what the bank sends before
-- each.

create view all_customers as
with

drawn as (
    select
        *,
        chance(customer_number, 'gender', 0) < 0.51 as is_female,
        chance(customer_number, 'foreign name', 0) < 0.04 as is_foreign,
        -- grown up when they became known
        known_date
        - whole_between(18 * 366, 75 * 365, chance(customer_number, 'born', 0)) as birth_date,
        time_on(known_date, customer_number, 'registered', 0) as registered_at,
        time_on(
            known_date
            + whole_between(
                0,
                greatest(0, getvariable('end_date') - known_date),
                chance(customer_number, 'updated on', 0)
            ),
            customer_number, 'updated', 0
        ) as updated_at
    from people
    where archetype <> 'unregistered'
),

-- Chinese names stand in the lists as 王/wang
named as (
    select
        *,
        case
            when is_foreign then pick('foreign_surname', chance(customer_number, 'surname', 0))
            else pick('surname', chance(customer_number, 'surname', 0))
        end as surname,
        case
            when is_foreign and is_female
                then pick('foreign_female', chance(customer_number, 'given name', 0))
            when is_foreign
                then pick('foreign_male', chance(customer_number, 'given name', 0))
            when is_female
                then pick('given_female', chance(customer_number, 'given name', 0))
            else pick('given_male', chance(customer_number, 'given name', 0))
        end as given_name
    from drawn
)

select
    customer_id,
    case
        when is_foreign then given_name || ' ' || surname
        else split_part(surname, '/', 1) || split_part(given_name, '/', 1)
    end as customer_name,
    -- no mobile number begins with 12: nobody's
    case
        when chance(customer_number, 'no phone', 0) >= 0.06
            then pick('mobile_prefix', chance(customer_number, 'prefix', 0))
            || lpad(
                cast(whole_between(0, 99999999, chance(customer_number, 'phone', 0)) as varchar),
                8,
                '0'
            )
    end as phone,
    case
        when chance(customer_number, 'no mail', 0) >= 0.35
            then lower(
                case
                    when is_foreign
                        then regexp_replace(
                            strip_accents(given_name || '.' || surname), '[^A-Za-z.]', '', 'g'
                        )
                    else split_part(given_name, '/', 2) || '.' || split_part(surname, '/', 2)
                end
            )
            || customer_number || '@' || pick('mail_domain', chance(customer_number, 'domain', 0))
    end as email,
    -- region 000000 does not exist and a check digit Z is never given: nobody's
    case
        when not is_foreign
            then '000000' || strftime(birth_date, '%Y%m%d')
            || lpad(
                cast(whole_between(0, 999, chance(customer_number, 'id number', 0)) as varchar),
                3,
                '0'
            )
            || 'Z'
    end as id_number,
    cast(birth_date as varchar) as birth_date,
    case when is_female then 'F' else 'M' end as gender,
    pick('city', chance(customer_number, 'city', 0)) as city,
    pick('acquisition_channel', chance(customer_number, 'acquired', 0)) as acquisition_channel,
    -- about 100 customers to a manager
    case
        when segment <> 'mass'
            then 'RM' || (
                1001
                + whole_between(
                    0, getvariable('customers') // 800, chance(customer_number, 'manager', 0)
                )
            )
    end as relationship_manager_id,
    cast(registered_at as varchar) as registered_at,
    cast(greatest(registered_at, updated_at) as varchar) as updated_at,
    customer_number,
    arrival_date(known_date) as arrived_on
from named;

-- Usual visits are spread evenly over the days of the customer. In the days that an archetype has a
-- number for they give way to as many, spread as evenly.
create view visits as
with

usual as (
    select
        *,
        greatest(0, active_until - seen_from) as visit_days,
        cast(
            floor(visit_rate * visit_days / 30 + chance(customer_number, 'visit count', 0))
            as integer
        ) as visit_count,
        unnest(range(visit_count)) as number
    from people
),

dated as (
    select
        customer_number,
        number,
        contacts_on,
        contacts_until,
        seen_from
        + cast(
            floor(
                visit_days * (number + chance(customer_number, 'visit', number)) / visit_count
            ) as integer
        ) as activity_date
    from usual

    union all

    select
        customer_number,
        30000 + day_number as number,
        contacts_on,
        contacts_until,
        day_date as activity_date
    from later_people
    where
        day_date <= coalesce(leaves_on, day_date)
        and chance(customer_number, 'later visit', day_number) < visit_rate / 30
),

counted as (
    select
        *,
        whole_between(
            contacts_from, contacts_to, chance(customer_number, 'contact count', 0)
        ) as contact_count,
        unnest(range(contact_count)) as number
    from people
    where contacts_on is not null
),

special as (
    select
        customer_number,
        20000 + number as number,
        contacts_until,
        contacts_on
        + cast(
            floor(
                contact_days * (number + chance(customer_number, 'contact', number))
                / contact_count
            ) as integer
        ) as activity_date
    from counted
)

select
    customer_number,
    number,
    activity_date
from dated
where (activity_date between contacts_on and contacts_until) is not true

union all

select
    customer_number,
    number,
    activity_date
from special
where activity_date <= least(contacts_until, getvariable('last_date'));

-- nearly all that the bank sends out goes to those whom it also hears from
create view all_interactions as
with

inbound as (
    select
        *,
        pick('inbound', chance(customer_number, 'visit kind', number)) as interaction_code
    from visits
),

-- never before the first visit
outbound as (
    select
        customer_number,
        40000 + number as number,
        activity_date - 3 as activity_date,
        pick('outbound', chance(customer_number, 'contact kind', number)) as interaction_code
    from visits
    where
        number between 2 and 19999
        and chance(customer_number, 'contacted', number) < 0.15
),

all_rows as (
    select * from inbound
    union all
    select * from outbound
)

select
    event_key('I', all_rows.customer_number, all_rows.number) as interaction_id,
    customer_key(all_rows.customer_number) as customer_id,
    cast(
        time_on(
            all_rows.activity_date, all_rows.customer_number, 'interaction', all_rows.number
        ) as varchar
    ) as occurred_at,
    interaction_kinds.interaction_type,
    interaction_kinds.channel,
    interaction_kinds.direction,
    case
        when interaction_kinds.channel not in ('app', 'web')
            then pick('outcome', chance(all_rows.customer_number, 'outcome', all_rows.number))
    end as outcome,
    case
        when interaction_kinds.channel not in ('app', 'web')
            then 'S' || (
                2001
                + whole_between(0, 79, chance(all_rows.customer_number, 'staff', all_rows.number))
            )
    end as staff_id,
    case
        when interaction_kinds.direction = 'outbound'
            then 'P' || strftime(all_rows.activity_date, '%Y%m')
    end as campaign_id,
    all_rows.customer_number,
    arrival_date(all_rows.activity_date) as arrived_on
from all_rows
inner join interaction_kinds on all_rows.interaction_code = interaction_kinds.interaction_code;

create view all_feedback as
with

speaking_people as (
    select
        *,
        unnest(
            range(whole_between(0, 2, pow(chance(customer_number, 'feedback count', 0), 2)))
        ) as number
    from people
    where active_until >= seen_from
),

everyday as (
    select
        customer_number,
        number,
        seen_from
        + whole_between(
            0, active_until - seen_from, chance(customer_number, 'feedback day', number)
        ) as activity_date,
        pick('feedback_type', chance(customer_number, 'feedback', number)) as feedback_type,
        0.8 as resolved_share,
        cast(null as date) as settled_on
    from speaking_people
),

-- complaints of those who are worth most stay open for weeks, and some for good
complaints as (
    select
        customer_number,
        10000 as number,
        complaint_date as activity_date,
        'complaint' as feedback_type,
        cast(settled_on is not null as integer) as resolved_share,
        settled_on
    from people
    where complaint_date is not null
),

later as (
    select
        customer_number,
        20000 + day_number as number,
        day_date as activity_date,
        pick(
            'feedback_type', chance(customer_number, 'feedback', 20000 + day_number)
        ) as feedback_type,
        0.0 as resolved_share,
        cast(null as date) as settled_on
    from later_people
    where
        day_date <= coalesce(leaves_on, day_date)
        and chance(customer_number, 'later feedback', day_number) < 0.001
),

all_rows as (
    select * from everyday
    union all
    select * from complaints
    union all
    select * from later
),

timed as (
    select
        all_rows.*,
        feedback_type in ('rating', 'survey') as is_rated,
        chance(customer_number, 'scale of ten', number) < 0.2 as is_of_ten,
        cast(
            pick('rating_of_five', chance(customer_number, 'rating', number)) as integer
        ) as rating_of_five,
        time_on(activity_date, customer_number, 'feedback', number) as occurred_at
    from all_rows
),

-- settled within nine days unless planned otherwise, where it has been settled at all by the end
settled as (
    select
        timed.*,
        coalesce(
            time_on(settled_on, customer_number, 'settled', number),
            occurred_at
            + interval '2' hour
            + whole_between(0, 9 * 24, chance(customer_number, 'resolved in', number))
            * interval '1' hour
        ) as resolved_at
    from timed
)

select
    event_key('F', customer_number, number) as feedback_id,
    customer_key(customer_number) as customer_id,
    cast(occurred_at as varchar) as occurred_at,
    feedback_type,
    case
        when is_rated and is_of_ten
            then cast(
                2 * rating_of_five
                - whole_between(0, 1, chance(customer_number, 'odd', number)) as varchar
            )
        when is_rated then cast(rating_of_five as varchar)
    end as rating,
    case when is_rated and is_of_ten then '10' end as rating_scale,
    pick('topic', chance(customer_number, 'topic', number)) as topic,
    case
        when
            (feedback_type = 'complaint' or (is_rated and rating_of_five <= 2))
            and resolved_at < getvariable('end_date') + interval '16' hour
            and chance(customer_number, 'resolved', number) < resolved_share
            then cast(resolved_at as varchar)
    end as resolved_at,
    customer_number,
    arrival_date(activity_date) as arrived_on
from settled;

create view all_social_mentions as
with

-- one in ten speaks in public
speaking_people as (
    select
        *,
        unnest(
            range(whole_between(1, 4, chance(customer_number, 'mention count', 0)))
        ) as number
    from people
    where
        active_until >= seen_from
        and chance(customer_number, 'mentions', 0) < 0.1
),

all_rows as (
    select
        customer_number,
        number,
        seen_from
        + whole_between(
            0, active_until - seen_from, chance(customer_number, 'mention day', number)
        ) as activity_date
    from speaking_people

    union all

    select
        customer_number,
        20000 + day_number as number,
        day_date as activity_date
    from later_people
    where
        day_date <= coalesce(leaves_on, day_date)
        and chance(customer_number, 'later mention', day_number) < 0.0005
)

select
    event_key('M', customer_number, number) as mention_id,
    customer_key(customer_number) as customer_id,
    cast(time_on(activity_date, customer_number, 'mention', number) as varchar) as occurred_at,
    pick('platform', chance(customer_number, 'platform', number)) as platform,
    pick('mention_type', chance(customer_number, 'mention type', number)) as mention_type,
    pick('sentiment', chance(customer_number, 'sentiment', number)) as sentiment,
    customer_number,
    arrival_date(activity_date) as arrived_on
from all_rows;
