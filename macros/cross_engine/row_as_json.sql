{# A row's columns as one JSON text. pairs: a list of [name, expression]. #}
{% macro row_as_json(pairs) -%}
    {{ return(adapter.dispatch('row_as_json')(pairs)) }}
{%- endmacro %}

{% macro default__row_as_json(pairs) -%}
    cast(
        to_json({
            {%- for name, expression in pairs %}
            '{{ name }}': {{ expression }}{{ "," if not loop.last }}
            {%- endfor %}
        }) as varchar
    )
{%- endmacro %}
