{# A number as a person reads it: rounded half up to so many decimals, thousands set apart by commas. #}
{% macro format_number(expression, decimals) -%}
    {{ return(adapter.dispatch('format_number')(expression, decimals)) }}
{%- endmacro %}
{% macro default__format_number(expression, decimals) -%}
    format('{:,.{{ decimals }}f}', cast(cast({{ expression }} as decimal(18, {{ decimals }})) as {{ double_type() }}))
{%- endmacro %}
{% macro postgres__format_number(expression, decimals) -%}
    to_char(
        cast({{ expression }} as decimal(18, {{ decimals }})),
        'FM999,999,999,999,990{{ "." ~ "0" * decimals if decimals }}'
    )
{%- endmacro %}
{% macro spark__format_number(expression, decimals) -%}
    format_number(cast({{ expression }} as decimal(18, {{ decimals }})), {{ decimals }})
{%- endmacro %}
