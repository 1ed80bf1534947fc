with

records as (
    select * from {{ ref('int_records_unioned') }}
    where record_status != 'accepted'
),

-- a number distinguishes copies of one row in one load
numbered as (
    select
        records.*,
        row_number() over (
            partition by table_name, loaded_at, reason_code, raw_content
            order by {{ in_byte_order('record_key') }}
        ) as copy_number
    from records
),

labelled as (
    select
        {{ dbt.hash(
            "concat(numbered.table_name, '|', cast(numbered.loaded_at as " ~ dbt.type_string() ~ "), '|', "
            ~ "numbered.reason_code, '|', numbered.raw_content, '|', cast(numbered.copy_number as " ~ dbt.type_string() ~ "))"
        ) }} as rejected_record_id,
        numbered.table_name,
        numbered.record_key,
        numbered.source_customer_id as customer_id,
        numbered.record_status,
        numbered.reason_code,
        rejection_reasons.label_en as reason_en,
        rejection_reasons.label_zh as reason_zh,
        rejection_reasons.fix_en,
        rejection_reasons.fix_zh,
        numbered.raw_content,
        numbered.loaded_at
    from numbered
    left join {{ ref('rejection_reasons') }} as rejection_reasons on numbered.reason_code = rejection_reasons.reason_code
)

select * from labelled
