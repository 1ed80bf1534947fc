-- Where everyone stands in the lifecycle, since when, and which way they move. The usual gap is the customer's own mean gap
-- between purchase days, shrunk towards the pooled one, which stands in for two purchases more.
with

population as (
    select * from {{ ref('int_population') }}
),

rfm_metrics as (
    select * from {{ ref('int_rfm_metrics') }}
),

thresholds as (
    select * from {{ ref('int_lifecycle_thresholds') }}
),

value_thresholds as (
    select * from {{ ref('int_value_thresholds') }}
),

gaps as (
    select
        population.customer_id,
        population.as_of_date,
        population.known_since_date,
        population.first_purchase_date,
        population.second_purchase_date,
        rfm_metrics.last_purchase_date,
        rfm_metrics.recency_days,
        coalesce(rfm_metrics.purchase_day_count, 0) as purchase_day_count,
        rfm_metrics.lifetime_net_amount,
        rfm_metrics.net_amount_half,
        rfm_metrics.net_amount_half_before,
        rfm_metrics.returned_on_date,
        thresholds.churn_line_days,
        value_thresholds.top_fifth_line_amount,
        {{ to_threshold(
            ratio(
                days_between('population.first_purchase_date', 'rfm_metrics.last_purchase_date')
                ~ " + 2 * thresholds.pooled_mean_gap_days",
                "coalesce(rfm_metrics.purchase_day_count, 0) - 1 + 2"
            )
        ) }} as usual_gap_days,
        coalesce(
            {{ days_between('rfm_metrics.purchase_before_return_date', 'rfm_metrics.returned_on_date') }}
            > thresholds.churn_line_days,
            false
        ) as is_reactivated
    from population
    left join rfm_metrics
        on
            population.customer_id = rfm_metrics.customer_id
            and population.as_of_date = rfm_metrics.as_of_date
    left join thresholds on population.as_of_date = thresholds.as_of_date
    left join value_thresholds on population.as_of_date = value_thresholds.as_of_date
),

in_stages as (
    select
        gaps.*,
        case
            when purchase_day_count = 0 then 'potential'
            when recency_days > churn_line_days then 'churned'
            when purchase_day_count = 1 then 'first_purchase'
            else 'repeat'
        end as lifecycle_stage
    from gaps
),

stages as (
    select
        customer_id,
        as_of_date,
        usual_gap_days,
        lifecycle_stage,
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
            when lifecycle_stage != 'churned' and recency_days > {{ var('at_risk_pace_multiple') }} * usual_gap_days
                then 'at_risk'
            when net_amount_half_before > 0 and net_amount_half >= (1 + {{ var('growth_share') }}) * net_amount_half_before
                then 'growing'
            when net_amount_half_before > 0 and net_amount_half <= (1 - {{ var('growth_share') }}) * net_amount_half_before
                then 'declining'
            else 'steady'
        end as movement,
        case lifecycle_stage when 'potential' then 'potential' when 'churned' then 'churned' else 'active' end as relationship,
        case
            when
                purchase_day_count >= {{ var('super_customer_purchases') }}
                and lifetime_net_amount > top_fifth_line_amount
                then 'super'
            when purchase_day_count > 1 then 'repeat'
            when purchase_day_count = 1 then 'first'
            else 'new'
        end as ecommerce_stage
    from in_stages
)

select * from stages
