{{ config(materialized='view') }}

-- Every row of every raw table with what became of it. A raw table that is missing here fails a test: its rows would not be
-- accounted for, and its late rows would rebuild nothing.
with

records as (
    select
        'transactions' as table_name,
        transaction_id as record_key,
        source_customer_id,
        activity_date,
        record_status,
        reason_code,
        raw_content,
        loaded_at,
        last_changed_at
    from {{ ref('stg_transactions') }}

    union all

    -- a registration without a date is as old as the register, so it affects every day
    select
        'customers' as table_name,
        source_customer_id as record_key,
        source_customer_id,
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as activity_date,
        record_status,
        reason_code,
        raw_content,
        loaded_at,
        last_changed_at
    from {{ ref('stg_customers') }}

    union all

    select
        'interactions' as table_name,
        interaction_id as record_key,
        source_customer_id,
        activity_date,
        record_status,
        reason_code,
        raw_content,
        loaded_at,
        last_changed_at
    from {{ ref('stg_interactions') }}

    union all

    select
        'feedback' as table_name,
        feedback_id as record_key,
        source_customer_id,
        activity_date,
        record_status,
        reason_code,
        raw_content,
        loaded_at,
        last_changed_at
    from {{ ref('stg_feedback') }}

    union all

    select
        'social_mentions' as table_name,
        mention_id as record_key,
        source_customer_id,
        activity_date,
        record_status,
        reason_code,
        raw_content,
        loaded_at,
        last_changed_at
    from {{ ref('stg_social_mentions') }}
)

select * from records
