{{ config(materialized='view') }}

with

records as (
    select
        'transactions' as table_name,
        transaction_id as record_key,
        customer_id,
        record_status,
        reason_code,
        raw_content,
        loaded_at
    from {{ ref('stg_transactions') }}

    union all

    select
        'customers' as table_name,
        customer_id as record_key,
        customer_id,
        record_status,
        reason_code,
        raw_content,
        loaded_at
    from {{ ref('stg_customers') }}

    union all

    select
        'interactions' as table_name,
        interaction_id as record_key,
        customer_id,
        record_status,
        reason_code,
        raw_content,
        loaded_at
    from {{ ref('stg_interactions') }}

    union all

    select
        'feedback' as table_name,
        feedback_id as record_key,
        customer_id,
        record_status,
        reason_code,
        raw_content,
        loaded_at
    from {{ ref('stg_feedback') }}

    union all

    select
        'social_mentions' as table_name,
        mention_id as record_key,
        customer_id,
        record_status,
        reason_code,
        raw_content,
        loaded_at
    from {{ ref('stg_social_mentions') }}
)

select * from records
