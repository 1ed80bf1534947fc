{#
    For a CTE that is wide and read more than once: it is worked out where it is read, so that each reader takes its own
    columns and rows of it. Some engines would otherwise write all of it down first.
#}
{% macro inlined() -%}
    {{ return(adapter.dispatch('inlined')()) }}
{%- endmacro %}

{% macro default__inlined() -%} not materialized {%- endmacro %}

{# PostgreSQL would work out a column again wherever it is named, and reading a text by its pattern is dear. #}
{% macro postgres__inlined() -%} materialized {%- endmacro %}

{# Spark always works CTEs out where they are read. #}
{% macro spark__inlined() -%} {%- endmacro %}


{# For a CTE that is small and dear to work out: it is written down once, however often it is read. #}
{% macro written_down() -%}
    {{ return(adapter.dispatch('written_down')()) }}
{%- endmacro %}

{% macro default__written_down() -%} materialized {%- endmacro %}

{% macro spark__written_down() -%} {%- endmacro %}
