{#
    CTEs that settle which version of a key is kept. They read a CTE with the raw columns, record_key, is_repeated,
    loaded_at and fault_code (null = acceptable), and end in a CTE "settled", which adds
      reason_code     why the row is not kept: its fault, exact_duplicate or superseded; null = kept
      record_status   accepted, rejected or duplicate
      raw_content     the raw row as JSON, where it is not kept
      last_changed_at      the arrival that last had a say in this key
    Among acceptable versions the newest arrival wins. Only keys that stand more than once are ranked.
#}
{% macro resolve_versions(validated, table_name) -%}
single_rows as (
    select
        {{ validated }}.*,
        case when {{ validated }}.fault_code is not null then {{ raw_content(table_name, validated) }} end as row_content,
        cast(null as {{ dbt.type_string() }}) as version_content,
        {{ validated }}.loaded_at as last_changed_at,
        1 as version_number,
        cast(null as {{ dbt.type_string() }}) as kept_content
    from {{ validated }}
    where not {{ validated }}.is_repeated or {{ validated }}.fault_code is not null
),

repeated_rows as (
    select
        {{ validated }}.*,
        {{ raw_content(table_name, validated) }} as row_content,
        {{ raw_content(table_name, validated, masked=false) }} as version_content,
        max({{ validated }}.loaded_at) over (partition by {{ validated }}.record_key) as last_changed_at
    from {{ validated }}
    where {{ validated }}.is_repeated and {{ validated }}.fault_code is null
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
