{#
    Protects the promise that nothing is lost: the rows of every raw table of the input contract are accepted, rejected or
    duplicates, together as many as were delivered, and the quality summary counts the same.
    A filter or a join that swallows rows, or one that doubles them, would otherwise change money and counts unseen; so would
    a raw table that int_records_unioned does not read.
#}
with

raw_rows as (
    {%- for table in raw_tables() %}
    select
        '{{ table.name }}' as table_name,
        count(*) as row_count
    from {{ table.relation or '(select 1 as nothing where 1 = 0) as absent' }}
    {{ "union all" if not loop.last }}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as table_name,
        0 as row_count
    {%- endfor %}
),

staged_by_status as (
    select
        table_name,
        count(*) filter (where record_status = 'accepted') as accepted_count,
        count(*) filter (where record_status = 'rejected') as rejected_count,
        count(*) filter (where record_status = 'duplicate') as duplicate_count
    from {{ ref('int_records_unioned') }}
    group by table_name
),

summarised as (
    select
        table_name,
        sum(record_count) as summary_count
    from {{ ref('data_quality_summary') }}
    group by table_name
),

failures as (
    select
        raw_rows.table_name,
        raw_rows.row_count as raw_count,
        staged_by_status.accepted_count,
        staged_by_status.rejected_count,
        staged_by_status.duplicate_count,
        summarised.summary_count
    from raw_rows
    left join staged_by_status on raw_rows.table_name = staged_by_status.table_name
    left join summarised on raw_rows.table_name = summarised.table_name
    where
        raw_rows.row_count
        != coalesce(
            staged_by_status.accepted_count + staged_by_status.rejected_count + staged_by_status.duplicate_count, 0
        )
        or raw_rows.row_count != coalesce(summarised.summary_count, 0)
)

select * from failures
