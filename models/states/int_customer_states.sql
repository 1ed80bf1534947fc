{{ config(materialized='by_as_of_date') }}

{%- set compared_columns =
    'customer_id, as_of_date, value_class, value_class_rank, lifecycle_stage, movement, recency_days, monetary_amount'
-%}

with

states as (
    select * from {{ ref('int_lifecycle_stages') }}
    {{ only_dates_to_build() }}
),

-- of a date that is not built now, what was told
previous_states as (
    select {{ compared_columns }}
    from {{ ref('int_lifecycle_stages') }}
    {{ only_dates_before() }}

    union all

    select {{ compared_columns }}
    from {{ stored_dates_before() }} as told
),

interaction_metrics as (
    select * from {{ ref('int_interaction_metrics') }}
    {{ only_dates_to_build() }}
),

feedback_metrics as (
    select * from {{ ref('int_feedback_metrics') }}
    {{ only_dates_to_build() }}
),

compared as (
    select
        states.customer_id,
        states.as_of_date,
        states.previous_as_of_date,
        states.known_since_date,
        states.known_days,
        states.is_registered,
        -- purchases
        states.first_purchase_date,
        states.second_purchase_date,
        states.last_purchase_date,
        states.recency_days,
        states.purchase_day_count,
        states.lifetime_net_amount,
        states.window_purchase_day_count,
        states.order_count,
        states.gross_amount,
        states.returned_amount,
        states.net_amount,
        states.profit_amount,
        states.frequency_count,
        states.monetary_amount,
        states.is_buyer,
        states.net_amount_365,
        states.net_amount_half,
        states.net_amount_half_before,
        states.net_amount_value_drop,
        states.net_amount_value_drop_year,
        states.purchase_day_count_value_drop_year,
        states.returned_on_date,
        states.purchase_before_return_date,
        -- interactions and feedback
        interaction_metrics.last_interaction_date,
        coalesce(interaction_metrics.interaction_count_faded, 0) as interaction_count_faded,
        coalesce(interaction_metrics.interaction_count_faded_year, 0) as interaction_count_faded_year,
        coalesce(interaction_metrics.interaction_count_surge, 0) as interaction_count_surge,
        coalesce(interaction_metrics.interaction_count_surge_year, 0) as interaction_count_surge_year,
        coalesce(interaction_metrics.contact_count, 0) as contact_count,
        coalesce(interaction_metrics.intent_count, 0) as intent_count,
        feedback_metrics.last_complaint_date,
        feedback_metrics.last_unresolved_complaint_date,
        -- a complaint is open until it is resolved and a purchase has followed it
        case
            when
                states.last_purchase_date is null
                or states.last_purchase_date <= feedback_metrics.last_complaint_date
                then feedback_metrics.last_complaint_date
            else feedback_metrics.last_unresolved_complaint_date
        end as open_complaint_date,
        -- scores and class
        states.recency_score,
        states.frequency_score,
        states.monetary_score,
        states.is_recency_high,
        states.is_frequency_high,
        states.is_monetary_high,
        states.value_class,
        states.value_class_rank,
        states.value_class_with_previous_lines,
        states.value_class_rank_with_previous_lines,
        -- place
        states.usual_gap_days,
        states.churn_line_days,
        states.top_fifth_line_amount,
        states.second_gap_lower_days,
        states.second_gap_upper_days,
        states.lifecycle_stage,
        states.lifecycle_stage_since_date,
        states.movement,
        states.relationship,
        case
            when states.is_super then 'super'
            when states.purchase_day_count > 1 then 'repeat'
            when states.purchase_day_count = 1 then 'first'
            else 'new'
        end as ecommerce_stage,
        case
            when states.is_super then 'super'
            when states.purchase_day_count > 1 then 'repeat'
            when states.purchase_day_count = 1 then 'first_order'
            when interaction_metrics.intent_count > 0 then 'intent'
            when interaction_metrics.contact_count > 0 then 'contacted'
            else 'stranger'
        end as consultative_stage,
        states.abc_class,
        states.value_level,
        -- the state on the as-of date before; null where the customer was not known then
        previous_states.value_class as previous_value_class,
        previous_states.value_class_rank as previous_value_class_rank,
        previous_states.lifecycle_stage as previous_lifecycle_stage,
        previous_states.movement as previous_movement,
        previous_states.recency_days as previous_recency_days,
        previous_states.monetary_amount as previous_monetary_amount
    from states
    left join previous_states
        on
            states.customer_id = previous_states.customer_id
            and states.previous_as_of_date = previous_states.as_of_date
    left join interaction_metrics
        on
            states.customer_id = interaction_metrics.customer_id
            and states.as_of_date = interaction_metrics.as_of_date
    left join feedback_metrics
        on
            states.customer_id = feedback_metrics.customer_id
            and states.as_of_date = feedback_metrics.as_of_date
)

select * from compared
