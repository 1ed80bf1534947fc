{#
    For a CTE that is wide and read more than once: it is worked out where it is read, so that each reader takes its own
    columns and rows of it. Some engines would otherwise write all of it down first.
#}
{% macro not_materialized() -%} {{ return(adapter.dispatch('not_materialized')()) }} {%- endmacro %}
{% macro default__not_materialized() -%} not materialized {%- endmacro %}
{# PostgreSQL would work out a column again wherever it is named, and reading a text by its pattern is dear. #}
{% macro postgres__not_materialized() -%} materialized {%- endmacro %}
{# Spark always works CTEs out where they are read. #}
{% macro spark__not_materialized() -%} {%- endmacro %}

{# For a CTE that is small and dear to work out: it is written down once, however often it is read. #}
{% macro materialized_once() -%} {{ return(adapter.dispatch('materialized_once')()) }} {%- endmacro %}
{% macro default__materialized_once() -%} materialized {%- endmacro %}
{% macro spark__materialized_once() -%} {%- endmacro %}
