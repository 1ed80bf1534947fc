{#
    The end of a model whose rows are asked for by customer again and again: stored with a customer's rows side by side,
    they are added up in a third of the time. Only where a table keeps the order in which it was filled.
#}
{% macro stored_in_order(columns) -%} {{ return(adapter.dispatch('stored_in_order')(columns)) }} {%- endmacro %}
{% macro default__stored_in_order(columns) -%} {%- endmacro %}
{% macro duckdb__stored_in_order(columns) -%} order by {{ columns }} {%- endmacro %}
