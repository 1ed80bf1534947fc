{%- set pace_multiple = var('at_risk_pace_multiple') -%}

with

states as (
    select * from {{ ref('int_value_classes') }}
),

lifecycle_thresholds as (
    select * from {{ ref('int_lifecycle_thresholds') }}
),

value_thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

-- the pooled gap stands in for two purchases more, so that two purchases do not make a habit
paced as (
    select
        states.*,
        {{ to_threshold(
            ratio(
                days_between('states.first_purchase_date', 'states.last_purchase_date') ~ " + 2 * lifecycle_thresholds.pooled_mean_gap_days",
                "states.purchase_day_count - 1 + 2"
            )
        ) }} as usual_gap_days,
        lifecycle_thresholds.churn_line_days,
        lifecycle_thresholds.second_gap_lower_days,
        lifecycle_thresholds.second_gap_upper_days,
        value_thresholds.top_fifth_line_amount,
        coalesce(
            {{ days_between('states.purchase_before_return_date', 'states.returned_on_date') }}
            > lifecycle_thresholds.churn_line_days,
            false
        ) as is_reactivated,
        case
            when not states.is_buyer then 'none'
            when states.monetary_amount >= value_thresholds.abc_a_line_amount then 'a'
            when states.monetary_amount >= value_thresholds.abc_b_line_amount then 'b'
            else 'c'
        end as abc_class,
        case
            when not states.is_buyer then 'none'
            when states.monetary_amount > value_thresholds.high_value_line_amount then 'high'
            when states.monetary_amount > value_thresholds.mid_value_line_amount then 'mid'
            else 'low'
        end as value_level
    from states
    left join lifecycle_thresholds on states.as_of_date = lifecycle_thresholds.as_of_date
    left join value_thresholds on states.as_of_date = value_thresholds.as_of_date
),

in_lifecycle as (
    select
        paced.*,
        case
            when purchase_day_count = 0 then 'potential'
            when recency_days > churn_line_days then 'churned'
            when purchase_day_count = 1 then 'first_purchase'
            else 'repeat'
        end as lifecycle_stage,
        purchase_day_count >= {{ var('super_customer_purchases') }}
        and lifetime_net_amount > top_fifth_line_amount as is_super
    from paced
),

placed as (
    select
        in_lifecycle.*,
        case lifecycle_stage
            when 'potential' then known_since_date
            when 'churned' then {{ add_days('last_purchase_date', 'churn_line_days + 1') }}
            when 'first_purchase' then first_purchase_date
            else case when is_reactivated then returned_on_date else second_purchase_date end
        end as lifecycle_stage_since_date,
        case
            when lifecycle_stage = 'potential' then 'steady'
            when {{ last_days('first_purchase_date', 'as_of_date', var('recent_days')) }} then 'new'
            when is_reactivated then 'reactivated'
            when lifecycle_stage != 'churned' and recency_days > {{ pace_multiple }} * usual_gap_days then 'at_risk'
            when
                net_amount_half_before > 0
                and net_amount_half >= (1 + {{ var('growth_share') }}) * net_amount_half_before
                then 'growing'
            when
                net_amount_half_before > 0
                and net_amount_half <= (1 - {{ var('growth_share') }}) * net_amount_half_before
                then 'declining'
            else 'steady'
        end as movement,
        case lifecycle_stage
            when 'potential' then 'potential'
            when 'churned' then 'churned'
            else 'active'
        end as relationship
    from in_lifecycle
)

select * from placed
