{{ config(unique_key='customer_id', meta={'dated_by': none}) }}

-- The first days of each customer. Only customers whose facts newly loaded rows may change are worked out again.
with

{{ affected_customers(ref('active_days'), {
    'transactions': 'transactions_changed_at',
    'interactions': 'interactions_changed_at',
    'feedback': 'feedback_changed_at',
    'mentions': 'mentions_changed_at',
}) }}

active_days as {{ not_materialized() }} (
    select * from {{ ref('active_days') }}
    where {{ is_affected_customer() }}
),

-- a customer whose rows were all corrected away keeps a row with null dates, so that delete+insert still replaces the old one
first_days as (
    select
        customer_id,
        min(activity_date) filter (where was_active) as first_activity_date,
        min(activity_date) filter (where is_purchase) as first_purchase_date,
        max(last_changed_at) filter (where kind = 'transactions') as transactions_changed_at,
        max(last_changed_at) filter (where kind = 'interactions') as interactions_changed_at,
        max(last_changed_at) filter (where kind = 'feedback') as feedback_changed_at,
        max(last_changed_at) filter (where kind = 'mentions') as mentions_changed_at
    from active_days
    group by customer_id
),

second_purchases as (
    select
        active_days.customer_id,
        min(active_days.activity_date) as second_purchase_date
    from active_days
    inner join first_days on active_days.customer_id = first_days.customer_id
    where
        active_days.is_purchase
        and active_days.activity_date > first_days.first_purchase_date
    group by active_days.customer_id
),

first_and_second_days as (
    select
        first_days.*,
        second_purchases.second_purchase_date
    from first_days
    left join second_purchases on first_days.customer_id = second_purchases.customer_id
)

select * from first_and_second_days
