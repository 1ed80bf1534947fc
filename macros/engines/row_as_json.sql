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


{# Written as the others write it: without blanks, and the letters of escaped control characters in upper case. #}
{% macro postgres__row_as_json(pairs) -%}
    {%- set columns = [] -%}
    {%- for name, expression in pairs -%} {%- do columns.append(expression ~ ' as "' ~ name ~ '"') -%} {%- endfor -%}
    {%- set ns = namespace(json="cast((select row_to_json(kept) from (select " ~ columns | join(', ') ~ ") as kept) as text)") -%}
    {%- for code in ['0b', '0e', '0f', '1a', '1b', '1c', '1d', '1e', '1f'] -%}
        {%- set ns.json = "replace(" ~ ns.json ~ ", '\\u00" ~ code ~ "', '\\u00" ~ code | upper ~ "')" -%}
    {%- endfor -%}
    {{ ns.json }}
{%- endmacro %}

{% macro spark__row_as_json(pairs) -%}
    to_json(
        named_struct(
            {%- for name, expression in pairs %}
            '{{ name }}', {{ expression }}{{ "," if not loop.last }}
            {%- endfor %}
        ),
        map('ignoreNullFields', 'false')
    )
{%- endmacro %}
