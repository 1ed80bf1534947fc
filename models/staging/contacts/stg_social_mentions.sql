{{ config(unique_key='mention_id') }}

with

{{ loaded_versions('raw_social_mentions', ref('base_social_mentions'), 'mention_id') }},

mention_types as (
    select * from {{ ref('mention_types') }}
),

typed as {{ not_materialized() }} (
    select
        raw_social_mentions.*,
        {{ clean_text('raw_social_mentions.customer_id') }} as customer_key,
        {{ try_timestamp('raw_social_mentions.occurred_at') }} as occurred_at_utc,
        {{ business_date(try_timestamp('raw_social_mentions.occurred_at')) }} as activity_date,
        {{ clean_code('raw_social_mentions.mention_type') }} as type_code
    from raw_social_mentions
),

validated as {{ not_materialized() }} (
    select
        typed.*,
        case
            {{ common_faults('typed') }}
            when mention_types.mention_type is null then 'unknown_type'
        end as fault_code
    from typed
    left join mention_types on typed.type_code = mention_types.mention_type
),

{{ resolve_versions('validated', 'social_mentions') }},

staged as (
    select
        record_key as mention_id,
        customer_key as source_customer_id,
        occurred_at_utc as occurred_at,
        activity_date,
        {{ clean_text('platform') }} as platform,
        type_code as mention_type,
        {{ clean_code('sentiment') }} as sentiment,
        record_status,
        reason_code,
        raw_content,
        raw_key,
        loaded_at,
        last_changed_at
    from resolved
)

select * from staged
