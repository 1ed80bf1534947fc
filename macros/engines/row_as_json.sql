{# A row's columns as one JSON text. pairs: a list of [name, expression]. #}
{% macro row_as_json(pairs) -%} {{ return(adapter.dispatch('row_as_json')(pairs)) }} {%- endmacro %}
{% macro default__row_as_json(pairs) -%} cast(to_json({ {{- named_values(pairs, "'{name}': {value}") -}} }) as varchar) {%- endmacro %}
{# Written as the others write it: without blanks, and the letters of escaped control characters in upper case. #}
{% macro postgres__row_as_json(pairs) -%}
    {%- set columns = named_values(pairs, '{value} as "{name}"') -%}
    {%- set ns = namespace(json="cast((select row_to_json(kept) from (select " ~ columns ~ ") as kept) as text)") -%}
    {%- for code in ['0b', '0e', '0f', '1a', '1b', '1c', '1d', '1e', '1f'] -%}
        {%- set ns.json = "replace(" ~ ns.json ~ ", '\\u00" ~ code ~ "', '\\u00" ~ code | upper ~ "')" -%}
    {%- endfor -%}
    {{ ns.json }}
{%- endmacro %}
{% macro spark__row_as_json(pairs) -%}
    to_json(named_struct({{ named_values(pairs, "'{name}', {value}") }}), map('ignoreNullFields', 'false'))
{%- endmacro %}

{# The pairs by a pattern with {name} and {value}, separated by commas. #}
{% macro named_values(pairs, pattern) -%}
    {%- for name, value in pairs -%}
        {{ pattern | replace('{name}', name) | replace('{value}', value) }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
