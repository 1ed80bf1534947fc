{# The columns of a raw table as the input contract (models/staging/_raw__sources.yml) names them. #}
{% macro contract_columns(table_name) %}
    {%- for source in graph.sources.values() if source.source_name == 'raw' and source.name == table_name -%}
        {{ return(source.columns.values() | list) }}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}


{# The raw table with every column of the contract: absent optional columns are null, an absent optional table is empty. #}
{% macro conform_to_contract(table_name) %}
    {%- set declared = source('raw', table_name) -%}
    {%- if not execute -%} {{ return('select 1 as parsed') }} {%- endif -%}
    {%- set existing = load_relation(declared) -%}
    {%- set columns = adapter.get_columns_in_relation(existing) if existing else [] -%}
    {%- set present = columns | map(attribute='name') | map('lower') | list -%}
    {%- set timestamps = [] -%}
    {%- for column in columns if column.dtype | lower in ('timestamp', 'timestamp without time zone', 'timestamp_ntz') -%}
        {%- do timestamps.append(column.name | lower) -%}
    {%- endfor -%}
    {%- set required = [] -%}
    {%- for column in contract_columns(table_name) if column.meta.get('required') -%}
        {%- do required.append(column.name) -%}
    {%- endfor -%}
    {%- if existing is none and table_name == 'transactions' and flags.WHICH in ('build', 'run') -%}
        {{ exceptions.raise_compiler_error(
            "raw.transactions does not exist in this warehouse. Load a delivery first: " ~ load_command()
        ) }}
    {%- endif -%}
    {%- for column in required if existing and column not in present -%}
        {{ exceptions.raise_compiler_error(
            "raw." ~ table_name ~ " has no column " ~ column ~ ", which the input contract requires; it has "
            ~ present | join(", ") ~ ". Name it so in the load, or map it."
        ) }}
    {%- endfor %}
    select
    {%- for column in contract_columns(table_name) %}
        {%- set expression = column.name if column.name in present else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
        {%- if column.name == 'loaded_at' %}
        coalesce({{ expression if column.name in timestamps else try_timestamp(expression) }}, timestamp '1970-01-01 00:00:00')
            as loaded_at
        {%- else %}
        {{ expression }}{{ " as " ~ column.name if column.name not in present }}
        {%- endif %}{{ "," if not loop.last }}
    {%- endfor %}
    {%- if existing %}
    from {{ existing }}
    {%- else %}
    where 1 = 0
    {%- endif %}
{% endmacro %}


{#
    The raw row of a CTE as JSON. Masked, without personal data: what is kept of a row that did not get in. Not masked:
    what tells two versions of a row apart.
#}
{% macro raw_content(table_name, relation, masked=true) -%}
    {%- set pairs = [] -%}
    {%- for column in (contract_columns(table_name) if execute else []) if column.name != 'loaded_at' -%}
        {%- set value = relation ~ '.' ~ column.name -%}
        {%- if masked and column.meta.get('pii') -%}
            {%- set value = "case when " ~ value ~ " is not null then '***' end" -%}
        {%- endif -%}
        {%- do pairs.append([column.name, value]) -%}
    {%- endfor -%}
    {{ row_as_json(pairs) if pairs else "'{}'" }}
{%- endmacro %}


{#
    A CTE with the rows of a raw table, their key as record_key, as it is spelled where that differs as raw_key, and whether
    it may stand more than once: only then are versions compared. In an incremental run only what arrived since the last run,
    and every version of its keys. Which of them have older versions, how those spell them and when they came, staging knows;
    raw is searched for these spellings in these deliveries, as to clean all of its keys again would cost more than all else.
#}
{% macro arrived_versions(name, relation, key) -%}
    {%- set with_key -%}
        select
            *,
            {{ clean_text(key) }} as record_key,
            case when {{ as_text(key) }} != {{ clean_text(key) }} then {{ as_text(key) }} end as raw_key
        from {{ relation }}
    {%- endset -%}
    {%- if is_incremental() -%}
    arrived_rows as {{ materialized_once() }} (
        {{ with_key }}
        where loaded_at > ({{ newest_seen('loaded_at') }})
    ),

    older_versions as {{ materialized_once() }} (
        select
            coalesce(staged.raw_key, staged.{{ key }}) as spelling,
            staged.loaded_at
        from {{ this }} as staged
        where staged.{{ key }} in (select arrived_rows.record_key from arrived_rows)
        group by coalesce(staged.raw_key, staged.{{ key }}), staged.loaded_at
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
            select * from arrived_rows
            union all
            select * from older_rows
        ) as versions_of_keys
    )
    {%- else -%}
    repeated_keys as {{ materialized_once() }} (
        select {{ hash_key(clean_text(key)) }} as digest
        from {{ relation }}
        group by {{ hash_key(clean_text(key)) }}
        having count(*) > 1
    ),

    {{ name }} as {{ not_materialized() }} (
        select
            raw_rows.*,
            raw_rows.record_key is not null and repeated_keys.digest is not null as is_repeated
        from (
            {{ with_key }}
        ) as raw_rows
        left join repeated_keys on {{ hash_key('raw_rows.record_key') }} = repeated_keys.digest
    )
    {%- endif -%}
{%- endmacro %}


{# The newest time in a column of what the model holds; older than any where it holds nothing yet. #}
{% macro newest_seen(column) -%}
    select coalesce(max(seen.{{ column }}), timestamp '1969-12-31 00:00:00') from {{ this }} as seen
{%- endmacro %}


{# The command that loads a delivery into this warehouse, for messages. #}
{% macro load_command() -%}
    {{ return("python scripts/load/load_raw.py FOLDER " ~ ("--warehouse " ~ target.path if target.path else "--target " ~ target.name)) }}
{%- endmacro %}
