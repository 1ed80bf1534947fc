{#
    A CTE with the rows of a raw table, their key as record_key, its raw spelling as raw_key where that differs, and whether
    the key has more than one row (is_repeated): only then are versions compared.
    An incremental run takes the rows loaded since the last run and every older version of their keys. Staging already
    stores each key's raw spelling and load time, so older versions are looked up in raw by those two, instead of cleaning
    every raw key again.
#}
{% macro loaded_versions(name, relation, key, staged_key=none) -%}
    {%- set staged_key = 'staged.' ~ (staged_key or key) -%}
    {%- set with_key -%}
        select
            *,
            {{ clean_text(key) }} as record_key,
            case when {{ as_text(key) }} != {{ clean_text(key) }} then {{ as_text(key) }} end as raw_key
        from {{ relation }}
    {%- endset -%}
    {%- if is_incremental() -%}
    new_rows as {{ materialized_once() }} (
        {{ with_key }}
        where loaded_at > ({{ newest_seen('loaded_at') }})
    ),

    older_versions as {{ materialized_once() }} (
        select
            coalesce(staged.raw_key, {{ staged_key }}) as spelling,
            staged.loaded_at
        from {{ this }} as staged
        where {{ staged_key }} in (select new_rows.record_key from new_rows)
        group by coalesce(staged.raw_key, {{ staged_key }}), staged.loaded_at
    ),

    older_rows as (
        {{ with_key }}
        where
            loaded_at <= ({{ newest_seen('loaded_at') }})
            and ({{ as_text(key) }}, loaded_at) in (
                select
                    older_versions.spelling,
                    older_versions.loaded_at
                from older_versions
            )
    ),

    {{ name }} as {{ materialized_once() }} (
        select
            versions_of_keys.*,
            record_key is not null and count(*) over (partition by record_key) > 1 as is_repeated
        from (
            select * from new_rows
            union all
            select * from older_rows
        ) as versions_of_keys
    )
    {%- else -%}
    repeated_keys as {{ materialized_once() }} (
        select {{ hash_key(clean_text(key)) }} as hashed_key
        from {{ relation }}
        group by {{ hash_key(clean_text(key)) }}
        having count(*) > 1
    ),

    {{ name }} as {{ not_materialized() }} (
        select
            raw_rows.*,
            raw_rows.record_key is not null and repeated_keys.hashed_key is not null as is_repeated
        from (
            {{ with_key }}
        ) as raw_rows
        left join repeated_keys on {{ hash_key('raw_rows.record_key') }} = repeated_keys.hashed_key
    )
    {%- endif -%}
{%- endmacro %}

{#
    CTEs that decide which version of a key is kept. They read a CTE with the raw columns, record_key, is_repeated,
    loaded_at and fault_code (null = acceptable), and end in a CTE "resolved", which adds
      reason_code       why the row is not kept: its fault, exact_duplicate or superseded; null = kept
      record_status     accepted, rejected or duplicate
      raw_content       the raw row as JSON, where it is not kept
      last_changed_at   load time of the newest row behind this key
    The acceptable version that was loaded last wins. Only keys with more than one row are ranked.
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

{%- set newest_first %}
            partition by record_key
            order by loaded_at desc, {{ in_byte_order('version_content') }} desc
{%- endset %}

ranked_rows as (
    select
        repeated_rows.*,
        row_number() over ({{ newest_first }}) as version_number,
        first_value(version_content) over ({{ newest_first }}) as kept_content
    from repeated_rows
),

versions as (
    select * from single_rows
    union all
    select * from ranked_rows
),

resolved as (
    select
        versions.*,
        case
            when version_number = 1 then fault_code
            when version_content = kept_content then 'exact_duplicate'
            else 'superseded'
        end as reason_code,
        case
            when version_number > 1 then 'duplicate'
            when fault_code is not null then 'rejected'
            else 'accepted'
        end as record_status,
        case when version_number > 1 or fault_code is not null then row_content end as raw_content
    from versions
)
{%- endmacro %}
