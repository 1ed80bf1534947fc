{#
    Protects the promise that nothing is lost: of every raw table the rows are accepted, rejected or duplicates, together
    as many as were delivered, and the quality summary counts the same.
    A filter or a join that swallows rows, or one that doubles them, would otherwise change money and counts unseen.
#}
{%- set tables = ['transactions', 'customers', 'interactions', 'feedback', 'social_mentions'] -%}

with

raw_rows as (
    {%- for table_name in tables %}
    select
        '{{ table_name }}' as table_name,
        count(*) as row_count
    from {{ ref('base_' ~ table_name) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

staged_rows as (
    {%- for table_name in tables %}
    select
        '{{ table_name }}' as table_name,
        record_status
    from {{ ref('stg_' ~ table_name) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

staged_by_status as (
    select
        table_name,
        count(*) filter (where record_status = 'accepted') as accepted_count,
        count(*) filter (where record_status = 'rejected') as rejected_count,
        count(*) filter (where record_status = 'duplicate') as duplicate_count
    from staged_rows
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
