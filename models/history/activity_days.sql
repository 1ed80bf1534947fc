-- How much happened on each business day, and when that last changed. A superseded row counts as a change of its day.
with

records as (
    select * from {{ ref('int_records_unioned') }}
    where record_status != 'rejected'
),

days as (
    select
        activity_date,
        {{ count_rows(condition="table_name = 'transactions' and record_status = 'accepted'") }} as transaction_count,
        {{ count_rows(condition="record_status = 'accepted'") }} as record_count,
        max(last_changed_at) as last_changed_at,
        max(loaded_at) as newest_loaded_at
    from records
    group by activity_date
)

select * from days
