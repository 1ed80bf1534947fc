{{ config(materialized='view', unique_key=none) }}

-- The days on which a customer did anything, by kind of record, and when that last changed.
with

active_days as (
    select
        customer_id,
        'transactions' as kind,
        activity_date,
        purchase_count > 0 or return_count > 0 as was_active,
        purchase_count > 0 as is_purchase,
        last_changed_at
    from {{ ref('daily_purchases') }}

    union all

    -- a salary, a fee: no purchase, but someone was there
    select
        customer_id,
        'transactions' as kind,
        activity_date,
        record_status = 'accepted' as was_active,
        false as is_purchase,
        last_changed_at
    from {{ with_customer_id(ref('stg_transactions')) }} as with_ids
    where
        not is_purchase
        and not is_return
        and {{ is_fact_row() }}

    union all

    select
        customer_id,
        'interactions' as kind,
        activity_date,
        touch_count > 0 as was_active,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_interactions') }}

    union all

    select
        customer_id,
        'feedback' as kind,
        activity_date,
        feedback_count > 0 as was_active,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_feedback') }}

    union all

    select
        customer_id,
        'mentions' as kind,
        activity_date,
        mention_count > 0 as was_active,
        false as is_purchase,
        last_changed_at
    from {{ ref('daily_mentions') }}
)

select * from active_days
