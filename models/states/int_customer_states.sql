{{ config(materialized='by_as_of_date') }}

-- The hub: what each topic says of everyone known on an as-of date, joined once, beside the state on the date before as it is
-- stored (null where the customer was not known). Only what needs two topics is worked out here.
with

topics as (
    select
        population.*,
        -- rfm
        rfm.last_purchase_date,
        rfm.recency_days,
        coalesce(rfm.purchase_day_count, 0) as purchase_day_count,
        {{ amount_or_zero('rfm.lifetime_net_amount') }} as lifetime_net_amount,
        coalesce(rfm.window_purchase_day_count, 0) as window_purchase_day_count,
        coalesce(rfm.order_count, 0) as order_count,
        {{ amount_or_zero('rfm.gross_amount') }} as gross_amount,
        {{ amount_or_zero('rfm.returned_amount') }} as returned_amount,
        {{ amount_or_zero('rfm.net_amount') }} as net_amount,
        rfm.profit_amount,
        coalesce(rfm.frequency_count, 0) as frequency_count,
        {{ amount_or_zero('rfm.monetary_amount') }} as monetary_amount,
        coalesce(rfm.is_buyer, false) as is_buyer,
        {{ amount_or_zero('rfm.net_amount_365') }} as net_amount_365,
        {{ amount_or_zero('rfm.net_amount_half') }} as net_amount_half,
        {{ amount_or_zero('rfm.net_amount_half_before') }} as net_amount_half_before,
        {{ amount_or_zero('rfm.net_amount_value_drop') }} as net_amount_value_drop,
        {{ amount_or_zero('rfm.net_amount_value_drop_year') }} as net_amount_value_drop_year,
        coalesce(rfm.purchase_day_count_value_drop_year, 0) as purchase_day_count_value_drop_year,
        rfm.returned_on_date,
        rfm.purchase_before_return_date,
        segments.recency_score,
        segments.frequency_score,
        segments.monetary_score,
        segments.is_recency_high,
        segments.is_frequency_high,
        segments.is_monetary_high,
        coalesce(segments.value_class, 'no_purchase') as value_class,
        coalesce(segments.value_class_rank, 0) as value_class_rank,
        case when population.previous_as_of_date is not null then coalesce(segments.class_with_previous_lines, 'no_purchase') end
            as value_class_with_previous_lines,
        case when population.previous_as_of_date is not null then coalesce(segments.rank_with_previous_lines, 0) end
            as value_class_rank_with_previous_lines,
        -- value
        coalesce(value_segments.abc_class, 'none') as abc_class,
        coalesce(value_segments.value_level, 'none') as value_level,
        value_thresholds.top_fifth_line_amount,
        -- lifecycle
        lifecycle.usual_gap_days,
        lifecycle_thresholds.churn_line_days,
        lifecycle_thresholds.second_gap_lower_days,
        lifecycle_thresholds.second_gap_upper_days,
        lifecycle.lifecycle_stage,
        lifecycle.lifecycle_stage_since_date,
        lifecycle.movement,
        lifecycle.relationship,
        lifecycle.ecommerce_stage,
        -- engagement
        interactions.last_interaction_date,
        coalesce(interactions.interaction_count_faded, 0) as interaction_count_faded,
        coalesce(interactions.interaction_count_faded_year, 0) as interaction_count_faded_year,
        coalesce(interactions.interaction_count_surge, 0) as interaction_count_surge,
        coalesce(interactions.interaction_count_surge_year, 0) as interaction_count_surge_year,
        coalesce(interactions.contact_count, 0) as contact_count,
        coalesce(interactions.intent_count, 0) as intent_count,
        feedback.last_complaint_date,
        feedback.last_unresolved_complaint_date,
        -- of two topics: a complaint is open until it is resolved and a purchase has followed it
        case
            when rfm.last_purchase_date > feedback.last_complaint_date then feedback.last_unresolved_complaint_date
            else feedback.last_complaint_date
        end as open_complaint_date,
        case
            when lifecycle.ecommerce_stage = 'first' then 'first_order'
            when lifecycle.ecommerce_stage != 'new' then lifecycle.ecommerce_stage
            when interactions.intent_count > 0 then 'intent'
            when interactions.contact_count > 0 then 'contacted'
            else 'stranger'
        end as consultative_stage
    from {{ of_dates_to_build(ref('int_population')) }} as population
    left join {{ of_dates_to_build(ref('int_rfm_metrics')) }} as rfm using (customer_id, as_of_date)
    left join {{ of_dates_to_build(ref('int_rfm_segments')) }} as segments using (customer_id, as_of_date)
    left join {{ of_dates_to_build(ref('int_value_segments')) }} as value_segments using (customer_id, as_of_date)
    left join {{ of_dates_to_build(ref('int_lifecycle_stages')) }} as lifecycle using (customer_id, as_of_date)
    left join {{ of_dates_to_build(ref('int_interaction_metrics')) }} as interactions using (customer_id, as_of_date)
    left join {{ of_dates_to_build(ref('int_feedback_metrics')) }} as feedback using (customer_id, as_of_date)
    left join {{ ref('int_value_thresholds') }} as value_thresholds using (as_of_date)
    left join {{ ref('int_lifecycle_thresholds') }} as lifecycle_thresholds using (as_of_date)
),

with_previous as (
    select
        topics.*,
        previous.value_class as previous_value_class,
        previous.value_class_rank as previous_value_class_rank,
        previous.lifecycle_stage as previous_lifecycle_stage,
        previous.movement as previous_movement,
        previous.recency_days as previous_recency_days,
        previous.monetary_amount as previous_monetary_amount
    from topics
    left join {{ stored_dates_before(like='topics') }} as previous
        on topics.customer_id = previous.customer_id and topics.previous_as_of_date = previous.as_of_date
)

select * from with_previous
