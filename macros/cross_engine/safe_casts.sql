{# Text to a type, null where it cannot be read. #}

{% macro try_timestamp(expression) -%}
    {{ return(adapter.dispatch('try_timestamp')(expression)) }}
{%- endmacro %}

{#
    UTC: an offset that is written is applied, and the session's time zone (profiles.yml) is UTC, so that a time without
    one is taken as it stands. Nothing is read beyond the year 9999: the end of time has no local time in some zones.
#}
{% macro default__try_timestamp(expression) -%}
    case
            when
                try_cast({{ expression }} as timestamptz) > timestamptz '-infinity'
                and try_cast({{ expression }} as timestamptz) < timestamptz '10000-01-01 00:00:00+00'
                then timezone('UTC', try_cast({{ expression }} as timestamptz))
        end
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
