{{ config(materialized='table', unique_key=none) }}

with

customers as (
    select * from {{ ref('stg_customers') }}
    where record_status = 'accepted'
),

-- a salary, a fee: no purchase, but someone was there
other_transactions as (
    select * from {{ ref('stg_transactions') }}
    where
        record_status = 'accepted'
        and not is_purchase
        and not is_return
),

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where purchase_count > 0 or return_count > 0
),

interactions as (
    select * from {{ ref('daily_interactions') }}
    where touch_count > 0
),

feedback as (
    select * from {{ ref('daily_feedback') }}
    where feedback_count > 0
),

mentions as (
    select * from {{ ref('daily_mentions') }}
    where mention_count > 0
),

-- aggregated before the union, so that the big tables shrink first
first_purchases as (
    select
        customer_id,
        min(activity_date) as first_seen_date,
        min(activity_date) filter (where purchase_count > 0) as first_purchase_date
    from daily_purchases
    group by customer_id
),

first_sightings as (
    select
        customer_id,
        first_seen_date
    from first_purchases

    union all

    select
        customer_id,
        min(activity_date) as first_seen_date
    from other_transactions
    group by customer_id

    union all

    select
        customer_id,
        min(activity_date) as first_seen_date
    from interactions
    group by customer_id

    union all

    select
        customer_id,
        min(activity_date) as first_seen_date
    from feedback
    group by customer_id

    union all

    select
        customer_id,
        min(activity_date) as first_seen_date
    from mentions
    group by customer_id

    union all

    -- a registration without a date is as old as the register
    select
        customer_id,
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as first_seen_date
    from customers
),

first_seen as (
    select
        customer_id,
        min(first_seen_date) as first_seen_date
    from first_sightings
    group by customer_id
),

second_purchases as (
    select
        daily_purchases.customer_id,
        min(daily_purchases.activity_date) as second_purchase_date
    from daily_purchases
    inner join first_purchases on daily_purchases.customer_id = first_purchases.customer_id
    where
        daily_purchases.purchase_count > 0
        and daily_purchases.activity_date > first_purchases.first_purchase_date
    group by daily_purchases.customer_id
),

known as (
    select
        first_seen.customer_id,
        first_seen.first_seen_date as known_since_date,
        first_purchases.first_purchase_date,
        second_purchases.second_purchase_date,
        customers.customer_id is not null as is_registered,
        {{ masked_name('customers.customer_name') }} as masked_name,
        {{ decade('customers.birth_date') }} as birth_decade,
        customers.gender,
        customers.city,
        customers.acquisition_channel,
        customers.relationship_manager_id,
        customers.registered_date
    from first_seen
    left join first_purchases on first_seen.customer_id = first_purchases.customer_id
    left join second_purchases on first_seen.customer_id = second_purchases.customer_id
    left join customers on first_seen.customer_id = customers.customer_id
)

select * from known
