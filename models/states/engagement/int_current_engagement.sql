-- How often each customer was in touch by the current as-of date: interactions of the last year, feedback and mentions of all
-- time.
with

current_day as (
    select as_of_date
    from {{ ref('as_of_dates') }}
    where is_current
),

engagement_days as (
    select
        customer_id,
        activity_date,
        interaction_count,
        0 as feedback_count,
        0 as complaint_count,
        0 as mention_count,
        0 as negative_mention_count
    from {{ ref('daily_interactions') }}
    where {{ last_days('activity_date', '(select current_day.as_of_date from current_day)', days_of_year()) }}

    union all

    select
        customer_id,
        activity_date,
        0 as interaction_count,
        feedback_count,
        complaint_count,
        0 as mention_count,
        0 as negative_mention_count
    from {{ ref('daily_feedback') }}

    union all

    select
        customer_id,
        activity_date,
        0 as interaction_count,
        0 as feedback_count,
        0 as complaint_count,
        mention_count,
        negative_mention_count
    from {{ ref('daily_mentions') }}
),

engagement as (
    select
        engagement_days.customer_id,
        cast(sum(engagement_days.interaction_count) as bigint) as interaction_count,
        cast(sum(engagement_days.feedback_count) as bigint) as feedback_count,
        cast(sum(engagement_days.complaint_count) as bigint) as complaint_count,
        cast(sum(engagement_days.mention_count) as bigint) as mention_count,
        cast(sum(engagement_days.negative_mention_count) as bigint) as negative_mention_count
    from engagement_days
    cross join current_day
    where engagement_days.activity_date <= current_day.as_of_date
    group by engagement_days.customer_id
)

select * from engagement
