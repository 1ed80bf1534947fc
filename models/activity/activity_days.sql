{{ config(materialized='table') }}

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

customers as (
    select * from {{ ref('stg_customers') }}
),

-- superseded rows count: the day they stood on changed when they left it
all_days as (
    select
        activity_date,
        record_status,
        true as is_transaction,
        settled_at
    from transactions
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        settled_at
    from interactions
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        settled_at
    from feedback
    where {{ is_fact_row() }}

    union all

    select
        activity_date,
        record_status,
        false as is_transaction,
        settled_at
    from social_mentions
    where {{ is_fact_row() }}

    union all

    -- a registration without a date is as old as the register, so it touches every day
    select
        coalesce(registered_date, date '{{ var("earliest_valid_date") }}') as activity_date,
        record_status,
        false as is_transaction,
        settled_at
    from customers
    where {{ is_fact_row() }}
),

days as (
    select
        activity_date,
        cast(count(*) filter (where is_transaction and record_status = 'accepted') as integer) as transaction_count,
        cast(count(*) filter (where record_status = 'accepted') as integer) as record_count,
        max(settled_at) as settled_at
    from all_days
    group by activity_date
)

select * from days
