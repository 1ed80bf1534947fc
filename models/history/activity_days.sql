with

transactions as (
    select * from {{ ref('stg_transactions') }}
),

interactions as (
    select * from {{ ref('stg_interactions') }}
),

feedback as (
    select * from {{ ref('stg_feedback') }}
),

social_mentions as (
    select * from {{ ref('stg_social_mentions') }}
),

-- a registration without a date is as old as the register, so it touches every day
customers as (
    select
        *,
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as activity_date
    from {{ ref('stg_customers') }}
    where record_status != 'rejected'
),

-- of a customer's record, states know the day of registration alone: while all versions name the same day, none after
-- the first changes a state, and a register that arrives whole every day outdates nothing
registrations as (
    select
        activity_date,
        record_status,
        case
            when
                min(activity_date) over (partition by customer_id) = max(activity_date) over (partition by customer_id)
                then min(loaded_at) over (partition by customer_id)
            else last_changed_at
        end as last_changed_at,
        last_changed_at as arrived_at
    from customers
),

-- superseded rows count: the day they stood on changed when they left it
all_days as (
    select
        activity_date,
        record_status,
        true as is_transaction,
        last_changed_at,
        last_changed_at as arrived_at
    from transactions
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        last_changed_at,
        last_changed_at as arrived_at
    from interactions
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        last_changed_at,
        last_changed_at as arrived_at
    from feedback
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        last_changed_at,
        last_changed_at as arrived_at
    from social_mentions
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        last_changed_at,
        arrived_at
    from registrations
),

days as (
    select
        activity_date,
        cast(count(*) filter (where is_transaction and record_status = 'accepted') as integer) as transaction_count,
        cast(count(*) filter (where record_status = 'accepted') as integer) as record_count,
        max(last_changed_at) as last_changed_at,
        max(arrived_at) as arrived_at
    from all_days
    group by activity_date
)

select * from days
