{# The columns of a raw table as the input contract (models/staging/_raw__sources.yml) names them. #}
{% macro contract_columns(table_name) %}
    {%- for source in graph.sources.values() if source.source_name == 'raw' and source.name == table_name -%}
        {{ return(source.columns.values() | list) }}
    {%- endfor -%}
    {{ return([]) }}
{% endmacro %}


{# The raw tables of the input contract, each with its name and its relation; none where the warehouse has no such table. #}
{% macro raw_tables() %}
    {%- set tables = [] -%}
    {%- for source in (graph.sources.values() if execute else []) if source.source_name == 'raw' -%}
        {%- do tables.append({
            'name': source.name, 'relation': adapter.get_relation(source.database, source.schema, source.identifier)
        }) -%}
    {%- endfor -%}
    {{ return(tables | sort(attribute='name')) }}
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


{# The command that loads a delivery into this warehouse, for messages. #}
{% macro load_command() -%}
    {{ return("python scripts/load/load_raw.py FOLDER " ~ ("--warehouse " ~ target.path if target.path else "--target " ~ target.name)) }}
{%- endmacro %}
