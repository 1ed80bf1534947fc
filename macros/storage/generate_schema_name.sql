{# A folder's schema is its name as written, without the target's schema in front. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ schema_built_in(custom_schema_name) if custom_schema_name else target.schema }}
{%- endmacro %}
