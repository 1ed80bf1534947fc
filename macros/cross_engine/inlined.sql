{#
    For a CTE that is wide and read more than once: it is worked out where it is read, so that each reader takes its own
    columns and rows of it. Some engines would otherwise write all of it down first.
#}
{% macro inlined() -%}
    {{ return(adapter.dispatch('inlined')()) }}
{%- endmacro %}

{% macro default__inlined() -%} not materialized {%- endmacro %}

{# Spark always works CTEs out where they are read. #}
{% macro spark__inlined() -%} {%- endmacro %}
