{# Text to a type, null where it cannot be read. #}

{% macro try_timestamp(expression) -%}
    {{ return(adapter.dispatch('try_timestamp')(expression)) }}
{%- endmacro %}

{% macro default__try_timestamp(expression) -%}
    try_cast({{ expression }} as timestamp)
{%- endmacro %}


{% macro try_date(expression) -%}
    {{ return(adapter.dispatch('try_date')(expression)) }}
{%- endmacro %}

{% macro default__try_date(expression) -%}
    try_cast({{ expression }} as date)
{%- endmacro %}


{# 'inf' and 'nan' are no numbers here: a decimal cannot hold them. #}
{% macro try_amount(expression) -%}
    {{ return(adapter.dispatch('try_amount')(expression)) }}
{%- endmacro %}

{% macro default__try_amount(expression) -%}
    try_cast({{ expression }} as {{ amount_type() }})
{%- endmacro %}
