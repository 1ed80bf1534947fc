{# A trimmed text; blank is null. #}
{% macro clean_text(expression) -%}
    nullif(trim(cast({{ expression }} as {{ dbt.type_string() }})), '')
{%- endmacro %}


{# A trimmed code in lower case; blank is null. #}
{% macro clean_code(expression) -%} lower({{ clean_text(expression) }}) {%- endmacro %}


{# The replacement character stands where a loader met bytes that are no UTF-8. #}
{% macro is_broken_text(expression) -%} {{ expression }} like '%�%' {%- endmacro %}


{#
    The "when" lines of a fault that every event can have: a timestamp that cannot be read, or a day on which it cannot
    have happened.
#}
{% macro timestamp_faults(occurred_at, activity_date, loaded_at) -%}
    when {{ occurred_at }} is null then 'invalid_timestamp'
            when {{ activity_date }} < date '{{ var("earliest_valid_date") }}' then 'date_out_of_range'
            {{ future_fault(activity_date, loaded_at) }}
{%- endmacro %}


{# Nothing can have happened after it arrived; where no arrival is known, nothing is in the future. #}
{% macro future_fault(activity_date, loaded_at) -%}
    when
                {{ activity_date }} > {{ business_date(loaded_at) }}
                and {{ loaded_at }} > timestamp '1970-01-01 00:00:00'
                then 'date_in_future'
{%- endmacro %}
