{# Dates are dates: no function here gives back a timestamp. #}

{# The day on which a UTC timestamp falls in the business time zone. #}
{% macro business_date(timestamp) -%} {{ return(adapter.dispatch('business_date')(timestamp)) }} {%- endmacro %}
{% macro default__business_date(timestamp) -%}
    {%- if var('business_timezone') == 'UTC' -%}
        cast({{ timestamp }} as date)
    {%- else -%}
        cast(timezone('{{ var("business_timezone") }}', timezone('UTC', {{ timestamp }})) as date)
    {%- endif -%}
{%- endmacro %}
{% macro spark__business_date(timestamp) -%}
    cast(from_utc_timestamp({{ timestamp }}, '{{ var("business_timezone") }}') as date)
{%- endmacro %}

{% macro add_days(date, days) -%} {{ return(adapter.dispatch('add_days')(date, days)) }} {%- endmacro %}
{% macro default__add_days(date, days) -%} ({{ date }} + cast({{ days }} as integer)) {%- endmacro %}
{% macro spark__add_days(date, days) -%} date_add({{ date }}, cast({{ days }} as integer)) {%- endmacro %}

{# Whole days from one date to a later one. #}
{% macro days_between(from_date, to_date) -%} {{ return(adapter.dispatch('days_between')(from_date, to_date)) }} {%- endmacro %}
{% macro default__days_between(from_date, to_date) -%} cast({{ to_date }} - {{ from_date }} as integer) {%- endmacro %}
{% macro spark__days_between(from_date, to_date) -%} datediff({{ to_date }}, {{ from_date }}) {%- endmacro %}

{# The last day of the month that lies so many months from the month of a date. #}
{% macro month_end(date, months=0) -%} {{ return(adapter.dispatch('month_end')(date, months)) }} {%- endmacro %}
{% macro default__month_end(date, months) -%}
    cast(
        date_trunc('month', cast({{ date }} as timestamp))
        + ({{ months }} + 1) * interval '1' month
        - interval '1' day
        as date
    )
{%- endmacro %}
{% macro spark__month_end(date, months) -%} last_day(add_months({{ date }}, cast({{ months }} as integer))) {%- endmacro %}

{#
    How many different days there are among the rows that meet a condition, all of them among the so many days that end
    with the last; days = none: any days.
#}
{% macro count_days(date, condition, last_date, days) -%}
    {{ return(adapter.dispatch('count_days')(date, condition, last_date, days)) }}
{%- endmacro %}
{% macro default__count_days(date, condition, last_date, days) -%}
    cast(count(distinct {{ date }}) filter (where {{ condition }}) as integer)
{%- endmacro %}
{# A bit a day takes no second grouping, and few bytes while the days are few years. #}
{% macro duckdb__count_days(date, condition, last_date, days) -%}
    {%- if days is none or days > 1500 -%}
        {{ default__count_days(date, condition, last_date, days) }}
    {%- else -%}
        cast(
            coalesce(
                bit_count(bitstring_agg({{ days_between(date, last_date) }}, 0, {{ days - 1 }}) filter (where {{ condition }})), 0
            ) as integer
        )
    {%- endif -%}
{%- endmacro %}

{# A day of a setting as a date; none is null. #}
{% macro date_or_null(day) -%} {{ "date '" ~ day ~ "'" if day else 'cast(null as date)' }} {%- endmacro %}

{# The earlier of two dates, of which one may be null. #}
{% macro earlier(date, other) -%} least(coalesce({{ date }}, {{ other }}), coalesce({{ other }}, {{ date }})) {%- endmacro %}
