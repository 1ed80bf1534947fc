{{ config(unique_key='customer_id', meta={'dated_by': none}) }}

with

{{ affected_customers({
    ref('stg_transactions'): 'transactions_changed_at',
    ref('daily_interactions'): 'interactions_changed_at',
    ref('daily_feedback'): 'feedback_changed_at',
    ref('daily_mentions'): 'mentions_changed_at',
}) }}

daily_purchases as (
    select * from {{ ref('daily_purchases') }}
    where {{ is_affected_customer() }}
),

sightings as (
    select
        customer_id,
        'transactions' as kind,
        activity_date,
        purchase_count > 0 or return_count > 0 as is_seen,
        purchase_count > 0 as is_purchase,
        last_changed_at
    from daily_purchases

    union all

    -- a salary, a fee: no purchase, but someone was there
    select
        customer_id,
        'transactions' as kind,
        activity_date,
        record_status = 'accepted' as is_seen,
        false as is_purchase,
        last_changed_at
    from {{ ref('stg_transactions') }}
    where
        not is_purchase
        and not is_return
        and {{ is_fact_row() }}
        and {{ is_affected_customer() }}

    union all

    select
        customer_id,
        'interactions' as kind,
        activity_date,
        touch_count > 0 as is_seen,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_interactions') }}
    where {{ is_affected_customer() }}

    union all

    select
        customer_id,
        'feedback' as kind,
        activity_date,
        feedback_count > 0 as is_seen,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_feedback') }}
    where {{ is_affected_customer() }}

    union all

    select
        customer_id,
        'mentions' as kind,
        activity_date,
        mention_count > 0 as is_seen,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_mentions') }}
    where {{ is_affected_customer() }}
),

-- who was seen in rows alone that were corrected away stays, as seen on no day, so that replacing customers loses nothing
first_seen as (
    select
        customer_id,
        min(activity_date) filter (where is_seen) as first_seen_date,
        min(activity_date) filter (where is_purchase) as first_purchase_date,
        max(last_changed_at) filter (where kind = 'transactions') as transactions_changed_at,
        max(last_changed_at) filter (where kind = 'interactions') as interactions_changed_at,
        max(last_changed_at) filter (where kind = 'feedback') as feedback_changed_at,
        max(last_changed_at) filter (where kind = 'mentions') as mentions_changed_at
    from sightings
    group by customer_id
),

second_purchases as (
    select
        daily_purchases.customer_id,
        min(daily_purchases.activity_date) as second_purchase_date
    from daily_purchases
    inner join first_seen on daily_purchases.customer_id = first_seen.customer_id
    where
        daily_purchases.purchase_count > 0
        and daily_purchases.activity_date > first_seen.first_purchase_date
    group by daily_purchases.customer_id
),

first_days as (
    select
        first_seen.*,
        second_purchases.second_purchase_date
    from first_seen
    left join second_purchases on first_seen.customer_id = second_purchases.customer_id
)

select * from first_days
