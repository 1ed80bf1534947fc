with

interactions as (
    select * from {{ with_customer_id(ref('stg_interactions')) }} as with_ids
    where
        {{ is_fact_row() }}
        and {{ is_of_affected_fact(ref('stg_interactions')) }}
),

-- what the customer began counts as engagement; what we sent counts as contact alone
interactions_by_day as (
    select
        customer_id,
        activity_date,
        cast(count(*) filter (where record_status = 'accepted' and is_inbound) as integer) as interaction_count,
        cast(count(*) filter (where record_status = 'accepted' and is_contact) as integer) as contact_count,
        cast(count(*) filter (where record_status = 'accepted' and is_inbound and shows_intent) as integer)
            as intent_count,
        cast(count(*) filter (where record_status = 'accepted') as integer) as touch_count,
        max(last_changed_at) as last_changed_at
    from interactions
    group by customer_id, activity_date
)

select * from interactions_by_day
{{ stored_in_order('customer_id, activity_date') }}
