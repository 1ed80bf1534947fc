{# The raw tables of the input contract (models/staging/_raw__sources.yml): name, columns, and relation where it exists. #}
{% macro raw_tables() %}
    {%- set tables = [] -%}
    {%- for source in (graph.sources.values() if execute else []) if source.source_name == 'raw' -%}
        {%- do tables.append({
            'name': source.name,
            'columns': source.columns.values() | list,
            'relation': adapter.get_relation(source.database, source.schema, source.identifier)
        }) -%}
    {%- endfor -%}
    {{ return(tables | sort(attribute='name')) }}
{% endmacro %}

{# The columns of a raw table as the input contract names them. #}
{% macro contract_columns(table_name) %}
    {{ return((raw_tables() | selectattr('name', 'equalto', table_name) | first | default({'columns': []}))['columns']) }}
{% endmacro %}

{# The raw table with every column of the contract: absent optional columns are null, an absent optional table is empty. #}
{% macro conform_to_contract(table_name) %}
    {%- set declared = source('raw', table_name) -%}
    {%- if not execute -%} {{ return('select 1 as parsed') }} {%- endif -%}
    {%- set existing = load_relation(declared) -%}
    {%- set types = {} -%}
    {%- for column in (adapter.get_columns_in_relation(existing) if existing else []) -%}
        {%- do types.update({column.name | lower: column.dtype | lower}) -%}
    {%- endfor -%}
    {%- if existing is none and table_name == 'transactions' and flags.WHICH in ('build', 'run') -%}
        {{ exceptions.raise_compiler_error(
            "raw.transactions does not exist in this warehouse. Load a delivery first: " ~ load_command()
        ) }}
    {%- endif -%}
    {%- for column in contract_columns(table_name) if existing and column.meta.get('required') and column.name not in types -%}
        {{ exceptions.raise_compiler_error(
            "raw." ~ table_name ~ " has no column " ~ column.name ~ ", which the input contract requires; it has "
            ~ types | join(", ") ~ ". Name it so in the load, or map it."
        ) }}
    {%- endfor %}
    select
    {%- for column in contract_columns(table_name) %}
        {%- set value = column.name if column.name in types else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
        {%- if column.name == 'loaded_at' %}
        {%- set is_typed = types.get('loaded_at') in ('timestamp', 'timestamp without time zone', 'timestamp_ntz') %}
        coalesce({{ value if is_typed else try_timestamp(value) }}, timestamp '1970-01-01 00:00:00') as loaded_at
        {%- else %}
        {{ value }} as {{ column.name }}
        {%- endif %}{{ "," if not loop.last }}
    {%- endfor %}
    {{ "from " ~ existing if existing else "where 1 = 0" }}
{% endmacro %}

{#
    The raw row of a CTE as JSON. Masked: what is kept of a row that did not get in, without personal data. Not masked: what
    tells two versions of a row apart.
#}
{% macro raw_content(table_name, relation, masked=true) -%}
    {%- set pairs = [] -%}
    {%- for column in (contract_columns(table_name) if execute else []) if column.name != 'loaded_at' -%}
        {%- set value = relation ~ '.' ~ column.name -%}
        {%- set is_hidden = masked and column.meta.get('pii') -%}
        {%- do pairs.append([column.name, "case when " ~ value ~ " is not null then '***' end" if is_hidden else value]) -%}
    {%- endfor -%}
    {{ row_as_json(pairs) if pairs else "'{}'" }}
{%- endmacro %}

{# The command that loads a delivery into this warehouse, for messages. #}
{% macro load_command() -%}
    {{ return("python scripts/load/load_raw.py FOLDER " ~ ("--warehouse " ~ target.path if target.path else "--target " ~ target.name)) }}
{%- endmacro %}
