{# A trimmed text; blank is null. #}
{% macro clean_text(expression) -%} nullif(trim(cast({{ expression }} as {{ dbt.type_string() }})), '') {%- endmacro %}

{# A trimmed code in lower case; blank is null. #}
{% macro clean_code(expression) -%} lower({{ clean_text(expression) }}) {%- endmacro %}

{# The replacement character stands where a loader met bytes that are no UTF-8. #}
{% macro is_broken_text(expression) -%} {{ expression }} like '%�%' {%- endmacro %}

{#
    The "when" lines of the faults that every event can have, in the order in which they are reported. The relation has
    record_key, customer_key, occurred_at_utc, activity_date and loaded_at.
#}
{% macro common_faults(relation) -%}
    when {{ relation }}.record_key is null then 'missing_key'
            when {{ relation }}.customer_key is null then 'missing_customer'
            when {{ is_broken_text(relation ~ '.record_key') }} or {{ is_broken_text(relation ~ '.customer_key') }}
                then 'broken_text'
            when {{ relation }}.occurred_at_utc is null then 'invalid_timestamp'
            when {{ relation }}.activity_date < date '{{ var("earliest_valid_date") }}' then 'date_out_of_range'
            {{ future_fault(relation ~ '.activity_date', relation ~ '.loaded_at') }}
{%- endmacro %}

{# Nothing can have happened after it was loaded; where no load time is known, nothing lies in the future. #}
{% macro future_fault(activity_date, loaded_at) -%}
    when
                {{ activity_date }} > {{ business_date(loaded_at) }}
                and {{ loaded_at }} > timestamp '1970-01-01 00:00:00'
                then 'date_in_future'
{%- endmacro %}
