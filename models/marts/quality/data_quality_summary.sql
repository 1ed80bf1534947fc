with

records as (
    select * from {{ ref('int_records_unioned') }}
),

rejection_reasons as (
    select * from {{ ref('rejection_reasons') }}
),

-- arrivals are few, and telling a business day is dear
records_by_arrival as (
    select
        table_name,
        loaded_at,
        record_status,
        reason_code,
        count(*) as record_count
    from records
    group by table_name, loaded_at, record_status, reason_code
),

records_by_reason as (
    select
        table_name,
        {{ business_date('loaded_at') }} as loaded_date,
        record_status,
        coalesce(reason_code, 'accepted') as reason_code,
        cast(sum(record_count) as bigint) as record_count
    from records_by_arrival
    group by table_name, {{ business_date('loaded_at') }}, record_status, coalesce(reason_code, 'accepted')
),

arrivals as (
    select
        table_name,
        loaded_date,
        sum(record_count) as record_count
    from records_by_reason
    group by table_name, loaded_date
),

summary as (
    select
        records_by_reason.table_name,
        records_by_reason.loaded_date,
        records_by_reason.record_status,
        records_by_reason.reason_code,
        coalesce(rejection_reasons.label_en, 'accepted') as reason_en,
        coalesce(rejection_reasons.label_zh, '已接受') as reason_zh,
        records_by_reason.record_count,
        {{ ratio('records_by_reason.record_count', 'arrivals.record_count') }} as record_share
    from records_by_reason
    inner join arrivals
        on
            records_by_reason.table_name = arrivals.table_name
            and records_by_reason.loaded_date = arrivals.loaded_date
    left join rejection_reasons on records_by_reason.reason_code = rejection_reasons.reason_code
)

select * from summary
