{{ config(unique_key='customer_id', meta={'dated_by': 'first_seen_date'}) }}

with

{{ touched_customers({
    ref('stg_transactions'): 'transactions_settled_at',
    ref('daily_interactions'): 'interactions_settled_at',
    ref('daily_feedback'): 'feedback_settled_at',
    ref('daily_mentions'): 'mentions_settled_at',
}) }}

-- a salary, a fee: no purchase, but someone was there
other_transactions as (
    select * from {{ ref('stg_transactions') }}
    where
        not is_purchase
        and not is_return
        and {{ is_fact_row() }}
        and {{ is_touched_customer() }}
),

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where {{ is_touched_customer() }}
),

daily_interactions as (
    select * from {{ ref('daily_interactions') }}
    where {{ is_touched_customer() }}
),

daily_feedback as (
    select * from {{ ref('daily_feedback') }}
    where {{ is_touched_customer() }}
),

daily_mentions as (
    select * from {{ ref('daily_mentions') }}
    where {{ is_touched_customer() }}
),

purchases as (
    select
        customer_id,
        min(activity_date) filter (where purchase_count > 0 or return_count > 0) as first_seen_date,
        min(activity_date) filter (where purchase_count > 0) as first_purchase_date,
        max(settled_at) as settled_at
    from daily_purchases
    group by customer_id
),

second_purchases as (
    select
        daily_purchases.customer_id,
        min(daily_purchases.activity_date) as second_purchase_date
    from daily_purchases
    inner join purchases on daily_purchases.customer_id = purchases.customer_id
    where
        daily_purchases.purchase_count > 0
        and daily_purchases.activity_date > purchases.first_purchase_date
    group by daily_purchases.customer_id
),

-- aggregated before the union, so that the big tables shrink first
sightings as (
    select
        customer_id,
        'transactions' as kind,
        first_seen_date,
        settled_at
    from purchases

    union all

    select
        customer_id,
        'transactions' as kind,
        min(activity_date) filter (where record_status = 'accepted') as first_seen_date,
        max(settled_at) as settled_at
    from other_transactions
    group by customer_id

    union all

    select
        customer_id,
        'interactions' as kind,
        min(activity_date) filter (where touch_count > 0) as first_seen_date,
        max(settled_at) as settled_at
    from daily_interactions
    group by customer_id

    union all

    select
        customer_id,
        'feedback' as kind,
        min(activity_date) filter (where feedback_count > 0) as first_seen_date,
        max(settled_at) as settled_at
    from daily_feedback
    group by customer_id

    union all

    select
        customer_id,
        'mentions' as kind,
        min(activity_date) filter (where mention_count > 0) as first_seen_date,
        max(settled_at) as settled_at
    from daily_mentions
    group by customer_id
),

-- who was seen in rows alone that were corrected away stays, as seen on no day, so that replacing customers loses nothing
first_seen as (
    select
        customer_id,
        min(first_seen_date) as first_seen_date,
        max(settled_at) filter (where kind = 'transactions') as transactions_settled_at,
        max(settled_at) filter (where kind = 'interactions') as interactions_settled_at,
        max(settled_at) filter (where kind = 'feedback') as feedback_settled_at,
        max(settled_at) filter (where kind = 'mentions') as mentions_settled_at
    from sightings
    group by customer_id
),

first_days as (
    select
        first_seen.customer_id,
        first_seen.first_seen_date,
        purchases.first_purchase_date,
        second_purchases.second_purchase_date,
        first_seen.transactions_settled_at,
        first_seen.interactions_settled_at,
        first_seen.feedback_settled_at,
        first_seen.mentions_settled_at
    from first_seen
    left join purchases on first_seen.customer_id = purchases.customer_id
    left join second_purchases on first_seen.customer_id = second_purchases.customer_id
)

select * from first_days
