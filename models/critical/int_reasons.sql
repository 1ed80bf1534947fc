-- The reasons of each critical customer: the most urgent one, and all of them in words, most urgent first.
with

turning_points as (
    select * from {{ ref('int_turning_points_explained') }}
    where is_current
),

-- most customers have one reason alone, and joining texts is expensive
further_reasons as (
    select
        customer_id,
        {{ ordered_listagg('reason_en', ' | ', 'urgency_rank') }} as reasons_en,
        {{ ordered_listagg('reason_zh', ' | ', 'urgency_rank') }} as reasons_zh
    from turning_points
    where urgency_rank > 1
    group by customer_id
),

reasons as (
    select
        turning_points.*,
        turning_points.reason_en || coalesce(' | ' || further_reasons.reasons_en, '') as reasons_en,
        turning_points.reason_zh || coalesce(' | ' || further_reasons.reasons_zh, '') as reasons_zh
    from turning_points
    left join further_reasons on turning_points.customer_id = further_reasons.customer_id
    where turning_points.urgency_rank = 1
)

select * from reasons
