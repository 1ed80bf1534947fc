with

feedback as (
    select * from {{ with_customer_id(ref('stg_feedback')) }} as with_ids
    where
        {{ is_fact_row() }}
        and {{ is_of_affected_fact(ref('stg_feedback')) }}
),

-- a day's complaints are settled when the last of them is; until then all_resolved_date is null
feedback_by_day as (
    select
        customer_id,
        activity_date,
        cast(count(*) filter (where record_status = 'accepted') as integer) as feedback_count,
        cast(count(*) filter (where record_status = 'accepted' and is_complaint) as integer) as complaint_count,
        case
            when count(*) filter (where record_status = 'accepted' and is_complaint and resolved_date is null) = 0
                then max(resolved_date) filter (where record_status = 'accepted' and is_complaint)
        end as all_resolved_date,
        max(last_changed_at) as last_changed_at
    from feedback
    group by customer_id, activity_date
)

select * from feedback_by_day
