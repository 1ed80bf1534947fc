{{ config(unique_key='interaction_id') }}

with

{{ loaded_versions('raw_interactions', ref('base_interactions'), 'interaction_id') }},

interaction_types as (
    select * from {{ ref('interaction_types') }}
),

typed as {{ not_materialized() }} (
    select
        raw_interactions.*,
        {{ clean_text('raw_interactions.customer_id') }} as customer_key,
        {{ try_timestamp('raw_interactions.occurred_at') }} as occurred_at_utc,
        {{ business_date(try_timestamp('raw_interactions.occurred_at')) }} as activity_date,
        {{ clean_code('raw_interactions.interaction_type') }} as type_code,
        coalesce({{ clean_code('raw_interactions.direction') }}, 'inbound') as direction_code
    from raw_interactions
),

validated as {{ not_materialized() }} (
    select
        typed.*,
        interaction_types.is_contact,
        interaction_types.shows_intent,
        case
            {{ common_faults('typed') }}
            when interaction_types.interaction_type is null then 'unknown_type'
            when typed.direction_code not in ('inbound', 'outbound') then 'unknown_direction'
        end as fault_code
    from typed
    left join interaction_types on typed.type_code = interaction_types.interaction_type
),

{{ resolve_versions('validated', 'interactions') }},

staged as (
    select
        record_key as interaction_id,
        customer_key as source_customer_id,
        occurred_at_utc as occurred_at,
        activity_date,
        type_code as interaction_type,
        is_contact,
        shows_intent,
        direction_code as direction,
        direction_code = 'inbound' as is_inbound,
        {{ clean_text('channel') }} as channel,
        {{ clean_code('outcome') }} as outcome,
        {{ clean_text('staff_id') }} as staff_id,
        {{ clean_text('campaign_id') }} as campaign_id,
        record_status,
        reason_code,
        raw_content,
        raw_key,
        loaded_at,
        last_changed_at
    from resolved
)

select * from staged
