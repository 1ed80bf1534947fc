with

mentions as (
    select * from {{ with_customer_id(ref('stg_social_mentions')) }} as with_ids
    where
        {{ is_fact_row() }}
        and {{ is_of_affected_fact(ref('stg_social_mentions')) }}
),

mentions_by_day as (
    select
        customer_id,
        activity_date,
        cast(count(*) filter (where record_status = 'accepted') as integer) as mention_count,
        cast(count(*) filter (where record_status = 'accepted' and sentiment = 'positive') as integer)
            as positive_mention_count,
        cast(count(*) filter (where record_status = 'accepted' and sentiment = 'negative') as integer)
            as negative_mention_count,
        max(last_changed_at) as last_changed_at
    from mentions
    group by customer_id, activity_date
)

select * from mentions_by_day
