{{ config(unique_key='feedback_id') }}

with

{{ loaded_versions('raw_feedback', ref('base_feedback'), 'feedback_id') }},

feedback_types as (
    select * from {{ ref('feedback_types') }}
),

typed as {{ not_materialized() }} (
    select
        raw_feedback.*,
        {{ clean_text('raw_feedback.customer_id') }} as customer_key,
        {{ try_timestamp('raw_feedback.occurred_at') }} as occurred_at_utc,
        {{ business_date(try_timestamp('raw_feedback.occurred_at')) }} as activity_date,
        {{ try_timestamp('raw_feedback.resolved_at') }} as resolved_at_utc,
        {{ business_date(try_timestamp('raw_feedback.resolved_at')) }} as resolved_date,
        {{ clean_code('raw_feedback.feedback_type') }} as type_code,
        {{ try_amount('raw_feedback.rating') }} as rating_given,
        case
            when {{ clean_text('raw_feedback.rating_scale') }} is null then 5
            else {{ try_amount('raw_feedback.rating_scale') }}
        end as best_rating
    from raw_feedback
),

validated as {{ not_materialized() }} (
    select
        typed.*,
        feedback_types.is_complaint,
        case
            {{ common_faults('typed') }}
            when feedback_types.feedback_type is null then 'unknown_type'
            when typed.rating_given is null and {{ clean_text('typed.rating') }} is not null then 'invalid_rating'
            when typed.best_rating is null or typed.best_rating <= 1 then 'invalid_rating'
            when typed.rating_given < 1 or typed.rating_given > typed.best_rating then 'invalid_rating'
            when typed.resolved_at_utc is null and {{ clean_text('typed.resolved_at') }} is not null
                then 'invalid_timestamp'
            when typed.resolved_at_utc < typed.occurred_at_utc then 'resolved_before_occurred'
        end as fault_code
    from typed
    left join feedback_types on typed.type_code = feedback_types.feedback_type
),

{{ resolve_versions('validated', 'feedback') }},

-- ratings 1 and 2 of 5, or 1 to 4 of 10, are the lowest 40 % of their scale
staged as (
    select
        record_key as feedback_id,
        customer_key as source_customer_id,
        occurred_at_utc as occurred_at,
        activity_date,
        type_code as feedback_type,
        rating_given as rating,
        {{ to_amount('best_rating') }} as rating_scale,
        is_complaint or coalesce(
            rating_given <= best_rating * {{ var('low_rating_share') }},
            false
        ) as is_complaint,
        {{ clean_text('topic') }} as topic,
        resolved_at_utc as resolved_at,
        resolved_date,
        record_status,
        reason_code,
        raw_content,
        raw_key,
        loaded_at,
        last_changed_at
    from resolved
)

select * from staged
