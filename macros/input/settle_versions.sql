{#
    CTEs that settle which version of a key is kept. They read a CTE with the raw columns, record_key, is_repeated,
    loaded_at and fault_code (null = acceptable), and end in a CTE "settled", which adds
      reason_code     why the row is not kept: its fault, exact_duplicate or superseded; null = kept
      record_status   accepted, rejected or duplicate
      raw_content     the raw row as JSON, where it is not kept
      settled_at      the arrival that last had a say in this key
    Among acceptable versions the newest arrival wins. Only keys that stand more than once are ranked.
#}
{% macro settle_versions(judged, table_name) -%}
single_rows as (
    select
        {{ judged }}.*,
        case when {{ judged }}.fault_code is not null then {{ raw_content(table_name, judged) }} end as row_content,
        cast(null as {{ dbt.type_string() }}) as version_content,
        {{ judged }}.loaded_at as settled_at,
        1 as version_number,
        cast(null as {{ dbt.type_string() }}) as kept_content
    from {{ judged }}
    where not {{ judged }}.is_repeated or {{ judged }}.fault_code is not null
),

repeated_rows as (
    select
        {{ judged }}.*,
        {{ raw_content(table_name, judged) }} as row_content,
        {{ raw_content(table_name, judged, masked=false) }} as version_content,
        max({{ judged }}.loaded_at) over (partition by {{ judged }}.record_key) as settled_at
    from {{ judged }}
    where {{ judged }}.is_repeated and {{ judged }}.fault_code is null
),

ranked_rows as (
    select
        repeated_rows.*,
        row_number() over (
            partition by repeated_rows.record_key
            order by repeated_rows.loaded_at desc, {{ in_byte_order('repeated_rows.version_content') }} desc
        ) as version_number,
        first_value(repeated_rows.version_content) over (
            partition by repeated_rows.record_key
            order by repeated_rows.loaded_at desc, {{ in_byte_order('repeated_rows.version_content') }} desc
        ) as kept_content
    from repeated_rows
),

versions as (
    select * from single_rows
    union all
    select * from ranked_rows
),

settled as (
    select
        versions.*,
        case
            when versions.version_number = 1 then versions.fault_code
            when versions.version_content = versions.kept_content then 'exact_duplicate'
            else 'superseded'
        end as reason_code,
        case
            when versions.version_number > 1 then 'duplicate'
            when versions.fault_code is not null then 'rejected'
            else 'accepted'
        end as record_status,
        case
            when versions.version_number > 1 or versions.fault_code is not null then versions.row_content
        end as raw_content
    from versions
)
{%- endmacro %}
