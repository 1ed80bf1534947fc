{{ config(materialized='table') }}

with

turning_points as (
    select * from {{ ref('int_turning_points_ranked') }}
    where is_current
),

customers_valued as (
    select * from {{ ref('int_customers_valued') }}
),

best_years as (
    select * from {{ ref('int_best_years') }}
),

-- 1 - the product of (1 - urgency): more reasons make a customer more urgent, and never more than wholly
reasons_together as (
    select
        customer_id,
        as_of_date,
        cast(count(*) as integer) as turning_point_count,
        1 - exp(sum(ln(1 - urgency))) as urgency_together,
        max(stake_basis) filter (where urgency_rank = 1) as stake_basis
    from turning_points
    group by customer_id, as_of_date
),

scored as (
    select
        reasons_together.customer_id,
        reasons_together.as_of_date,
        reasons_together.turning_point_count,
        customers_valued.value_percentile,
        cast(
            cast(
                100
                * reasons_together.urgency_together
                * ({{ var('criticality_floor') }} + (1 - {{ var('criticality_floor') }}) * customers_valued.value_percentile)
                as decimal(18, 8)
            ) as decimal(5, 2)
        ) as criticality,
        {{ to_amount(
            "case reasons_together.stake_basis
                when 'recent_year' then customers_valued.recent_year_amount
                when 'best_year' then best_years.best_year_amount
                when 'class_aimed_at' then customers_valued.gap_to_class_aimed_at_amount
            end"
        ) }} as value_at_stake_amount
    from reasons_together
    inner join customers_valued
        on
            reasons_together.customer_id = customers_valued.customer_id
            and reasons_together.as_of_date = customers_valued.as_of_date
    left join best_years
        on
            reasons_together.customer_id = best_years.customer_id
            and reasons_together.as_of_date = best_years.as_of_date
),

-- the most critical stand first, then those with most at stake
ranked as (
    select
        *,
        cast(
            row_number() over (
                order by
                    criticality desc,
                    value_at_stake_amount desc nulls last,
                    {{ in_byte_order('customer_id') }} asc
            ) as bigint
        ) as criticality_rank
    from scored
)

select * from ranked
