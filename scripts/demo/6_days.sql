-- What the days after the history bring. Corrections and deletions repeat a key that has been
-- delivered before.

create table later_transactions as
select
    *,
    case when activity_date < arrived_on - 1 then 'late' else 'new' end as change
from all_transactions
where arrived_on > getvariable('end_date') and arrived_on <= getvariable('last_date');

insert into later_transactions
with

recent_transactions as (
    select * exclude (change) from later_transactions
    union all
    select *
    from all_transactions
    where
        arrived_on = getvariable('end_date')
        and activity_date > getvariable('end_date') - 30
),

changed as (
    select
        * replace (
            arrival_date(
                arrived_on
                + whole_between(1, 9, chance(customer_number, 'changed on ' || transaction_id, 0))
            ) as arrived_on
        ),
        chance(customer_number, 'change ' || transaction_id, 0) as change_chance
    from recent_transactions
)

select
    * exclude (change_chance) replace (
        case
            when change_chance < 0.02 then money(1.1 * cast(amount as decimal(18, 2)) + 0.01)
            else amount
        end as amount,
        case when change_chance < 0.02 then status else 'deleted' end as status
    ),
    case when change_chance < 0.02 then 'corrected' else 'deleted' end as change
from changed
where change_chance < 0.03 and arrived_on <= getvariable('last_date');

-- newcomers, and customers with a new telephone number
create table later_customers as
select *, 'new' as change
from all_customers
where arrived_on > getvariable('end_date') and arrived_on <= getvariable('last_date')

union all

select
    * exclude (moved_on) replace (
        '122' || lpad(
            cast(whole_between(0, 99999999, chance(customer_number, 'new phone', 0)) as varchar),
            8,
            '0'
        ) as phone,
        cast(time_on(moved_on, customer_number, 'moved', 0) as varchar) as updated_at,
        arrival_date(moved_on) as arrived_on
    ),
    'updated' as change
from (
    select
        *,
        getvariable('end_date')
        + whole_between(1, 600, chance(customer_number, 'moved on', 0)) as moved_on
    from all_customers
    where arrived_on = getvariable('end_date')
) as moved
where arrival_date(moved_on) <= getvariable('last_date');

create table later_interactions as
select *, 'new' as change
from all_interactions
where arrived_on > getvariable('end_date') and arrived_on <= getvariable('last_date');

create table later_feedback as
select *, 'new' as change
from all_feedback
where arrived_on > getvariable('end_date') and arrived_on <= getvariable('last_date');

create table later_social_mentions as
select *, 'new' as change
from all_social_mentions
where arrived_on > getvariable('end_date') and arrived_on <= getvariable('last_date');
