{#
    A contract names the types of the embedded engine; before dbt compares or creates a table, each becomes the engine's
    own. dbt asks these macros of its own for the types.
#}
{% macro columns_in_engine_types(columns) %}
    {%- set translated = {} -%}
    {%- for name, column in columns.items() -%}
        {%- do translated.update({name: dict(column, data_type=adapter.dispatch('engine_type')(column['data_type']))}) -%}
    {%- endfor -%}
    {{ return(translated) }}
{% endmacro %}
{% macro default__engine_type(data_type) -%} {{ return(data_type) }} {%- endmacro %}
{% macro postgres__engine_type(data_type) -%}
    {{ return({'double': 'double precision', 'varchar': 'text'}.get(data_type, data_type)) }}
{%- endmacro %}
{% macro spark__engine_type(data_type) -%} {{ return({'varchar': 'string'}.get(data_type, data_type)) }} {%- endmacro %}
{% macro postgres__get_empty_schema_sql(columns) -%}
    {{ return(default__get_empty_schema_sql(columns_in_engine_types(columns))) }}
{%- endmacro %}
{% macro spark__get_empty_schema_sql(columns) -%}
    {{ return(default__get_empty_schema_sql(columns_in_engine_types(columns))) }}
{%- endmacro %}
{% macro postgres__get_table_columns_and_constraints() %}
    {%- set columns = adapter.render_raw_columns_constraints(raw_columns=columns_in_engine_types(model['columns'])) -%}
    ({{ (columns + adapter.render_raw_model_constraints(raw_constraints=model['constraints'])) | join(', ') }})
{% endmacro %}
