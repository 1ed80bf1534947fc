{#
    Text to a type, null where it cannot be read. What can be read is said by patterns, the same on every engine, so that
    none is more lenient than another; what fits its pattern can be cast. Brackets stand where a backslash would mean
    something else to some engine.
#}

{# Another loader may have typed a column; what it says is then read from its text. #}
{% macro as_text(expression) -%} cast({{ expression }} as {{ dbt.type_string() }}) {%- endmacro %}

{#
    A time as it stands is UTC; an offset that is written is applied. Fractions are cut after the microsecond, so that no
    time moves into the next day.
#}
{% macro try_timestamp(expression) -%} {{ return(adapter.dispatch('try_timestamp')(as_text(expression))) }} {%- endmacro %}
{% macro default__try_timestamp(expression) -%}
    case
            when {{ fits(expression, day_pattern() ~ '(' ~ time_pattern() ~ ')?') }}
                then cast({{ expression }} as timestamp)
            when {{ fits(expression, day_pattern() ~ time_pattern() ~ offset_pattern()) }}
                then timezone('UTC', cast({{ expression }} as timestamptz))
        end
{%- endmacro %}
{% macro postgres__try_timestamp(expression) -%}
    {{ default__try_timestamp("regexp_replace(" ~ expression ~ ", '([.][0-9]{6})[0-9]+', '\\1')") }}
{%- endmacro %}
{# Spark reads no slashes, and no offset behind a time without seconds. #}
{% macro spark__try_timestamp(expression) -%}
    case
            when {{ fits(expression, day_pattern() ~ '(' ~ time_pattern() ~ ')?') }}
                then cast(replace({{ expression }}, '/', '-') as timestamp)
            when {{ fits(expression, day_pattern() ~ time_pattern() ~ offset_pattern()) }}
                then cast(
                    regexp_replace(
                        replace({{ expression }}, '/', '-'), '([ T][0-9]+:[0-9]+)(Z| UTC|[+-])', '$1:00$2'
                    ) as timestamp
                )
        end
{%- endmacro %}

{# The day of a date, or of a time as it stands. #}
{% macro try_date(expression) -%} {{ return(adapter.dispatch('try_date')(as_text(expression))) }} {%- endmacro %}
{% macro default__try_date(expression) -%}
    case
            when {{ fits(expression, day_pattern() ~ '(' ~ time_pattern() ~ '(' ~ offset_pattern() ~ ')?)?') }}
                then cast({{ expression }} as date)
        end
{%- endmacro %}
{% macro spark__try_date(expression) -%} {{ default__try_date("replace(" ~ expression ~ ", '/', '-')") }} {%- endmacro %}

{# A decimal number, rounded half up; what a decimal cannot hold, such as inf and nan, is no number here. #}
{% macro try_amount(expression) -%} {{ return(adapter.dispatch('try_amount')(as_text(expression))) }} {%- endmacro %}
{# DuckDB's own rule is the pattern, but for the underscores that it allows between digits. #}
{% macro default__try_amount(expression) -%}
    case when not contains({{ expression }}, '_') then try_cast({{ expression }} as {{ amount_type() }}) end
{%- endmacro %}
{# PostgreSQL 15 knows no cast that does not fail, so a number too large is found before. #}
{% macro postgres__try_amount(expression) -%}
    case
            when not {{ fits(expression, number_pattern()) }} then null
            when abs(cast({{ expression }} as numeric)) < 99999999999999.99995
                then cast({{ expression }} as {{ amount_type() }})
        end
{%- endmacro %}
{% macro spark__try_amount(expression) -%}
    case when {{ fits(expression, number_pattern()) }} then try_cast(trim({{ expression }}) as {{ amount_type() }}) end
{%- endmacro %}

{# Whether all of a text, but for blanks around it, fits a pattern. #}
{% macro fits(expression, pattern) -%}
    {{ return(adapter.dispatch('fits')(expression, '[ \t]*' ~ pattern ~ '[ \t]*')) }}
{%- endmacro %}
{% macro default__fits(expression, pattern) -%} regexp_full_match({{ expression }}, '{{ pattern }}') {%- endmacro %}
{% macro postgres__fits(expression, pattern) -%} {{ expression }} ~ '^(?:{{ pattern }})$' {%- endmacro %}
{# In Java a dollar sign also stands before a last line end. #}
{% macro spark__fits(expression, pattern) -%} {{ expression }} rlike '^(?:{{ pattern }})\\z' {%- endmacro %}

{# A day that the calendar has, in the years 0001 to 9999: months of 31 and 30 days, February, leap years. #}
{% macro day_pattern() -%}
    {%- set to_28 = '(0?[1-9]|1[0-9]|2[0-8])' -%}
    {%- set year = '([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])' -%}
    {%- set divisible_by_4 = '(0[48]|[2468][048]|[13579][26])' -%}
    {%- set leap_year = '([0-9]{2}' ~ divisible_by_4 ~ '|' ~ divisible_by_4 ~ '00)' -%}
    {{ return(
        '(' ~ year ~ '[-/]((0?[13578]|1[02])[-/](' ~ to_28 ~ '|29|30|31)|(0?[469]|11)[-/](' ~ to_28 ~ '|29|30)|0?2[-/]'
        ~ to_28 ~ ')|' ~ leap_year ~ '[-/]0?2[-/]29)'
    ) }}
{%- endmacro %}

{% macro time_pattern() -%} {{ return('[ T]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?') }} {%- endmacro %}

{% macro offset_pattern() -%} {{ return('(Z| UTC|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)') }} {%- endmacro %}

{% macro number_pattern() -%} {{ return('[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,2})?') }} {%- endmacro %}
