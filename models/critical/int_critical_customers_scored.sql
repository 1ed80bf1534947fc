{{ config(materialized='table') }}

with

turning_points as (
    select * from {{ ref('int_turning_points_explained') }}
    where is_current
),

most_urgent as (
    select * from turning_points
    where urgency_rank = 1
),

customers_weighed as (
    select * from {{ ref('int_customers_weighed') }}
),

best_years as (
    select * from {{ ref('int_best_years_measured') }}
),

-- 1 - the product of (1 - urgency): more reasons make a customer more urgent, and never more than wholly
reasons_together as (
    select
        customer_id,
        as_of_date,
        cast(count(*) as integer) as turning_point_count,
        1 - exp(sum(ln(1 - urgency))) as urgency_together
    from turning_points
    group by customer_id, as_of_date
),

-- most customers have one reason alone, and joining texts is dear
further_reasons as (
    select
        customer_id,
        as_of_date,
        {{ joined_texts('reason_en', ' | ', 'urgency_rank') }} as reasons_en,
        {{ joined_texts('reason_zh', ' | ', 'urgency_rank') }} as reasons_zh
    from turning_points
    where urgency_rank > 1
    group by customer_id, as_of_date
),

scored as (
    select
        most_urgent.customer_id,
        most_urgent.as_of_date,
        reasons_together.turning_point_count,
        most_urgent.turning_point_type as most_urgent_type,
        most_urgent.turning_point_type_sort as most_urgent_type_sort,
        most_urgent.turning_point_type_en as most_urgent_type_en,
        most_urgent.turning_point_type_zh as most_urgent_type_zh,
        most_urgent.direction,
        most_urgent.sense,
        most_urgent.strength,
        most_urgent.started_on,
        most_urgent.reason_en,
        most_urgent.reason_zh,
        most_urgent.reason_en || coalesce(' | ' || further_reasons.reasons_en, '') as reasons_en,
        most_urgent.reason_zh || coalesce(' | ' || further_reasons.reasons_zh, '') as reasons_zh,
        most_urgent.strategy_code,
        customers_weighed.value_percentile,
        cast(
            cast(
                100
                * reasons_together.urgency_together
                * ({{ var('criticality_floor') }} + (1 - {{ var('criticality_floor') }}) * customers_weighed.value_percentile)
                as decimal(18, 8)
            ) as decimal(5, 2)
        ) as criticality,
        {{ to_amount(
            "case most_urgent.stake_basis
                when 'recent_year' then customers_weighed.recent_year_amount
                when 'best_year' then best_years.best_year_amount
                when 'class_aimed_at' then customers_weighed.gap_to_class_aimed_at_amount
            end"
        ) }} as value_at_stake_amount
    from most_urgent
    inner join reasons_together
        on
            most_urgent.customer_id = reasons_together.customer_id
            and most_urgent.as_of_date = reasons_together.as_of_date
    left join further_reasons
        on
            most_urgent.customer_id = further_reasons.customer_id
            and most_urgent.as_of_date = further_reasons.as_of_date
    inner join customers_weighed
        on
            most_urgent.customer_id = customers_weighed.customer_id
            and most_urgent.as_of_date = customers_weighed.as_of_date
    left join best_years
        on
            most_urgent.customer_id = best_years.customer_id
            and most_urgent.as_of_date = best_years.as_of_date
)

select * from scored
