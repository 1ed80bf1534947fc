{#
    Protects the newest day: states speak of the last business day that is complete in the data.
    Without it a spine that leaves its end out, or a load that no model noticed, would show last month as today
    while every other test stays green.
#}
with

transactions as (
    select
        max(staged.activity_date) as last_payment_date,
        {{ add_days(business_date("max(staged.loaded_at) filter (where staged.loaded_at > timestamp '1970-01-01')"), -1) }}
            as last_complete_date
    from {{ ref('stg_transactions') }} as staged
    where staged.record_status = 'accepted'
),

current_day as (
    select
        max(spine.as_of_date) as newest_date,
        max(spine.as_of_date) filter (where spine.is_current) as current_date_told,
        count(*) filter (where spine.is_current) as current_count
    from {{ ref('as_of_dates') }} as spine
),

-- other tables can arrive later than the payments and complete a day for them; none can move it beyond the last payment
failures as (
    select
        current_day.newest_date,
        current_day.current_date_told,
        transactions.last_payment_date,
        transactions.last_complete_date
    from current_day
    cross join transactions
    where
        current_day.current_count != 1
        or current_day.current_date_told is distinct from current_day.newest_date
        {%- if var('as_of_date') %}
        or current_day.current_date_told is distinct from date '{{ var("as_of_date") }}'
        {%- else %}
        or current_day.current_date_told is null
        or current_day.current_date_told > transactions.last_payment_date
        or current_day.current_date_told < least(transactions.last_payment_date, transactions.last_complete_date)
        {%- endif %}
)

select * from failures
